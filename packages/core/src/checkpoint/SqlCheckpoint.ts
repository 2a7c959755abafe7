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
import * as SqlFailure from "../model/internal/SqlFailure.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import { Checkpoint, CheckpointError, type Lease, refuseOther, type State } from "./Checkpoint.ts"
import * as Seat from "./internal/Seat.ts"
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

/** What passes is waited for: about ten seconds. */
const again = Schedule.min([Schedule.exponential("200 millis", 2), Schedule.spaced("3 seconds")]).pipe(
  Schedule.upTo({ times: 6 })
)

/**
 * The service. The table `callstream_checkpoints` is made when it is missing; a pipeline's state is one row, which says
 * who holds it. In PostgreSQL that one has an advisory lock, too, which ends with its connection: so a run that was killed
 * on any machine is taken over at once. In SQLite it is the process that has to be gone, as with a file.
 *
 * A run that lost its row to another one, because it was cut off for a while, does not write to it any more.
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
  const told = (error: SqlError | { readonly description: string }) =>
    isSqlError(error) ? SqlFailure.of(error) : { description: error.description }
  const failed = (error: SqlError | { readonly description: string }) => {
    const { advice, description, untrusted }: Partial<SqlFailure.SqlFailure> = told(error)
    return new CheckpointError({
      reason: untrusted === true ? "untrusted" : "io",
      description: `${options.name}: ${description}`,
      ...(advice === undefined ? {} : { advice })
    })
  }

  const open = Effect.fnUntraced(function* (
    pipeline: string,
    fingerprint: Fingerprint
  ): Effect.fn.Return<Lease, CheckpointError, Scope.Scope> {
    const path = `${pipeline} in ${options.name}`
    // In the lease's scope, not in that of the layer, which is in the context too.
    const scope = yield* Effect.scope
    const building = Effect.provideContext(Layer.buildWithScope(options.client, scope), context)
    const services = yield* Effect.mapError(building, failed)
    const sql = Context.get(services, SqlClient.SqlClient)
    const since = DateTime.formatIso(yield* DateTime.now)
    const lease = yield* Effect.sync(() => SecureRandom.uuidV4Unsafe())
    const own = JSON.stringify({ lease, since, ...process.self } satisfies Holder)

    const held = (text: string | undefined, advice: string) => {
      const holder = Option.getOrUndefined(decodeHolder(text))
      const who = holder === undefined ? "" : `: process ${holder.pid} on ${holder.host}, since ${holder.since}`
      return new CheckpointError({
        reason: "held",
        description: `the pipeline ${pipeline} is running already${who}`,
        advice
      })
    }
    /** Whether the one that holds it may be put aside, where nothing but its process tells. */
    const refuseUnlessGone = Effect.fnUntraced(function* (text: string) {
      const holder = Option.getOrUndefined(decodeHolder(text))
      const free = `If that run is over, free it: UPDATE callstream_checkpoints SET holder = NULL WHERE name = '${pipeline.replaceAll("'", "''")}'`
      if (holder === undefined) return yield* held(text, free)
      const verdict = yield* process.judge(holder)
      if (verdict === "gone") return
      return yield* held(
        text,
        verdict === "alive" ? "Wait for it or stop it." : `Whether it still runs cannot be told from here. ${free}`
      )
    })

    const seat = Seat.make(sql, pipeline)
    if (seat === undefined) return yield* failed({ description: "the database is neither PostgreSQL nor SQLite" })
    const patiently = <A>(effect: Effect.Effect<A, SqlError | CheckpointError>): Effect.Effect<A, CheckpointError> =>
      Effect.retry(effect, {
        schedule: again,
        while: (error) => isSqlError(error) && SqlFailure.of(error).retryable
      }).pipe(Effect.mapError((error) => (error._tag === "CheckpointError" ? error : failed(error))))

    yield* Effect.addFinalizer(() => Effect.ignoreCause(Effect.timeoutOption(seat.leave(own), "5 seconds")))
    const kept = yield* patiently(seat.take(own, refuseUnlessGone, (text) => held(text, "Wait for it or stop it.")))
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
        return yield* held(other.holder, "This run was cut off, and another one took over. Let that one finish.")
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
