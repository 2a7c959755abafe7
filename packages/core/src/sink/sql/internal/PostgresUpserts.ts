/** Rows as statements of PostgreSQL: each column is one parameter, a text that the server takes apart into typed values. */
import type { Type } from "../../../model/Column.ts"
import type { Cell } from "../../Table.ts"
import * as Names from "./ColumnNames.ts"
import { collect, type Dialect, type Layout, type Row, type Target, type Upsert } from "./Dialect.ts"
import * as Jsonb from "./Jsonb.ts"
import * as Time from "./Time.ts"
import * as TypedRows from "./TypedRows.ts"

/** Rows of one statement, and about as many characters. */
const most = { rows: 500, characters: 4_000_000 }

/**
 * How a parameter holds the values of its column.
 *
 * - `quoted`: an array of texts. It is cast to no type of the table: a cast would cut a text that is longer than
 *   `varchar(20)`, where an insert is rejected.
 * - `plain`: an array of values that contain no character with a meaning in an array, such as numbers and times.
 * - `json`: texts of JSON with a control character between them, which JSON has only as an escape. As an array, each of
 *   their quotation marks would need one. Nothing is `NULL`.
 */
type Form = "quoted" | "plain" | "json"

const formOf = (type: Type): Form => (type === "text" || type === "any" ? "quoted" : type === "json" ? "json" : "plain")

const separator = "\u001f"

const valuesOf = (form: Form, declared: string, at: number): string => {
  const given = `$${at + 1}::text`
  switch (form) {
    case "quoted":
      return `unnest(${given}::text[])`
    case "plain":
      return `unnest(${given}::${declared}[])`
    case "json":
      return `unnest(string_to_array(${given}, chr(31), ''))::${declared}`
  }
}

const joined = (form: Form, literals: ReadonlyArray<string>): string =>
  form === "json" ? literals.join(separator) : `{${literals.join(",")}}`

interface Shape {
  /** Of the parameters: the cells, then the key where no cell is the key, then the version. */
  readonly forms: ReadonlyArray<Form>
  /** Says how many rows it wrote. */
  readonly sql: string
  /** The same with one more parameter. */
  readonly above: string
}

/** Made once for a layout. */
const shapes = new WeakMap<Layout, Shape>()

const shapeOf = (layout: Layout): Shape => {
  const known = shapes.get(layout)
  if (known !== undefined) return known
  const { cells, key, keyCell, table, version } = layout
  const targets: ReadonlyArray<Pick<Target, "name" | "type" | "declared">> = [
    ...cells,
    ...(keyCell === undefined ? [{ name: key, type: "text", declared: "text" } as const] : []),
    { name: version, type: "timestamp", declared: "timestamptz" }
  ]
  const forms = targets.map(({ type }) => formOf(type))
  const list = targets.map(({ name }) => Names.quote(name))
  const values = targets.map(({ declared }, at) => valuesOf(forms[at] ?? "quoted", declared, at))
  const updates = list
    .filter((name) => name !== Names.quote(key))
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")
  const seen = Names.quote(version)
  const upsert = (where: string) => `WITH wrote AS (INSERT INTO ${table} AS held (${list.join(", ")})
SELECT ${values.join(", ")}
ON CONFLICT (${Names.quote(key)}) DO UPDATE SET ${updates}
WHERE ${where} RETURNING 1) SELECT count(*) AS wrote FROM wrote`
  const shape: Shape = {
    forms,
    sql: upsert(`held.${seen} IS NULL OR excluded.${seen} >= held.${seen}`),
    above: upsert(`excluded.${seen} < held.${seen} AND held.${seen} > $${targets.length + 1}::text::timestamptz`)
  }
  shapes.set(layout, shape)
  return shape
}

/** The year 0, which JavaScript has and PostgreSQL has not. */
const noDate = (cell: Cell): boolean => typeof cell === "string" && cell.startsWith("0000")

/** What an array has an escape for, and NUL, which nothing has. */
const special = /["\\\0]/

const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`

/** What a column cannot hold, by the name of the cell, as JSON. */
type Moved = Array<readonly [origin: string, json: string]>

/** A cell as its parameter has it. */
const literalOf = (form: Form, { origin, type }: Target, cell: Cell | undefined, moved: Moved): string => {
  if (cell === undefined || cell === null) return form === "json" ? "" : "NULL"
  const text = typeof cell === "string" ? cell : String(cell)
  switch (form) {
    case "quoted":
      if (!special.test(text)) return `"${text}"`
      if (Jsonb.holdsText(text)) return quoted(text)
      moved.push([origin, JSON.stringify(text)])
      return quoted(Jsonb.showText(text))
    case "json":
      if (Jsonb.holds(text)) return text
      moved.push([origin, text])
      return Jsonb.show(text)
    case "plain":
      if (type !== "date" || !noDate(cell)) return text
      moved.push([origin, JSON.stringify(cell)])
      return "NULL"
  }
}

/** `extra`, beside which is what other columns of the row cannot hold. */
const extraOf = (cell: Cell | undefined, moved: Moved): string => {
  const own = typeof cell === "string" ? cell : null
  return moved.length > 0 || (own !== null && !Jsonb.holdsExtra(own)) ? Jsonb.extra(own, moved) : (own ?? "")
}

type Columns = ReadonlyArray<Array<string>>

/** Adds a row to the columns of a statement: how many characters it has. */
const add = (
  columns: Columns,
  { cells: targets, hasExtra, keyCell }: Layout,
  forms: ReadonlyArray<Form>,
  { cells, id }: Row,
  version: string
): number => {
  const width = targets.length
  const moved: Moved = []
  let characters = 0
  let place = 0
  const put = (literal: string) => {
    characters += literal.length + 1
    columns[place++]?.push(literal)
  }
  for (let at = 0; at < width; at++) {
    const target = targets[at]
    const form = forms[at]
    if (target === undefined || form === undefined) continue
    put(hasExtra && at === width - 1 ? extraOf(cells[at], moved) : literalOf(form, target, cells[at], moved))
  }
  if (keyCell === undefined) put(quoted(id))
  put(version)
  return characters
}

export const upserts: Dialect["upserts"] = (layout, rows) => {
  const { above, forms, sql } = shapeOf(layout)
  const observed = Time.repeated()
  const upserts: Array<Upsert> = []
  const unsayable: Array<Row> = []
  const blank = (): Columns => forms.map(() => [])
  let columns = blank()
  let count = 0
  let weight = 0
  const close = () => {
    if (count === 0) return
    const params = columns.map((literals, at) => joined(forms[at] ?? "quoted", literals))
    const statement = { sql, params, weight }
    upserts.push({
      statement,
      rows: count,
      above: (version) => ({ ...statement, sql: above, params: [...params, Time.format(version)] })
    })
    columns = blank()
    count = 0
    weight = 0
  }
  // One statement cannot write a row twice.
  for (const row of TypedRows.newest(collect(rows))) {
    if (!Jsonb.holdsText(row.id)) {
      unsayable.push(row)
      continue
    }
    weight += add(columns, layout, forms, row, observed(row.version))
    count++
    if (count >= most.rows || weight >= most.characters) close()
  }
  close()
  return { upserts, unsayable }
}
