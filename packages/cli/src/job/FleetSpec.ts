/** A pipeline as it is given to workers: data without secrets, and without what only one machine has. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Kind from "../option/Kind.ts"
import * as Sinks from "../option/Sinks.ts"
import { type AnyOption, type FleetAdvice, UsageError } from "../option/UsageError.ts"
import type * as Overrides from "./Overrides.ts"
import type * as Tasks from "./Tasks.ts"

/** Workers of one version read it. */
export const FleetSpec = Schema.Struct({
  /** What messages call the file. */
  path: Schema.String,
  /** The file with this pipeline alone: references in place of what they refer to. */
  file: Schema.Json,
  /** Flags in place of keys of the file. */
  overrides: Schema.Record(Schema.String, Schema.Json)
})
export type FleetSpec = typeof FleetSpec.Type

const notInFleet = (option: AnyOption, instead: FleetAdvice): UsageError =>
  new UsageError({ option, reason: { _tag: "NotInFleet", instead } })

const ofOptions = ({ source = {}, ...spec }: Tasks.Task["spec"], detach: boolean): ReadonlyArray<UsageError> => {
  const given: ReadonlyArray<readonly [AnyOption, boolean, FleetAdvice]> = [
    ["newest", source.newest !== undefined, "by time"],
    ["oldest", source.oldest !== undefined, "by time"],
    ["limit", source.limit !== undefined, "by time"],
    ["walk", source.walk === "pages", "by time"],
    ["recordings", spec.recordings !== undefined, "own folder"],
    ["deadLetters", spec.deadLetters !== undefined, "own letters"],
    ["state", typeof spec.state === "string", "own state"],
    ["zone", spec.zone === "local", "own zone"],
    ["onSinkFailure", spec.onSinkFailure === "continue", "all sinks"],
    ["follow", spec.sync?.follow === true, "one pass"],
    ["coverage", spec.coverage !== undefined && detach, "watched"]
  ]
  return given.flatMap(([option, isGiven, instead]) => (isGiven ? [notInFleet(option, instead)] : []))
}

const isShared = ({ target }: Sinks.Planned): boolean =>
  target._tag === "Webhook" || (target._tag === "Table" && target.database._tag === "Postgres")

/** What of a pipeline workers cannot share. */
export const mistakes = (
  { job, spec }: Pick<Tasks.Task, "job" | "spec">,
  { detach }: { readonly detach: boolean }
): ReadonlyArray<UsageError> => [
  ...ofOptions(spec, detach),
  ...job.sinks.flatMap((sink, item) =>
    isShared(sink)
      ? []
      : [new UsageError({ option: "to", at: { item }, reason: { _tag: "NotShared", sink: Sinks.describe(sink) } })]
  )
]
