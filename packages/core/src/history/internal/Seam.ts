/** The rows at the end of a page with which the next one must begin. */
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Step from "./Step.ts"

/** The next page, and the keys of the rows that it must have in the same places. */
export interface Seam {
  readonly step: Step.Step | undefined
  readonly keys: ReadonlyArray<string>
  /** Whether all of these rows may have another order on the next page, so that another one may be passed by. */
  readonly tied: boolean
}

/** Nothing lies in front of the first page that matters. */
export const first = (step: Step.Step): Seam => ({ step, keys: [], tied: false })

/**
 * Two of the last rows cannot change places, because the server orders by what differs between them. If the last row alone came again
 * first, one that starts with it could have been behind it, and then in front: that one would be on no page. Where pages are too small, or
 * all rows of one are alike, the last row alone must do.
 */
export const after = (
  rows: ReadonlyArray<Rows.Row>,
  read: number,
  size: number,
  areApart: (rows: ReadonlyArray<Rows.Row>) => boolean
): Seam => {
  for (let overlap = 2; overlap <= rows.length; overlap++) {
    const last = rows.slice(-overlap)
    const step = Step.overlapping(read, size, overlap)
    if (step === undefined) break
    if (areApart(last)) return { step, keys: last.map(({ key }) => key), tied: false }
  }
  return { step: Step.overlapping(read, size), keys: rows.slice(-1).map(({ key }) => key), tied: true }
}

/** Whether the rows are not in their places on the next page. */
export const isLost = ({ keys }: Seam, rows: ReadonlyArray<Rows.Row>, read: number, skip: number): boolean =>
  keys.some((key, i) => rows[read - skip - keys.length + i]?.key !== key)

/** Whether two of the rows have a value that is not the same; unknown ones are not counted. */
export const differ = (rows: ReadonlyArray<Rows.Row>, of: (row: Rows.Row) => number | undefined): boolean =>
  new Set(rows.flatMap((row) => of(row) ?? [])).size > 1
