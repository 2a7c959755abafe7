/**
 * Complete history, proven: a range of sessions as windows that are read side by side and come in ascending order.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CoverageReason from "../coverage/CoverageReason.ts"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import * as Instant from "../model/Instant.ts"
import * as CallRows from "../model/Rows.ts"
import { verdict, type Window } from "./Coverage.ts"
import * as Ask from "./internal/Ask.ts"
import * as Clocks from "./internal/Clocks.ts"
import * as Fallback from "./internal/Fallback.ts"
import * as Observe from "./internal/Observe.ts"
import * as Probes from "./internal/Probes.ts"
import * as Reading from "./internal/Reading.ts"
import * as WithoutStart from "./internal/WithoutStart.ts"
import * as Tile from "./internal/Tile.ts"
import * as Rows from "./internal/Rows.ts"
import * as Settings from "./internal/Settings.ts"
import * as Undated from "./internal/Undated.ts"
import { mistakeIn, refuse } from "./internal/Refuse.ts"
import * as EndpointProfile from "./EndpointProfile.ts"

/**
 * How a history is read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search"> {
  /** Windows read side by side; the client's own limit holds as well. @default 4 */
  readonly concurrency?: number | undefined
  /** Instants that no window crosses: where each sink of a resumed run stands. @default none */
  readonly cuts?: ReadonlyArray<Instant.Instant> | undefined
  /** Where a run goes on: what started before is not read again, and the range means what it meant. @default none */
  readonly resume?: Instant.Instant | undefined
  /** Where a range without a `to` ends. @default a day after the latest credible clock when the reading begins: `openEnd` */
  readonly end?: Instant.Instant | undefined
  /**
   * What becomes of calls without a start in a bounded range. Those that were created in it come in a last window of no length,
   * where the server shows which they are; otherwise that window says how many there are (`outside`). @default "include"
   */
  readonly withoutStart?: "include" | "skip" | undefined
  /** A stretch of which something cannot be read becomes a `Gap` instead of the stream's error. @default false */
  readonly keepGoing?: boolean | undefined
  /**
   * What sessions are while their window is read. As `json` they take less memory, and go into a file of JSON lines as they
   * are; as `objects` they need not be read again by those who want objects. @default "json"
   */
  readonly hold?: "json" | "objects" | undefined
  /** How long after its start a session may become visible: what is younger is `Provisional`. @default "2 hours" */
  readonly horizon?: Duration.Input | undefined
  /**
   * The endpoint profile that `EndpointProfile.examine` made: it saves requests. It may be out of date, because no verdict
   * relies on it. @default none
   */
  readonly profile?: EndpointProfile.EndpointProfile | undefined
  /** Sessions asked for in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** Pages that a window should hold. @default 40, fewer in a small history, and of large sessions */
  readonly pagesPerWindow?: number | undefined
}

/**
 * A range to read: without `from` it begins with the oldest call, without `to` it ends a day after the latest credible clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenRange {
  readonly from?: Instant.Instant | undefined
  readonly to?: Instant.Instant | undefined
}

/**
 * The windows of a range, ascending and without a hole: each session that started in `[from, to)` is in exactly one.
 *
 * Without `from` and `to` the sessions without a start come too, and those whose start lies more than a day in the future,
 * in a last window of no length (`from` and `to` are the end of the range), whose coverage also says whether the whole adds
 * up to the server's own total.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (range: OpenRange = {}, options: Options = {}): Stream.Stream<Window, AgniError, AgniClient> => {
  const mistake = mistakeIn(options)
  if (mistake !== undefined) return Stream.fail(mistake)
  if (range.from !== undefined && range.to !== undefined && range.from > range.to) {
    return refuse("from", "must not be later than to")
  }
  return begin(range, options).pipe(Stream.tap((window) => Effect.logDebug(describe(window))))
}

/** @internal What probes saw a moment ago need not be probed again. */
export const begin = (
  range: OpenRange,
  options: Options,
  probed?: Probes.Seen
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { agentId, callerNumber, channel, concurrency = 4, keepGoing = false, search, status } = options
      const filters = { agentId, status, channel, callerNumber, search }
      const { list } = yield* AgniClient
      const seen =
        probed ??
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
      const to = range.to ?? options.end ?? Clocks.openEnd(clocks)
      if (range.from !== undefined && range.from >= to) return Stream.make(notYet(range.from, to, serverNow))
      // A range that ends before the first session is counted too, not taken for empty because of what the probes saw.
      const first =
        range.from ?? (oldest !== undefined && oldest < to ? oldest : range.to === undefined ? to : earliest)
      const from = options.resume === undefined ? first : Math.min(Math.max(first, options.resume), to)
      const whole = range.from === undefined && range.to === undefined
      if (profile.filterProblem !== undefined) {
        return Fallback.windows({ from, to }, whole, filters, profile.filterProblem, {
          concurrency,
          keepGoing,
          size: profile.pageSize
        })
      }
      const perWindow = (options.pagesPerWindow ?? Tile.pagesPerWindow(seen, concurrency)) * profile.pageSize
      const settings: Settings.Settings = {
        list,
        filters,
        size: profile.pageSize,
        sort: Observe.newest(profile.sortBy),
        repeats: seen.repeats,
        controls: seen.controls,
        ends: seen.ends,
        hold: options.hold === "objects" ? (rows) => rows : Rows.pack,
        horizon: Duration.toMillis(Duration.fromInputUnsafe(options.horizon ?? "2 hours")) * 1000,
        now: clocks.local,
        seen: serverNow,
        latest: Ask.ceilSecond(clocks.latest),
        doubt:
          Settings.doubtOf(status, search) ??
          (range.from === undefined && range.to !== undefined && !seen.isOldestSure ? Settings.noBeginning : undefined),
        perWindow,
        maxCharacters: Tile.maxCharacters
      }
      const reading = yield* Reading.make(
        settings,
        { from, to },
        {
          concurrency,
          keepGoing,
          earliest: clocks.earliest,
          log: seen.log
        }
      )
      const tasks = Tile.tasks(
        { from, to },
        [...(options.cuts ?? []), reading.horizon(), settings.latest],
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
        const repeats = yield* settings.repeats
        const { ledger, known } = reading
        return yield* WithoutStart.window(
          settings,
          { from: range.from ?? -Infinity, to },
          {
            known,
            calls: seen.about,
            isDelivered: (key) => ledger.has(key) || ledger.unplaced.has(key),
            note: (log) => ledger.note({ repeats, log })
          }
        )
      })
      const closing = Effect.flatMap(whole ? undated : ofRange, (window) => reading.closing(window, whole))
      return Stream.concat(
        reading.windows(tasks),
        Stream.unwrap(Effect.map(closing, (window) => (window === undefined ? Stream.empty : Stream.make(window))))
      )
    })
  )

/**
 * Where a range without an end ends: a day after the latest clock that can be right. What starts later has a broken clock, and
 * is delivered like a call without a start.
 *
 * @since 0.1.0
 * @category ranges
 */
export const openEnd = (local: Instant.Instant, observedAt: Instant.Instant): Instant.Instant =>
  Clocks.openEnd(Clocks.make(local, { latest: observedAt, observedAt }))

/** No session of the contract is older. */
const earliest = 946_684_800_000_000

/** A range that begins later than the server's clock: calls may still come into it. */
const notYet = (from: Instant.Instant, to: Instant.Instant, now: Instant.Instant): Window => ({
  from,
  to: Math.max(from, to),
  rows: CallRows.make([], now),
  rejected: [],
  coverage: { _tag: "Provisional", reason: { _tag: "AfterNow" } },
  settled: 0,
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
