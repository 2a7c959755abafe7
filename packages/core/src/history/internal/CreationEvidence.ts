/** Whether pages show that a list is in the order of creation, with the calls without a start time in their places. */
import type * as Rows from "../../endpoint/internal/ListedRows.ts"

type Page = ReadonlyArray<Rows.Row>

export interface CreationEvidence {
  /** Notes a page by itself. */
  readonly note: (page: Page) => void
  /** Notes the rows that the next page of a walk brought, in order. */
  readonly follow: (rows: Page) => void
  /** Whether a call without a start time came in its place among others. */
  readonly isUnderstood: () => boolean
}

/**
 * A server that does not know this order may list calls by their starts, and those without one at an end of the list. Where they come
 * among others, and all of them as they were created, it knows it. Pages may each be in order where the whole is not.
 *
 * @param isLoose Whether a row has no start that is credible.
 */
export const make = (areInOrder: (rows: Page) => boolean, isLoose: (row: Rows.Row) => boolean): CreationEvidence => {
  let isUnderstood = false
  let loose = false
  let others = false
  let last: Page = []
  return {
    note: (page) => {
      isUnderstood ||= page.some(isLoose) && !page.every(isLoose) && areInOrder(page)
    },
    follow: (rows) => {
      const isNext = areInOrder([...last, ...rows])
      loose = (isNext && loose) || rows.some(isLoose)
      others = (isNext && others) || !rows.every(isLoose)
      isUnderstood ||= loose && others
      if (rows.length > 0) last = rows.slice(-1)
    },
    isUnderstood: () => isUnderstood
  }
}
