/** How long a run that is asked to stop waits for the step in progress. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** A receiver may not answer for days. Who runs a service kills it ten seconds after asking it to stop. */
export const patience = "4 seconds"

/** A signal to stop waits for a step that has begun, so that its result is known: unless a sink hangs. */
export const toItsEnd = <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDetach(Effect.interruptible(step), { startImmediately: true }), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
        Effect.andThen(Effect.timeoutOption(Fiber.await(fiber), patience), Fiber.interrupt(fiber))
      )
    )
  )
