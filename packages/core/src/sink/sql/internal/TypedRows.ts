/** The items of a batch as rows of a table, each with its id and its version. */
import * as StandIn from "../../../model/internal/StandIn.ts"
import { type Batch, type Refused, versionOf } from "../../SessionSink.ts"
import type { Cell, Table } from "../../Table.ts"
import type { Row } from "./Dialect.ts"

export interface TypedRows {
  /** No two have the same id. */
  readonly rows: ReadonlyArray<Row>
  readonly refused: Array<Refused>
  /** The column of the key has other values than the ids. */
  readonly hasOtherKeys: boolean
}

/** @param keyCell The cell that is the key; `undefined` if the key is beside the cells. */
export const make = (batch: Batch<object>, table: Table, keyCell: number | undefined): TypedRows => {
  const rows: Array<Row> = []
  const refused: Array<Refused> = []
  let hasOtherKeys = false
  for (const item of batch.items) {
    const { id, row } = item
    try {
      const cells = table.cells(row)
      if (!id.isWellFormed()) refused.push({ id, reason: "its id is no text that a database can hold" })
      else {
        const keyed = keyCell === undefined || cells[keyCell] === id ? cells : withKey(cells, keyCell, id)
        hasOtherKeys ||= keyed === undefined
        rows.push({ id, version: versionOf(batch, item), cells: keyed ?? cells })
      }
    } catch {
      refused.push({ id, reason: "JSON cannot say one of its values" })
    }
  }
  return { rows: newest(rows), refused, hasOtherKeys }
}

/** The key of a row stays what it is, also where the id in it is redacted; `undefined` where it is another value. */
const withKey = (cells: ReadonlyArray<Cell>, at: number, id: string): ReadonlyArray<Cell> | undefined => {
  const key = cells[at]
  return typeof key === "string" && StandIn.isIn(key) ? cells.with(at, id) : undefined
}

/** Of rows with one id the newest one, the last one of those that are as new. */
const newest = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const ids = new Set<string>()
  for (const { id } of rows) ids.add(id)
  if (ids.size === rows.length) return rows
  const found = new Map<string, Row>()
  for (const row of rows) if (row.version >= (found.get(row.id)?.version ?? -Infinity)) found.set(row.id, row)
  return [...found.values()]
}
