/** Rows of an answer that do not belong to its bounds. A server may place a call without a start time by its creation: such a row does. */
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import * as Rows from "./ListedRows.ts"
import type { Micros } from "./Micros.ts"

/** When a row without a start time was created, if that is between the bounds. */
const placeOf = (row: Rows.Row, least: Micros, most: Micros): Micros | undefined => {
  const created = Rows.createdOf(row)
  return created !== undefined && created >= least && created <= most ? created : undefined
}

/**
 * Why rows cannot be the answer for a range of time, if so. A call without a start time that was created elsewhere does not say where the
 * server places it, but the calls beside it may be read.
 */
export const problemIn = (rows: ReadonlyArray<Rows.Row>, least: Micros, most: Micros): CoverageReason | undefined => {
  let problem: CoverageReason | undefined
  for (const row of rows) {
    const { rejected, start } = row
    if (start === undefined && rejected !== undefined) continue
    if (start === undefined) {
      if (placeOf(row, least, most) === undefined) problem = { _tag: "WithoutStartInBounds" }
    } else if (start < least || start > most) return { _tag: "OutsideBounds" }
  }
  return problem
}

/** Notes the calls without a start time that came for bounds in which they were created. */
export const notePlaced = (
  placed: Map<string, Micros>,
  { after, before }: { readonly after?: Micros | undefined; readonly before?: Micros | undefined },
  rows: ReadonlyArray<Rows.Row>
): void => {
  if (after === undefined || before === undefined) return
  for (const row of rows) {
    if (row.start !== undefined || row.rejected !== undefined) continue
    const created = placeOf(row, after - 1_000_000, before + 1_000_000)
    if (created !== undefined) placed.set(row.key, created)
  }
}
