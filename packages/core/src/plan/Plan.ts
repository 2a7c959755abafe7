/**
 * Estimates from a few dozen requests what reading a range takes, and what it can prove.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../coverage/CoverageReason.ts"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import { defaultHorizon } from "../model/Limits.ts"
import { type Range, verdict, type Verdict } from "../history/Coverage.ts"
import type { OpenRange, Options as HistoryOptions } from "../history/History.ts"
import * as Ask from "../endpoint/internal/Ask.ts"
import * as Asked from "../history/internal/Asked.ts"
import * as Clocks from "../endpoint/internal/Clocks.ts"
import * as Forecast from "./internal/Forecast.ts"
import * as Meter from "../endpoint/internal/Meter.ts"
import * as Observe from "../endpoint/internal/Observe.ts"
import * as Patience from "../endpoint/internal/Patience.ts"
import * as Probes from "../endpoint/internal/Probes.ts"
import { doubtOf } from "../history/internal/Settings.ts"
import * as Sampling from "./internal/Sampling.ts"
import * as Partitioner from "../history/internal/Partitioner.ts"
import type * as EndpointProfile from "../endpoint/EndpointProfile.ts"

/**
 * How the range will be read, as in the options of `History.windows`, and how fast.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Omit<HistoryOptions, "keepGoing" | "order"> {
  /** Requests a second that the client makes at most. @default no limit */
  readonly requestsPerSecond?: number | undefined
  /** By windows of start time, or by page numbers. @default "history" */
  readonly walk?: "history" | "pages" | undefined
}

/**
 * A window as it is expected.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stretch extends Range {
  readonly sessions: number
  readonly requests: number
}

/**
 * What reading a range is expected to take.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan extends Range {
  /** How it will be read: by `pages` also where bounds or filters do not work. */
  readonly walk: "history" | "pages"
  /** Calls of the range; a whole history includes those without a start time. Both are equal if they were counted. */
  readonly sessions: { readonly least: number; readonly most: number }
  /** About so many of them have no start time. */
  readonly undated: number
  /** Calls on a page. */
  readonly pageSize: number
  /** The windows, ascending; none where the range is read by pages. */
  readonly windows: ReadonlyArray<Stretch>
  /** Whether pages showed the distribution over time; otherwise it is assumed to be even. */
  readonly spreadSeen: boolean
  /** Requests, without retries. */
  readonly requests: number
  /** The requests among them that probe the endpoint. */
  readonly probing: number
  /** The time of one request at present, in milliseconds. */
  readonly latency: number
  /** The total time, in milliseconds, without retries. */
  readonly elapsed: number
  /** The best possible verdict on the range, and the reasons against a better one. */
  readonly set: Verdict
  readonly reasons: ReadonlyArray<CoverageReason>
  /** Up to here everything can be proven, when anything can. */
  readonly provableUntil: Instant.Instant | undefined
  readonly profile: EndpointProfile.EndpointProfile
  /** Requests that the plan itself took. */
  readonly spent: number
}

/** Requests that planning may take, and so many more for each filter that is tried; where that is hard, probing takes more. */
const budget = 48
const budgetOfFilter = 24

const filtersOf = ({ agentId, callerNumber, channel, search, status }: Options): Ask.Filters => ({
  agentId,
  status,
  channel,
  callerNumber,
  search
})

/** Probes how the endpoint behaves, by a client that is counted. */
const probe = Effect.fnUntraced(function* (asked: Asked.Asked, options: Options) {
  const meter = Meter.make(yield* AgniClient)
  const began = yield* Clock.currentTimeMillis
  const provide = <A, E>(effect: Effect.Effect<A, E, AgniClient>) =>
    Effect.provideService(effect, AgniClient, meter.client)
  const { pageSize, profile } = options
  const bounded = asked.from !== undefined
  const seen = yield* provide(Probes.probe({ filters: filtersOf(options), pageSize, profile, deep: false, bounded }))
  const probedIn = (yield* Clock.currentTimeMillis) - began
  const probing = meter.requests()
  return { meter, seen, probedIn, probing, repeats: yield* provide(seen.repeats) }
})

type Probed = Effect.Success<ReturnType<typeof probe>>

/** The range that will be read, and how. */
const reachOf = (asked: Asked.Asked, { seen }: Probed, options: Options) => {
  const { oldest, profile } = seen
  const problem = profile.filterProblem
  const clocks = Clocks.make(seen.localNow, seen.log)
  const to = asked.to ?? asked.end ?? Clocks.openEnd(clocks)
  // Where bounds do not work, there may be an older call.
  const least = problem === undefined ? oldest : Math.min(to, ...seen.controls.map(({ start }) => start))
  const perWindow = options.pagesPerWindow ?? Partitioner.pagesPerWindow(seen, options.concurrency ?? 4)
  const horizon = Duration.toMillis(Duration.fromInputUnsafe(options.horizon ?? defaultHorizon)) * 1000
  return {
    from: Math.min(asked.from ?? least ?? to, to),
    to,
    whole: asked.from === undefined && asked.to === undefined,
    byPages: options.walk === "pages" || problem !== undefined,
    perWindow,
    horizon: clocks.earliest - horizon,
    latest: Ask.ceilSecond(clocks.latest)
  }
}

type Reach = ReturnType<typeof reachOf>

/** How many calls there are, and where in time. */
const sample = (
  { meter, repeats, seen }: Probed,
  { from, perWindow, to, whole }: Reach,
  options: Options
): Effect.Effect<Sampling.Sampling, AgniError> => {
  const { filterProblem: problem, newestFirst, pageSize: size, sortBy } = seen.profile
  const filters = filtersOf(options)
  const unbounded = whole || problem !== undefined
  const tried = [filters.agentId, filters.channel, filters.callerNumber].filter((value) => value !== undefined).length
  const about = unbounded ? seen.about : seen.rate * (to - from)
  return Sampling.make(Ask.make(Patience.make(meter.client.list), filters, { size, sort: Observe.newest(sortBy) }), {
    bounds: unbounded ? {} : { after: Ask.floorSecond(from) - Ask.second, before: Ask.ceilSecond(to) + Ask.second },
    range: { from, to },
    trim: problem === undefined,
    size,
    repeats,
    newestFirst: newestFirst && problem === undefined,
    known: unbounded && seen.sorted ? seen.pages : [],
    beyond: Math.max(1, Math.ceil(about / size)),
    left: () => budget + budgetOfFilter * tried - meter.requests(),
    perWindow
  })
}

/** What the requests will be, as far as they can be known. */
const forecast = (
  asked: Asked.Asked,
  { probing, repeats, seen }: Probed,
  { byPages, from, horizon, latest, perWindow, to, whole }: Reach,
  sampling: Sampling.Sampling,
  options: Options
) => {
  const { concurrency = 4 } = options
  const { newestFirst, pageSize: size } = seen.profile
  const { undatedElsewhere: elsewhere, undatedInFront: inFront } = sampling
  const total = Math.round((sampling.least + sampling.most) / 2)
  const shape: Forecast.Shape = {
    spread: Forecast.spread(sampling.points),
    size,
    perWindow: perWindow * size,
    concurrency,
    repeats,
    newestFirst,
    newest: seen.ends.newest ? seen.controls.at(-1)?.start : undefined
  }
  const isOpen = asked.from === undefined
  const tasks = Partitioner.tasks(
    { from, to },
    [...asked.cuts, horizon, latest],
    seen,
    { ahead: true, newestFirst: false, small: isOpen },
    latest
  )
  const windows = byPages || from >= to ? [] : Forecast.windows(shape, [...tasks.first, ...tasks.rest])
  const each = windows.map(({ requests }) => requests)
  const reading = byPages ? Math.ceil(total / size) + concurrency + 2 : each.reduce((sum, one) => sum + one, 0)
  const last =
    byPages || (!whole && options.withoutStart === "skip")
      ? 0
      : !whole
        ? Forecast.ofRange(shape, windows.length)
        : Forecast.undated(shape, { dated: total - inFront, inFront, elsewhere })
  return {
    windows,
    requests: (options.walk === "pages" ? 0 : probing) + reading + last,
    // The first pages come one after another, and so do the last.
    rounds: last + (byPages ? 4 + reading / concurrency : Forecast.inARow(each, concurrency))
  }
}

/** The best possible verdict, and why it is no better. */
const verdictOf = ({ seen }: Probed, { byPages, from, horizon, to }: Reach, { search, status, walk }: Options) => {
  const problem = seen.profile.filterProblem
  const doubt = doubtOf(status, search)
  const provable = problem === undefined && !byPages && doubt === undefined
  const young = to > horizon
  const set: Verdict =
    problem !== undefined || byPages ? "unprovable" : young || doubt !== undefined ? "provisional" : "proven"
  const reasons: ReadonlyArray<CoverageReason> = [
    ...(walk === "pages" ? [{ _tag: "ByPages" as const }] : []),
    ...(problem === undefined ? [] : [problem]),
    ...(doubt !== undefined && verdict(doubt) !== "proven" && "reason" in doubt ? [doubt.reason] : []),
    ...(provable && young ? [{ _tag: "TooRecent" as const }] : [])
  ]
  const until = Math.min(to, horizon)
  return { set, reasons, provableUntil: provable && until > from ? Instant.of(until) : undefined }
}

/**
 * Probes how the endpoint behaves, counts the range by the number of its last page, looks where in time its sessions
 * lie, and goes through the reading with what it found. Sessions that come and go meanwhile, and starts that many sessions
 * share, make the reading take more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  range: OpenRange = {},
  options: Options = {}
): Effect.fn.Return<Plan, AgniError, AgniClient> {
  const asked = yield* Effect.fromResult(Asked.reading({ ...range, cuts: options.cuts, end: options.end }, options))
  const probed = yield* probe(asked, options)
  const { meter, probedIn, repeats, seen } = probed
  const reach = reachOf(asked, probed, options)
  const { byPages, from, to, whole } = reach
  const sampling = yield* sample(probed, reach, options)
  const { requests, rounds, windows } = forecast(asked, probed, reach, sampling, options)
  const { filterProblem, newestFirst, pageSize } = seen.profile
  const probing = options.walk === "pages" ? 0 : probed.probing
  const latency = meter.latency() ?? probedIn / Math.max(1, probed.probing)
  const atRate = (requests / (options.requestsPerSecond ?? Infinity)) * 1000
  return {
    from: Instant.of(from),
    to: Instant.of(to),
    walk: byPages ? "pages" : "history",
    sessions: {
      least: filterProblem !== undefined && !whole ? 0 : sampling.least,
      most: sampling.most
    },
    undated: whole ? sampling.undatedInFront : 0,
    pageSize,
    windows: windows.map(({ from, requests, rows, to }) => ({
      from: Instant.of(from),
      to: Instant.of(to),
      requests,
      sessions: Math.round(rows)
    })),
    spreadSeen: newestFirst && !byPages,
    requests: Math.round(requests),
    probing,
    latency,
    elapsed: Math.max(atRate, (options.walk === "pages" ? 0 : probedIn) + latency * rounds),
    ...verdictOf(probed, reach, options),
    profile: { ...seen.profile, repeatsBeyondEnd: repeats },
    spent: meter.requests()
  }
})
