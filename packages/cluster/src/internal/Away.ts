/** A database that does not answer, or not now: it may come back. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import type { FleetError } from "../FleetError.ts"

export const isAway = ({ reason }: FleetError | CheckpointError): boolean =>
  reason._tag === "Database" && SqlFailure.isRetryable(reason.failure)

/** An effect to repeat for ever, whatever fails. It says once that the database is away, and once that it is back. */
export const reported = <E, R>(effect: Effect.Effect<void, E, R>): Effect.Effect<Effect.Effect<void, never, R>> =>
  Effect.map(Ref.make(false), (away) =>
    effect.pipe(
      Effect.andThen(Ref.getAndSet(away, false)),
      Effect.flatMap((was) => (was ? Effect.logInfo("The database of the fleet answers again") : Effect.void)),
      Effect.catchCause((cause) =>
        Effect.flatMap(Ref.getAndSet(away, true), (was) =>
          was || Cause.hasInterruptsOnly(cause)
            ? Effect.void
            : Effect.logWarning(
                "The database of the fleet does not answer; the worker waits for it",
                Cause.squash(cause)
              )
        )
      )
    )
  )
