/**
 * A complete and proven history: a range of calls in windows that are read in parallel and delivered in ascending order.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as CoverageReason from "../coverage/CoverageReason.ts"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import * as Instant from "../model/Instant.ts"
import { defaultHorizon, earliestStart } from "../model/Limits.ts"
import { verdict, type Window } from "./Coverage.ts"
import * as Ask from "../endpoint/internal/Ask.ts"
import * as Asked from "./internal/Asked.ts"
import * as Clocks from "../endpoint/internal/Clocks.ts"
import * as Fallback from "./internal/Fallback.ts"
import type * as Micros from "../endpoint/internal/Micros.ts"
import * as Windows from "./internal/Windows.ts"
import * as Observe from "../endpoint/internal/Observe.ts"
import * as Patience from "../endpoint/internal/Patience.ts"
import * as Probes from "../endpoint/internal/Probes.ts"
import * as Reading from "./internal/Reading.ts"
import * as WithoutStart from "./internal/WithoutStart.ts"
import * as Partitioner from "./internal/Partitioner.ts"
import * as Rows from "../endpoint/internal/Rows.ts"
import * as Settings from "./internal/Settings.ts"
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
  /** Where a run resumes: earlier starts are not read again, and the range stays the same. @default none */
  readonly resume?: Instant.Bound | undefined
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
 * The windows of a range, ascending and without gaps between them: each call that started in `[from, to)` is in exactly one.
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
  return begin(asked.success, options).pipe(Stream.tap((window) => Effect.logDebug(describe(window))))
}

const begin = (range: Asked.Asked, options: Options): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { agentId, callerNumber, channel, concurrency = 4, keepGoing = false, search, status } = options
      const filters = { agentId, status, channel, callerNumber, search }
      const list = Patience.make((yield* AgniClient).list)
      const seen =
        (yield* Probes.Probed) ??
        (yield* Probes.probe({
          filters,
          pageSize: options.pageSize,
          profile: options.profile,
          deep: false,
          bounded: range.from !== undefined
        }))
      const { profile, oldest, serverNow } = seen
      yield* Effect.forEach(EndpointProfile.facts(profile), ({ about, text }) => Effect.logDebug(`${about}: ${text}`))
      const clocks = Clocks.make(seen.localNow, seen.log)
      if (clocks.apart > Clocks.notable) yield* Effect.logWarning(Clocks.describe(clocks))
      const to = range.to ?? range.end ?? Clocks.openEnd(clocks)
      if (range.from !== undefined && range.from >= to) return Stream.make(notYet(range.from, to, serverNow))
      // A range that ends before the first call is counted too: the probes do not prove that it is empty.
      const first =
        range.from ?? (oldest !== undefined && oldest < to ? oldest : range.to === undefined ? to : earliestStart)
      const from = range.resume === undefined ? first : Math.min(Math.max(first, range.resume), to)
      const whole = range.from === undefined && range.to === undefined
      if (profile.filterProblem !== undefined) {
        return Fallback.windows({ from, to }, whole, filters, profile.filterProblem, {
          concurrency,
          keepGoing,
          size: profile.pageSize
        }).pipe(Stream.provideService(AgniClient, AgniClient.of({ list })))
      }
      const perWindow = (options.pagesPerWindow ?? Partitioner.pagesPerWindow(seen, concurrency)) * profile.pageSize
      const settings: Settings.Settings = {
        list,
        filters,
        size: profile.pageSize,
        sort: Observe.newest(profile.sortBy),
        repeats: seen.repeats,
        controls: seen.controls,
        ends: seen.ends,
        hold: options.hold === "objects" ? (rows) => rows : Rows.pack,
        horizon: Duration.toMillis(Duration.fromInputUnsafe(options.horizon ?? defaultHorizon)) * 1000,
        now: clocks.local,
        seen: Math.min(serverNow, clocks.latest),
        latest: Ask.ceilSecond(clocks.latest),
        doubt:
          Settings.doubtOf(status, search) ??
          (range.from === undefined && (range.to === undefined ? seen.isListCut : !seen.isOldestSure)
            ? Settings.noBeginning
            : undefined),
        logs: new Set(),
        perWindow,
        concurrency,
        maxCharacters: Partitioner.maxCharacters
      }
      const reading = yield* Reading.make(
        settings,
        { from, to },
        {
          concurrency,
          keepGoing,
          limits: options.profile?.limits,
          clocksApart: clocks.apart > Clocks.notable ? Math.round(clocks.apart) : undefined,
          ends: { whole, fromOldest: range.from === undefined && from === first },
          earliest: clocks.earliest,
          log: seen.log
        }
      )
      const tasks = Partitioner.tasks(
        { from, to },
        [...range.cuts, reading.horizon(), settings.latest],
        seen,
        range.from === undefined,
        settings.latest
      )
      const about = { ledger: reading.ledger, inPart: from > first, known: reading.known }
      const last = Undated.front(settings, { from, to }, about)
      const undated = Effect.suspend(() => Undated.window(settings, { from, to }, about, keepGoing, last))
      const isMeant = options.withoutStart !== "skip" && settings.controls.length > 0
      const ofRange = Effect.gen(function* () {
        if (!isMeant) return undefined
        const { ledger, known } = reading
        return yield* WithoutStart.window(
          settings,
          { from: range.from ?? -Infinity, to },
          {
            known,
            calls: seen.about,
            delivered: ledger.rows,
            shown: () => ledger.created,
            isDelivered: (key) => ledger.has(key) || ledger.unplaced.has(key),
            note: (log) => ledger.note({ log })
          }
        )
      })
      const closing = Effect.flatMap(whole ? undated : ofRange, reading.closing)
      return Stream.concat(
        reading.windows(tasks),
        Stream.unwrap(Effect.map(closing, (window) => (window === undefined ? Stream.empty : Stream.make(window))))
      )
    })
  )

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

const describe = (window: Window): string => {
  const { coverage, from, rejected, requests, rows, to } = window
  const count = rows.length + rejected.length
  return (
    `${Instant.format(from)} to ${Instant.format(to)}: ${count} sessions, ${requests} requests, ` +
    (coverage._tag === "Proven" ? "proven" : `${verdict(coverage)}: ${CoverageReason.describe(coverage.reason)}`)
  )
}
