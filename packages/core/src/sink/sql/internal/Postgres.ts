/** How PostgreSQL is spoken to: a batch is one text of JSON, which the server takes apart into typed columns. */
import * as Effect from "effect/Effect"
import type { TableProblem } from "../../SinkReason.ts"
import type { Type } from "../../../model/Column.ts"
import type { Cell } from "../../Table.ts"
import {
  collect,
  type Dialect,
  type Existing,
  type Layout,
  type Look,
  type Row,
  statement,
  type Upsert
} from "./Dialect.ts"
import * as Jsonb from "./Jsonb.ts"
import * as Names from "./ColumnNames.ts"
import * as Time from "./Time.ts"
import * as TypedRows from "./TypedRows.ts"

const declared: Readonly<Record<Type, string>> = {
  text: "text",
  any: "text",
  integer: "bigint",
  number: "double precision",
  decimal: "numeric",
  timestamp: "timestamp with time zone",
  date: "date",
  boolean: "boolean",
  json: "jsonb"
}

const integers = ["bigint", "numeric", "integer"]
const texts = /^(?:text|citext|character varying(?:\(\d+\))?)$/

/** A numeric with a scale would round a cost, a timestamp without a zone would move: those are refused. */
const accepts = (type: Type, has: string): boolean => {
  switch (type) {
    case "text":
    case "any":
      return texts.test(has)
    case "integer":
      return integers.includes(has)
    case "number":
      return has === "double precision" || has === "numeric"
    case "json":
      return has === "jsonb" || has === "json"
    default:
      return has === declared[type]
  }
}

/** Rows of one statement, and about as many characters. */
const most = { rows: 500, characters: 4_000_000 }

interface Shape {
  /** Says how many rows it wrote. */
  readonly sql: string
  /** The same with one more parameter. */
  readonly above: string
  /** The beginning of each member of a row's JSON: `"c0":`. */
  readonly labels: ReadonlyArray<string>
}

/** Made once for a layout. */
const shapes = new WeakMap<Layout, Shape>()

const shapeOf = (layout: Layout): Shape => {
  const known = shapes.get(layout)
  if (known !== undefined) return known
  const { cells, key, keyCell, table, version } = layout
  const targets = keyCell === undefined ? [...cells, { name: key, declared: "text" }] : cells
  const list = [...targets.map(({ name }) => name), version].map(Names.quote)
  const typed = [...targets.map(({ declared }, at) => `c${at} ${declared}`), "v timestamptz"].join(", ")
  const updates = list
    .filter((name) => name !== Names.quote(key))
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")
  const seen = Names.quote(version)
  const upsert = (where: string) => `WITH wrote AS (INSERT INTO ${table} AS held (${list.join(", ")})
SELECT given.* FROM jsonb_to_recordset($1::text::jsonb) AS given (${typed})
ON CONFLICT (${Names.quote(key)}) DO UPDATE SET ${updates}
WHERE ${where} RETURNING 1) SELECT count(*) AS wrote FROM wrote`
  const shape: Shape = {
    labels: targets.map((_, at) => `"c${at}":`),
    sql: upsert(`held.${seen} IS NULL OR excluded.${seen} >= held.${seen}`),
    above: upsert(`excluded.${seen} < held.${seen} AND held.${seen} > $2::text::timestamptz`)
  }
  shapes.set(layout, shape)
  return shape
}

/** The year 0, which JavaScript has and PostgreSQL has not. */
const noDate = (cell: Cell): boolean => typeof cell === "string" && cell.startsWith("0000")

const jsonOf = (type: Type, cell: Cell): string =>
  type === "json" || typeof cell !== "string" ? String(cell) : JSON.stringify(cell)

/** What JSON has an escape for; NUL is among it. A cell is well-formed. */
// oxlint-disable-next-line no-control-regex -- those are what is searched for
const special = /["\\\u0000-\u001f]/

/**
 * A row as a JSON object. What its columns cannot hold is in `extra`, the last cell where there is one, beside what is
 * shown of it.
 */
const encode = (
  { cells: targets, hasExtra, keyCell }: Layout,
  labels: ReadonlyArray<string>,
  { cells, id }: Row,
  version: string
): string => {
  const last = hasExtra ? targets.length - 1 : targets.length
  const moved: Array<readonly [string, string]> = []
  let text = `{"v":"${version}"`
  for (let at = 0; at < last; at++) {
    const target = targets[at]
    let cell = cells[at]
    if (target === undefined || cell === undefined || cell === null) continue
    const { origin, type } = target
    if (typeof cell === "string" && type !== "json" && type !== "date" && !special.test(cell)) {
      text += `,${labels[at] ?? ""}"${cell}"`
      continue
    }
    if (
      type === "json"
        ? typeof cell === "string" && !Jsonb.holds(cell)
        : typeof cell === "string" && !Jsonb.holdsText(cell)
    ) {
      moved.push([origin, type === "json" ? String(cell) : JSON.stringify(cell)])
      cell = type === "json" ? Jsonb.show(String(cell)) : Jsonb.showText(String(cell))
    } else if (type === "date" && noDate(cell)) {
      moved.push([origin, JSON.stringify(cell)])
      continue
    }
    text += `,${labels[at] ?? ""}${jsonOf(type, cell)}`
  }
  const own = hasExtra ? cells[last] : null
  const beyond = typeof own === "string" ? own : null
  if ((hasExtra && moved.length > 0) || (beyond !== null && !Jsonb.holdsExtra(beyond))) {
    text += `,${labels[last] ?? ""}${Jsonb.extra(beyond, moved)}`
  } else if (beyond !== null) text += `,${labels[last] ?? ""}${beyond}`
  if (keyCell === undefined) text += `,${labels[targets.length] ?? ""}${JSON.stringify(id)}`
  return `${text}}`
}

const upserts: Dialect["upserts"] = (layout, rows) => {
  const { above, labels, sql } = shapeOf(layout)
  const observed = Time.repeated()
  const upserts: Array<Upsert> = []
  const unsayable: Array<Row> = []
  let text = ""
  let count = 0
  const close = () => {
    if (count > 0) {
      const given = `[${text}]`
      const weight = text.length
      upserts.push({
        statement: { sql, params: [given], weight },
        rows: count,
        above: (version) => ({ sql: above, params: [given, Time.format(version)], weight })
      })
    }
    text = ""
    count = 0
  }
  // One statement cannot write a row twice.
  for (const row of TypedRows.newest(collect(rows))) {
    if (!Jsonb.holdsText(row.id)) {
      unsayable.push(row)
      continue
    }
    text += `${count === 0 ? "" : ","}${encode(layout, labels, row, observed(row.version))}`
    count++
    if (count >= most.rows || text.length >= most.characters) close()
  }
  close()
  return { upserts, unsayable }
}

const wrote: Dialect["wrote"] = (connection, { params, sql }) =>
  Effect.map(connection.execute(sql, params, undefined), ([row]) => Number(row?.wrote))

const words = {
  columns: `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS declared, a.attnotnull AS required,
  a.atthasdef OR a.attidentity <> '' AS filled, a.attgenerated <> '' OR a.attidentity = 'a' AS generated
FROM pg_attribute a WHERE a.attrelid = $1::text::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
  key: `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = $1::text::bigint::oid AND i.indisprimary`,
  schema: `SELECT n.nspname AS name, has_schema_privilege(n.oid, 'USAGE') AS usable, has_schema_privilege(n.oid, 'CREATE') AS open
FROM pg_namespace n WHERE n.nspname = coalesce($1::text, current_schema())`,
  table: `SELECT c.oid::bigint::text AS oid, c.relkind IN ('r', 'p') AS plain,
  has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AS usable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`
}

const look: Dialect["look"] = Effect.fnUntraced(function* (connection, { schema, table }) {
  const ask = (sql: string, ...params: ReadonlyArray<string | null>) => connection.execute(sql, params, undefined)
  const refuse = (problem: TableProblem): Look => ({ _tag: "Refused", problem })
  const [place] = yield* ask(words.schema, schema ?? null)
  if (place === undefined) {
    return refuse(schema === undefined ? { _tag: "NoSearchPath" } : { _tag: "NoSchema", schema })
  }
  const name = String(place.name)
  if (place.usable !== true) return refuse({ _tag: "MayNotUseSchema", schema: name })
  const [there] = yield* ask(words.table, name, table)
  if (there === undefined) {
    return place.open === true
      ? { _tag: "Found", schema: name, found: undefined }
      : refuse({ _tag: "MayNotMake", table, schema: name })
  }
  if (there.plain !== true)
    return { _tag: "Found", schema: name, found: { kind: "other", columns: [], primaryKey: [] } }
  if (there.usable !== true) return refuse({ _tag: "MayNotWrite", table, schema: name })
  const columns = yield* ask(words.columns, String(there.oid))
  const key = yield* ask(words.key, String(there.oid))
  return {
    _tag: "Found",
    schema: name,
    found: {
      kind: "table",
      primaryKey: key.map((row) => String(row.name)),
      columns: columns.map((row): Existing => ({
        name: String(row.name),
        declared: String(row.declared),
        required: row.required === true,
        filled: row.filled === true,
        generated: row.generated === true
      }))
    }
  }
})

const qualified: Dialect["qualified"] = ({ schema, table }) =>
  schema === undefined ? Names.quote(table) : `${Names.quote(schema)}.${Names.quote(table)}`

export const postgres: Dialect = {
  name: "postgres",
  begin: "BEGIN",
  // A lower limit of the server, or of the user, stays.
  bounded: `SELECT set_config('idle_in_transaction_session_timeout', '30s', true)
WHERE current_setting('idle_in_transaction_session_timeout')::interval NOT BETWEEN interval '1 millisecond' AND interval '30 seconds'`,
  ifMissing: "IF NOT EXISTS",
  eager: true,
  quote: Names.quote,
  names: Names.unique({
    bytes: 63,
    fold: (name) => name,
    reserved: new Set(["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"])
  }),
  fold: (name) => name,
  declare: (type) => declared[type],
  accepts,
  qualified,
  lock: (place) => [
    statement("SET LOCAL lock_timeout = '10s'"),
    // Two runs that make one table at the same time would otherwise fail in the catalogue.
    statement("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", `callstream ${qualified(place)}`)
  ],
  look,
  upserts,
  wrote
}
