/** The calls that no window holds, as pages show them: those without a start time, and those that start in the distant future. */
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Deliveries } from "./Deliveries.ts"
import * as Sum from "./Sum.ts"

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
  /** So many places the pages of one walk had for calls that no window holds. */
  places: number
}

export const make = (range: Micros.Range, young: Micros.Micros, ledger: Deliveries): Found => ({
  range,
  young,
  ledger,
  undated: Rows.makeHeld(),
  distant: Rows.makeHeld(),
  later: Rows.makeHeld(),
  measured: undefined,
  places: 0
})

/** More than a day later than the latest clock: no run would read it for years. */
export const isDistant = ({ to }: Micros.Range, { start }: Rows.Row): boolean => start !== undefined && start >= to

/** Pages of the list, both included; none where the last one is in front of the first. */
export interface Pages {
  readonly first: number
  readonly last: number
}

/** A page: how many rows it has, how many of them came in no window, in how many runs, and whether it begins and ends with one of them. */
interface Walked {
  readonly rows: number
  readonly ones: number
  readonly runs: number
  readonly begins: boolean
  readonly ends: boolean
}

/**
 * Notes the pages of one walk, of which so many rows lie in front. They show on which pages such calls may be: where they end the list, on those
 * from the page before their first one on, which they reach when one in front of them leaves; where others are behind one of them, on any.
 */
export const walk = (found: Found, inFront = 0) => {
  const pages: Array<Walked> = []
  let first = Infinity
  let isEnd = true
  const isOne = (row: Rows.Row) => row.start === undefined || isDistant(found.range, row)
  return {
    /** Notes a page, the next one unless its place is given. */
    add: (rows: ReadonlyArray<Rows.Row>, place = pages.length): void => {
      let runs = 0
      let wasOne = false
      for (const row of rows) {
        const is = isOne(row)
        if (is) first = Math.min(first, place + 1)
        else if (first < Infinity) isEnd = false
        if (is && !wasOne) runs++
        wasOne = is
      }
      const begins = rows.slice(0, 1).some(isOne)
      pages[place] = { rows: rows.length, ones: note(found, rows), runs, begins, ends: wasOne }
    },
    /** The list has so many rows: pages that begin behind those bring others again. */
    end: (total = 0): void => {
      let at = inFront
      let ones = 0
      let runs = 0
      let wasOne = false
      for (const page of pages) {
        if (at >= total) break
        at += page.rows
        ones += page.ones
        runs += page.begins && wasOne ? page.runs - 1 : page.runs
        wasOne = page.ends
      }
      // Where other rows are between them, one that is listed twice may take the place of one of those.
      if (runs <= 1) found.places = Math.max(found.places, ones)
    },
    pages: (): Pages => ({ first: isEnd ? Math.max(1, first - 1) : 1, last: pages.length })
  }
}

/** Notes the pages of a walk; the function that comes back ends it. */
export const noteWalk = (found: Found, pages: Iterable<ReadonlyArray<Rows.Row>>) => {
  const { add, end } = walk(found)
  for (const rows of pages) add(rows)
  return end
}

/** Notes the rows of a page; how many of them have no start time, or a distant one, and did not come. */
export const note = (found: Found, rows: ReadonlyArray<Rows.Row>): number => {
  const { distant, later, ledger, range, undated, young } = found
  const withoutStart = rows.filter(
    ({ key, start }) => start === undefined && !ledger.unplaced.has(key) && !ledger.has(key)
  )
  const ahead = rows.filter((row) => isDistant(range, row))
  undated.add(withoutStart)
  distant.add(ahead)
  later.add(rows.filter(({ key, start = -Infinity }) => start >= young && start < range.to && !ledger.has(key)))
  return withoutStart.length + ahead.length
}

/**
 * Whether pages have more places for such calls than were found: one that is listed twice takes the place of another one, which is on no page
 * then. A count can hide that, if the answer to it leaves out calls that have come.
 */
export const lacks = ({ distant, places, undated }: Found): boolean => places > undated.size() + distant.size()

/** How many rows with a start in the range there should be. */
export const dated = ({ later, ledger, measured }: Found): number => measured ?? ledger.rows() + later.size()

/** What the counts of all calls with a start have besides those that came. */
export const besides = ({ distant, later, ledger, range, undated }: Found): Sum.Expected => ({
  later: [...later.rows.values()].flatMap(({ start }) => start ?? []),
  distant: distant.size() > 0,
  earlier: [...undated.rows.values()].flatMap((row) => {
    const created = ledger.placed.has(row.key) ? undefined : Rows.createdOf(row)
    return created === undefined || created >= Sum.before(range).before ? [] : created
  })
})

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
