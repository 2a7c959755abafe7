/** A connection of a database that is held between calls, until it is let go. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"

export interface HeldConnection {
  /** The one that is held, or else a new one. */
  readonly connect: Effect.Effect<Connection, SqlError>
  readonly current: () => Connection | undefined
  /** Gives it back after this, whose failure is ignored. Does nothing when none is held. */
  readonly letGo: (last: (connection: Connection) => Effect.Effect<unknown, SqlError>) => Effect.Effect<void>
}

export const make = (reserve: Effect.Effect<Connection, SqlError, Scope.Scope>): HeldConnection => {
  const held = Ref.makeUnsafe<{ readonly connection: Connection; readonly scope: Scope.Closeable } | undefined>(
    undefined
  )
  return {
    connect: Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Ref.get(held), (found) => {
        if (found !== undefined) return Effect.succeed(found.connection)
        const scope = Scope.makeUnsafe()
        return restore(Scope.provide(reserve, scope)).pipe(
          Effect.tap((connection) => Ref.set(held, { connection, scope })),
          Effect.onError(() => Scope.close(scope, Exit.void))
        )
      })
    ),
    current: () => Ref.getUnsafe(held)?.connection,
    letGo: (last) =>
      Effect.flatMap(Ref.getAndSet(held, undefined), (left) =>
        left === undefined
          ? Effect.void
          : Effect.ensuring(Effect.ignoreCause(last(left.connection)), Scope.close(left.scope, Exit.void))
      )
  }
}
