/** The table in which a sink keeps how far it got, beside the rows, and the epoch of the run that may write. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { type Cursor, of } from "../../../model/Position.ts"
import { type Dialect, type Found, type Place, type Statement, statement } from "./Dialect.ts"

export const tableName = "callstream_commits"

/** The name that a run has there, and its epoch. Without an epoch nobody is kept from writing. */
export interface Account {
  readonly name: string
  readonly epoch: number | undefined
}

const tableOf = (dialect: Dialect, place: Place) => dialect.qualified({ ...place, table: tableName })

const epochColumn = (dialect: Dialect) => `epoch ${dialect.declare("integer")} NOT NULL DEFAULT 0`

/** What makes the table, or adds what one of an earlier version lacks. */
export const changes = (dialect: Dialect, place: Place, found: Found | undefined): ReadonlyArray<Statement> => {
  const table = tableOf(dialect, place)
  const { declare } = dialect
  if (found === undefined) {
    return [
      statement(
        `CREATE TABLE IF NOT EXISTS ${table} (name ${declare("text")} PRIMARY KEY NOT NULL, cursor ${declare("integer")} NOT NULL, updated_at ${declare("timestamp")} NOT NULL, ${epochColumn(dialect)})`
      )
    ]
  }
  return found.columns.some(({ name }) => name === "epoch")
    ? []
    : [statement(`ALTER TABLE ${table} ADD COLUMN ${dialect.ifMissing} ${epochColumn(dialect)}`)]
}

const parameter = (dialect: Dialect, nth: number, type: "text" | "integer" | "timestamp") =>
  dialect.name === "sqlite" ? `?${nth}` : `$${nth}::text::${dialect.declare(type)}`

/** The end in a column of integers: every position is less, so readers of the table can compare. */
const end = Number.MAX_SAFE_INTEGER
/** The same of a run that has committed nothing. */
const beginning = Number.MIN_SAFE_INTEGER

const cursorIn = ([row]: ReadonlyArray<{ readonly cursor?: unknown }>): Cursor | undefined => {
  const kept = row === undefined ? undefined : Number(row.cursor)
  return kept === undefined || kept === beginning ? undefined : kept === end ? "end" : of(kept)
}

/** The cursor that is kept under the name. */
export const read = (dialect: Dialect, place: Place, connection: Connection, name: string) =>
  Effect.map(
    connection.execute(
      `SELECT cursor FROM ${tableOf(dialect, place)} WHERE name = ${parameter(dialect, 1, "text")}`,
      [name],
      undefined
    ),
    cursorIn
  )

/** Whether the statement changed a row. */
const changed = (
  connection: Connection,
  sql: string,
  params: ReadonlyArray<string | number>
): Effect.Effect<boolean, SqlError> =>
  Effect.map(connection.execute(`${sql} RETURNING name`, params, undefined), (rows) => rows.length > 0)

type Parameter = readonly [type: "text" | "integer" | "timestamp", value: string | number]

const bind = (dialect: Dialect, params: ReadonlyArray<Parameter>) => ({
  places: params.map(([type], at) => parameter(dialect, at + 1, type)),
  values: params.map(([, value]) => (dialect.name === "sqlite" ? value : String(value)))
})

/** Keeps out all runs of a lower epoch from now on; `false` when the table has a higher one. */
export const claim = (
  dialect: Dialect,
  place: Place,
  connection: Connection,
  { epoch, name }: Account,
  now: string
): Effect.Effect<boolean, SqlError> => {
  if (epoch === undefined) return Effect.succeed(true)
  const { places, values } = bind(dialect, [
    ["text", name],
    ["integer", beginning],
    ["timestamp", now],
    ["integer", epoch]
  ])
  return changed(
    connection,
    `INSERT INTO ${tableOf(dialect, place)} AS held (name, cursor, updated_at, epoch) VALUES (${places.join(", ")})
ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch WHERE held.epoch <= excluded.epoch`,
    values
  )
}

/**
 * Whether the run may write: `false` once a later one claimed the table. It stays so until the transaction ends, which then
 * waits for this one.
 */
export const holds = (
  dialect: Dialect,
  place: Place,
  connection: Connection,
  { epoch, name }: Account
): Effect.Effect<boolean, SqlError> => {
  if (epoch === undefined) return Effect.succeed(true)
  const { places, values } = bind(dialect, [
    ["text", name],
    ["integer", epoch]
  ])
  return changed(
    connection,
    `UPDATE ${tableOf(dialect, place)} SET epoch = epoch WHERE name = ${places[0]} AND epoch = ${places[1]}`,
    values
  )
}

/** Writes the cursor, if the run may write. */
export const write = (
  dialect: Dialect,
  place: Place,
  connection: Connection,
  { epoch, name }: Account,
  at: Cursor | undefined,
  now: string
): Effect.Effect<boolean, SqlError> => {
  const cursor = at === "end" ? end : (at ?? beginning)
  const { places, values } = bind(dialect, [
    ["text", name],
    ["integer", cursor],
    ["timestamp", now],
    ...(epoch === undefined ? [] : [["integer", epoch] as const])
  ])
  const table = tableOf(dialect, place)
  return changed(
    connection,
    epoch === undefined
      ? `INSERT INTO ${table} (name, cursor, updated_at) VALUES (${places.join(", ")})
ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at`
      : `UPDATE ${table} SET cursor = ${places[1]}, updated_at = ${places[2]} WHERE name = ${places[0]} AND epoch = ${places[3]}`,
    values
  )
}

export const forget = (dialect: Dialect, place: Place, name: string): Statement =>
  statement(`DELETE FROM ${tableOf(dialect, place)} WHERE name = ${parameter(dialect, 1, "text")}`, name)

/** Positions of a sync are numbers of commits, those of an export are instants. */
const firstInstant = 1_000_000_000_000

/**
 * The names of rows that ledgers of the same sync had before this one, and that nobody wrote since an instant: a sync of that name on
 * another machine has a ledger of its own.
 */
export const staleOf = (
  dialect: Dialect,
  place: Place,
  connection: Connection,
  { account, before }: { readonly account: string; readonly before: string }
): Effect.Effect<ReadonlyArray<string>, SqlError> => {
  const prefix = account.slice(0, account.lastIndexOf(" ") + 1)
  const [one, other, until] = [1, 2, 3].map((nth) => parameter(dialect, nth, nth === 3 ? "timestamp" : "text"))
  return Effect.map(
    connection.execute(
      `SELECT name FROM ${tableOf(dialect, place)} WHERE substr(name, 1, ${prefix.length}) = ${one} AND length(name) = ${account.length} AND name <> ${other} AND cursor < ${firstInstant} AND updated_at < ${until}`,
      [prefix, account, before],
      undefined
    ),
    (rows) => rows.flatMap(({ name }) => (typeof name === "string" ? [name] : []))
  )
}
