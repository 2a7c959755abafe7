/** Reports texts that could not be written unchanged. */
import * as Effect from "effect/Effect"
import type { Repairs } from "../../model/internal/Json.ts"

/** Logs, once the sink is finished, how many texts it had to repair. */
export const reporting = <A, E, R>(
  sink: string,
  repairs: Repairs,
  finish: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.tap(finish, () =>
    repairs.texts === 0
      ? Effect.void
      : Effect.logWarning(
          `${sink}: ${repairs.texts} ${repairs.texts === 1 ? "text" : "texts"} had an unpaired surrogate, such as half of an emoji: it was written as U+FFFD`
        )
  )
