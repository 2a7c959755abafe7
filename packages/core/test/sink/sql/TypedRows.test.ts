import * as Column from "@callstream/core/model/Column"
import { of as versionOf } from "@callstream/core/model/Version"
import * as Table from "@callstream/core/sink/Table"
import { assert, describe, it } from "@effect/vitest"
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

const typed = (items: ReadonlyArray<Given>, keyCell: number | undefined) =>
  TypedRows.make(
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

describe("TypedRows", () => {
  it("of rows with one id the newest stays, and of equal ones the last", () => {
    const items = [
      { id: "a", row: { id: "a", status: "old" }, version: 3 },
      { id: "b", row: { id: "b", status: "first" } },
      { id: "a", row: { id: "a", status: "new" }, version: 9 },
      { id: "b", row: { id: "b", status: "second" } },
      { id: "a", row: { id: "a", status: "older" }, version: 1 }
    ]
    const { rows } = typed(items, 0)
    assert.deepStrictEqual(
      rows.map(({ cells, id, version }) => [id, version, cells[1]]),
      [
        ["a", 9, "new"],
        ["b", 5, "second"]
      ]
    )
  })

  it("a redacted id stays the key, and any other value in its place is reported", () => {
    const redacted = typed([{ id: "call_1", row: { id: "[phone]", status: "ended" } }], 0)
    assert.isFalse(redacted.hasOtherKeys)
    assert.deepStrictEqual(redacted.rows[0]?.cells.slice(0, 2), ["call_1", "ended"])
    const other = [{ id: "call_1", row: { id: "another", status: "ended" } }]
    assert.isTrue(typed(other, 0).hasOtherKeys)
    assert.isFalse(typed(other, undefined).hasOtherKeys)
  })

  it("refuses ids that are no text, and values that are no JSON", () => {
    const items = [
      { id: "\ud800", row: { id: "\ud800" } },
      { id: "big", row: { id: "big", other: 1n } },
      { id: "good", row: { id: "good" } }
    ]
    const { refused, rows } = typed(items, 0)
    assert.deepStrictEqual(
      refused.map(({ id }) => id),
      ["\ud800", "big"]
    )
    assert.deepStrictEqual(
      rows.map(({ id }) => id),
      ["good"]
    )
  })
})
