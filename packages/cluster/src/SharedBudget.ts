/**
 * One limit of requests for all processes of an organization: a row of a table in PostgreSQL.
 *
 * @since 0.1.0
 */
import { Budget } from "@callstream/core/client/Budget"
import type { AgniError } from "@callstream/core/model/AgniError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type FleetError, ofSql } from "./FleetError.ts"
import * as Tables from "./internal/Tables.ts"

/**
 * What the server is asked for at most.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Processes that give the same name share the limit. No secret: it is in a table. */
  readonly organization: string
  /** Spaces the requests of all processes together, retries included. */
  readonly requestsPerSecond: number
  /** Requests in flight, of this process. @default 8 */
  readonly maxConcurrentRequests?: number | undefined
}

/**
 * A budget whose pauses are known.
 *
 * @since 0.1.0
 * @category models
 */
export interface SharedBudget extends Readonly<Budget["Service"]> {
  /** Milliseconds from now on in which nobody starts a request, as far as this process knows. */
  readonly pause: Effect.Effect<number>
}

/**
 * Requests start late by some milliseconds, each by another number of them. Without a margin, a second that begins with a
 * late one and ends with a punctual one would have one too many.
 */
const margin = 0.96

/** A slot that was missed by more is lost: used late, it would be too near to the next ones. In milliseconds. */
const patience = 25

/** In a row. */
const mostMissed = 10

/** In milliseconds of the monotonic clock. */
interface Starts {
  /** Slots that this process was given and has not used, ascending. */
  slots: Array<number>
  /** Nobody starts before this. */
  held: number
}

const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** One process asks for at most 100 times a second. */
const batchOf = (requestsPerSecond: number) => Math.ceil(requestsPerSecond / 100)

/**
 * The budget. While the database is away nobody starts a request.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SharedBudget, AgniError | FleetError, SqlClient.SqlClient> {
  const { organization, requestsPerSecond } = options
  // Checks the options, too.
  yield* Budget.make(options)
  const own = yield* Budget.make({ maxConcurrentRequests: options.maxConcurrentRequests })
  yield* Effect.mapError(Tables.migrate, ofSql)
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const turns = yield* Semaphore.make(1)
  const starts: Starts = { slots: [], held: 0 }
  const spacing = 1 / (requestsPerSecond * margin)
  const count = batchOf(requestsPerSecond)

  /** Takes the next slots of all, which begin when the last ones of anybody end. */
  const fetch = Effect.gen(function* () {
    const [row] = yield* patiently(
      sql<{
        readonly wait: number
        readonly held: number
      }>`INSERT INTO ${sql(Tables.budgets)} AS budget (organization, next, held)
VALUES (${organization}, clock_timestamp() + ${spacing * count} * interval '1 second', clock_timestamp())
ON CONFLICT (organization) DO UPDATE
SET next = greatest(budget.next, clock_timestamp()) + ${spacing * count} * interval '1 second'
RETURNING extract(epoch FROM next - clock_timestamp())::float8 - ${spacing * count} AS wait,
  extract(epoch FROM held - clock_timestamp())::float8 AS held`
    )
    if (row === undefined) return
    // The answer is later than the times in it, so nobody is early.
    const now = yield* monotonic
    starts.slots = Array.from({ length: count }, (_, nth) => now + 1000 * (row.wait + nth * spacing))
    starts.held = Math.max(starts.held, now + 1000 * row.held)
  })

  const slot: Effect.Effect<number> = turns.withPermit(
    Effect.gen(function* () {
      const now = yield* monotonic
      starts.slots = starts.slots.filter((at) => at >= now - patience)
      if (starts.slots.length === 0) yield* fetch
      return starts.slots.shift() ?? now
    })
  )

  /**
   * While it waited, the server may have asked for a pause, or this process may have been busy: then its slot is lost. A
   * process that is always busy would never start anything, so it loses some in a row only.
   */
  const turn = (missed: number): Effect.Effect<void> =>
    Effect.gen(function* () {
      const at = yield* slot
      const wait = at - (yield* monotonic)
      if (wait > 0) yield* Effect.sleep(Duration.millis(Math.ceil(wait)))
      const isLate = (yield* monotonic) - at > patience && missed < mostMissed
      if (isLate || at < starts.held) return yield* turn(missed + 1)
    })

  return {
    pause: Effect.map(monotonic, (now) => Math.max(0, starts.held - now)),
    spend: (attempt) => own.spend(Effect.andThen(turn(0), attempt)),
    hold: Effect.fnUntraced(function* (pause) {
      const millis = Duration.toMillis(Duration.fromInputUnsafe(pause))
      starts.held = Math.max(starts.held, (yield* monotonic) + millis)
      starts.slots = []
      yield* Effect.ignore(
        sql`UPDATE ${sql(Tables.budgets)} SET held = greatest(held, pause.until), next = greatest(next, pause.until)
FROM (SELECT clock_timestamp() + ${millis / 1000} * interval '1 second' AS until) AS pause
WHERE organization = ${organization}`
      )
    })
  }
})

/** Until the database answers. Says so once. */
const patiently = <A>(statement: Effect.Effect<A, SqlError>): Effect.Effect<A> =>
  Effect.tapError(statement, (error) =>
    Effect.logWarning("The shared budget waits for its database", ofSql(error))
  ).pipe(
    Effect.catchTag("SqlError", () => Effect.eventually(Effect.tapError(statement, () => Effect.sleep("500 millis"))))
  )

/**
 * The budget as a layer, for `AgniClient.layerShared`. One layer value is one budget of this process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Budget, AgniError | FleetError, SqlClient.SqlClient> =>
  Layer.effect(Budget, make(options))
