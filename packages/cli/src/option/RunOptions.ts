/** How a run resumes: where its state is kept. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Declared from "./Declared.ts"
import type * as Options from "./Options.ts"
import { UsageError } from "./UsageError.ts"
import type { PipelineSpec } from "./PipelineSpec.ts"
import * as Database from "./Database.ts"

const defaultFolder = ".callstream"

type Part = Pick<
  PipelineSpec,
  | "name"
  | "zone"
  | "state"
  | "commitEvery"
  | "stretches"
  | "onSinkFailure"
  | "deadLetters"
  | "deadLettersRaw"
  | "maxDeadLetters"
  | "coverage"
  | "recordings"
  | "recordingsRate"
  | "recordingsSize"
  | "recordingsPrivateHosts"
  | "strict"
>

/** What the flags say, as data: without a name there is no state. */
export const fromFlags = Effect.fnUntraced(function* (
  values: Declared.Values<typeof Options.run>
): Effect.fn.Return<Part, UsageError> {
  if (values.name !== undefined) {
    if (values.state !== undefined) yield* Database.refusePassword("state", [values.state])
    return values
  }
  if (values.state === undefined) return { ...values, state: false }
  return yield* new UsageError({
    option: "state",
    reason: { _tag: "OnlyWithOption", other: { option: "name" } }
  })
})

/** Where states are kept: a database has no folder for what waits for a webhook, so that is where it always is. */
export interface State {
  readonly folder: string
  readonly database: Database.Database | undefined
}

export const stateOf = (state = defaultFolder): State => {
  const database = Option.getOrUndefined(Database.parse(state))
  return { folder: database === undefined ? state : defaultFolder, database }
}
