/** How SQLite is spoken to: rows as bound values, a few in each statement. */
import * as Effect from "effect/Effect"
import type { Type } from "../../../model/Column.ts"
import type { Cell } from "../../Table.ts"
import { type Dialect, type Existing, type Layout, type Upsert } from "./Dialect.ts"
import * as Names from "./ColumnNames.ts"
import * as Time from "./Time.ts"

const declared: Readonly<Record<Type, string>> = {
  text: "TEXT",
  any: "TEXT",
  integer: "INTEGER",
  number: "REAL",
  // As text it is exact, and it is still a number to sum() and to a comparison with CAST.
  decimal: "TEXT",
  timestamp: "TEXT",
  date: "TEXT",
  boolean: "INTEGER",
  json: "TEXT"
}

/** What a column makes of a value, by SQLite's own rules. */
const affinity = (type: string): "INTEGER" | "TEXT" | "BLOB" | "REAL" | "NUMERIC" => {
  const upper = type.toUpperCase()
  if (upper.includes("INT")) return "INTEGER"
  if (/CHAR|CLOB|TEXT/.test(upper)) return "TEXT"
  if (upper === "" || upper.includes("BLOB")) return "BLOB"
  return /REAL|FLOA|DOUB/.test(upper) ? "REAL" : "NUMERIC"
}

/** A column of numbers would make a number of a decimal, and round it. */
const accepts = (type: Type, has: string): boolean => {
  const makes = affinity(has)
  switch (type) {
    case "integer":
    case "boolean":
      return makes === "INTEGER" || makes === "NUMERIC"
    case "number":
      return makes === "REAL" || makes === "NUMERIC"
    default:
      return makes === "TEXT" || makes === "BLOB"
  }
}

/** As many as make the cost of a statement small, and no more, because a statement of each width is kept prepared. */
const together = 32

interface Shape {
  readonly sql: string
  /** As many as there are parameters: a copy of it need not grow. */
  readonly blank: ReadonlyArray<string | number | null>
  /** With one more parameter at the end. */
  readonly above: string
}

const shapes = new WeakMap<Layout, (rows: number) => Shape>()

const shapeOf = (layout: Layout): ((rows: number) => Shape) => {
  const known = shapes.get(layout)
  if (known !== undefined) return known
  const { cells, key, keyCell, table, version } = layout
  const list = [...cells.map(({ name }) => name), ...(keyCell === undefined ? [key] : []), version].map(Names.quote)
  const row = `(${list.map(() => "?").join(", ")})`
  const seen = Names.quote(version)
  const updates = list
    .filter((name) => name !== Names.quote(key))
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")
  const made = new Map<number, Shape>()
  const shape = (rows: number): Shape => {
    const known = made.get(rows)
    if (known !== undefined) return known
    const upsert = `INSERT INTO ${table} AS held (${list.join(", ")}) VALUES ${Array.from({ length: rows }, () => row).join(", ")}
ON CONFLICT (${Names.quote(key)}) DO UPDATE SET ${updates}
WHERE`
    const shape: Shape = {
      blank: Array.from({ length: rows * list.length }, () => null),
      sql: `${upsert} held.${seen} IS NULL OR excluded.${seen} >= held.${seen}`,
      above: `${upsert} excluded.${seen} < held.${seen} AND held.${seen} > ?`
    }
    made.set(rows, shape)
    return shape
  }
  shapes.set(layout, shape)
  return shape
}

const bound = (cell: Cell): string | number | null => (typeof cell === "boolean" ? (cell ? 1 : 0) : cell)

const weigh = (params: ReadonlyArray<string | number | null>): number => {
  let weight = 0
  for (const param of params) if (typeof param === "string") weight += param.length
  return weight
}

/** Of two rows with one id, the second finds the first in the table, and overwrites it: they have one version. */
const upserts: Dialect["upserts"] = (layout, rows) => {
  const { keyCell } = layout
  const width = layout.cells.length
  const shape = shapeOf(layout)
  const observed = Time.repeated()
  const upserts: Array<Upsert> = []
  const close = (count: number, params: ReadonlyArray<string | number | null>) => {
    const { above, sql } = shape(count)
    const weight = weigh(params)
    upserts.push({
      statement: { sql, params, weight },
      rows: count,
      above: (version) => ({ sql: above, params: [...params, Time.format(version)], weight })
    })
  }
  const { blank } = shape(together)
  let params = blank.slice()
  let next = 0
  rows.forEach(({ cells, id, version }) => {
    for (let place = 0; place < width; place++) params[next++] = bound(cells[place] ?? null)
    if (keyCell === undefined) params[next++] = id
    params[next++] = observed(version)
    if (next < blank.length) return
    close(together, params)
    params = blank.slice()
    next = 0
  })
  const each = blank.length / together
  for (let from = 0; from < next; from += each) close(1, params.slice(from, from + each))
  return { upserts, unsayable: [] }
}

const wrote: Dialect["wrote"] = (connection, { params, sql }) =>
  Effect.andThen(
    connection.execute(sql, params, undefined),
    Effect.map(connection.execute("SELECT changes() AS wrote", [], undefined), ([row]) => Number(row?.wrote))
  )

const look: Dialect["look"] = Effect.fnUntraced(function* (connection, { table }) {
  const ask = (sql: string) => connection.execute(sql, [table], undefined)
  const [there] = yield* ask(
    "SELECT type FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')"
  )
  if (there === undefined) return { _tag: "Found", schema: undefined, found: undefined }
  const rows = yield* ask(
    'SELECT name, type, "notnull" AS required, dflt_value AS filled, pk, hidden FROM pragma_table_xinfo(?)'
  )
  return {
    _tag: "Found",
    schema: undefined,
    found: {
      kind: there.type === "table" ? "table" : "other",
      primaryKey: rows.filter((row) => Number(row.pk) > 0).map((row) => String(row.name)),
      columns: rows.map((row): Existing => ({
        name: String(row.name),
        declared: String(row.type),
        required: Number(row.required) > 0,
        filled: row.filled !== null,
        generated: Number(row.hidden) > 1
      }))
    }
  }
})

export const sqlite: Dialect = {
  name: "sqlite",
  begin: "BEGIN IMMEDIATE",
  bounded: undefined,
  ifMissing: "",
  eager: false,
  quote: Names.quote,
  names: Names.unique({ bytes: 1000, fold: Names.foldCase, reserved: new Set() }),
  fold: Names.foldCase,
  declare: (type) => declared[type],
  accepts,
  qualified: ({ table }) => Names.quote(table),
  lock: () => [],
  look,
  upserts,
  wrote
}
