/**
 * Checkpoints as rows of a table in PostgreSQL or SQLite.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Digest from "effect/crypto/Digest"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fingerprint } from "../model/Fingerprint.ts"
import type { CheckpointError } from "./CheckpointError.ts"
import type { ProcessOwner } from "./ProcessOwner.ts"
import { Checkpoint, type Lease, refuseOther, type State } from "./Checkpoint.ts"
import * as SqlLease from "./internal/SqlLease.ts"
import * as StateFile from "./internal/StateFile.ts"

/**
 * Where the table is.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<E extends SqlError | { readonly description: string }, R> {
  /** What the database is called in messages, without secrets. */
  readonly name: string
  /** Made when a lease is taken, and closed with it. */
  readonly client: Layer.Layer<SqlClient.SqlClient, E, R>
}

/**
 * The service. Creates the table `callstream_checkpoints` if it is missing. A pipeline's state is one row, which names
 * the run that holds it. In PostgreSQL that run also has an advisory lock, which ends with its connection, so the row of a
 * run that was killed on any machine is free at once. In SQLite the process must have ended, as with a file.
 *
 * A run that lost its row to another run, after it was disconnected for a while, cannot write to it any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* <E extends SqlError | { readonly description: string }, R>(
  options: Options<E, R>
): Effect.fn.Return<Checkpoint["Service"], never, ProcessOwner | Digest.Digest | R> {
  const digest = yield* Digest.Digest
  const context = yield* Effect.context<ProcessOwner | R>()

  const open = Effect.fnUntraced(function* (
    pipeline: string,
    fingerprint: Fingerprint
  ): Effect.fn.Return<Lease, CheckpointError, Scope.Scope> {
    const path = `${pipeline} in ${options.name}`
    const scope = yield* Effect.scope
    const { taken, write } = yield* SqlLease.take(options, "callstream_checkpoints", pipeline).pipe(
      Scope.provide(scope),
      Effect.provideContext(context)
    )
    const state = yield* Effect.gen(function* () {
      if (taken.state === undefined) return Option.none<State>()
      const bytes = new TextEncoder().encode(taken.state)
      const state = yield* Effect.provideService(StateFile.decode(path, pipeline, bytes), Digest.Digest, digest)
      yield* refuseOther(pipeline, state, fingerprint)
      return Option.some(state)
    })

    const commit = Effect.fnUntraced(function* (next: State) {
      const text = yield* Effect.provideService(StateFile.encode(path, pipeline, next), Digest.Digest, digest)
      const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
      yield* write(text, now)
    })
    const turns = Semaphore.makeUnsafe(1)
    return {
      epoch: taken.epoch,
      state,
      commit: (next) => turns.withPermit(Effect.uninterruptible(commit(next)))
    }
  })

  return { open }
})

/**
 * Checkpoints in the database.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E extends SqlError | { readonly description: string }, R>(
  options: Options<E, R>
): Layer.Layer<Checkpoint, never, ProcessOwner | R> =>
  Layer.effect(Checkpoint, make(options)).pipe(Layer.provide(Digest.layerWebCrypto))
