/** How many rows the list has, about: pages from deep within show more of that than its two ends. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type * as Ask from "./Ask.ts"
import type { FirstPages } from "./FirstPages.ts"
import type { ListShape } from "./ListShape.ts"
import type { Micros } from "./Micros.ts"
import * as Observe from "./Observe.ts"
import { rateOf } from "./ProfileOf.ts"
import type * as Rows from "./ListedRows.ts"

/** The pages that are read, by what the two ends make of the number. */
const shares = [1 / 3, 1]

/** The place of a row in the list, newest first, and its start. */
interface Place {
  readonly rank: number
  readonly start: Micros
}

/** What the rows behind the last place come to, if they lie as those between it and the one before. */
const beyond = (before: Place, last: Place, oldest: Micros): number =>
  before.start > last.start
    ? last.rank + ((last.rank - before.rank) * Math.max(0, last.start - oldest)) / (before.start - last.start)
    : last.rank

/** The last row of a page, and its place. */
const placeOf = (page: number, rows: ReadonlyArray<Rows.Row>, size: number): Place | undefined => {
  const start = rows.at(-1)?.start
  return start === undefined ? undefined : { rank: (page - 1) * size + rows.length, start }
}

/**
 * Asked beside the other probes, so nobody waits for it. Calls are dense by day and rare by night, and the pages at both ends have
 * those of a few hours: these alone are off by a tenth, or by several times. Nothing where nothing of it is seen.
 *
 * @param least pages from which it is worth it: of fewer rows the number is soon counted. Nothing where nobody asks.
 */
export const measure = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  { first, oldRows, page, size }: Pick<FirstPages, "first" | "oldRows" | "page" | "size">,
  { newestFirst, newestRows }: Pick<ListShape, "newestFirst" | "newestRows">,
  least: number | undefined
): Effect.fn.Return<number | undefined, AgniError> {
  const [oldest] = oldRows
  const newest = placeOf(1, newestRows, size)
  if (least === undefined || !newestFirst || page !== 1 || oldest === undefined || newest === undefined)
    return undefined
  const about = rateOf(first, oldRows) * (newest.start - oldest.start)
  if (about < least * size) return undefined
  const looks = yield* Observe.look(
    ask,
    shares.map((share) => Math.ceil((share * about) / size))
  )
  const places = looks.flatMap(({ page, rows }) => placeOf(page, rows, size) ?? [])
  const [last, before = newest] = places.toReversed()
  if (last === undefined) return undefined
  return beyond(before, last, oldest.start)
})
