import * as Version from "@callstream/core/model/Version"
import type * as Column from "@callstream/core/model/Column"
import { assert, describe, it } from "@effect/vitest"
import type { Layout, Row } from "../../../src/sink/sql/internal/Dialect.ts"
import { upserts } from "../../../src/sink/sql/internal/PostgresUpserts.ts"
import type { Cell } from "../../../src/sink/Table.ts"

const declared = { text: "text", any: "character varying(20)", integer: "bigint", date: "date", json: "jsonb" } as const

const layoutOf = (types: ReadonlyArray<keyof typeof declared>, keyCell: number | undefined): Layout => ({
  table: "calls",
  cells: types.map((type, at): Layout["cells"][number] & { readonly type: Column.Type } => ({
    name: `c${at}`,
    origin: `o${at}`,
    type,
    declared: declared[type]
  })),
  hasExtra: types.at(-1) === "json",
  key: keyCell === undefined ? "session_id" : `c${keyCell}`,
  keyCell,
  version: "observed_at"
})

const row = (id: string, ...cells: ReadonlyArray<Cell>): Row => ({ id, version: Version.of(0), cells })

const made = (layout: Layout, rows: ReadonlyArray<Row>) => upserts(layout, rows)

const epoch = "1970-01-01T00:00:00.000000Z"

describe("PostgresUpserts", () => {
  it("each column is one parameter, and so are the key beside the cells and the version", () => {
    const [first] = made(layoutOf(["text", "integer", "date", "json"], undefined), [
      row("a", 'say "\\"', 7, null, null),
      row('b,"', "", "9223372036854775807", "2026-07-31", '{"x":[","]}')
    ]).upserts
    assert.deepStrictEqual(first?.statement.params, [
      `{"say \\"\\\\\\"",""}`,
      "{7,9223372036854775807}",
      "{NULL,2026-07-31}",
      `\u001f{"x":[","]}`,
      `{"a","b,\\""}`,
      `{${epoch},${epoch}}`
    ])
    assert.include(first?.statement.sql ?? "", "unnest(string_to_array($4::text, chr(31), ''))::jsonb")
    assert.strictEqual(first?.rows, 2)
    const above = first?.above(Version.of(1))
    assert.deepStrictEqual(above?.params.slice(6), ["1970-01-01T00:00:00.000001Z"])
    assert.include(above?.sql ?? "", "$7::text")
  })

  it("casts no text to the type of its column, because a cast cuts what is too long", () => {
    const [first] = made(layoutOf(["text", "any", "json"], 0), [row("a", "a", "b", null)]).upserts
    assert.notInclude(first?.statement.sql ?? "", "varying")
    assert.include(first?.statement.sql ?? "", "unnest($2::text::text[])")
  })

  it("shows NUL and the year 0 in `extra`, and returns a row with NUL in its id", () => {
    const layout = layoutOf(["text", "date", "json", "json"], 0)
    const { unsayable, upserts } = made(layout, [
      row("a", "a\0", "0000-01-01", '["\\u0000"]', '{"more":1}'),
      row("\0", "\0", null, null, null)
    ])
    assert.deepStrictEqual(
      unsayable.map(({ id }) => id),
      ["\0"]
    )
    const [text, date, json, extra] = upserts[0]?.statement.params ?? []
    assert.deepStrictEqual([text, date, json], [`{"a\ufffd"}`, "{NULL}", '["\ufffd"]'])
    assert.deepStrictEqual(JSON.parse(String(extra)), {
      more: 1,
      o0: { $json: '"a\\u0000"' },
      o1: "0000-01-01",
      o2: { $json: '["\\u0000"]' }
    })
  })

  it("a statement ends with 500 rows, or with four million characters", () => {
    const layout = layoutOf(["text", "json"], 0)
    const rows = (count: number, text: string) =>
      made(
        layout,
        Array.from({ length: count }, (_, at) => row(`${at}`, text, null))
      ).upserts.map(({ rows }) => rows)
    assert.deepStrictEqual(rows(1001, "a"), [500, 500, 1])
    assert.deepStrictEqual(rows(5, "a".repeat(1_500_000)), [3, 2])
    assert.deepStrictEqual(rows(0, ""), [])
  })
})
