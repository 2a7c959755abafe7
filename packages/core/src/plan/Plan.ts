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
import { mistakeIn } from "../history/internal/Refuse.ts"
import * as Sampling from "./internal/Sampling.ts"
import * as Partitioner from "../history/internal/Partitioner.ts"
import type * as EndpointProfile from "../endpoint/EndpointProfile.ts"

/**
 * How the range will be read, as in the options of `History.windows`, and how fast.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Omit<HistoryOptions, "keepGoing"> {
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
  const { agentId, callerNumber, channel, concurrency = 4, search, status } = options
  const filters = { agentId, status, channel, callerNumber, search }
  const tried = [agentId, channel, callerNumber].filter((value) => value !== undefined).length
  const mistake = mistakeIn(options)
  if (mistake !== undefined) return yield* mistake
  const asked = yield* Effect.fromResult(Asked.read({ ...range, cuts: options.cuts, end: options.end }))
  const meter = Meter.make(yield* AgniClient)
  const began = yield* Clock.currentTimeMillis
  const seen = yield* Effect.provideService(
    Probes.probe({
      filters,
      pageSize: options.pageSize,
      profile: options.profile,
      deep: false,
      bounded: asked.from !== undefined
    }),
    AgniClient,
    meter.client
  )
  const probedIn = (yield* Clock.currentTimeMillis) - began
  const probing = meter.requests()
  const { oldest } = seen
  const repeats = yield* Effect.provideService(seen.repeats, AgniClient, meter.client)
  const profile = { ...seen.profile, repeatsBeyondEnd: repeats }
  const { newestFirst, pageSize: size } = profile
  const clocks = Clocks.make(seen.localNow, seen.log)
  const to = asked.to ?? asked.end ?? Clocks.openEnd(clocks)
  const problem = profile.filterProblem
  // Where bounds do not work, there may be an older call.
  const least = problem === undefined ? oldest : Math.min(to, ...seen.controls.map(({ start }) => start))
  const from = Math.min(asked.from ?? least ?? to, to)
  const whole = asked.from === undefined && asked.to === undefined
  const unbounded = whole || problem !== undefined
  const byPages = options.walk === "pages" || problem !== undefined
  const perWindow = options.pagesPerWindow ?? Partitioner.pagesPerWindow(seen, concurrency)
  const sampling = yield* Sampling.make(
    Ask.make(Patience.make(meter.client.list), filters, { size, sort: Observe.newest(profile.sortBy) }),
    {
      bounds: unbounded ? {} : { after: Ask.floorSecond(from) - Ask.second, before: Ask.ceilSecond(to) + Ask.second },
      range: { from, to },
      trim: problem === undefined,
      size,
      repeats,
      newestFirst: newestFirst && problem === undefined,
      known: unbounded && seen.sorted ? seen.pages : [],
      beyond: unbounded
        ? Math.max(1, Math.ceil(seen.about / size))
        : Math.max(1, Math.ceil((seen.rate * (to - from)) / size)),
      left: () => budget + budgetOfFilter * tried - meter.requests(),
      perWindow
    }
  )
  const undated = sampling.undatedInFront
  const total = Math.round((sampling.least + sampling.most) / 2)
  const latency = meter.latency() ?? probedIn / Math.max(1, probing)
  const rate = options.requestsPerSecond ?? Infinity
  const doubt = doubtOf(status, search)
  const horizon =
    clocks.earliest - Duration.toMillis(Duration.fromInputUnsafe(options.horizon ?? defaultHorizon)) * 1000

  const shape: Forecast.Shape = {
    spread: Forecast.spread(sampling.points),
    size,
    perWindow: perWindow * size,
    concurrency,
    repeats,
    newestFirst,
    newest: seen.ends.newest ? seen.controls.at(-1)?.start : undefined
  }
  const latest = Ask.ceilSecond(clocks.latest)
  const tasks = Partitioner.tasks(
    { from, to },
    [...asked.cuts, horizon, latest],
    seen,
    asked.from === undefined,
    latest
  )
  const windows = byPages || from >= to ? [] : Forecast.windows(shape, [...tasks.first, ...tasks.rest])
  const reading = byPages
    ? Math.ceil(total / size) + concurrency + 2
    : windows.reduce((sum, { requests }) => sum + requests, 0)
  const last =
    byPages || (!whole && options.withoutStart === "skip")
      ? 0
      : !whole
        ? Forecast.ofRange(shape, windows.length)
        : Forecast.undated(shape, { dated: total - undated, inFront: undated, elsewhere: sampling.undatedElsewhere })
  const requests = (options.walk === "pages" ? 0 : probing) + reading + last
  const rounds = byPages
    ? // The first pages come one after another, and so do the last.
      4 + reading / concurrency
    : Forecast.inARow(
        windows.map(({ requests }) => requests),
        concurrency
      )
  const provable = problem === undefined && !byPages && doubt === undefined
  const young = to > horizon
  return {
    from: Instant.of(from),
    to: Instant.of(to),
    walk: byPages ? "pages" : "history",
    sessions: {
      least: problem !== undefined && !whole ? 0 : sampling.least,
      most: sampling.most
    },
    undated: whole ? undated : 0,
    pageSize: size,
    windows: windows.map(({ from, requests, rows, to }) => ({
      from: Instant.of(from),
      to: Instant.of(to),
      requests,
      sessions: Math.round(rows)
    })),
    spreadSeen: newestFirst && !byPages,
    requests: Math.round(requests),
    probing: options.walk === "pages" ? 0 : probing,
    latency,
    elapsed: Math.max((requests / rate) * 1000, (options.walk === "pages" ? 0 : probedIn) + latency * (rounds + last)),
    set: problem !== undefined || byPages ? "unprovable" : young || doubt !== undefined ? "provisional" : "proven",
    reasons: [
      ...(options.walk === "pages" ? [{ _tag: "ByPages" as const }] : []),
      ...(problem === undefined ? [] : [problem]),
      ...(doubt !== undefined && verdict(doubt) !== "proven" && "reason" in doubt ? [doubt.reason] : []),
      ...(provable && young ? [{ _tag: "TooRecent" as const }] : [])
    ],
    provableUntil: provable && Math.min(to, horizon) > from ? Instant.of(Math.min(to, horizon)) : undefined,
    profile,
    spent: meter.requests()
  }
})
