/** The rows at the front of the list, where an order by start puts the calls without a start time. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Fresh from "./Fresh.ts"
import { ask as askOf, type Settings } from "./Settings.ts"
import * as Sum from "./Sum.ts"
import { isDistant } from "./UndatedFound.ts"

export type Pages = ReadonlyArray<ReadonlyArray<Rows.Row>>

/** How many pages are read at most. */
export type Limit = (rows: Iterable<Rows.Row>) => number

/** Calls may come as fast as pages are read: what came since the reading began makes no walk longer. */
export const limitOf =
  (settings: Settings, range: Micros.Range, delivered: () => number): Limit =>
  (rows) => {
    let old = delivered()
    const end = Math.min(range.to, settings.latest)
    for (const row of rows)
      if ((row.start === undefined || isDistant(range, row)) && (Rows.createdOf(row) ?? 0) < end) old++
    return 50 + (4 * old) / settings.size
  }

/** Pages from the first on, as long as they have calls without a start time, or ones that start later than that. */
export const read = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  limit: Limit,
  until: Micros.Micros
): Effect.fn.Return<Pages, AgniError> {
  const repeats = yield* settings.repeats
  const all = Rows.makeHeld()
  const pages: Array<ReadonlyArray<Rows.Row>> = []
  for (let page = 1; ; page++) {
    const answer = yield* Effect.catchIf(
      ask(page, {}),
      (error) => page > 1 && Ask.isRefusal(error),
      () => Effect.undefined
    )
    if (answer === undefined) return pages
    const { rows } = answer
    const [first = rows] = pages
    if (yield* Ask.isEnd(ask, {}, page, rows, page === 1 ? [] : [first], { repeats })) return pages
    pages.push(rows)
    const fresh = all.add(rows)
    const endless = page % 50 === 0 && page > limit(all.rows.values())
    if (endless || fresh === 0 || rows.every(({ start }) => start !== undefined && start < until)) {
      return pages
    }
  }
})

/** The first look at the front, and counts that were made beside it: of all calls, and of those with a start. */
export interface Early {
  readonly fresh: Fresh.Fresh
  readonly pages: Pages
  readonly both: number | undefined
  readonly dated: number | undefined
}

/** The first look, where so many calls came, and only counts are missing that prove them. */
export const early = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  rows: number
): Effect.fn.Return<Early, AgniError> {
  const fresh = Fresh.make(askOf(settings), settings.seen)
  const { size } = settings
  const options = { expected: rows, size, repeats: yield* settings.repeats }
  const [pages, dated, both] = yield* Effect.all(
    [
      read(
        settings,
        fresh.ask,
        limitOf(settings, range, () => rows),
        range.to
      ),
      Sum.datedIn(settings, fresh.ask, range, { distant: false, rows }),
      Count.orFail(fresh.ask, {}, options)
    ],
    { concurrency: "unbounded" }
  )
  return { fresh, pages, both, dated }
})
