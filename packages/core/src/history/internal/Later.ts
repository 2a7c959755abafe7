/** Where a range of creation begins, on pages that list the newest creation first. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"

/** A server that repeats itself beyond the end is given up here. */
const mostPages = 2 ** 20

export const createdIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> =>
  rows.flatMap((row) => Rows.createdOf(row) ?? [])

export const descends = (instants: ReadonlyArray<number>): boolean =>
  instants.every((instant, i) => i === 0 || instant <= (instants[i - 1] ?? Infinity))

/** Whether all of them were created after the range. */
export const than =
  (range: Micros.Range) =>
  (rows: ReadonlyArray<Rows.Row>): boolean =>
    createdIn(rows).every((created) => created >= range.to)

export interface Pages {
  readonly look: (page: number, size: number) => Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>
  readonly isLater: (rows: ReadonlyArray<Rows.Row>) => boolean
}

/** The last page that is later than the range, 0 where there is none: reads pages 1, 2, 4, 8 …, then halves. */
export const last = Effect.fnUntraced(function* (
  { isLater, look }: Pages,
  first: ReadonlyArray<Rows.Row>,
  size: number
): Effect.fn.Return<number, AgniError> {
  const isBefore = (rows: ReadonlyArray<Rows.Row>) => rows.length === size && isLater(rows)
  let later = 0
  let page = 1
  let rows = first
  while (isBefore(rows) && page < mostPages) {
    later = page
    page *= 2
    rows = yield* look(page, size)
  }
  while (page - later > 1) {
    const middle = (page + later) >>> 1
    if (isBefore(yield* look(middle, size))) later = middle
    else page = middle
  }
  return later
})
