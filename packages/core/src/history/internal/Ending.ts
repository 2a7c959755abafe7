/** The end of a reading, which begins when all windows were read, or else when somebody asks for it. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

interface Ending<A, E> {
  /** Begins it. Nothing where it waits for who asks. */
  readonly begin: Effect.Effect<void> | undefined
  /** Its output, if there is one. */
  readonly outputs: Stream.Stream<A, E>
}

/** @param scope in which it may begin by itself. Nobody who takes only a few calls pays for what comes after all. */
export const make = <A, E>(ending: Effect.Effect<A | undefined, E>, scope: Scope.Scope | undefined): Ending<A, E> => {
  const begun: { fiber?: Fiber.Fiber<A | undefined, E> } = {}
  const ended = Effect.suspend(() => (begun.fiber === undefined ? ending : Fiber.join(begun.fiber)))
  return {
    begin:
      scope &&
      Effect.map(Effect.forkIn(ending, scope), (fiber) => {
        begun.fiber = fiber
      }),
    outputs: Stream.unwrap(Effect.map(ended, (output) => (output === undefined ? Stream.empty : Stream.make(output))))
  }
}
