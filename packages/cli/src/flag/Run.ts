/** The flags that say how a run goes on, and what becomes of what cannot. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { UsageError } from "../output/UsageError.ts"
import type { PipelineSpec } from "../spec/PipelineSpec.ts"
import * as Database from "./Database.ts"
import * as Figure from "./Figure.ts"
import { given } from "./Given.ts"
import * as Source from "./Source.ts"
import * as When from "./When.ts"

const defaultFolder = ".callstream"

export const flags = {
  name: Flag.String("name").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Keep the state of the run under this name: the same command goes on where it stopped"),
    Flag.filter(
      (name) => name.trim() !== "",
      () => "Expected: a name, such as nightly"
    ),
    Flag.optional
  ),
  state: Flag.String("state").pipe(
    Flag.withMetavar("DIR|DATABASE"),
    Flag.withDescription(
      "Where such states are: a folder, sqlite:state.db, or postgres:DATABASE_URL (default: .callstream)"
    ),
    Flag.optional
  ),
  commitEvery: Source.duration(
    "commit-every",
    "How often what was written is made safe and the state of the run kept, such as 5s (default: 1s)"
  ).pipe(Flag.optional),
  onSinkFailure: Flag.Literals("on-sink-failure", ["stop", "continue"]).pipe(
    Flag.withDescription(
      "When one of several sinks fails for good: stop the run, or continue without it and exit with 3 (default: stop)"
    ),
    Flag.optional
  ),
  deadLetters: Flag.String("dead-letters").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where records go that cannot go on (default: beside the first file, only when needed)"),
    Flag.optional
  ),
  deadLettersRaw: Flag.Boolean("dead-letters-raw").pipe(
    Flag.withDescription(
      "Keep rejected records as they were read, with the personal data that --redact takes out, and without transforms"
    ),
    Flag.withDefault(false)
  ),
  maxDeadLetters: Figure.decimal(
    "max-dead-letters",
    (value) => value >= 0 && value <= 100,
    "a percentage from 0 to 100",
    "Stop when more than this percentage of at least 100 records cannot go on (default: 10)"
  ).pipe(Flag.optional),
  coverage: Flag.String("coverage").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write as JSON what was proven complete, stretch by stretch"),
    Flag.optional
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Exit with 3 also when a record could not go on, or what was read is not proven yet"),
    Flag.withDefault(false)
  ),
  explain: Flag.Boolean("explain").pipe(
    Flag.withDescription("Only tell what is promised of each sink, and why; nothing is read"),
    Flag.withDefault(false)
  )
}

type Part = Pick<
  PipelineSpec,
  "name" | "state" | "commitEvery" | "onSinkFailure" | "deadLetters" | "coverage" | "strict"
>

/** What the flags say, as data: without a name there is no state. */
export const fromFlags = Effect.fnUntraced(function* (
  values: Source.Values<typeof flags>
): Effect.fn.Return<Part, UsageError> {
  if (Option.isNone(values.name) && Option.isSome(values.state)) {
    return yield* new UsageError({ problem: "--state: goes with --name only" })
  }
  yield* Database.refusePassword("--state", Option.toArray(values.state))
  const deadLetters = given({
    file: values.deadLetters,
    raw: values.deadLettersRaw ? Option.some(true) : Option.none<boolean>(),
    maxShare: Option.map(values.maxDeadLetters, (percentage) => percentage / 100)
  })
  return {
    ...given({
      name: values.name,
      state: Option.isNone(values.name) ? Option.some<string | false>(false) : values.state,
      commitEvery: Option.map(values.commitEvery, When.formatDuration),
      onSinkFailure: values.onSinkFailure,
      coverage: values.coverage
    }),
    ...(Object.keys(deadLetters).length === 0 ? {} : { deadLetters }),
    ...(values.strict ? { strict: true } : {})
  }
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
