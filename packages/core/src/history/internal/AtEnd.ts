/** The calls without a start time, where the list puts them behind all others. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Later from "./Later.ts"

/** How many calls are listed. */
export interface There {
  /** Without a start time. */
  readonly there: number
  /** With one. */
  readonly dated: number
}

export interface Options extends There {
  readonly size: number
  readonly isLoose: (row: Rows.Row) => boolean
  /** All of them are read if that takes no more pages. */
  readonly most: number
}

export interface Found {
  readonly rows: ReadonlyArray<Rows.Row>
  /** Whether the order of creation said where the range is, and all of it was read. */
  readonly isRange: boolean
}

type Page = Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>

/** A range among too many of them is read on no more pages. */
const mostPages = 50

/**
 * Those on the last pages of the list without bounds. Where that would be too many pages, and the calls are in the order of their
 * creation, the pages of the range: the newest may be the first or the last of them.
 */
export const read = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  range: Micros.Range,
  { dated, isLoose, most, size, there }: Options
): Effect.fn.Return<Found, AgniError> {
  const first = Math.floor(dated / size) + 1
  const last = Math.ceil((dated + there) / size)
  const found = Rows.makeHeld()
  const pageAt = (page: number): Page =>
    page < 1
      ? Effect.succeed([])
      : Effect.map(
          Effect.catchIf(ask(page, {}), Ask.isRefusal, () => Effect.succeed({ rows: [] })),
          ({ rows }) => {
            const loose = rows.filter(isLoose)
            found.add(loose)
            return loose
          }
        )
  const done = (isRange: boolean): Found => ({ rows: [...found.rows.values()], isRange })
  // A call may have come since they were counted, and they begin on the next page.
  const begin = (yield* pageAt(first)).length > 0 ? first : first + 1
  if (begin > first && (yield* pageAt(begin)).length === 0) return done(false)
  if (last - first < most) {
    for (let page = begin + 1; page <= last + 1 && found.size() < there; page++) yield* pageAt(page)
    // One may have left.
    if (found.size() < there) yield* pageAt(first - 1)
    return done(false)
  }
  const newestFirst = (i: number) => pageAt(begin + i)
  const newestLast = (i: number) => Effect.map(pageAt(last - i), (rows) => rows.toReversed())
  return done((yield* readRange(newestFirst, range, size)) || (yield* readRange(newestLast, range, size)))
})

/** Reads from the newest one on, as far as the range goes; false if they are in another order, or too many. */
const readRange = Effect.fnUntraced(function* (
  pageAt: (i: number) => Page,
  range: Micros.Range,
  size: number
): Effect.fn.Return<boolean, AgniError> {
  // The first page may be of others for the most part.
  const [newest, next] = [yield* pageAt(0), yield* pageAt(1)]
  if (!Later.descends(Later.createdIn([...newest, ...next]))) return false
  const later = yield* Later.last({ look: pageAt, isLater: Later.than(range) }, next, size)
  for (let i = Math.max(1, later), rows = next; i <= later + mostPages; i++) {
    if (i > 1) rows = yield* pageAt(i)
    const created = Later.createdIn(rows)
    if (!Later.descends(created)) return false
    if (created.length === 0 || created.some((at) => at < range.from)) return true
  }
  return false
})
