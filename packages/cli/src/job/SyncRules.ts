/** What a sync takes of the options of a pipeline, and what it refuses. */
import { Change } from "@callstream/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Kind from "../option/Kind.ts"
import type { PipelineSpec, SyncSpec } from "../option/PipelineSpec.ts"
import * as Target from "../option/Target.ts"
import { among, type AnyOption, type SyncAdvice, UsageError, type UsageErrors } from "../option/UsageError.ts"
import type * as Job from "./Job.ts"

const refuse = (option: AnyOption, instead: SyncAdvice, at?: UsageError["at"]): UsageError =>
  new UsageError({ option, reason: { _tag: "NotInSync", instead }, ...(at === undefined ? {} : { at }) })

/** Options of an export that make no sense in a sync. */
const ofExport = (spec: PipelineSpec): ReadonlyArray<UsageError> => {
  const { source = {} } = spec
  const given: ReadonlyArray<readonly [AnyOption, boolean, SyncAdvice]> = [
    ["until", source.until !== undefined, "no end"],
    ["on", source.on !== undefined, "no end"],
    ["newest", source.newest !== undefined, "every call"],
    ["oldest", source.oldest !== undefined, "every call"],
    ["limit", source.limit !== undefined, "every call"],
    ["status", source.status !== undefined, "where"],
    ["search", source.search !== undefined, "where"],
    ["walk", source.walk === "pages", "by time"],
    ["withoutStart", source.withoutStart === "skip", "both kinds"],
    ["profile", source.profile !== undefined, "probes"],
    ["state", spec.state === false, "keeps state"],
    ["coverage", spec.coverage !== undefined, "own report"],
    ["strict", spec.strict !== undefined, "own report"],
    ["stretches", spec.stretches !== undefined, "one by one"],
    ["onSinkFailure", spec.onSinkFailure !== undefined, "never stops"]
  ]
  return given.flatMap(([option, isGiven, instead]) => (isGiven ? [refuse(option, instead)] : []))
}

const ofSinks = ({ sinks }: PipelineSpec): ReadonlyArray<UsageError> =>
  sinks.flatMap((sink, item) => {
    const { rotate, to } = typeof sink === "string" ? { to: sink, rotate: undefined } : sink
    const target = Option.getOrUndefined(Target.parse(to))
    const isKept = target === undefined || !Target.isRows(target) || target.format === "ndjson"
    return [
      ...(isKept ? [] : [refuse("to", "database", { item })]),
      ...(rotate === "day" ? [refuse("rotate", "by size", { item, key: "rotate" })] : [])
    ]
  })

const ofItself = (sync: SyncSpec, { sinks }: PipelineSpec): ReadonlyArray<UsageError> => {
  const only = (option: AnyOption, other: AnyOption) =>
    new UsageError({ option, reason: { _tag: "OnlyWithOption", other: { option: other } } })
  const hasTable = sinks.some((sink) =>
    Option.exists(Target.parse(typeof sink === "string" ? sink : sink.to), ({ _tag }) => _tag === "Table")
  )
  const ofTables = (["history", "deleteRemoved"] as const).filter((option) => sync[option] === true && !hasTable)
  const isHook = (text: string) => Option.exists(Target.parse(text), ({ _tag }) => _tag === "Webhook")
  const hasHook = sinks.some((sink) => isHook(typeof sink === "string" ? sink : sink.to))
  return [
    ...(sync.events === undefined || hasHook
      ? []
      : [new UsageError({ option: "events", reason: { _tag: "OnlyWith", sinks: ["a webhook"] } })]),
    ...ofTables.map(
      (option) => new UsageError({ option, reason: { _tag: "OnlyWith", sinks: ["SQLite", "PostgreSQL"] } })
    ),
    ...(sync.every !== undefined && sync.follow !== true ? [only("every", "follow")] : []),
    ...(sync.maxRemovals !== undefined && sync.deleteRemoved !== true ? [only("maxRemovals", "deleteRemoved")] : [])
  ]
}

/** The ages of audits, in their order. */
const auditsOf = ({
  audit = ["1d", "3d", "7d"]
}: SyncSpec): Result.Result<ReadonlyArray<Duration.Duration>, UsageError> => {
  const wrong = audit.find((text) => Kind.positiveDuration.parse(text) === undefined)
  return wrong === undefined && audit.length > 0
    ? Result.succeed(
        audit.map(Kind.durationOf).toSorted((left, right) => Duration.toMillis(left) - Duration.toMillis(right))
      )
    : Result.fail(new UsageError({ option: "audit", reason: { _tag: "Expected", expected: "ages such as 1d,3d,7d" } }))
}

const eventsOf = ({ events }: SyncSpec): Result.Result<ReadonlyArray<Change.Milestone> | undefined, UsageError> => {
  if (events === undefined) return Result.succeed(undefined)
  const all = Change.Milestone.literals
  const known = events.flatMap((text) => all.find((one) => one === text) ?? [])
  return known.length === events.length && known.length > 0
    ? Result.succeed(known)
    : Result.fail(
        new UsageError({ option: "events", reason: { _tag: "Expected", expected: `some of ${all.join(", ")}` } })
      )
}

/** The settings of a sync; `undefined` of an export. Fails with all that is wrong. */
export const of = Effect.fnUntraced(function* (
  spec: PipelineSpec
): Effect.fn.Return<Job.Sync | undefined, UsageErrors> {
  const { sync } = spec
  if (sync === undefined) return undefined
  const audits = auditsOf(sync)
  const wrong = [...ofExport(spec), ...ofSinks(spec), ...ofItself(sync, spec)]
  const events = eventsOf(sync)
  yield* among([...wrong.map(Result.fail), audits, events])
  return {
    every: sync.follow === true ? Kind.durationOf(sync.every ?? "1m") : undefined,
    audits: Result.getOrElse(audits, () => []),
    remember: Kind.durationOf(sync.remember ?? "30d"),
    worth: sync.worth ?? 1,
    maxRequests: sync.maxRequests === undefined ? undefined : Kind.requestsOf(sync.maxRequests),
    events: Result.getOrUndefined(events),
    tables: { history: sync.history, deleteRemoved: sync.deleteRemoved, maxRemovals: sync.maxRemovals }
  }
})
