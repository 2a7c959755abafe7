/** Calls of a table in SQLite or PostgreSQL. */
import { SinkError } from "@callstream/core"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { UsageError } from "../../option/UsageError.ts"
import { fromJson, jsonColumns, type Reading, recordOf, toRead, wantedColumns } from "./CallsRead.ts"

/** Rows of one query. */
const rowsAtOnce = 5000

export interface Place {
  /** What messages call it. */
  readonly name: string
  readonly schema: string | undefined
  readonly table: string
}

type Row = Readonly<Record<string, unknown>>

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

const qualified = ({ schema, table }: Place): string =>
  schema === undefined ? quote(table) : `${quote(schema)}.${quote(table)}`

/** A failure of the database, as that of a sink that is opened. */
export const failed =
  (name: string) =>
  (error: SqlError): SinkError => {
    const failure = SqlFailure.of(error)
    return new SinkError({
      sink: name,
      operation: "open",
      retryable: SqlFailure.isRetryable(failure),
      reason: failure._tag === "Untrusted" ? failure : { _tag: "Database", failure }
    })
  }

const columnsOf = (sql: SqlClient.SqlClient, place: Place) =>
  sql.onDialectOrElse({
    pg: () =>
      sql.unsafe<{ readonly name: string; readonly type: string }>(
        "SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        [qualified(place)]
      ),
    orElse: () =>
      sql.unsafe<{ readonly name: string; readonly type: string }>(
        "SELECT name, lower(type) AS type FROM pragma_table_info(?)",
        [place.table]
      )
  })

/** As a record has it: the text of a time depends on the session in PostgreSQL, and a large integer is no double. */
const selected = ({ name, type }: { readonly name: string; readonly type: string }): string => {
  const column = quote(name)
  switch (type) {
    case "text":
    case "real":
    case "double precision":
      return column
    case "integer":
      return `CAST(${column} AS text) AS ${column}`
    case "timestamp with time zone":
      return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`
    default:
      return `${column}::text AS ${column}`
  }
}

const toRow = (row: Row): Row =>
  recordOf(
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, jsonColumns.has(name) ? fromJson(value) : value])
    )
  )

/** The rows, in the order of their key. Rows of calls that are gone are left out. */
export const read = (place: Place, wanted: ReadonlySet<string>): Reading<SqlClient.SqlClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const fail = Effect.mapError(failed(place.name))
      const there = yield* fail(columnsOf(sql, place))
      const names = there.map(({ name }) => name)
      const key = ["session_id", "id"].find((name) => names.includes(name))
      if (key === undefined) {
        return yield* new UsageError({
          option: "from",
          reason: {
            _tag: "CallsUnreadable",
            path: place.name,
            problem: names.length === 0 ? `has no table ${place.table}` : `has no calls in ${place.table}`
          }
        })
      }
      const columns = wantedColumns(wanted, names)
      const list = there
        .filter(({ name }) => columns.includes(name))
        .map(selected)
        .join(", ")
      const marks = sql.onDialectOrElse({ pg: () => ["$1", "$2"], orElse: () => ["?", "?"] })
      const shown = names.includes("removed_at") ? " AND removed_at IS NULL" : ""
      const query = `SELECT ${list} FROM ${qualified(place)} WHERE ${quote(key)} > ${marks[0]}${shown} ORDER BY ${quote(key)} LIMIT ${marks[1]}`
      return Stream.paginate("", (after: string) =>
        Effect.map(fail(sql.unsafe<Row>(query, [after, rowsAtOnce])), (rows) => {
          const last = rows.at(-1)?.[key]
          const next = rows.length < rowsAtOnce || typeof last !== "string" ? undefined : last
          return [[toRead(rows.map(toRow))], Option.fromUndefinedOr(next)] as const
        })
      )
    })
  )
