/** Makes a job of a pipeline as data. Finds every mistake in it, without a request. */
import { type CallSessions, Derive, Limits } from "@callstream/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Folder from "../option/TargetFolder.ts"
import * as ProfileFile from "../option/ProfileFile.ts"
import * as Run from "../option/RunOptions.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Size from "../option/Size.ts"
import * as Source from "../option/SourceOptions.ts"
import * as Target from "../option/Target.ts"
import * as Transforms from "../option/Transforms.ts"
import * as When from "../option/When.ts"
import * as Zone from "../option/Zone.ts"
import * as Kind from "../option/Kind.ts"
import { among, type Mention, UsageError, type UsageErrors } from "../option/UsageError.ts"
import * as DeadLetters from "./DeadLetters.ts"
import type * as Job from "../job/Job.ts"
import * as OutputPaths from "./OutputPaths.ts"
import type { PipelineSpec } from "../option/PipelineSpec.ts"
import * as SyncRules from "./SyncRules.ts"

const durationOf = (text: string | undefined, otherwise: Duration.Duration): Duration.Duration =>
  text === undefined ? otherwise : Kind.durationOf(text)

/** Who removes recordings from the calls does not want them in a folder. */
const ofRecordings = (spec: PipelineSpec): ReadonlyArray<UsageError> => {
  const { recordings, transforms: { redact = [] } = {} } = spec
  if (recordings === undefined) {
    return (["recordingsRate", "recordingsSize", "recordingsPrivateHosts"] as const).flatMap((option) =>
      spec[option] === undefined
        ? []
        : [new UsageError({ option, reason: { _tag: "OnlyWithOption", other: { option: "recordings" } } })]
    )
  }
  const removal = redact.find((text) => /^\s*recording\s*(?:=|$)/.test(text))
  return removal === undefined
    ? []
    : [
        new UsageError({
          option: "recordings",
          reason: { _tag: "Conflict", with: { option: "redact", value: removal.trim() } }
        })
      ]
}

/** Stretches come in no order, and are parts of a range that is read by time. */
const ofStretches = ({ sinks, source = {}, stretches = 1 }: PipelineSpec): ReadonlyArray<UsageError> => {
  if (stretches === 1) return []
  const conflicts = (["newest", "oldest", "limit"] as const)
    .filter((option) => source[option] !== undefined)
    .map((option): Mention => ({ option }))
  if (source.walk === "pages") conflicts.push({ option: "walk", value: "pages" })
  return [
    ...conflicts.map((other) => new UsageError({ option: "stretches", reason: { _tag: "Conflict", with: other } })),
    ...sinks.flatMap((sink) => {
      const { rotate, to } = typeof sink === "string" ? { to: sink, rotate: undefined } : sink
      const target = Option.getOrUndefined(Target.parse(to))
      if (target === undefined) return []
      const isFile = Target.isRows(target)
      if (target._tag !== "Stdout" && !(isFile && rotate === undefined)) return []
      const rotates = isFile && target.format !== "xlsx"
      const reason = { _tag: "InOrder", sink: Target.describe(target), rotates } as const
      return [new UsageError({ option: "stretches", reason })]
    })
  ]
}

/** Options that contradict each other. */
const contradictions = (spec: PipelineSpec): ReadonlyArray<UsageError> => {
  const { coverage, name, sinks, source = {}, state } = spec
  const found: Array<UsageError> = []
  if (source.apiKey !== undefined && source.apiKeyFile !== undefined) {
    found.push(new UsageError({ option: "apiKeyFile", reason: { _tag: "Conflict", with: { option: "apiKey" } } }))
  }
  if (source.walk === "pages") {
    for (const [option, given] of [
      ["coverage", coverage !== undefined],
      ["horizon", source.horizon !== undefined],
      ["profile", source.profile !== undefined],
      ["withoutStart", source.withoutStart !== undefined],
      ["keepGoing", source.keepGoing === true]
    ] as const) {
      if (!given) continue
      const other = { option: "walk", value: "pages" } as const
      found.push(new UsageError({ option, reason: { _tag: "Conflict", with: other, because: "pages prove nothing" } }))
    }
  }
  found.push(...ofRecordings(spec), ...ofStretches(spec))
  for (const option of ["newest", "oldest"] as const) {
    if (source.limit === undefined || source[option] === undefined) continue
    found.push(new UsageError({ option: "limit", reason: { _tag: "Conflict", with: { option } } }))
  }
  if (state === false) return found
  const kept = { option: name === undefined ? "state" : "name" } as const
  for (const option of ["newest", "oldest", "limit"] as const) {
    if (source[option] === undefined) continue
    found.push(new UsageError({ option, reason: { _tag: "Conflict", with: kept, because: "not resumable" } }))
  }
  for (const [item, sink] of sinks.entries()) {
    if (typeof sink === "string" || sink.force !== true) continue
    found.push(
      new UsageError({
        option: "force",
        at: { item, key: "force" },
        reason: { _tag: "Conflict", with: kept, because: "a resumed run replaces nothing" }
      })
    )
  }
  return found
}

/** One spelling for each bound, so that a run resumes with 7d what it began with 1w. */
const typed = (text: string | undefined, { calendar }: Zone.Zone): string => {
  const when = text === undefined ? undefined : When.parse(text)
  return when === undefined ? "" : When.format(when, calendar)
}

/** Whether the output depends on the zone. A date or a clock time is saved as its instant, which does not. */
const isZoned = ({ source = {}, sync, transforms = {} }: PipelineSpec, sinks: ReadonlyArray<Sinks.Planned>): boolean =>
  // Where a sync begins was decided by its first pass.
  (sync === undefined &&
    [source.since, source.until, source.on].some((text) => text !== undefined && When.parse(text)?._tag === "Day")) ||
  sinks.some(Sinks.isZoned) ||
  (transforms.derive ?? []).some((name) => Derive.isZoned(name))

/** Numbers, searches and conditions may name a person, so the text only says that there is one. */
const filtersOf = (
  { agentId, callerNumber, channel, search, status }: CallSessions.Selection,
  { where }: NonNullable<PipelineSpec["transforms"]>
): string =>
  [
    ...Object.entries({ agentId, channel, status }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`]
    ),
    ...Object.entries({ callerNumber, search, where }).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  ].join(" ")

const keepOf = ({ newest, oldest }: NonNullable<PipelineSpec["source"]>): Job.Job["keep"] =>
  newest !== undefined
    ? { side: "newest", limit: newest }
    : oldest === undefined
      ? undefined
      : { side: "oldest", limit: oldest }

/** Whether a call passes the conditions alone. */
const passesOf = Effect.fnUntraced(function* (
  { where }: NonNullable<PipelineSpec["transforms"]>,
  zone: Zone.Zone
): Effect.fn.Return<Job.Passes | undefined, UsageErrors> {
  if (where === undefined) return undefined
  const { apply } = yield* Transforms.toTransform({ where }, { tabular: false, zone })
  return (session) => {
    try {
      return apply(session) !== undefined
    } catch {
      return true
    }
  }
})

const recordingsOf = (spec: PipelineSpec): Job.Recordings | undefined => {
  const { recordings: folder, recordingsPrivateHosts, recordingsRate, recordingsSize, source = {} } = spec
  if (folder === undefined) return undefined
  return {
    folder,
    perSecond: recordingsRate,
    maxBytes: recordingsSize === undefined ? undefined : Size.parse(recordingsSize),
    allowPrivateHosts: recordingsPrivateHosts === true,
    apiKey: Source.readKey(source)
  }
}

/**
 * Two sinks must not write to one file, and two rotated ones must not share a manifest. The coverage report and dead
 * letters have files of their own.
 */
const checkPlaces = Effect.fnUntraced(function* (job: Job.Job) {
  for (const option of ["deadLetters", "coverage"] as const) {
    const file = job[option]
    if (file !== undefined && ["", "-"].includes(file.trim())) {
      return yield* new UsageError({ option, reason: { _tag: "NoFileName" } })
    }
  }
  const places = yield* OutputPaths.of(job, "")
  for (const [at, place] of places.entries()) {
    const { item, option, told } = place
    const other = places
      .slice(0, at)
      .find((one) => (one.item !== item || one.option !== option) && OutputPaths.collide(one, place))
    if (other === undefined) continue
    if (item === undefined) {
      const owner = other.option === "to" ? "calls" : other.option
      return yield* new UsageError({ option, reason: { _tag: "FileOfOther", other: owner } })
    }
    return yield* new UsageError({
      option,
      at: { item },
      reason: { _tag: "SamePlace", place: told, other: other.told }
    })
  }
})

export interface Options {
  readonly report: Job.Job["report"]
  /** The name among several pipelines. */
  readonly title?: string | undefined
}

/** Whether the sink needs its columns before the first row. */
const isTabular = (sinks: PipelineSpec["sinks"]): boolean =>
  sinks.some((sink) => Option.exists(Target.parse(typeof sink === "string" ? sink : sink.to), Target.isTable))

/** The only way from a pipeline as data to one that can run. Fails with all mistakes at once. */
export const toJob = Effect.fnUntraced(function* (asked: PipelineSpec, { report, title }: Options) {
  const spec = Object.assign({}, asked, { sinks: Folder.expand(asked) })
  const { name, source = {}, state, transforms = {} } = spec
  const baseUrl = Source.baseUrlOf(source)
  const known = yield* Effect.result(Zone.make(spec.zone))
  const zone = Result.getOrElse(known, () => Zone.utc)
  const parts = yield* Effect.all(
    {
      // Mistakes in a sink's settings are found before any request.
      sinks: Effect.tap(Sinks.plan(spec.sinks), (planned) =>
        Sinks.make(planned, { spool: undefined, keepsOffset: false, timeZone: undefined })
      ),
      selection: Source.selection(source, zone),
      profile: source.profile === undefined ? Effect.succeed(undefined) : ProfileFile.read(source.profile, baseUrl),
      transform: Transforms.toTransform(transforms, { tabular: isTabular(spec.sinks), zone })
    },
    { mode: "result" }
  )
  const sync = yield* Effect.result(SyncRules.of(spec))
  yield* among([...contradictions(spec).map(Result.fail), known, sync, ...Object.values(parts)])
  const sinks = yield* Effect.fromResult(parts.sinks)
  const selection = yield* Effect.fromResult(parts.selection)
  const job: Job.Job = {
    title,
    name: state === false ? undefined : name,
    state: Run.stateOf(state === false ? undefined : state),
    baseUrl,
    selection,
    filters: filtersOf(selection, transforms),
    asked: { since: typed(source.since, zone), until: typed(source.until, zone), on: typed(source.on, zone) },
    zone,
    zoned: isZoned(spec, sinks),
    walk: source.walk ?? "history",
    horizon: durationOf(source.horizon, Limits.defaultHorizon),
    keepGoing: source.keepGoing ?? false,
    withoutStart: source.withoutStart ?? "include",
    profile: yield* Effect.fromResult(parts.profile),
    keep: keepOf(source),
    limit: source.limit,
    conditions: yield* Transforms.conditionsOf(transforms),
    passes: yield* passesOf(transforms, zone),
    transform: yield* Effect.fromResult(parts.transform),
    chain: { transforms, tabular: isTabular(spec.sinks), zone: zone.name },
    sinks,
    folders: Folder.local(asked.sinks),
    commitEvery: durationOf(spec.commitEvery, Duration.seconds(1)),
    stretches: spec.stretches ?? 1,
    onSinkFailure: spec.onSinkFailure ?? "stop",
    deadLetters:
      spec.deadLetters ??
      Target.deadLettersOf(
        sinks.map(({ target }) => target),
        title
      ),
    deadLettersRaw: spec.deadLettersRaw ?? false,
    maxDeadShare: (spec.maxDeadLetters ?? 10) / 100,
    coverage: spec.coverage,
    recordings: recordingsOf(spec),
    strict: spec.strict ?? false,
    sync: yield* Effect.fromResult(sync),
    report,
    summaryTo: sinks.some(({ target }) => target._tag === "Stdout") ? "stderr" : "stdout"
  }
  yield* checkPlaces(job)
  yield* spec.deadLetters === undefined ? DeadLetters.checkTrust(job.deadLetters) : DeadLetters.check(job.deadLetters)
  return job
})
