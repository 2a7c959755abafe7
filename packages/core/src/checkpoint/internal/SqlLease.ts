/** A row of a table that one run holds at a time, in PostgreSQL or SQLite: taken, waited for and given back. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Held } from "../../platform/Held.ts"
import * as SqlFailure from "../../platform/SqlFailure.ts"
import { CheckpointError } from "../CheckpointError.ts"
import { Owner, ProcessOwner } from "../ProcessOwner.ts"
import type { LeaseRow, Taken } from "./LeaseRow.ts"
import * as PostgresLease from "./PostgresLease.ts"
import * as SqliteLease from "./SqliteLease.ts"

/** Where the table is. */
export interface Place<E extends SqlError | { readonly description: string }, R> {
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

/** The retry by which about a second has passed. */
const afterASecond = 4

export interface SqlLease {
  readonly sql: SqlClient.SqlClient
  /** Names this lease in the row. */
  readonly own: string
  /** The row when it was taken. */
  readonly taken: Taken
  /** Keeps another state, unless the row is another one's by now. */
  readonly write: (state: string, now: string) => Effect.Effect<void, CheckpointError>
  /** Retried while the database is away for a moment. */
  readonly patiently: <A>(effect: Effect.Effect<A, SqlError | CheckpointError>) => Effect.Effect<A, CheckpointError>
  /** Another run has the row now. */
  readonly fenced: (holder: string | undefined) => CheckpointError
}

/** A client of the database, as long as the scope is open. */
export interface Connected extends Pick<SqlLease, "sql" | "patiently"> {
  readonly broken: (failure: SqlFailure.SqlFailure) => CheckpointError
}

export const connect = Effect.fnUntraced(function* <E extends SqlError | { readonly description: string }, R>(
  place: Place<E, R>
): Effect.fn.Return<Connected, CheckpointError, R | Scope.Scope> {
  const context = yield* Effect.context<R>()
  const { name } = place
  const broken = (failure: SqlFailure.SqlFailure) =>
    new CheckpointError({
      reason:
        failure._tag === "Untrusted" ? { _tag: "Untrusted", file: failure.file } : { _tag: "Database", name, failure }
    })
  const failed = (error: SqlError | { readonly description: string }) =>
    isSqlError(error)
      ? broken(SqlFailure.of(error))
      : new CheckpointError({ reason: { _tag: "Address", name, problem: error.description } })

  // In the lease's scope, not in that of the layer, which is in the context too.
  const scope = yield* Effect.scope
  const building = Effect.provideContext(Layer.buildWithScope(Layer.fresh(place.client), scope), context)
  const passes = (error: unknown) => isSqlError(error) && SqlFailure.isRetryable(SqlFailure.of(error))
  const told = Schedule.tap(Schedule.setInputType<unknown>()(again), ({ attempt, input }) =>
    attempt === afterASecond && isSqlError(input)
      ? Effect.annotateLogs(
          Effect.logWarning(
            `${name}: ${SqlFailure.describe(SqlFailure.of(input))}; callstream tries for 8 more seconds`
          ),
          { "callstream.pipeline.name": name, "error.type": SqlFailure.of(input)._tag }
        )
      : Effect.void
  )
  const services = yield* building.pipe(Effect.retry({ schedule: told, while: passes }), Effect.mapError(failed))
  const patiently: SqlLease["patiently"] = (effect) =>
    Effect.retry(effect, { schedule: told, while: passes }).pipe(
      Effect.mapError((error) => (error._tag === "CheckpointError" ? error : failed(error)))
    )
  return { sql: Context.get(services, SqlClient.SqlClient), patiently, broken }
})

export const take = Effect.fnUntraced(function* <E extends SqlError | { readonly description: string }, R>(
  place: Place<E, R>,
  table: string,
  pipeline: string
): Effect.fn.Return<SqlLease, CheckpointError, ProcessOwner | R | Scope.Scope> {
  const process = yield* ProcessOwner
  const { broken, patiently, sql } = yield* connect(place)
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
  const fenced = (text: string | undefined) =>
    new CheckpointError({ reason: { _tag: "Fenced", pipeline, ...holderIn(text) } })
  /** Whether the row of this owner may be taken over, where only its process shows that. */
  const refuseUnlessGone = Effect.fnUntraced(function* (text: string) {
    const holder = Option.getOrUndefined(decodeHolder(text))
    const place = { _tag: "Row", table, name: pipeline } as const
    const verdict = holder === undefined ? "elsewhere" : yield* process.judge(holder)
    if (verdict === "gone") return
    return yield* verdict === "alive" ? running(text) : heldBy({ _tag: "Elsewhere", ...holderIn(text), place })
  })

  const seat = rowOf(sql, table, pipeline)
  if (seat === undefined) return yield* broken(SqlFailure.make("UnknownDialect"))

  yield* Effect.addFinalizer(() => Effect.ignoreCause(Effect.timeoutOption(seat.leave(own), "5 seconds")))
  const least = yield* Clock.currentTimeMillis
  const taken = yield* patiently(seat.take(own, least, refuseUnlessGone, running))
  return {
    sql,
    own,
    patiently,
    fenced,
    taken,
    write: Effect.fnUntraced(function* (state, now) {
      const other = yield* patiently(seat.write(taken.epoch, state, now))
      if (other !== undefined) return yield* fenced(other.holder)
    })
  }
})

/** The row in the database that there is. */
const rowOf = (sql: SqlClient.SqlClient, table: string, pipeline: string): LeaseRow | undefined =>
  sql.onDialectOrElse({
    pg: () => PostgresLease.make(sql, table, pipeline),
    sqlite: () => SqliteLease.make(sql, table, pipeline),
    orElse: () => undefined
  })
