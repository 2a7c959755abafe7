/** How many rows fixed bounds hold, when nothing is known of them: from the number of the last page. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { pageBeyondAll } from "../../model/Limits.ts"
import * as Ask from "./Ask.ts"
import * as Rows from "./ListedRows.ts"

const mostPages = 2 ** 26

/**
 * Pages 1, 2, 4 … until one is beyond the end, then halves; nothing when none is. A server that repeats itself beyond the end
 * is asked for a page far beyond, and what is like that one is beyond too: if it repeats its last page, the first such page
 * is the last.
 */
export const count = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  options: { readonly size: number; readonly repeats: boolean }
): Effect.fn.Return<number | undefined, AgniError> {
  const { repeats, size } = options
  const look = (page: number) => Effect.map(ask(page, bounds), ({ rows }) => rows)
  const first = yield* look(1)
  if (first.length === 0) return 0
  const repeated = repeats ? yield* look(pageBeyondAll) : []
  const isBeyond = (rows: ReadonlyArray<Rows.Row>) =>
    rows.length === 0 || (repeated.length > 0 && Rows.alike(rows, repeated))
  let within = 1
  let last = first
  let beyond = 2
  for (;;) {
    const rows = yield* look(beyond)
    if (isBeyond(rows)) break
    if (beyond >= mostPages) return undefined
    within = beyond
    last = rows
    beyond *= 2
  }
  while (beyond - within > 1) {
    const middle = (within + beyond) >>> 1
    const rows = yield* look(middle)
    if (isBeyond(rows)) beyond = middle
    else {
      within = middle
      last = rows
    }
  }
  return repeated.length > 0 && !Rows.alike(repeated, first)
    ? (beyond - 1) * size + repeated.length
    : (within - 1) * size + last.length
})
