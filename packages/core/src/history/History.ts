/**
 * A complete and proven history: a range of calls in windows that are read in parallel and delivered in ascending order.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import * as Instant from "../model/Instant.ts"
import type { Window } from "./Coverage.ts"
import type * as Ask from "../endpoint/internal/Ask.ts"
import * as Asked from "./internal/Asked.ts"
import * as Beginning from "./internal/Beginning.ts"
import * as Clocks from "../endpoint/internal/Clocks.ts"
import * as Fallback from "./internal/Fallback.ts"
import type * as Micros from "../endpoint/internal/Micros.ts"
import * as Windows from "./internal/Windows.ts"
import * as Patience from "../endpoint/internal/Patience.ts"
import * as Probes from "../endpoint/internal/Probes.ts"
import * as Reading from "./internal/Reading.ts"
import * as WindowTelemetry from "./internal/WindowTelemetry.ts"
import * as WithoutStart from "./internal/WithoutStart.ts"
import * as Partitioner from "./internal/Partitioner.ts"
import type { Settings } from "./internal/Settings.ts"
import * as Task from "./internal/Task.ts"
import * as Undated from "./internal/Undated.ts"
import { mistakeIn, refuse } from "./internal/Refuse.ts"
import * as EndpointProfile from "../endpoint/EndpointProfile.ts"

/**
 * How a history is read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search"> {
  /** Windows that are read in parallel; the client's own limit applies too. @default 4 */
  readonly concurrency?: number | undefined
  /** Instants that no window spans: the positions of the sinks of a resumed run. @default none */
  readonly cuts?: ReadonlyArray<Instant.Bound> | undefined
  /** Where a run resumes: what comes before it in `order` is not read again, and the range stays the same. @default none */
  readonly resume?: Instant.Bound | undefined
  /**
   * Which windows come first. Within a window calls ascend in any case. Where time bounds do not work, pages come in the
   * server's order. @default "oldest"
   */
  readonly order?: "oldest" | "newest" | undefined
  /** Where a range without a `to` ends. @default a day after the latest credible clock when the reading begins: `openEnd` */
  readonly end?: Instant.Bound | undefined
  /**
   * Whether a bounded range includes calls without a start time. Those created in it come in a last window with an empty
   * range, if the server shows which they are; otherwise that window has their number (`outside`). @default "include"
   */
  readonly withoutStart?: "include" | "skip" | undefined
  /** Makes a `Gap` of a range that cannot be read, instead of an error of the stream. @default false */
  readonly keepGoing?: boolean | undefined
  /**
   * How calls are held until their window is delivered. `json` takes less memory and suits files of JSON lines; `objects`
   * saves parsing twice if the program reads objects. @default "json"
   */
  readonly hold?: "json" | "objects" | undefined
  /** The longest time from a call's start until it appears in the API; later starts are `Provisional`. @default "2 hours" */
  readonly horizon?: Duration.Input | undefined
  /**
   * The endpoint profile that `EndpointProfile.examine` made: it saves requests. It may be out of date, because no verdict
   * relies on it. @default none
   */
  readonly profile?: EndpointProfile.EndpointProfile | undefined
  /** Calls in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** Pages in a window. @default 40, fewer for a small history or large records */
  readonly pagesPerWindow?: number | undefined
}

/**
 * A range to read: without `from` it begins with the oldest call, without `to` it ends a day after the latest credible clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenRange {
  readonly from?: Instant.Bound | undefined
  readonly to?: Instant.Bound | undefined
}

/**
 * The windows of a range, ascending (descending with `order: "newest"`) and without gaps between them: each call that started
 * in `[from, to)` is in exactly one.
 *
 * Without `from` and `to`, a last window with an empty range (both bounds are the end) has the calls without a start time, and
 * those that start more than a day in the future. Its coverage also says whether the whole equals the server's total.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (range: OpenRange = {}, options: Options = {}): Stream.Stream<Window, AgniError, AgniClient> => {
  const mistake = mistakeIn(options)
  if (mistake !== undefined) return Stream.fail(mistake)
  const asked = Asked.read({ ...range, cuts: options.cuts, end: options.end, resume: options.resume })
  if (Result.isFailure(asked)) return Stream.fail(asked.failure)
  const { from, to } = asked.success
  if (from !== undefined && to !== undefined && from > to) return refuse("from", "must not be later than to")
  return Stream.unwrap(
    Effect.map(AgniClient, ({ name = "default" }) =>
      Stream.tap(begin(asked.success, options), WindowTelemetry.delivered(name))
    )
  )
}

const probe = Effect.fnUntraced(function* (range: Asked.Asked, filters: Ask.Filters, options: Options) {
  const { pageSize, profile } = options
  const isBounded = range.from !== undefined
  return (
    (yield* Probes.Probed) ?? (yield* Probes.probe({ filters, pageSize, profile, deep: false, bounded: isBounded }))
  )
})

const begin = (range: Asked.Asked, options: Options): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { agentId, callerNumber, channel, concurrency = 4, keepGoing = false, search, status } = options
      const filters = { agentId, status, channel, callerNumber, search }
      const client = yield* AgniClient
      const list = Patience.make(client.list)
      const seen = yield* probe(range, filters, options)
      const { profile } = seen
      yield* Effect.forEach(EndpointProfile.facts(profile), ({ about, text }) =>
        Effect.annotateLogs(Effect.logDebug(`${about}: ${text}`), "callstream.endpoint.fact", about)
      )
      const clocks = Clocks.make(seen.localNow, seen.log)
      if (clocks.apart > Clocks.notable)
        yield* Effect.annotateLogs(
          Effect.logWarning(Clocks.describe(clocks)),
          "callstream.clocks_apart",
          Math.round(clocks.apart / 1e6)
        )
      const newestFirst = options.order === "newest"
      const bounds = Beginning.boundsOf(range, seen, clocks, newestFirst)
      const { all, whole } = bounds
      const { to } = all
      if (range.from !== undefined && range.from >= to) return Stream.make(notYet(range.from, to, seen.serverNow))
      const { hold, horizon, pagesPerWindow, withoutStart } = options
      if (profile.filterProblem !== undefined) {
        const created = { from: range.from ?? -Infinity, to }
        return Fallback.windows({ from: bounds.from, to }, whole, filters, profile.filterProblem, {
          created: withoutStart === "skip" ? undefined : created,
          concurrency,
          keepGoing,
          size: profile.pageSize
        }).pipe(Stream.provideService(AgniClient, AgniClient.of({ ...client, list })))
      }
      const settings = Beginning.settingsOf(list, filters, range, seen, clocks, {
        concurrency,
        hold,
        horizon,
        pagesPerWindow
      })
      return yield* readAll(settings, range, bounds, seen, {
        concurrency,
        keepGoing,
        limits: options.profile?.limits,
        clocksApart: clocks.apart > Clocks.notable ? Math.round(clocks.apart) : undefined,
        earliest: clocks.earliest,
        newestFirst,
        withoutStart: withoutStart !== "skip" && settings.controls.length > 0
      })
    })
  )

const everything: Micros.Range = { from: -Infinity, to: Infinity }

/** The windows of the range, and the last one, of the calls without a start time. */
const readAll = Effect.fnUntraced(function* (
  settings: Settings,
  asked: Asked.Asked,
  { all, from, to, whole }: Beginning.Bounds,
  seen: Probes.Seen,
  options: Omit<Reading.Options, "end" | "ends" | "log"> & {
    readonly withoutStart: boolean
    readonly newestFirst: boolean
  }
) {
  const { newestFirst } = options
  const isFromOldest = asked.from === undefined
  const reading = yield* Reading.make(
    settings,
    { from, to },
    {
      ...options,
      end: all.to,
      // What lies above a part was counted too.
      ends: { whole: whole && to === all.to, fromOldest: isFromOldest && from === all.from, newestFirst },
      log: seen.log
    }
  )
  const { known, ledger } = reading
  const cuts = [...asked.cuts, reading.horizon(), settings.latest]
  const tasks = Partitioner.tasks({ from, to }, cuts, seen, { newestFirst, small: isFromOldest }, settings.latest)
  const listed = Probes.listed(seen)
  const below = (task: Task.Task): Task.Task =>
    listed !== undefined && Task.isElsewhere(seen.log.shown, everything, task) ? { ...task, below: listed } : task
  const about = { ledger, inPart: from > all.from || to < all.to, known }
  const ofWhole = Effect.suspend(() => Undated.window(settings, { from, to: all.to }, about, options.keepGoing))
  const ofRange = Effect.suspend(() =>
    options.withoutStart
      ? WithoutStart.window(
          settings,
          { from: asked.from ?? -Infinity, to: all.to },
          {
            known,
            calls: seen.about,
            delivered: ledger.rows,
            shown: () => ledger.created,
            isDelivered: (key) => ledger.has(key) || ledger.unplaced.has(key),
            note: (log) => ledger.note({ log })
          }
        )
      : Effect.undefined
  )
  const closing = WindowTelemetry.ofClosing(Effect.flatMap(whole ? ofWhole : ofRange, reading.closing))
  // A whole history needs it in any case: nobody should wait for it.
  if (whole) yield* Effect.forkChild(Effect.ignore(settings.repeats))
  return Stream.concat(
    reading.windows({ first: tasks.first.map(below), rest: tasks.rest.map(below) }),
    Stream.unwrap(Effect.map(closing, (window) => (window === undefined ? Stream.empty : Stream.make(window))))
  )
})

/**
 * The end of a range without one: a day after the latest credible clock. A call that starts later had a broken clock, and is
 * delivered like a call without a start time.
 *
 * @since 0.1.0
 * @category ranges
 */
export const openEnd = (local: Instant.Instant, observedAt: Instant.Instant): Instant.Instant =>
  Instant.of(Clocks.openEnd(Clocks.make(local, { latest: observedAt, observedAt })))

/** A range that begins later than the server's clock: calls may still come into it. */
const notYet = (from: Micros.Micros, to: Micros.Micros, now: Micros.Micros): Window =>
  Windows.make([], {
    from,
    to: Math.max(from, to),
    rejected: [],
    coverage: { _tag: "Provisional", reason: { _tag: "AfterNow" } },
    requests: 0,
    observedAt: now
  })
