/**
 * Checkpoints as rows of a table in PostgreSQL or SQLite.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Held } from "../platform/Held.ts"
import * as SqlFailure from "../platform/SqlFailure.ts"
import { CheckpointError } from "./CheckpointError.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import { Checkpoint, type Lease, refuseOther, type State } from "./Checkpoint.ts"
import * as LeaseRow from "./internal/LeaseRow.ts"
import * as StateFile from "./internal/StateFile.ts"
import { Owner, ProcessOwner } from "./ProcessOwner.ts"

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

const Holder = Schema.Struct({ lease: Schema.String, since: Schema.String, ...Owner.fields })
type Holder = typeof Holder.Type
const decodeHolder = Schema.decodeUnknownOption(Schema.fromJsonString(Holder))

/** Transient failures are retried for about ten seconds. */
const again = Schedule.min([Schedule.exponential("200 millis", 2), Schedule.spaced("3 seconds")]).pipe(
  Schedule.upTo({ times: 6 })
)

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
  const process = yield* ProcessOwner
  const digest = yield* Digest.Digest
  const context = yield* Effect.context<R>()
  const { name } = options
  const broken = (failure: SqlFailure.SqlFailure) =>
    new CheckpointError({
      reason:
        failure._tag === "Untrusted" ? { _tag: "Untrusted", file: failure.file } : { _tag: "Database", name, failure }
    })
  const failed = (error: SqlError | { readonly description: string }) =>
    isSqlError(error)
      ? broken(SqlFailure.of(error))
      : new CheckpointError({ reason: { _tag: "Address", name, problem: error.description } })

  const open = Effect.fnUntraced(function* (
    pipeline: string,
    fingerprint: Fingerprint
  ): Effect.fn.Return<Lease, CheckpointError, Scope.Scope> {
    const path = `${pipeline} in ${options.name}`
    // In the lease's scope, not in that of the layer, which is in the context too.
    const scope = yield* Effect.scope
    const building = Effect.provideContext(Layer.buildWithScope(Layer.fresh(options.client), scope), context)
    const passes = (error: unknown) => isSqlError(error) && SqlFailure.isRetryable(SqlFailure.of(error))
    const services = yield* building.pipe(Effect.retry({ schedule: again, while: passes }), Effect.mapError(failed))
    const sql = Context.get(services, SqlClient.SqlClient)
    const since = DateTime.formatIso(yield* DateTime.now)
    const lease = yield* Effect.sync(() => SecureRandom.uuidV4Unsafe())
    const own = JSON.stringify({ lease, since, ...process.self } satisfies Holder)

    const heldBy = (held: Held) => new CheckpointError({ reason: { _tag: "Held", pipeline, held } })
    const holderIn = (text: string | undefined) => {
      const holder = Option.getOrUndefined(decodeHolder(text))
      if (holder === undefined) return {}
      const { host, pid, since } = holder
      return { holder: { host, pid, since, here: false } }
    }
    const running = (text: string | undefined) => heldBy({ _tag: "Running", ...holderIn(text) })
    /** Whether the row of this owner may be taken over, where only its process shows that. */
    const refuseUnlessGone = Effect.fnUntraced(function* (text: string) {
      const holder = Option.getOrUndefined(decodeHolder(text))
      const place = { _tag: "Row", table: LeaseRow.table, name: pipeline } as const
      const verdict = holder === undefined ? "elsewhere" : yield* process.judge(holder)
      if (verdict === "gone") return
      return yield* verdict === "alive" ? running(text) : heldBy({ _tag: "Elsewhere", ...holderIn(text), place })
    })

    const seat = LeaseRow.make(sql, pipeline)
    if (seat === undefined) return yield* broken(SqlFailure.make("UnknownDialect"))
    const patiently = <A>(effect: Effect.Effect<A, SqlError | CheckpointError>): Effect.Effect<A, CheckpointError> =>
      Effect.retry(effect, {
        schedule: again,
        while: passes
      }).pipe(Effect.mapError((error) => (error._tag === "CheckpointError" ? error : failed(error))))

    yield* Effect.addFinalizer(() => Effect.ignoreCause(Effect.timeoutOption(seat.leave(own), "5 seconds")))
    const kept = yield* patiently(seat.take(own, refuseUnlessGone, running))
    const state = yield* Effect.gen(function* () {
      if (kept === undefined) return Option.none<State>()
      const bytes = new TextEncoder().encode(kept)
      const state = yield* Effect.provideService(StateFile.decode(path, pipeline, bytes), Digest.Digest, digest)
      yield* refuseOther(pipeline, state, fingerprint)
      return Option.some(state)
    })

    const commit = Effect.fnUntraced(function* (next: State) {
      const text = yield* Effect.provideService(StateFile.encode(path, pipeline, next), Digest.Digest, digest)
      const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
      const other = yield* patiently(seat.write(own, text, now))
      if (other !== undefined) {
        return yield* heldBy({ _tag: "TakenOver", ...holderIn(other.holder) })
      }
    })
    const turns = Semaphore.makeUnsafe(1)
    return {
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
