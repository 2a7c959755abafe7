/** All rows of the list without bounds, by one walk that lets none slip. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as EndSearch from "./EndSearch.ts"

/** What a walk brought. */
export interface Walked {
  readonly keys: ReadonlySet<string>
  /** Records that cannot be read. */
  readonly unread: ReadonlyArray<Rejected>
  /** Each page had the last row of the one before it in its place, no row came twice, and the list ended: no row is missing. */
  readonly isWhole: boolean
}

export interface WholeList {
  /** Pages of this size, the oldest call first where the server can: new calls then move no row. */
  readonly whole: (size: number) => Effect.Effect<Walked, AgniError>
}

/** A server that goes no further in a list ends it at such a number of rows, and one that is down may answer with none. */
const isDoubtful = (rows: number): boolean => rows % 100 === 0

const walk = Effect.fnUntraced(function* (
  wire: Pick<EndSearch.Wire, "pageOf" | "size">
): Effect.fn.Return<Walked, AgniError> {
  const keys = new Set<string>()
  const unread: Array<Rejected> = []
  let read = 0
  let paged = yield* wire.pageOf(1)
  while (paged !== undefined) {
    const { rows, size, skip }: EndSearch.Paged = paged
    const before = keys.size
    for (const { item, key, rejected } of rows.slice(Math.max(0, read - skip))) {
      keys.add(key)
      if (item === undefined && rejected !== undefined) unread.push(rejected)
    }
    read = Math.max(read, skip + rows.length)
    if (rows.length < size) return { keys, unread, isWhole: keys.size === read && !isDoubtful(read) }
    // One that repeats itself beyond the end has no end.
    if (keys.size === before) break
    const next: EndSearch.Following = yield* EndSearch.follow(wire, read, rows.at(-1)?.key)
    if (!next.isNext) break
    paged = next.paged
  }
  return { keys, unread, isWhole: false }
})

export const make = (ask: Ask.Ask, by: string | undefined): WholeList => ({
  whole: (size) =>
    walk({
      size,
      pageOf: (page, asked = size) =>
        Effect.map(Ask.orNothing(ask(page, {}, { size: asked, sort: { by, order: "asc" } })), (answer) =>
          answer === undefined ? undefined : { page, size: asked, skip: (page - 1) * asked, rows: answer.rows }
        )
    })
})
