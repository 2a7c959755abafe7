/** The items of a batch as rows of a table, each with its id and its version. */
import * as StandIn from "../../../model/internal/StandIn.ts"
import { type Batch, type Refused, versionOf } from "../../SessionSink.ts"
import type { Cell, Table } from "../../Table.ts"
import { collect, type Row, type Rows } from "./Dialect.ts"

export interface TypedRows {
  /**
   * Rows with one id have one version here, and the last of them wins. If the batch has one version, rows are made one at
   * a time while they are visited, so that a row is gone once its statement has its cells.
   */
  readonly rows: Rows
  /** Of the rows as they were last visited. */
  readonly found: Found
}

interface Found {
  refused: Array<Refused>
  /** The column of the key has other values than the ids. */
  hasOtherKeys: boolean
}

/** @param keyCell The cell that is the key; `undefined` if the key is beside the cells. */
export const make = (batch: Batch<object>, table: Table, keyCell: number | undefined): TypedRows => {
  const found: Found = { refused: [], hasOtherKeys: false }
  const rows: Rows = {
    forEach: (visit) => {
      found.refused = []
      found.hasOtherKeys = false
      for (const item of batch.items) {
        const { id } = item
        const cells = cellsOf(table, item.row)
        if (cells === undefined) found.refused.push({ id, reason: "JSON cannot say one of its values" })
        else if (!id.isWellFormed()) found.refused.push({ id, reason: "its id is no text that a database can hold" })
        else {
          const keyed = keyCell === undefined || cells[keyCell] === id ? cells : withKey(cells, keyCell, id)
          found.hasOtherKeys ||= keyed === undefined
          visit({ id, version: versionOf(batch, item), cells: keyed ?? cells })
        }
      }
    }
  }
  const hasOneVersion = batch.items.every((item) => versionOf(batch, item) === batch.observedAt)
  return { rows: hasOneVersion ? rows : { forEach: (visit) => newest(collect(rows)).forEach(visit) }, found }
}

const cellsOf = (table: Table, row: object): ReadonlyArray<Cell> | undefined => {
  try {
    return table.cells(row)
  } catch {
    return undefined
  }
}

/** The key of a row stays what it is, also where the id in it is redacted; `undefined` where it is another value. */
const withKey = (cells: ReadonlyArray<Cell>, at: number, id: string): ReadonlyArray<Cell> | undefined => {
  const key = cells[at]
  return typeof key === "string" && StandIn.isIn(key) ? cells.with(at, id) : undefined
}

/** Of rows with one id the newest one, the last one of those that are as new. */
export const newest = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const ids = new Set<string>()
  for (const { id } of rows) ids.add(id)
  if (ids.size === rows.length) return rows
  const found = new Map<string, Row>()
  for (const row of rows) if (row.version >= (found.get(row.id)?.version ?? -Infinity)) found.set(row.id, row)
  return [...found.values()]
}
