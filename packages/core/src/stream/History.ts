/**
 * Complete history, proven: a range of sessions as windows that are read side by side and come in ascending order.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import type { Instant } from "../model/Instant.ts"
import type { Coverage, Range, Window } from "./Coverage.ts"
import * as Bisect from "./internal/Bisect.ts"
import * as Fallback from "./internal/Fallback.ts"
import * as Undated from "./internal/Undated.ts"
import type { Outcome, Reading } from "./internal/ReadWindow.ts"
import * as Learned from "./Learned.ts"

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
  readonly cuts?: ReadonlyArray<Instant> | undefined
  /** A stretch that cannot be read becomes a `Gap` instead of the stream's error. @default false */
  readonly keepGoing?: boolean | undefined
  /** How long after its start a session may become visible: what is younger is `Provisional`. @default "2 hours" */
  readonly horizon?: Duration.Input | undefined
  /** Sessions asked for in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** Pages that a window should hold. @default 40, fewer in a small history */
  readonly pagesPerWindow?: number | undefined
}

/**
 * A range to read: without `from` it begins with the oldest session, without `to` it ends now, by the server's clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenRange {
  readonly from?: Instant | undefined
  readonly to?: Instant | undefined
}

/**
 * The windows of a range, ascending and without a hole: each session that started in `[from, to)` is in exactly one.
 *
 * Without `from` and `to` the sessions without a start come too, in a last window of no length (`from` and `to` are the
 * end of the range), whose coverage also says whether the whole adds up to the server's own total.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (range: OpenRange = {}, options: Options = {}): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { agentId, callerNumber, channel, concurrency = 4, search, status } = options
      const filters = { agentId, status, channel, callerNumber, search }
      const { list } = yield* AgniClient
      const seen = yield* Learned.learn({ filters, pageSize: options.pageSize ?? 100 })
      const { learned, oldest, serverNow } = seen
      const to = range.to ?? serverNow
      const from = Math.min(range.from ?? oldest ?? to, to)
      const whole = range.from === undefined && range.to === undefined
      if (learned.filterProblem !== undefined) {
        const { concurrency, keepGoing } = options
        return Fallback.windows({ from, to }, whole, filters, learned.filterProblem, {
          concurrency,
          keepGoing,
          size: learned.pageSize
        })
      }
      const perWindow =
        options.pagesPerWindow ?? Math.max(4, Math.min(40, Math.ceil(learned.pagesAtMost / (concurrency * 4))))
      const reading: Reading = {
        list,
        filters,
        size: learned.pageSize,
        sort: learned.sort,
        repeats: learned.repeatsBeyondEnd,
        order: "unknown",
        witnesses: seen.witnesses,
        horizon: serverNow - Duration.toMillis(Duration.fromInputUnsafe(options.horizon ?? "2 hours")) * 1000,
        doubt: mutable(status, search),
        maxRows: 2 * perWindow * learned.pageSize,
        repeated: new Map()
      }
      const density = makeDensity(learned, oldest ?? from, serverNow)
      const read = (part: Range) =>
        Effect.tap(Bisect.read(reading, part, options.keepGoing === true), (outcome) =>
          Effect.sync(() => density.observe(outcome))
        )
      const rows = perWindow * learned.pageSize
      const readAll = (parts: Stream.Stream<Range>): Stream.Stream<Window, AgniError> =>
        parts.pipe(
          Stream.mapEffect((part) => Effect.exit(read(part)), { concurrency }),
          Stream.mapEffect((exit) => exit),
          Stream.flatMap((outcome) =>
            outcome._tag === "Read" ? Stream.fromIterable(outcome.windows) : readAll(Stream.fromIterable(outcome.parts))
          )
        )
      const tally = Undated.makeTally(reading.horizon)
      const parts = tile({ from, to }, [...(options.cuts ?? []), reading.horizon], (at) =>
        // Before the first session there is one window, however long.
        oldest !== undefined && at < oldest ? oldest - at : rows / density.rowsPerMicro()
      )
      const dated = readAll(parts).pipe(Stream.tap((window) => Effect.sync(() => tally.add(window))))
      return whole
        ? Stream.concat(
            dated,
            Stream.unwrap(Effect.sync(() => Undated.window(reading, { from, to }, tally, options.keepGoing === true)))
          )
        : dated
    })
  )

/** A set filtered by what changes with time is another one at each request. */
const mutable = (status: string | undefined, search: string | undefined): Coverage | undefined =>
  status === undefined && search === undefined
    ? undefined
    : {
        _tag: "Provisional",
        reason: `${status === undefined ? "what search finds" : "the status"} of a session changes with time: filter here instead to have it proven`
      }

/** Ranges that tile a range, each as wide as `width` says when it is asked for, none across a cut. */
const tile = (range: Range, cuts: ReadonlyArray<Instant>, width: (at: Instant) => number): Stream.Stream<Range> => {
  const second = 1_000_000
  const edges = [...cuts.filter((cut) => cut > range.from && cut < range.to), range.to].sort((a, b) => a - b)
  return Stream.unfold(range.from, (from) =>
    Effect.sync(() => {
      const edge = edges.find((candidate) => candidate > from)
      if (edge === undefined) return undefined
      const end = Math.floor((from + Math.max(width(from), second)) / second) * second
      // A rest too small for a window of its own goes with the last one.
      const to = end > from && end + second < edge ? end : edge
      return [{ from, to }, to] as const
    })
  )
}

/** Rows a µs, at first from the page count, then from the windows as they are read. */
const makeDensity = (learned: Learned.Learned, oldest: Instant, now: Instant) => {
  let density = (0.7 * learned.pagesAtMost * learned.pageSize) / Math.max(1_000_000, now - oldest)
  return {
    rowsPerMicro: () => Math.max(density, Number.MIN_VALUE),
    observe: (outcome: Outcome) => {
      if (outcome._tag === "Dense") density *= 1.5
      else {
        const [first] = outcome.windows
        const last = outcome.windows.at(-1)
        if (first === undefined || last === undefined) return
        const rows = outcome.windows.reduce((sum, window) => sum + window.sessions.length, 0)
        // A quiet stretch makes the next window wider by half, not by any factor.
        density = Math.max(density / 1.5, (density + rows / (last.to - first.from)) / 2)
      }
    }
  }
}
