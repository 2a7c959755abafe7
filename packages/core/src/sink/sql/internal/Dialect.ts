/** What PostgreSQL and SQLite do in different ways. */
import type * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { Type } from "../../../model/Column.ts"
import type { Version } from "../../../model/Version.ts"
import type { TableProblem } from "../../SinkReason.ts"
import type { Cell } from "../../Table.ts"

/** Where a table is: in PostgreSQL the schema of the search path when none is named. */
export interface Place {
  readonly schema: string | undefined
  readonly table: string
}

/** A column that a table has. */
export interface Existing {
  readonly name: string
  /** As the database names it. */
  readonly declared: string
  /** It must not be empty. */
  readonly required: boolean
  /** The database has a value for it when none is given. */
  readonly filled: boolean
  /** The database makes its value, and takes none. */
  readonly generated: boolean
}

export interface Found {
  readonly kind: "table" | "other"
  readonly columns: ReadonlyArray<Existing>
  readonly primaryKey: ReadonlyArray<string>
}

/** What there is, or why nothing can be there; `schema` is where it is, or would be made. */
export type Look =
  | { readonly _tag: "Found"; readonly schema: string | undefined; readonly found: Found | undefined }
  | { readonly _tag: "Refused"; readonly problem: TableProblem }

/** A column of the database that takes a cell. */
export interface Target {
  readonly name: string
  /** The name of the cell's column, which is also its key in `extra`. */
  readonly origin: string
  readonly type: Type
  readonly declared: string
}

/** A table as rows are written to it. */
export interface Layout {
  /** Quoted, with its schema. */
  readonly table: string
  /** One a cell, in their order. */
  readonly cells: ReadonlyArray<Target>
  /** Whether the last of them is `extra`. */
  readonly hasExtra: boolean
  /** The primary key, which holds the session's id. */
  readonly key: string
  /** The cell that is the key; `undefined` if the key is beside the cells. */
  readonly keyCell: number | undefined
  /** The column that says when a row was observed. */
  readonly version: string
}

export interface Row {
  readonly id: string
  readonly version: Version
  /** Timestamps are the text of `Time`. */
  readonly cells: ReadonlyArray<Cell>
}

/** Rows, made one at a time where that is possible. */
export interface Rows {
  readonly forEach: (visit: (row: Row) => void) => void
}

export const collect = (rows: Rows): ReadonlyArray<Row> => {
  const all: Array<Row> = []
  rows.forEach((row) => all.push(row))
  return all
}

/** Something to run, and about how many characters it has. */
export interface Statement {
  readonly sql: string
  readonly params: ReadonlyArray<string | number | null>
  readonly weight: number
}

/** Rows to write where the table does not hold a newer version of them. */
export interface Upsert {
  readonly statement: Statement
  readonly rows: number
  /** The same for those of them whose version in the table is newer, and higher than this. */
  readonly above: (version: Version) => Statement
  /** Run behind it. @default nothing */
  readonly after?: ReadonlyArray<Statement> | undefined
}

export interface Dialect {
  readonly name: "postgres" | "sqlite"
  readonly begin: string
  /** Run then in a transaction that a later run may have to wait for: how long it waits for a client that is frozen. */
  readonly bounded: string | undefined
  /** Before the name of a column that is added. */
  readonly ifMissing: string
  /**
   * Whether rows are sent with each write, in a transaction that stays open until the flush, so that what the database
   * refuses is known at once. A SQLite file has one lock for all: there rows wait in memory, and the lock is held only as
   * long as they are written.
   */
  readonly eager: boolean
  readonly quote: (name: string) => string
  /** The names of columns, as the database can tell them apart; in the order of `wanted`. */
  readonly names: (wanted: ReadonlyArray<string>) => ReadonlyArray<string>
  /** The same for names that are one to the database. */
  readonly fold: (name: string) => string
  readonly declare: (type: Type) => string
  /** Whether a column that is declared so holds all values of the type, as they are. */
  readonly accepts: (type: Type, declared: string) => boolean
  readonly qualified: (place: Place) => string
  /** Run before a table is changed: nobody else changes it at the same time, and nobody waits for ever. */
  readonly lock: (place: Place) => ReadonlyArray<Statement>
  readonly look: (connection: Connection, place: Place) => Effect.Effect<Look, SqlError>
  /**
   * The upserts of these rows, which are visited once, and those among them that cannot be said here. Rows with one id
   * have one version: the last of them wins.
   */
  readonly upserts: (
    layout: Layout,
    rows: Rows
  ) => { readonly upserts: ReadonlyArray<Upsert>; readonly unsayable: ReadonlyArray<Row> }
  /** Runs a statement of an upsert: how many rows it wrote. */
  readonly wrote: (connection: Connection, statement: Statement) => Effect.Effect<number, SqlError>
}

export const statement = (sql: string, ...params: ReadonlyArray<string | number | null>): Statement => ({
  sql,
  params,
  weight: 0
})
