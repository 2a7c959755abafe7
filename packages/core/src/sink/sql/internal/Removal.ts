/** A table in a sync: calls that are gone are marked or deleted, and a second table keeps each version. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { Column } from "../../../model/Column.ts"
import type { Version } from "../../../model/Version.ts"
import { type Dialect, type Found, type Layout, type Place, type Statement, statement, type Upsert } from "./Dialect.ts"
import * as Time from "./Time.ts"

export interface Options {
  readonly history: boolean
  /** How many rows are deleted in an hour at most; `undefined` marks them and deletes none. */
  readonly mostDeleted: number | undefined
}

/** Goes behind the columns of the rows. No row has a value for it, so writing a row empties it. */
export const column: Column = { name: "removed_at", type: "timestamp" }

export interface Removals {
  /** Marks calls, and ends their current version. Repeats change nothing. */
  readonly mark: (gone: ReadonlyArray<{ readonly id: string; readonly version: Version }>) => Upsert
  /** The same upserts, after which the table of versions has the rows. */
  readonly withHistory: (upserts: ReadonlyArray<Upsert>, ids: ReadonlyArray<string>) => ReadonlyArray<Upsert>
  /** Deletes so many rows that are marked, those first that were marked first. */
  readonly sweep: (most: number) => Statement
}

const historyOf = (place: Place): Place => ({ ...place, table: `${place.table}_history` })

const nameOf = ({ cells }: Layout): string => cells.findLast(({ origin }) => origin === column.name)?.name ?? ""

/** Columns that a version has: the row's own, its key and when it was observed. */
const columnsOf = (layout: Layout): ReadonlyArray<{ readonly name: string; readonly declared: string }> => [
  ...layout.cells.filter(({ name }) => name !== nameOf(layout)),
  ...(layout.keyCell === undefined ? [{ name: layout.key, declared: "text" }] : [])
]

export const make = (dialect: Dialect, place: Place, layout: Layout, { history }: Options): Removals => {
  const { quote } = dialect
  const isPostgres = dialect.name === "postgres"
  const { table } = layout
  const [key, removed, seen] = [layout.key, nameOf(layout), layout.version].map(quote)
  const versions = dialect.qualified(historyOf(place))
  // One text of JSON is one parameter in both databases.
  const given = isPostgres
    ? "(SELECT value ->> 0 AS id, (value ->> 1)::timestamptz AS at FROM jsonb_array_elements($1::text::jsonb))"
    : "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS at FROM json_each(?))"
  const ids = isPostgres ? "(SELECT jsonb_array_elements_text($1::text::jsonb))" : "(SELECT value FROM json_each(?))"
  const marks = `UPDATE ${table} AS held SET ${removed} = given.at, ${seen} = given.at FROM ${given} AS given
WHERE held.${key} = given.id AND (held.${seen} IS NULL OR held.${seen} <= given.at)`
  const latest = `(SELECT held.${seen} FROM ${table} AS held WHERE held.${key} = past.${key})`
  const ends = `UPDATE ${versions} AS past SET valid_to = ${latest}, is_current = ${isPostgres ? "false" : "0"}
WHERE past.${key} IN ${ids} AND past.is_current AND past.valid_from < ${latest}`
  const names = columnsOf(layout).map(({ name }) => quote(name))
  const begins = `INSERT INTO ${versions} (${names.join(", ")}, valid_from, is_current)
SELECT ${names.join(", ")}, ${seen}, ${isPostgres ? "true" : "1"} FROM ${table}
WHERE ${key} IN ${ids} AND ${removed} IS NULL AND ${seen} IS NOT NULL ON CONFLICT (${key}, valid_from) DO NOTHING`
  const about = (all: ReadonlyArray<string>) => JSON.stringify(all.filter((id) => !id.includes("\0")))
  return {
    mark: (gone) => {
      const text = JSON.stringify(
        gone.flatMap(({ id, version }) => (id.includes("\0") ? [] : [[id, Time.format(version)]]))
      )
      return {
        statement: { sql: marks, params: [text], weight: text.length },
        // They are not compared with what the table holds.
        rows: 0,
        above: () => statement(marks, text),
        after: history ? [statement(ends, about(gone.map(({ id }) => id)))] : []
      }
    },
    withHistory: (upserts, all) => {
      const last = upserts.at(-1)
      if (!history || last === undefined) return upserts
      const text = about(all)
      return [...upserts.slice(0, -1), { ...last, after: [statement(ends, text), statement(begins, text)] }]
    },
    sweep: (most) => {
      const oldest = `SELECT ${key} FROM ${table} WHERE ${removed} IS NOT NULL ORDER BY ${removed} LIMIT ${most}`
      const deletes = `DELETE FROM ${table} WHERE ${key} IN (${oldest})`
      return statement(
        isPostgres ? `WITH wrote AS (${deletes} RETURNING 1) SELECT count(*) AS wrote FROM wrote` : deletes
      )
    }
  }
}

/** What makes the table of versions, with the rows that are there now, or gives it the columns that it lacks. */
export const changes = (
  dialect: Dialect,
  place: Place,
  layout: Layout,
  found: Found | undefined
): ReadonlyArray<string> => {
  const { declare, quote } = dialect
  const versions = dialect.qualified(historyOf(place))
  const columns = columnsOf(layout)
  if (found !== undefined) {
    const has = new Set(found.columns.map(({ name }) => dialect.fold(name)))
    return columns
      .filter(({ name }) => !has.has(dialect.fold(name)))
      .map(({ declared, name }) => `ALTER TABLE ${versions} ADD COLUMN ${quote(name)} ${declared}`)
  }
  const names = columns.map(({ name }) => quote(name)).join(", ")
  const [key, removed, seen] = [layout.key, nameOf(layout), layout.version].map(quote)
  const timestamp = declare("timestamp")
  return [
    `CREATE TABLE ${versions} (${columns.map(({ declared, name }) => `${quote(name)} ${declared}`).join(", ")}, valid_from ${timestamp} NOT NULL, valid_to ${timestamp}, is_current ${declare("boolean")} NOT NULL, PRIMARY KEY (${key}, valid_from))`,
    `INSERT INTO ${versions} (${names}, valid_from, is_current) SELECT ${names}, ${seen}, ${dialect.name === "postgres" ? "true" : "1"} FROM ${layout.table} WHERE ${removed} IS NULL AND ${seen} IS NOT NULL`
  ]
}

/** The table of versions, if it is there. */
export const look = (
  dialect: Dialect,
  connection: Connection,
  place: Place
): Effect.Effect<Found | undefined, SqlError> =>
  Effect.map(dialect.look(connection, historyOf(place)), (look) => (look._tag === "Found" ? look.found : undefined))
