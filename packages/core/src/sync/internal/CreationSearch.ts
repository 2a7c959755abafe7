/** Finds calls by when they were created, where the server lists them in that order. */
import * as Effect from "effect/Effect"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Micros } from "../Tail.ts"

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

/** Whether no order by start could bring the rows so: one that starts later is behind one that starts earlier, or has no start. */
const isByCreation = (rows: ReadonlyArray<Row>): boolean => {
  const starts = rows.map(({ start }) => start)
  const isRising = starts.some(
    (start, i) => start !== undefined && starts.slice(0, i).some((before) => before !== undefined && before < start)
  )
  const firstDated = starts.findIndex((start) => start !== undefined)
  const lastDated = starts.findLastIndex((start) => start !== undefined)
  return isRising || starts.slice(firstDated, lastDated).includes(undefined)
}

/**
 * The calls that were created about then, whatever their start; `undefined` where the server does not show that it
 * understands an order by creation.
 */
export const run = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  size: number,
  created: Micros
): Effect.fn.Return<ReadonlyArray<Item<CallSession>> | undefined, AgniError> {
  const pages: Array<ReadonlyArray<Row>> = []
  const isOrdered = () => pages.every(descends) && pages[0]?.length !== 0
  const page = Effect.fnUntraced(function* (number: number) {
    const { rows } = yield* Effect.catchIf(ask(number, {}, { sort: byCreation }), Ask.isRefusal, () =>
      Effect.succeed({ rows: [] })
    )
    pages.push(rows)
    return rows
  })
  /** Whether the page ends with older calls, or the list does. */
  const reaches = Effect.fnUntraced(function* (number: number) {
    const rows = yield* page(number)
    return rows.length < size || oldestOf(rows) < created - Ask.second
  })
  let before = 0
  let at = 1
  while (isOrdered() && !(yield* reaches(at))) {
    before = at
    at *= 2
    if (at > mostPages) return undefined
  }
  while (isOrdered() && at - before > 1) {
    const middle = (before + at) >>> 1
    if (yield* reaches(middle)) at = middle
    else before = middle
  }
  // Calls that came or went meanwhile moved the others by some rows.
  const found: Array<Row> = []
  for (const number of [at - 1, at, at + 1, at]) if (number > 0 && isOrdered()) found.push(...(yield* page(number)))
  return isOrdered() && pages.some(isByCreation) ? found.flatMap(({ item }) => item ?? []) : undefined
})
