/**
 * How complete the tables of a database are: `callstream_coverage`, beside them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { postgres } from "./internal/Postgres.ts"
import { sqlite } from "./internal/Sqlite.ts"

const tableName = "callstream_coverage"

/**
 * A table, and the schema that it is in (of PostgreSQL; without one, the search path decides).
 *
 * @since 0.1.0
 * @category models
 */
export interface Place {
  readonly table: string
  readonly schema?: string | undefined
}

/**
 * What exports with the same filters left as a note.
 *
 * @since 0.1.0
 * @category models
 */
export interface Note {
  /** The filters, in words without values of a person; empty for none. */
  readonly filters: string
  /** What the writer made of it. */
  readonly coverage: string
}

const dialectOf = (sql: SqlClient.SqlClient) => sql.onDialectOrElse({ pg: () => postgres, orElse: () => sqlite })

const at = (sql: SqlClient.SqlClient, { schema }: Place): string => {
  const dialect = dialectOf(sql)
  return dialect.qualified({ schema: dialect.name === "postgres" ? schema : undefined, table: tableName })
}

const parameters = (sql: SqlClient.SqlClient, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, nth) => sql.onDialectOrElse({ pg: () => `$${nth + 1}::text`, orElse: () => "?" }))

const exists = (sql: SqlClient.SqlClient, place: Place): Effect.Effect<boolean, SqlError> =>
  Effect.map(
    sql.onDialectOrElse({
      pg: () =>
        sql.unsafe<{ readonly there: boolean | number }>("SELECT to_regclass($1) IS NOT NULL AS there", [
          at(sql, place)
        ]),
      orElse: () =>
        sql.unsafe<{ readonly there: boolean | number }>(
          "SELECT count(*) AS there FROM sqlite_master WHERE type = 'table' AND name = ?",
          [tableName]
        )
    }),
    ([row]) => row !== undefined && Boolean(row.there)
  )

/**
 * The notes of a table, one for each set of filters; none where nothing was noted.
 *
 * @since 0.1.0
 * @category reading
 */
export const read = Effect.fnUntraced(function* (
  place: Place
): Effect.fn.Return<ReadonlyArray<Note>, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  if (!(yield* exists(sql, place))) return []
  const [name] = parameters(sql, 1)
  return yield* sql.unsafe<Note>(
    `SELECT filters, coverage FROM ${at(sql, place)} WHERE of_table = ${name} ORDER BY filters`,
    [place.table]
  )
})

/**
 * Replaces the note of a table with these filters by what `change` makes of it, in one transaction. `alone` removes notes with
 * other filters: of a sync, which decides alone what its table has.
 *
 * @since 0.1.0
 * @category writing
 */
export const update = Effect.fnUntraced(function* (
  place: Place,
  { alone = false, filters }: { readonly filters: string; readonly alone?: boolean | undefined },
  change: (before: string | undefined) => string
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const table = at(sql, place)
  yield* sql.withTransaction(
    Effect.gen(function* () {
      if (!(yield* exists(sql, place))) {
        yield* sql.unsafe(
          `CREATE TABLE IF NOT EXISTS ${table} (of_table TEXT NOT NULL, filters TEXT NOT NULL, coverage TEXT NOT NULL, PRIMARY KEY (of_table, filters))`
        )
      }
      const [name, words, text] = parameters(sql, 3)
      const [before] = yield* sql.unsafe<Note>(
        `SELECT filters, coverage FROM ${table} WHERE of_table = ${name} AND filters = ${words}`,
        [place.table, filters]
      )
      if (alone) {
        yield* sql.unsafe(`DELETE FROM ${table} WHERE of_table = ${name} AND filters <> ${words}`, [
          place.table,
          filters
        ])
      }
      yield* sql.unsafe(
        `INSERT INTO ${table} (of_table, filters, coverage) VALUES (${name}, ${words}, ${text}) ON CONFLICT (of_table, filters) DO UPDATE SET coverage = excluded.coverage`,
        [place.table, filters, change(before?.coverage)]
      )
    })
  )
})
