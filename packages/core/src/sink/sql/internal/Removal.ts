/** A table in a sync: calls that are gone are marked or deleted, and a second table keeps each version. */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Column } from "../../../model/Column.ts"
import type { Version } from "../../../model/Version.ts"
import {
  collect,
  type Dialect,
  type Found,
  type Layout,
  type Place,
  type Statement,
  statement,
  type Upsert
} from "./Dialect.ts"
import { type Batch, versionOf } from "../../SessionSink.ts"
import type { Pending } from "./Comparing.ts"
import * as Sweeping from "./Sweeping.ts"
import * as Time from "./Time.ts"
import type { Transaction } from "./Transaction.ts"

export interface Options {
  readonly history: boolean
  /** How many rows are deleted in an hour at most; `undefined` marks them and deletes none. */
  readonly mostDeleted: number | undefined
}

/** Goes behind the columns of the rows. No row has a value for it, so writing a row empties it. */
const column: Column = { name: "removed_at", type: "timestamp" }

interface Removals {
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

const make = (dialect: Dialect, place: Place, layout: Layout, { history }: Options): Removals => {
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
      if (last === undefined) return upserts
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

/** The statements that make the table of versions, with the rows that are there now, or give it the columns that it lacks. */
const changes = (dialect: Dialect, place: Place, layout: Layout, found: Found | undefined): ReadonlyArray<string> => {
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

/** The removals of an open table. Without options, those of a table of exports: there are none. */
export interface Removal {
  readonly columns: (columns: ReadonlyArray<Column>) => ReadonlyArray<Column>
  readonly upserts: Dialect["upserts"]
  /** In the transaction in which the table is made. */
  readonly settle: (layout: Layout) => Effect.Effect<void, SqlError>
  readonly mark: (layout: Layout, batch: Batch<null>) => Effect.Effect<ReadonlyArray<Pending>>
  /** In the transaction of a flush. */
  readonly sweep: (layout: Layout) => Effect.Effect<void, SqlError>
}

export const open = (
  dialect: Dialect,
  transaction: Transaction,
  place: Place,
  options: Options | undefined
): Removal => {
  if (options === undefined) {
    return {
      columns: (columns) => columns,
      upserts: dialect.upserts,
      settle: () => Effect.void,
      mark: () => Effect.succeed([]),
      sweep: () => Effect.void
    }
  }
  const sweeping = Sweeping.make(dialect, transaction, options.mostDeleted)
  const known = new WeakMap<Layout, Removals>()
  const of = (layout: Layout): Removals => {
    const found = known.get(layout) ?? make(dialect, place, layout, options)
    known.set(layout, found)
    return found
  }
  return {
    columns: (columns) => [...columns, column],
    upserts: (layout, rows) => {
      if (!options.history) return dialect.upserts(layout, rows)
      const all = collect(rows)
      const { unsayable, upserts } = dialect.upserts(layout, all)
      const ids = all.map(({ id }) => id)
      return { unsayable, upserts: of(layout).withHistory(upserts, ids) }
    },
    settle: Effect.fnUntraced(function* (layout) {
      if (!options.history) return
      const seen = yield* transaction.use((connection) => dialect.look(connection, historyOf(place)))
      const found = seen._tag === "Found" ? seen.found : undefined
      for (const change of changes(dialect, place, layout, found)) yield* transaction.run(statement(change))
    }),
    mark: (layout, batch) => {
      if (batch.items.length === 0) return Effect.succeed([])
      const gone = batch.items.map((item) => ({ id: item.id, version: versionOf(batch, item) }))
      return Effect.as(sweeping.mark, [{ ...of(layout).mark(gone), highestCredible: undefined }])
    },
    sweep: (layout) => sweeping.sweep(of(layout).sweep)
  }
}
