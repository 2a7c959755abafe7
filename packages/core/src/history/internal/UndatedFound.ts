/** The calls that no window holds, as pages show them: those without a start time, and those that start in the distant future. */
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Deliveries } from "./Deliveries.ts"

export interface Found {
  readonly range: Micros.Range
  /** Calls that start later may appear after their window was read. */
  readonly young: Micros.Micros
  readonly ledger: Deliveries
  readonly undated: Rows.Held
  readonly distant: Rows.Held
  /** Those that appeared since their window was read: they are in the counts. */
  readonly later: Rows.Held
  /** Rows that start in the range, counted where it is not known how many there should be. */
  measured: number | undefined
}

export const make = (range: Micros.Range, young: Micros.Micros, ledger: Deliveries): Found => ({
  range,
  young,
  ledger,
  undated: Rows.makeHeld(),
  distant: Rows.makeHeld(),
  later: Rows.makeHeld(),
  measured: undefined
})

/** More than a day later than the latest clock: no run would read it for years. */
export const isDistant = ({ to }: Micros.Range, { start }: Rows.Row): boolean => start !== undefined && start >= to

/** Pages of the list, both included; none where the last one is in front of the first. */
export interface Pages {
  readonly first: number
  readonly last: number
}

/**
 * On which of the pages, added one after another, such calls may be: where they end the list, on those from the page before their first one
 * on, which they reach when one in front of them leaves; where others are behind one of them, on any.
 */
export const placing = ({ range }: Found) => {
  let page = 0
  let first = Infinity
  let isEnd = true
  return {
    add: (rows: ReadonlyArray<Rows.Row>): void => {
      page++
      for (const row of rows) {
        const isOne = row.start === undefined || isDistant(range, row)
        if (isOne) first = Math.min(first, page)
        else if (first < Infinity) isEnd = false
      }
    },
    pages: (): Pages => ({ first: isEnd ? Math.max(1, first - 1) : 1, last: page })
  }
}

/** Notes the rows of a page. */
export const note = (found: Found, rows: ReadonlyArray<Rows.Row>): void => {
  const { distant, later, ledger, range, undated, young } = found
  undated.add(rows.filter(({ key, start }) => start === undefined && !ledger.unplaced.has(key) && !ledger.has(key)))
  distant.add(rows.filter((row) => isDistant(range, row)))
  later.add(rows.filter(({ key, start = -Infinity }) => start >= young && start < range.to && !ledger.has(key)))
}

/** How many rows with a start in the range there should be. */
export const dated = ({ later, ledger, measured }: Found): number => measured ?? ledger.rows() + later.size()

/** Rows of the server whose calls are not among the others. */
const sizeWithout = (held: Rows.Held, ...others: ReadonlyArray<ReadonlyMap<string, unknown>>): number => {
  let size = held.size()
  for (const key of held.rows.keys()) if (others.some((rows) => rows.has(key))) size -= 1 + (held.repeats.get(key) ?? 0)
  return size
}

/**
 * How many rows there should be at all. A call that has a start by now is one row, however it was listed before: as two it would
 * hide another one that was not found.
 */
export const expected = (found: Found): number => {
  const { distant, later, ledger, undated } = found
  const others = sizeWithout(undated, ledger.placed, later.rows, distant.rows)
  return dated(found) + sizeWithout(distant, later.rows) + others
}

/** Whether all that came for bounds, with the windows that counted them, were found to be delivered. */
export const hasPlaced = ({ later, ledger, undated }: Found): boolean =>
  [...ledger.placed.keys()].every((key) => undated.rows.has(key) || later.rows.has(key) || ledger.has(key))

/** Keys that were found so far. */
export const size = ({ distant, later, undated }: Found): number =>
  undated.rows.size + distant.rows.size + later.rows.size

/** Rows to deliver: a call may have started since it was found without a start time. */
export const rowsOf = ({ distant, later, undated }: Found) => {
  const dates = [...new Map([...later.rows, ...distant.rows]).values()]
  const others = [...undated.rows.values()].filter(({ key }) => !later.rows.has(key) && !distant.rows.has(key))
  return { dates, rows: [...others, ...dates.sort((a, b) => (a.start ?? 0) - (b.start ?? 0))] }
}
