/**
 * The calls of a range from its beginning, until enough of them came, as a source.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSession } from "../model/CallSession.ts"
import type { Item } from "../model/Item.ts"
import * as Rows from "../model/Rows.ts"
import * as Coverage from "../history/Coverage.ts"
import * as Extremes from "../history/Extremes.ts"
import type { OpenRange } from "../history/History.ts"
import type * as Bounds from "./Bounds.ts"
import type { Options } from "./HistorySource.ts"
import * as Units from "./internal/Units.ts"
import * as RangeSource from "./internal/RangeSource.ts"
import type * as PagesSource from "./PagesSource.ts"
import type { Source } from "./Source.ts"

/**
 * How many calls.
 *
 * @since 0.1.0
 * @category options
 */
export interface Limit {
  readonly limit: number
  /**
   * Which calls count towards the limit: others come too, for a transform to leave out. It is not part of the fingerprint.
   * @default all
   */
  readonly counts?: ((session: CallSession) => boolean) | undefined
}

type Items = ReadonlyArray<Item<CallSession>>

/** How many items it takes until `left` of them counted, and how many did. */
const cutOf = (items: Items, left: number, counts: Limit["counts"]) => {
  let counted = 0
  for (const [at, { row }] of items.entries()) {
    if (counts === undefined || counts(row)) counted++
    if (counted === left) return { end: at + 1, counted }
  }
  return { end: items.length, counted }
}

/** Batches until enough calls came; `cut` makes the last one, of the items up to there. */
const until =
  ({ counts, limit }: Limit) =>
  <B extends Pick<Coverage.Window, "rows">, E, R>(
    batches: Stream.Stream<B, E, R>,
    cut: (last: B, items: Items) => B
  ): Stream.Stream<B, E, R> =>
    batches.pipe(
      Stream.mapAccum(
        () => limit,
        (left, batch) => {
          const items = Rows.items(batch.rows)
          const { counted, end } = cutOf(items, left, counts)
          const isLast = counted >= left
          return [left - counted, [{ batch: isLast ? cut(batch, items.slice(0, end)) : batch, isLast }]] as const
        }
      ),
      Stream.takeUntil(({ isLast }) => isLast),
      Stream.map(({ batch }) => batch)
    )

/** The part after the last call was not read, so it is not proven. */
const limited = (coverage: Coverage.Coverage, limit: number): Coverage.Coverage =>
  coverage._tag === "Proven" ? { _tag: "Provisional", reason: { _tag: "StoppedAtLimit", limit } } : coverage

/**
 * The first calls of a range by start.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  first: Limit,
  range: OpenRange = {},
  options: Options = {}
): Source<Bounds.Bounds, AgniError, AgniClient> =>
  RangeSource.ofHistory(range, options, told(first), (range, options) => {
    const windows = Extremes.firstWindows(first.limit, range, { ...options, counts: first.counts })
    return until(first)(windows, (window, items) =>
      Coverage.make(items, { ...window, coverage: limited(window.coverage, first.limit) })
    ).pipe(Stream.mapAccum(() => Units.begin, Units.next, { onHalt: Units.last }))
  })

/**
 * The first calls of a range by page number: in whatever order pages come, and nothing is proven.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofPages = (
  first: Limit,
  range: OpenRange = {},
  options: PagesSource.Options = {}
): Source<Bounds.Bounds, AgniError, AgniClient> =>
  RangeSource.ofPages(range, options, told(first), (pages) => {
    const some = until(first)(pages, (page, items) => ({ ...page, rows: Rows.make(items, Rows.observed(page.rows)) }))
    return Stream.map(some, Units.page)
  })

const told = ({ limit }: Limit) => ({ limit: String(limit) })
