/** One connection and its transaction, which stays open between calls: `SqlClient.withTransaction` is over when its effect is. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as HeldConnection from "../../../platform/internal/HeldConnection.ts"
import type { Dialect, Statement } from "./Dialect.ts"

export interface Transaction {
  readonly isOpen: () => boolean
  /** Nothing when it is open already. */
  readonly begin: Effect.Effect<void, SqlError>
  /** Runs a statement of the open transaction. */
  readonly run: (statement: Statement) => Effect.Effect<void, SqlError>
  readonly use: <A>(ask: (connection: Connection) => Effect.Effect<A, SqlError>) => Effect.Effect<A, SqlError>
  readonly commit: Effect.Effect<void, SqlError>
  /** Takes back what was not committed; nothing when none is open, or its connection is gone. */
  readonly rollback: Effect.Effect<void>
}

/** Without one of its own a connection that hangs would hold up the end of a run. */
const patience = "5 seconds"

/** @param isBounded Whether a server that can ends the transaction when its client is frozen. */
export const make = (
  sql: SqlClient.SqlClient,
  dialect: Pick<Dialect, "begin" | "bounded">,
  isBounded = false
): Effect.Effect<Transaction, never, Scope.Scope> => {
  const held = HeldConnection.make(sql.reserve)
  const isOpen = () => held.current() !== undefined
  const use: Transaction["use"] = (ask) =>
    Effect.suspend(() => {
      const connection = held.current()
      return connection === undefined ? Effect.die(new Error("no transaction is open")) : ask(connection)
    })
  const plainly = (text: string) => (connection: Connection) =>
    Effect.asVoid(connection.executeUnprepared(text, [], undefined))
  const begun = (connection: Connection) =>
    isBounded && dialect.bounded !== undefined
      ? Effect.andThen(plainly(dialect.begin)(connection), plainly(dialect.bounded)(connection))
      : plainly(dialect.begin)(connection)
  const rollback = held.letGo((connection) => Effect.timeoutOption(plainly("ROLLBACK")(connection), patience))
  const transaction: Transaction = {
    isOpen,
    begin: Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() =>
        isOpen()
          ? Effect.void
          : Effect.flatMap(restore(held.connect), (connection) => restore(begun(connection))).pipe(
              Effect.onError(() => rollback)
            )
      )
    ),
    use,
    run: ({ params, sql: text }) => use((connection) => Effect.asVoid(connection.execute(text, params, undefined))),
    commit: Effect.andThen(
      use(plainly("COMMIT")),
      held.letGo(() => Effect.void)
    ),
    rollback
  }
  return Effect.as(
    Effect.addFinalizer(() => rollback),
    transaction
  )
}
