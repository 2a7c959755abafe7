/** Passes the events of a run to listeners, which never hold the run up. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { RunEvent } from "../RunEvent.ts"

export type Emit = (event: RunEvent) => Effect.Effect<void>

export const nobody: Emit = () => Effect.void

/** A listener this many events behind misses the oldest; each event has the totals so far. */
const buffered = 64

/** The time that a listener has for the remaining events after the run. */
const patience = "5 seconds"

export const listened = <A, E, R>(
  execute: (emit: Emit) => Effect.Effect<A, E, R>,
  onEvent: (event: RunEvent) => Effect.Effect<void>
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const queue = yield* Queue.sliding<RunEvent, Cause.Done>(buffered)
    const listener = yield* Stream.fromQueue(queue).pipe(
      Stream.runForEach((event) => Effect.ignoreCause(Effect.suspend(() => onEvent(event)))),
      Effect.forkChild
    )
    return yield* execute((event) => Queue.offer(queue, event)).pipe(
      Effect.onExit(() =>
        Queue.end(queue).pipe(
          Effect.andThen(Effect.timeoutOption(Fiber.await(listener), patience)),
          Effect.andThen(Fiber.interrupt(listener))
        )
      )
    )
  })

export const streamed = <A, E, R>(execute: (emit: Emit) => Effect.Effect<A, E, R>): Stream.Stream<RunEvent, E, R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const queue = yield* Queue.sliding<RunEvent, E | Cause.Done>(buffered)
      yield* execute((event) => Queue.offer(queue, event)).pipe(
        Effect.onExit((exit) => (Exit.isSuccess(exit) ? Queue.end(queue) : Queue.failCause(queue, exit.cause))),
        Effect.exit,
        Effect.forkScoped
      )
      return Stream.fromQueue(queue)
    })
  )
