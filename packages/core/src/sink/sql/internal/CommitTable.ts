/** The table in which a sink keeps how far it got, beside the rows. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { type Cursor, of } from "../../../model/Position.ts"
import { type Dialect, type Place, type Statement, statement } from "./Dialect.ts"

export const tableName = "callstream_commits"

const tableOf = (dialect: Dialect, place: Place) => dialect.qualified({ ...place, table: tableName })

export const create = (dialect: Dialect, place: Place): Statement => {
  const text = dialect.declare("text")
  return statement(
    `CREATE TABLE IF NOT EXISTS ${tableOf(dialect, place)} (name ${text} PRIMARY KEY NOT NULL, cursor ${dialect.declare("integer")} NOT NULL, updated_at ${dialect.declare("timestamp")} NOT NULL)`
  )
}

const parameter = (dialect: Dialect, nth: number, type: "text" | "integer" | "timestamp") =>
  dialect.name === "sqlite" ? "?" : `$${nth}::text::${dialect.declare(type)}`

/** The end in a column of integers: every position is less, so readers of the table can compare. */
const end = Number.MAX_SAFE_INTEGER

/** The cursor that is kept under the name. */
export const read = (dialect: Dialect, place: Place, connection: Connection, name: string) =>
  Effect.map(
    connection.execute(
      `SELECT cursor FROM ${tableOf(dialect, place)} WHERE name = ${parameter(dialect, 1, "text")}`,
      [name],
      undefined
    ),
    ([row]): Cursor | undefined => {
      const kept = row === undefined ? undefined : Number(row.cursor)
      return kept === undefined ? undefined : kept === end ? "end" : of(kept)
    }
  )

export const write = (dialect: Dialect, place: Place, name: string, at: Cursor, now: string): Statement => {
  const cursor = at === "end" ? end : at
  const values = [parameter(dialect, 1, "text"), parameter(dialect, 2, "integer"), parameter(dialect, 3, "timestamp")]
  return statement(
    `INSERT INTO ${tableOf(dialect, place)} (name, cursor, updated_at) VALUES (${values.join(", ")})
ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at`,
    name,
    dialect.name === "sqlite" ? cursor : String(cursor),
    now
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
