/** The first questions: the first page of the list, and that of the oldest calls. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "./Ask.ts"
import * as Observe from "./Observe.ts"
import * as Open from "./Open.ts"
import type { Probing } from "./Probing.ts"
import * as Rows from "./ListedRows.ts"

export interface FirstPages extends Open.Opening {
  /** Asks in the order that is known, or in none. */
  readonly ask: Ask.Ask
  /** The rows of the first page that can be read. */
  readonly first: ReadonlyArray<Rows.Row>
  /** Those before it, one by one, where a record fails the first page. */
  readonly front: ReadonlyArray<Rows.Row>
  /** Whether the list ends with this page. */
  readonly ended: boolean
  /** Whether the oldest calls were asked for, and what came. */
  readonly askedOldest: boolean
  readonly oldestFirst: ReadonlyArray<Rows.Row> | "refused" | "fails"
  readonly oldRows: ReadonlyArray<Rows.Dated>
}

export const read = Effect.fnUntraced(function* ({
  asked,
  filters,
  isBounded,
  isDeep,
  known,
  list,
  log
}: Probing): Effect.fn.Return<FirstPages, AgniError> {
  // One call less than a page: what comes shows, too, whether the server gives pages of any size.
  const most = Math.min(asked, known?.pageSize ?? asked)
  const less = known === undefined && most > 2 ? most - 1 : most
  const askedOldest = known === undefined || !isBounded || isDeep
  const askOldest = (size: number) =>
    Observe.oldestFirst(Ask.make(list, filters, { size, sort: Observe.unsorted }), "started_at")
  const [opening, firstTry] = yield* Effect.all(
    [Open.open(list, filters, asked, known), askedOldest ? askOldest(less) : Effect.succeed("refused" as const)],
    { concurrency: 2 }
  )
  const { endShown, page, refused, sorted } = opening
  const first = opening.answer.rows
  const asking = (size: number) => Ask.make(list, filters, { size, sort: Observe.newest(sorted?.sortBy ?? "none") })
  const isTold = Array.isArray(firstTry) ? { asked: less, rows: firstTry } : undefined
  log.rounds ||=
    opening.rounds ||
    (known === undefined && !endShown && (yield* Observe.rounds(asking(opening.size), first, opening.size, isTold)))
  const isShort = page === 1 && first.length < asked && !opening.rounds
  const mayRound = isShort && (log.rounds || opening.smaller)
  const size = mayRound ? yield* Observe.roundedSize(asking(opening.size), opening.size) : opening.size
  log.rounds ||= size < opening.size
  const ask = asking(size)
  // Not the order was refused, but the size.
  const isSizeRefused = askedOldest && firstTry === "refused" && (refused !== undefined || log.rounds)
  const oldestPage = isSizeRefused ? yield* askOldest(size) : firstTry
  // Where a record fails the first page, or that of the oldest, the others of it are had one by one.
  const front = page === 1 || first.length === 0 ? [] : yield* Observe.front(ask, Observe.unsorted, size)
  const oldestFirst =
    oldestPage === "fails" && first.length > 0
      ? yield* Observe.front(ask, Observe.ascending("started_at"), size)
      : oldestPage
  return {
    ...opening,
    size,
    ask,
    first,
    front,
    ended: page === 1 && endShown,
    askedOldest,
    oldestFirst,
    oldRows: oldestFirst === "refused" || oldestFirst === "fails" ? [] : oldestFirst.filter(Rows.isDated)
  }
})

/** A row that cannot be on the first page of the list without bounds, nor on one of a replica that lags. */
export const deepRow = (
  { first, front, oldRows }: FirstPages,
  pages: ReadonlyArray<Observe.Numbered>
): Rows.Dated | undefined => {
  const inFront = [...front, ...first]
  const keys = new Set(inFront.map(({ key }) => key))
  // Of many calls that start together, one may be here now and there then.
  const isApart = (row: Rows.Dated) =>
    inFront.every(({ start }) => start === undefined || Math.abs(start - row.start) > 4 * Ask.second)
  const deep = pages.filter(({ page }) => page >= 4).flatMap(({ rows }) => rows.filter(Rows.isDated))
  const old = oldRows.some(({ key }) => keys.has(key)) ? [] : oldRows
  const rows = (deep.length > 0 ? deep : old).filter((row) => !keys.has(row.key) && isApart(row))
  return rows[Math.floor(rows.length / 2)]
}
