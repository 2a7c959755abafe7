/** Upserts run one after another, and what they found newer in the table. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { Version } from "../../../model/Version.ts"
import type { Compared } from "../../SessionSink.ts"
import type { Dialect, Upsert } from "./Dialect.ts"
import type { Transaction } from "./Transaction.ts"

/** An upsert, and the highest version of the table that is accepted. */
export interface Pending extends Upsert {
  readonly highestCredible: Version | undefined
}

export const nothing: Compared = { newer: 0, notBelieved: 0 }

export const plus = (left: Compared, right: Compared): Compared => ({
  newer: left.newer + right.newer,
  notBelieved: left.notBelieved + right.notBelieved
})

/**
 * Writes rows in the open transaction; those that the table holds in a version that is too high are written by a second
 * statement.
 */
export const run = (
  dialect: Pick<Dialect, "wrote">,
  transaction: Pick<Transaction, "use">,
  all: ReadonlyArray<Pending>
): Effect.Effect<Compared, SqlError> => transaction.use((connection) => write(dialect, connection, all))

/** One function for all calls: V8 keeps what a generator's closure holds, here the rows, until it collects the old generation. */
const write = Effect.fnUntraced(function* (
  dialect: Pick<Dialect, "wrote">,
  connection: Connection,
  all: ReadonlyArray<Pending>
): Effect.fn.Return<Compared, SqlError> {
  let newer = 0
  let notBelieved = 0
  for (const { above, after = [], highestCredible, rows, statement } of all) {
    const left = rows - (yield* dialect.wrote(connection, statement))
    if (left > 0) {
      const over = highestCredible === undefined ? 0 : yield* dialect.wrote(connection, above(highestCredible))
      newer += left - over
      notBelieved += over
    }
    for (const { params, sql } of after) yield* connection.execute(sql, params, undefined)
  }
  return { newer, notBelieved }
})
