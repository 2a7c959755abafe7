import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as EventLoopTurns from "../src/EventLoopTurns.ts"

/** Fibers that yield before each step, and what happened before the next turn of the event loop. */
const stepsInOneTurn = (now: () => number, yields: number) => {
  const steps: Array<string> = []
  const program = Effect.gen(function* () {
    // The steps begin in a turn of their own.
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    setImmediate(() => steps.push("next turn"))
    for (let nth = 0; nth < yields; nth++) {
      steps.push(`step ${nth}`)
      yield* Effect.yieldNow
    }
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    return steps
  })
  return Effect.promise(() =>
    Effect.runPromise(Effect.provideService(program, Scheduler.Scheduler, EventLoopTurns.make(now)))
  )
}

describe("EventLoopTurns", () => {
  it.effect("a fiber that waits for its turn resumes before the next turn of the event loop", () =>
    Effect.map(
      stepsInOneTurn(() => 0, 3),
      (steps) => assert.deepStrictEqual(steps, ["step 0", "step 1", "step 2", "next turn"])
    )
  )

  it.effect("after two milliseconds everything else has its turn first", () => {
    let millis = 0
    return Effect.map(
      stepsInOneTurn(() => millis++, 3),
      (steps) => assert.deepStrictEqual(steps, ["step 0", "step 1", "next turn", "step 2"])
    )
  })
})
