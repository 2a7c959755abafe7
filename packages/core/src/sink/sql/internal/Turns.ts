/** The operations of a sink on its database: one at a time, and rolled back when they fail. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type { SinkError } from "../../SinkError.ts"
import { type Operation, within } from "./TableFailure.ts"

/** An idle transaction blocks other users, so it is closed after this time, and the next rows begin a new one. */
const idle = { after: 10_000, look: "5 seconds" } as const

export interface Turns {
  readonly take: <A>(what: Operation, run: Effect.Effect<A, SqlError | SinkError>) => Effect.Effect<A, SinkError>
  /** Until the scope closes, a transaction that nobody uses is rolled back. */
  readonly releaseIdle: Effect.Effect<void, never, Scope.Scope>
}

export const make = (options: {
  readonly name: string
  readonly timeout: Duration.Input
  readonly isOpen: () => boolean
  readonly rollback: Effect.Effect<void>
}): Turns => {
  const { isOpen, name, rollback, timeout } = options
  const turns = Semaphore.makeUnsafe(1)
  /** When the last operation ended well. */
  const used = Ref.makeUnsafe(0)
  const release = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    isOpen() && now - Ref.getUnsafe(used) >= idle.after ? rollback : Effect.void
  ).pipe(turns.withPermitsIfAvailable(1))
  return {
    take: (what, run) =>
      Effect.tap(run, () => Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(used, now))).pipe(
        within(name, what, timeout),
        Effect.onError(() => rollback),
        turns.withPermits(1)
      ),
    releaseIdle: Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.delay(release, idle.look))))
  }
}
