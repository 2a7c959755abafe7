/** Whether the table that a finished run filled is still there. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Committed } from "../../../model/Committed.ts"
import * as Position from "../../../model/Position.ts"
import { SinkError } from "../../SinkError.ts"
import type { SinkReason } from "../../SinkReason.ts"
import * as CommitTable from "./CommitTable.ts"
import type { Dialect } from "./Dialect.ts"
import type { Options } from "./SqlWriter.ts"
import { failure, within } from "./TableFailure.ts"

export const run = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  left: Committed,
  { account, name, place, timeout }: Pick<Options, "name" | "place" | "account" | "timeout">
): Effect.fn.Return<void, SinkError> {
  const fail = (reason: SinkReason) => failure(name, "verify", reason)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* sql.reserve
      const look = yield* dialect.look(connection, place)
      if (look._tag === "Refused") return yield* fail({ _tag: "Table", problem: look.problem })
      if (look.found === undefined) {
        return yield* fail({ _tag: "TableGone" })
      }
      if (account === undefined) return
      const at = { ...place, schema: look.schema }
      const accounts = yield* dialect.look(connection, { ...place, table: CommitTable.tableName })
      const known = accounts._tag === "Found" && accounts.found !== undefined
      const cursor = known ? yield* CommitTable.read(dialect, at, connection, account.name) : undefined
      if (Position.isBefore(cursor, left.at)) {
        return yield* fail({ _tag: "TableReplaced", commits: CommitTable.tableName })
      }
    })
  ).pipe(within(name, "verify", timeout))
})
