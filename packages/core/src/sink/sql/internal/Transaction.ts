/** One connection and its transaction, which stays open between calls: `SqlClient.withTransaction` is over when its effect is. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
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

export const make = (sql: SqlClient.SqlClient, dialect: Dialect): Effect.Effect<Transaction, never, Scope.Scope> => {
  let held: { readonly connection: Connection; readonly scope: Scope.Closeable } | undefined

  const letGo = Effect.suspend(() => {
    const { scope } = held ?? {}
    held = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })
  const use: Transaction["use"] = (ask) =>
    Effect.suspend(() => (held === undefined ? Effect.die(new Error("no transaction is open")) : ask(held.connection)))
  const plainly = (text: string) =>
    use((connection) => Effect.asVoid(connection.executeUnprepared(text, [], undefined)))

  const rollback = Effect.suspend(() =>
    held === undefined
      ? Effect.void
      : Effect.ensuring(Effect.ignoreCause(Effect.timeoutOption(plainly("ROLLBACK"), patience)), letGo)
  )
  const begin = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (held !== undefined) return Effect.void
      return Effect.flatMap(Scope.make(), (scope) =>
        restore(Scope.provide(sql.reserve, scope)).pipe(
          Effect.tap((connection) => {
            held = { connection, scope }
            return restore(plainly(dialect.begin))
          }),
          Effect.onError(() => (held === undefined ? Scope.close(scope, Exit.void) : rollback)),
          Effect.asVoid
        )
      )
    })
  )
  const transaction: Transaction = {
    isOpen: () => held !== undefined,
    begin,
    use,
    run: ({ params, sql: text }) => use((connection) => Effect.asVoid(connection.execute(text, params, undefined))),
    commit: Effect.andThen(plainly("COMMIT"), letGo),
    rollback
  }
  return Effect.as(
    Effect.addFinalizer(() => rollback),
    transaction
  )
}
