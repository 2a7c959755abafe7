/**
 * One limit of requests for all processes of an organization: a row of a table in PostgreSQL.
 *
 * @since 0.1.0
 */
import { Budget, limitOf, OnSent } from "@callstream/core/client/Budget"
import type { AgniError } from "@callstream/core/model/AgniError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type FleetError, ofSql } from "./FleetError.ts"
import * as Grants from "./internal/Grants.ts"
import * as Starts from "./internal/Starts.ts"
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
  const limit = limitOf(requestsPerSecond)
  const grants = yield* Effect.mapError(Grants.make(sql, organization, limit), ofSql)
  const { hold, pause, turn } = yield* Starts.make(grants, limit, patiently)
  return {
    spend: (attempt) => own.spend(Effect.flatMap(turn, (onSent) => Effect.provideService(attempt, OnSent, onSent))),
    hold,
    pause
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
