/** A fleet, reached from a command. */
import { Fleet, type FleetError, type FleetRun } from "@callstream/cluster"
import { CheckpointError } from "@callstream/core"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import type { PostgresClient } from "@callstream/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import { SqlError } from "effect/sql/SqlError"
import * as Database from "../../option/Database.ts"
import { UsageError } from "../../option/UsageError.ts"

/** What goes wrong, as the errors that commands know. */
export const toCommandError =
  (database: Database.Database) =>
  (error: FleetError.FleetError | SqlError | PostgresClient.PostgresUrlError): CheckpointError | UsageError => {
    const name = Database.describe(database)
    const ofDatabase = (failure: SqlFailure.SqlFailure) =>
      new CheckpointError({ reason: { _tag: "Database", name, failure } })
    if (error instanceof SqlError) return ofDatabase(SqlFailure.of(error))
    if (error._tag === "PostgresUrlError") {
      return new UsageError({ option: "cluster", reason: { _tag: "PostgresUrl", database: name, error } })
    }
    const { reason } = error
    return reason._tag === "Database"
      ? ofDatabase(reason.failure)
      : new UsageError({ reason: { _tag: "FleetRefused", problem: error.message } })
  }

/** Whether the database may come back. */
const isAway = (error: unknown): error is CheckpointError =>
  error instanceof CheckpointError && error.reason._tag === "Database" && SqlFailure.isRetryable(error.reason.failure)

/** Tries again every two seconds while the database is away, and says so once until it has `answered`. */
export const patientlyEach = <A, E, R>(
  effect: (answered: Effect.Effect<void>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Ref.make(false), (isWaiting) =>
    effect(Ref.set(isWaiting, false)).pipe(
      Effect.tapError((error) =>
        isAway(error)
          ? Effect.flatMap(Ref.getAndSet(isWaiting, true), (was) =>
              was ? Effect.void : Effect.logWarning(`${error.message}; callstream waits for it`)
            )
          : Effect.void
      ),
      Effect.retry({ schedule: Schedule.spaced("2 seconds"), while: isAway })
    )
  )

/** Tries again every two seconds while the database is away, and says so once. */
export const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  patientlyEach(() => effect)

/** Connections of a pool that only asks and notes, and of one that listens. */
const few = 3

/** A fleet, with errors that commands know. */
export interface Access {
  readonly fleet: Fleet.Fleet["Service"]
  readonly asked: <A>(effect: Effect.Effect<A, FleetError.FleetError>) => Effect.Effect<A, CheckpointError | UsageError>
  /** The newest run of that name, if there is one. */
  readonly find: (name: string) => Effect.Effect<FleetRun.FleetRunDetails | undefined, CheckpointError | UsageError>
}

/** The fleet, as long as the scope. */
export const open = Effect.fnUntraced(function* (database: Database.Database, fleet: string | undefined) {
  const failed = toCommandError(database)
  const pool = yield* Effect.mapError(Layer.build(yield* Database.pool(database, few)), failed)
  const made = yield* Effect.mapError(Effect.provideContext(Fleet.make({ fleet }), pool), failed)
  return {
    fleet: made,
    asked: Effect.mapError(failed),
    find: (name) =>
      made.run(name).pipe(
        Effect.catchReason("FleetError", "NoRun", () => Effect.undefined),
        Effect.mapError(failed)
      )
  } satisfies Access
})
