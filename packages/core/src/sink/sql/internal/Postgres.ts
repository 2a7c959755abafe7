/** How PostgreSQL is spoken to. */
import * as Effect from "effect/Effect"
import type { TableProblem } from "../../SinkReason.ts"
import type { Type } from "../../../model/Column.ts"
import { type Dialect, type Existing, type Look, statement } from "./Dialect.ts"
import * as Names from "./ColumnNames.ts"
import { upserts } from "./PostgresUpserts.ts"

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
