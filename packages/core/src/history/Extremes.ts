/**
 * The calls that started last or first, in any order of the server.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type * as CallSession from "../model/CallSession.ts"
import * as Instant from "../model/Instant.ts"
import type { Rejected } from "../model/Rejected.ts"
import * as Rows from "../model/Rows.ts"
import type { Version } from "../model/Version.ts"
import type { Window } from "./Coverage.ts"
import * as History from "./History.ts"
import * as Asked from "./internal/Asked.ts"
import * as Clocks from "../endpoint/internal/Clocks.ts"
import * as Probes from "../endpoint/internal/Probes.ts"

/** A page or a window: anything with calls and rejected records. */
interface Batch {
  readonly rows: Rows.Rows
  readonly rejected: ReadonlyArray<Rejected>
}

/** An item whose row was read: one that is held as JSON would keep its whole page. */
interface Placed {
  readonly id: string
  readonly start: Instant.Instant
  readonly row: CallSession.CallSession
  readonly version: Version | undefined
}

type Compare = (left: Placed, right: Placed) => number

const byStart: Compare = (left, right) =>
  left.start - right.start || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0)

/** The calls that are in front by the order of `compare`, as many as `limit`. */
const makeKept = (compare: Compare, limit: number) => {
  const kept: { held: Array<Placed>; first: number } = { held: [], first: Infinity }
  const trim = () => {
    kept.held = kept.held.sort(compare).slice(0, limit)
  }
  return {
    add: ({ rows }: Batch): void => {
      // A gap of which nothing could be read has no time.
      if (Rows.observed(rows) > 0) kept.first = Math.min(kept.first, Rows.observed(rows))
      for (const { id, row, start, version } of Rows.items(rows)) {
        if (start !== undefined) kept.held.push({ id, start, row, version })
      }
      if (kept.held.length >= 2 * limit + 1000) trim()
    },
    rows: (): Rows.Rows => {
      trim()
      return Rows.make(kept.held, Instant.of(kept.first === Infinity ? 0 : kept.first))
    }
  }
}

const keep =
  (compare: Compare) =>
  (limit: number) =>
  <B extends Batch, E, R>(batches: Stream.Stream<B, E, R>): Stream.Stream<Batch, E, R> =>
    Stream.suspend(() => {
      const kept = makeKept(compare, limit)
      const last = Stream.suspend((): Stream.Stream<Batch> => {
        const rows = kept.rows()
        return rows.length === 0 ? Stream.empty : Stream.make({ rows, rejected: [] })
      })
      return batches.pipe(
        Stream.map((batch): Batch => {
          kept.add(batch)
          return { rows: Rows.make([], Rows.observed(batch.rows)), rejected: batch.rejected }
        }),
        Stream.filter((batch) => batch.rejected.length > 0),
        Stream.concat(last)
      )
    })

/**
 * Only the `limit` sessions that started last, newest first, as one batch at the end. The whole stream is read, because
 * the endpoint does not say in which order it answers: give it `lastWindows`, which end when no later one can come. `limit`
 * calls (and as many again) are in memory. Calls without a start time are left out; rejected records pass through.
 *
 * @since 0.1.0
 * @category streams
 */
export const newest = keep((left, right) => byStart(right, left))

/**
 * Only the `limit` sessions that started first, oldest first, as one batch at the end: otherwise as `newest`.
 *
 * @since 0.1.0
 * @category streams
 */
export const oldest = keep(byStart)

/**
 * How windows with the first or last sessions are read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Omit<History.Options, "order"> {
  /** Which sessions count towards the limit. @default all that have a start */
  readonly counts?: ((session: CallSession.CallSession) => boolean) | undefined
}

const countedIn = (window: Window, counts: Options["counts"]): number =>
  Rows.items(window.rows).reduce(
    (sum, item) => (item.start === undefined || (counts !== undefined && !counts(item.row)) ? sum : sum + 1),
    0
  )

/**
 * The windows of a range from its beginning, until they hold `limit` sessions: those that started first are among them. Where
 * time bounds do not work, all of the range.
 *
 * @since 0.1.0
 * @category streams
 */
export const firstWindows = (
  limit: number,
  range: History.OpenRange = {},
  { counts, ...options }: Options = {}
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.suspend(() => {
    // Windows are read ahead, so a small limit takes small windows.
    const pages = Math.ceil(limit / (options.pageSize ?? 100))
    const few = pages < 20 ? { pagesPerWindow: Math.max(4, pages) } : {}
    return History.windows(range, { ...few, ...options, withoutStart: "skip" }).pipe(
      Stream.mapAccum(
        () => 0,
        (before, window) => {
          // A window with an empty range says nothing of time.
          const isPlaced = window.from !== window.to
          const held = isPlaced ? before + countedIn(window, counts) : before
          return [held, [{ window, isLast: isPlaced && held >= limit }]] as const
        }
      ),
      Stream.takeUntil(({ isLast }) => isLast),
      Stream.map(({ window }) => window)
    )
  })

const hour = 3_600_000_000

/**
 * The windows at the end of a range that hold its last `limit` sessions: a stretch that should hold as many, and longer ones
 * before it while they are fewer. In a stretch windows ascend; the stretches do not. Where time bounds do not work, all of
 * the range.
 *
 * @since 0.1.0
 * @category streams
 */
export const lastWindows = (
  limit: number,
  range: History.OpenRange = {},
  { counts, ...options }: Options = {}
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { agentId, callerNumber, channel, pageSize, search, status } = options
      const filters = { agentId, status, channel, callerNumber, search }
      const asked = yield* Effect.fromResult(Asked.reading({ ...range, end: options.end }, options))
      const seen = yield* Probes.probe({ filters, pageSize, profile: options.profile, deep: false })
      const { about, controls, oldest } = seen
      const clocks = Clocks.make(seen.localNow, seen.log)
      const to = asked.to ?? asked.end ?? Clocks.openEnd(clocks)
      const newest = controls.at(-1)?.start ?? clocks.latest
      const from = asked.from ?? oldest
      if (seen.profile.filterProblem !== undefined || oldest === undefined || from === undefined || from >= to) {
        return History.windows(range, options)
      }
      const perSession = Math.max(1, newest - oldest) / Math.max(1, about)
      const profile = { ...seen.profile, repeatsBeyondEnd: yield* seen.repeats }
      const held = yield* Ref.make(0)
      const before = (end: number, width: number): Stream.Stream<Window, AgniError, AgniClient> => {
        const begin = Math.max(from, Math.floor((Math.min(end, newest) - width) / 1_000_000) * 1_000_000)
        return History.windows(
          { from: Instant.of(begin), to: Instant.of(end) },
          { ...options, profile, withoutStart: "skip" }
        ).pipe(
          Stream.tap((window) => Ref.update(held, (calls) => calls + countedIn(window, counts))),
          Stream.concat(
            Stream.unwrap(
              Effect.map(Ref.get(held), (calls) =>
                calls >= limit || begin <= from ? Stream.empty : before(begin, 4 * width)
              )
            )
          )
        )
      }
      return before(to, Math.max(hour, 3 * limit * perSession))
    })
  )
