import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Ask, Bounds, Sort } from "./Ask.ts"
import * as Rows from "./Rows.ts"

export type LeafResult =
  | { readonly _tag: "Complete" }
  | { readonly _tag: "Moved" }
  | { readonly _tag: "Incomplete"; readonly held: number; readonly of: number }

const maxPasses = 7
const maxPages = 500

/**
 * All pages of fixed bounds, pass after pass with other sizes and the other order, until every row has shown itself.
 *
 * One pass is no proof: a row that leaves lets another slip from an unread page to a read one, and rows of equal start may
 * stand differently on each page. A set is complete when the ids held are as many as the rows counted, in two passes one
 * after another that agree on the count, of which the second brought nothing new, and when every id was seen in one of
 * these two: one that was not has left.
 */
export const read = Effect.fnUntraced(function* (
  ask: Ask,
  bounds: Bounds,
  held: Rows.Held,
  options: { readonly size: number; readonly sort: Sort }
): Effect.fn.Return<LeafResult, AgniError> {
  const lastSeen = new Map<string, number>([...held.rows.keys()].map((key) => [key, -1]))
  let previous: number | undefined
  let counted = 0
  for (let pass = 0; pass < maxPasses; pass++) {
    const { size, sort } = variant(pass, options.size, options.sort)
    counted = 0
    let fresh = 0
    let first: ReadonlyArray<Rows.Row> = []
    let before: ReadonlyArray<Rows.Row> = []
    for (let page = 1; ; page++) {
      if (page > maxPages) return { _tag: "Incomplete", held: held.size(), of: counted }
      const { rows } = yield* ask(page, bounds, { size, sort })
      if (rows.length === 0 || (page > 1 && (Rows.sameRows(rows, before) || Rows.sameRows(rows, first)))) break
      if (page === 1) first = rows
      before = rows
      counted += rows.length
      fresh += held.add(rows)
      for (const { key } of rows) lastSeen.set(key, pass)
    }
    const recent = [...lastSeen.values()].every((seen) => seen >= pass - 1)
    if (pass > 0 && fresh === 0 && recent && previous === counted && held.size() === counted)
      return { _tag: "Complete" }
    previous = counted
  }
  return held.size() < counted ? { _tag: "Incomplete", held: held.size(), of: counted } : { _tag: "Moved" }
})

/** Another size shifts where pages begin, the other order turns ties around: what one hides the other shows. */
const variant = (pass: number, size: number, sort: Sort): { readonly size: number; readonly sort: Sort } => {
  const reversed: Sort = { by: sort.by, order: sort.order === "asc" ? "desc" : "asc" }
  const sizes = [size, Math.max(1, Math.floor(size * 0.7)), Math.max(1, size - 1), Math.max(1, Math.floor(size * 0.43))]
  return { size: sizes[pass % sizes.length] ?? size, sort: pass >= 3 && pass % 2 === 1 ? reversed : sort }
}
