/** Whether the table that a finished run filled is still there. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlFailure from "../../../model/internal/SqlFailure.ts"
import type { Committed } from "../../../model/Committed.ts"
import * as Position from "../../../model/Position.ts"
import { SinkError } from "../../SinkError.ts"
import * as Account from "./Account.ts"
import type { Dialect } from "./Dialect.ts"
import { failure, type Options } from "./Opened.ts"

export const run = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  left: Committed,
  { account, name, place, timeout }: Pick<Options, "name" | "place" | "account" | "timeout">
): Effect.fn.Return<void, SinkError> {
  const fail = (description: string, advice: string) =>
    failure(name, "verify", { retryable: false, description, advice })
  const again = "give the run another name to export everything again."
  yield* Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* sql.reserve
      const look = yield* dialect.look(connection, place)
      if (look._tag === "Refused") return yield* fail(look.description, look.advice)
      if (look.found === undefined) {
        return yield* fail("the table is gone since the run finished", `Restore the table, or ${again}`)
      }
      if (account === undefined) return
      const at = { ...place, schema: look.schema }
      const accounts = yield* dialect.look(connection, { ...place, table: Account.tableName })
      const known = accounts._tag === "Found" && accounts.found !== undefined
      const cursor = known ? yield* Account.read(dialect, at, connection, account) : undefined
      if (Position.isBefore(cursor, left.at)) {
        return yield* fail(
          `the table is not the one that the finished run filled: ${Account.tableName} beside it does not name the run`,
          `Restore both tables, or ${again}`
        )
      }
    })
  ).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.fail(failure(name, "verify", { retryable: true, description: "the database did not answer in time" }))
    }),
    Effect.mapError((error) => (error._tag === "SinkError" ? error : failure(name, "verify", SqlFailure.of(error))))
  )
})
