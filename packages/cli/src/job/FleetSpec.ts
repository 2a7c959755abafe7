/** A pipeline as it is given to workers: data without secrets, and without what only one machine has. */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { basename } from "node:path"
import { isDeepStrictEqual } from "node:util"
import manifest from "../../package.json" with { type: "json" }
import * as Declared from "../option/Declared.ts"
import * as Sinks from "../option/Sinks.ts"
import { type AnyOption, type FleetAdvice, UsageError } from "../option/UsageError.ts"
import * as Overrides from "./Overrides.ts"
import type * as PipelineFile from "./PipelineFile.ts"
import type * as Tasks from "./Tasks.ts"

export const FleetSpec = Schema.Struct({
  /** Another number is for workers of another version. */
  format: Schema.Literal(1),
  /** That of the command which submitted it. */
  version: Schema.String,
  /** The name of the file, for messages. */
  path: Schema.String,
  /** The file with this pipeline alone: references in place of what they refer to. */
  file: Schema.Json,
  /** Flags in place of keys of the file. */
  overrides: Schema.Struct(Declared.fields(Overrides.options))
})
export type FleetSpec = typeof FleetSpec.Type

/** This command's version. */
export const { version } = manifest

const isJson = Schema.is(Schema.Json)

/** What workers need of a pipeline of a file. */
export const of = (
  path: string,
  { alone }: Pick<PipelineFile.Named, "alone">,
  overrides: Overrides.Overrides
): FleetSpec => ({
  format: 1,
  version,
  path: basename(path),
  // YAML has values that JSON lacks, such as .nan: no option has one.
  file: isJson(alone) ? alone : null,
  overrides
})

export const encode = Schema.encodeEffect(FleetSpec)

export const decode = Schema.decodeUnknownEffect(FleetSpec)

const Versioned = Schema.Struct({ version: Schema.String })

/** The version of the command that submitted it, also where the rest cannot be read here. */
export const versionOf = (spec: unknown): string => (Schema.is(Versioned)(spec) ? spec.version : "unknown")

/** Whether two come to the same run. */
export const isSame = (one: FleetSpec, other: FleetSpec): boolean =>
  isDeepStrictEqual(Struct.omit(one, ["version"]), Struct.omit(other, ["version"]))

/** The text of a file with what was submitted. */
export const textOf = ({ file, path }: FleetSpec): PipelineFile.Text => ({ path, text: JSON.stringify(file, null, 2) })

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

/** Several machines reach it. A sync writes its log of changes in order, which one machine does. */
const isShared = (sink: Sinks.Planned, isSync: boolean): boolean => {
  const { target } = sink
  return (
    target._tag === "Webhook" ||
    (target._tag === "Table" && target.database._tag === "Postgres") ||
    (!isSync && Sinks.sharesOf(sink) === "parts")
  )
}

/** What of a pipeline workers cannot share. */
export const mistakes = (
  { job, spec }: Pick<Tasks.Task, "job" | "spec">,
  { detach }: { readonly detach: boolean }
): ReadonlyArray<UsageError> => [
  ...ofOptions(spec, detach),
  ...job.sinks.flatMap((sink, item) =>
    isShared(sink, spec.sync !== undefined)
      ? []
      : [new UsageError({ option: "to", at: { item }, reason: { _tag: "NotShared", sink: Sinks.describe(sink) } })]
  )
]
