import * as Column from "@callstream/core/model/Column"
import { of as versionOf } from "@callstream/core/model/Version"
import * as Table from "@callstream/core/sink/Table"
import { assert, describe, it } from "@effect/vitest"
import { collect, type Layout } from "../../../src/sink/sql/internal/Dialect.ts"
import { postgres } from "../../../src/sink/sql/internal/Postgres.ts"
import * as TypedRows from "../../../src/sink/sql/internal/TypedRows.ts"

const columns: ReadonlyArray<Column.Column> = [
  { name: "id", type: "text" },
  { name: "status", type: "text" }
]
const table = Table.make(columns)

interface Given {
  readonly id: string
  readonly row: object
  readonly version?: number
}

const typed = (items: ReadonlyArray<Given>, keyCell: number | undefined) => {
  const { found, rows } = TypedRows.make(
    {
      items: items.map(({ id, row, version }) => ({
        id,
        row,
        start: undefined,
        version: version === undefined ? undefined : versionOf(version)
      })),
      columns,
      observedAt: versionOf(5)
    },
    table,
    keyCell
  )
  return { rows: collect(rows), again: collect(rows), found }
}

describe("TypedRows", () => {
  it("of rows with one id the newest stays, and of equal ones the last", () => {
    const items = [
      { id: "a", row: { id: "a", status: "old" }, version: 3 },
      { id: "b", row: { id: "b", status: "first" } },
      { id: "a", row: { id: "a", status: "new" }, version: 9 },
      { id: "b", row: { id: "b", status: "second" } },
      { id: "a", row: { id: "a", status: "older" }, version: 1 }
    ]
    assert.deepStrictEqual(
      typed(items, 0).rows.map(({ cells, id, version }) => [id, version, cells[1]]),
      [
        ["a", 9, "new"],
        ["b", 5, "second"]
      ]
    )
  })

  it("of rows with one id and one version PostgreSQL is sent the last, because one statement cannot write a row twice", () => {
    const items = [
      { id: "a", row: { id: "a", status: "first" } },
      { id: "b", row: { id: "b", status: "other" } },
      { id: "a", row: { id: "a", status: "last" } }
    ]
    const layout: Layout = {
      table: "calls",
      cells: columns.map(({ name, type }) => ({ name, origin: name, type, declared: "text" })),
      hasExtra: false,
      key: "id",
      keyCell: 0,
      version: "observed_at"
    }
    const { upserts } = postgres.upserts(layout, typed(items, 0).rows)
    assert.deepStrictEqual(
      upserts.map(({ statement }) => statement.params.slice(0, 2)),
      [[`{"a","b"}`, `{"last","other"}`]]
    )
    assert.deepStrictEqual(
      upserts.map(({ rows }) => rows),
      [2]
    )
  })

  it("a redacted id stays the key, and any other value in its place is reported", () => {
    const redacted = typed([{ id: "call_1", row: { id: "[phone]", status: "ended" } }], 0)
    assert.isFalse(redacted.found.hasOtherKeys)
    assert.deepStrictEqual(redacted.rows[0]?.cells.slice(0, 2), ["call_1", "ended"])
    const other = [{ id: "call_1", row: { id: "another", status: "ended" } }]
    assert.isTrue(typed(other, 0).found.hasOtherKeys)
    assert.isFalse(typed(other, undefined).found.hasOtherKeys)
  })

  it("refuses ids that are no text, and values that are no JSON", () => {
    const items = [
      { id: "\ud800", row: { id: "\ud800" } },
      { id: "big", row: { id: "big", other: 1n } },
      { id: "good", row: { id: "good" } }
    ]
    const { again, found, rows } = typed(items, 0)
    assert.deepStrictEqual(
      found.refused.map(({ id }) => id),
      ["\ud800", "big"]
    )
    assert.deepStrictEqual(
      rows.map(({ id }) => id),
      ["good"]
    )
    // Rows that are iterated again, as where the database rejects one of them, are the same.
    assert.deepStrictEqual(again, rows)
  })
})
