/** How many rows fixed bounds hold, when nothing is known of them: from the number of the last page. */
import * as Effect from "effect/Effect"
import type { ListOptions } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import { pageBeyondAll } from "../../model/Limits.ts"
import * as Ask from "./Ask.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

const mostPages = 2 ** 26

/**
 * The page where the end is expected, and others until the last one and the one beyond it are next to each other; nothing when none is
 * beyond. A server that repeats itself beyond the end is asked for a page far beyond, and what is like that one is beyond too: if it
 * repeats its last page, the first such page is the last, unless all of its rows are on the page before.
 */
export const count = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  options: {
    readonly size: number
    readonly repeats: boolean
    /** @default nothing is known of how many there are */
    readonly expected?: number
    /** The first page, where it is known. */
    readonly first?: ReadonlyArray<Rows.Row> | undefined
  }
): Effect.fn.Return<number | undefined, AgniError> {
  const { expected, repeats, size } = options
  const look = (page: number, how?: ListOptions) =>
    Effect.map(ask(page, bounds, how === undefined ? { size } : { size, how }), ({ rows }) => rows)
  const first = options.first ?? (yield* look(1))
  if (first.length === 0) return 0
  // If it fails while the server is up, the last record does, which comes there again.
  const repeated = repeats ? yield* look(pageBeyondAll, Patience.soon) : []
  // Where the last page is short, each short page is that one: equal starts may make it another one each time.
  const isShort = (rows: ReadonlyArray<Rows.Row>) => rows.length < size && rows.length === repeated.length
  // One with more rows is in its own place: a limit may answer with a part of the last page.
  const isBeyond = (rows: ReadonlyArray<Rows.Row>) =>
    rows.length === 0 || (rows.length <= repeated.length && (isShort(rows) || Rows.alike(rows, repeated)))
  let within = 1
  let last = first
  let next = repeated
  let beyond = Infinity
  const isGuessed = expected !== undefined && Number.isFinite(expected)
  let page = isGuessed ? Math.min(mostPages, Math.ceil(expected / size)) : 2
  /** Greater each time, because the guess may be far off. */
  let step = 1
  while (beyond - within > 1) {
    page = Math.max(within + 1, page)
    const rows = yield* look(page)
    if (isBeyond(rows)) {
      beyond = page
      next = rows
    } else if (page >= mostPages) return undefined
    else {
      within = page
      last = rows
    }
    page =
      beyond === Infinity
        ? Math.min(mostPages, within + (isGuessed ? step : within))
        : step <= 4
          ? beyond - step
          : Math.floor(Math.sqrt((within + 1) * beyond))
    step *= 4
  }
  const isTurned = next.length > 0 && repeated.length < size && !Rows.sameRows(next, repeated)
  const isPart = !isTurned && (Rows.alike(repeated, first) || Rows.isWithin(repeated, last))
  return isPart ? (within - 1) * size + last.length : (beyond - 1) * size + repeated.length
})
