/**
 * A ledger in a store of your own: a file, a bucket, a table.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { Ledger } from "./Ledger.ts"

/**
 * What a sync writes at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Changes {
  readonly put: ReadonlyArray<readonly [key: string, value: string]>
  readonly remove: ReadonlyArray<string>
}

/**
 * Where ledgers are kept: text by key, a few hundred bytes a call. All of a ledger is in memory while a stream uses it. One stream
 * uses a ledger at a time; between processes you see to that.
 *
 * @since 0.1.0
 * @category models
 */
export interface Store<E extends { readonly message: string }, R = never> {
  /** What it is called in messages, without secrets. */
  readonly name: string
  /** Everything that was written under a name; nothing the first time. */
  readonly read: (ledger: string) => Effect.Effect<Iterable<readonly [key: string, value: string]>, E, R>
  /** Writes all of it, or nothing. A change is delivered after it was written. */
  readonly write: (ledger: string, changes: Changes) => Effect.Effect<void, E, R>
}

/**
 * Ledgers in a store.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E extends { readonly message: string }, R>(store: Store<E, R>): Layer.Layer<Ledger, never, R> =>
  Layer.effect(
    Ledger,
    Effect.map(Effect.runtime<R>(), (runtime) => {
      // What the store says of a failure is what the ledger's error says.
      const run = async <A>(effect: Effect.Effect<A, E, R>): Promise<A> => {
        const result = await Runtime.runPromise(runtime)(Effect.either(effect))
        if (result._tag === "Left") throw new Error(result.left.message)
        return result.right
      }
      return {
        name: store.name,
        read: (ledger: string) => run(store.read(ledger)),
        write: (ledger: string, changes: Changes) => run(store.write(ledger, changes))
      }
    })
  )
