/** Whether pages show that a list is in the order of creation, with the calls without a start time in their places. */
import type * as Rows from "../../endpoint/internal/ListedRows.ts"

type Page = ReadonlyArray<Rows.Row>

/** Whether another one came, and then one without a start time. */
interface Sides {
  readonly other: boolean
  readonly loose: boolean
}

export interface CreationEvidence {
  /** Notes a page by itself. */
  readonly note: (page: Page) => void
  /** Notes a page that the range fills, in order: there others on one side are enough, because a range may have few calls. */
  readonly noteMeant: (page: Page) => void
  /** Notes the rows that the next page of a walk brought, in order. */
  readonly follow: (rows: Page) => void
  /** Whether a call without a start time came in its place among others. */
  readonly isUnderstood: () => boolean
}

/**
 * A server that does not know this order may list calls by their starts, and those without one at either end of the list. Where others
 * come on both sides of one, and all of them as they were created, it knows it. Pages may each be in order where the whole is not.
 *
 * @param isLoose Whether a row has no start that is credible.
 */
export const make = (areInOrder: (rows: Page) => boolean, isLoose: (row: Rows.Row) => boolean): CreationEvidence => {
  let isUnderstood = false
  let last: Page = []
  let sides: Sides = { other: false, loose: false }
  const through = (before: Sides, rows: Page): Sides => {
    let { loose, other } = before
    for (const row of rows) {
      if (!isLoose(row)) {
        isUnderstood ||= loose
        other = true
      } else if (other) loose = true
    }
    return { other, loose }
  }
  return {
    note: (page) => {
      if (areInOrder(page)) through({ other: false, loose: false }, page)
    },
    noteMeant: (page) => {
      isUnderstood ||= page.some(isLoose) && !page.every(isLoose)
    },
    follow: (rows) => {
      sides = through(areInOrder([...last, ...rows]) ? sides : { other: false, loose: false }, rows)
      if (rows.length > 0) last = rows.slice(-1)
    },
    isUnderstood: () => isUnderstood
  }
}
