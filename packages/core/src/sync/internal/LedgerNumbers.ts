/** The numbers that stand for ledgers in their tables of calls. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Tables from "./LedgerTables.ts"

const numberIn = ({ state }: { readonly [column: string]: unknown }): number =>
  Number(/"number":(\d+)/.exec(String(state))?.[1] ?? 0)

/** Removes calls of no other ledger, in the transaction of the caller: the row of this one is lost, and with it the number of its calls. */
export const removeLost = Effect.fnUntraced(function* (
  connection: Connection,
  name: string
): Effect.fn.Return<void, SqlError> {
  const rows = yield* connection.executeUnprepared(`SELECT name, state FROM ${Tables.ledgers}`, [], undefined)
  const numbers = rows.filter((row) => row["name"] !== name).map(numberIn)
  for (const table of [Tables.calls, Tables.pages]) {
    yield* connection.executeUnprepared(
      `DELETE FROM ${table} WHERE ledger NOT IN (${[0, ...numbers].join(", ")})`,
      [],
      undefined
    )
  }
})

/** A number that no call has, in the transaction of the caller. */
export const free = Effect.fnUntraced(function* (
  connection: Connection,
  dialect: Tables.Dialect
): Effect.fn.Return<number, SqlError> {
  const run = (text: string) => connection.executeUnprepared(text, [], undefined)
  if (dialect.alone !== undefined) yield* run(dialect.alone)
  const rows = yield* run(`SELECT state FROM ${Tables.ledgers} WHERE state IS NOT NULL`)
  // A ledger without calls has one too.
  const taken = rows.map(numberIn)
  const used = yield* run(
    `SELECT max(ledger) AS number FROM ${Tables.calls} UNION ALL SELECT max(ledger) FROM ${Tables.pages}`
  )
  return 1 + Math.max(0, ...used.map(({ number }) => Number(number ?? 0)), ...taken)
})
