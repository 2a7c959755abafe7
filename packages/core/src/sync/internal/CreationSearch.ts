/** The list in the order of creation, in which no start counts: a page of it, and the calls that were created in a range. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Span } from "../Ledger.ts"
import type { Micros } from "../Tail.ts"

/** A page in the order of creation. */
export interface Created {
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly rejected: ReadonlyArray<Rejected>
  readonly observedAt: Micros
  /** When the first and the last call of it were created; without any, `from` is before all and `to` behind all. */
  readonly newest: Micros
  readonly oldest: Micros
  readonly rows: number
  readonly starts: ReadonlyArray<Micros | undefined>
  /** Fewer rows than were asked for: nothing is older. */
  readonly isLast: boolean
  /** No order by start could bring the rows so. */
  readonly isShown: boolean
}

/** What a search by creation listed, other calls too. */
interface CreatedIn {
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly rejected: ReadonlyArray<Rejected>
  /** Whether all of the range is there: the server does order by creation. */
  readonly isWhole: boolean
}

export interface Search {
  /**
   * One page of the list in the order of creation, newest first, whatever the calls' starts; `undefined` if the server brings it in
   * another order, or does not go so deep.
   */
  readonly created: (page: number, size?: number) => Effect.Effect<Created | undefined, AgniError>
  /**
   * The calls that were created in a range, from the page that has `rank` calls before it. `isKnown`: nothing has to show that
   * the server orders by creation.
   */
  readonly createdIn: (range: Span, rank: number, isKnown: boolean) => Effect.Effect<CreatedIn, AgniError>
}

const byCreation: Ask.Sort = { by: "created_at", order: "desc" }

/** More pages than that no search goes through. */
const mostPages = 2 ** 20

type Row = Rows.Row

const oldestOf = (rows: ReadonlyArray<Row>): Micros => Math.min(...rows.map((row) => Rows.createdOf(row) ?? Infinity))

const descends = (rows: ReadonlyArray<Row>): boolean => {
  let last = Infinity
  for (const row of rows) {
    const created = Rows.createdOf(row)
    if (created === undefined || created > last) return false
    last = created
  }
  return true
}

/** Whether a call without a start time is between others: an order by start has all of those in front or at the end. */
export const isAmongOthers = (starts: ReadonlyArray<Micros | undefined>): boolean => {
  const firstDated = starts.findIndex((start) => start !== undefined)
  const lastDated = starts.findLastIndex((start) => start !== undefined)
  return starts.slice(firstDated, lastDated).includes(undefined)
}

/** Whether no order by start could bring the rows so: one that starts later is behind one that starts earlier, or has no start. */
const isByCreation = (starts: ReadonlyArray<Micros | undefined>): boolean =>
  isAmongOthers(starts) ||
  starts.some(
    (start, i) => start !== undefined && starts.slice(0, i).some((before) => before !== undefined && before < start)
  )

export const make = (ask: Ask.Ask, size: number): Search => {
  const created: Search["created"] = (page, asked = size) =>
    Effect.map(Ask.orNothing(ask(page, {}, { size: asked, sort: byCreation })), (answer) => {
      if (answer === undefined || !descends(answer.rows)) return undefined
      const { observedAt, rows } = answer
      const starts = rows.map(({ start }) => start)
      return {
        observedAt,
        items: rows.flatMap(({ item }) => item ?? []),
        rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
        newest: rows[0] === undefined ? -Infinity : (Rows.createdOf(rows[0]) ?? -Infinity),
        oldest: oldestOf(rows),
        rows: rows.length,
        starts,
        // One that has more than any page before may be as large as a page can be.
        isLast: rows.length < Math.min(asked, size),
        isShown: isByCreation(starts)
      }
    })

  const createdIn: Search["createdIn"] = Effect.fnUntraced(function* ({ from, to }, rank, isKnown) {
    const shown: Array<boolean> = [isKnown]
    const page = (number: number) =>
      Effect.tap(created(number), (found) => Effect.sync(() => shown.push(found?.isShown === true)))
    /** Whether a page begins with later calls, so that nothing of the range is before it. */
    const begins = (found: Created, number: number) => number === 1 || found.newest >= to
    let first = Math.max(1, Math.floor(rank / size) + 1)
    let at = yield* page(first)
    for (let step = 1; at !== undefined && !begins(at, first); step *= 2) {
      first = Math.max(1, first - step)
      at = yield* page(first)
    }
    const items: Array<Item<CallSession>> = []
    const rejected: Array<Rejected> = []
    const take = (found: Created | undefined) => {
      items.push(...(found?.items ?? []))
      rejected.push(...(found?.rejected ?? []))
    }
    for (let number = first; at !== undefined && number <= mostPages; at = yield* page(++number)) {
      take(at)
      if (!at.isLast && at.oldest >= from) continue
      // Calls that left meanwhile moved others from one page to the one before it: those are read again, the last one first.
      for (let before = number - 1; before >= first; before--) take(yield* page(before))
      // A server that is down, or does not go so deep, may answer with nothing.
      return { items, rejected, isWhole: shown.includes(true) && items.length > 0 && at.rows > 0 }
    }
    return { items, rejected, isWhole: false }
  })

  return { created, createdIn }
}
