import * as PatientStop from "../../src/pipeline/internal/PatientStop.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"

/** A step that takes so long, which is asked to stop after a second. */
const stopped = Effect.fnUntraced(function* (step: Effect.Effect<void>) {
  const ended = { step: false, after: false }
  const all = PatientStop.toItsEnd(Effect.tap(step, () => Effect.sync(() => void (ended.step = true))))
  const fiber = yield* Effect.forkChild(Effect.tap(all, () => Effect.sync(() => void (ended.after = true))))
  yield* TestClock.adjust("1 second")
  yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
  return { ended, fiber }
})

describe("a step that waits to be stopped", () => {
  it.effect("finishes, and nothing after it begins", () =>
    Effect.gen(function* () {
      const { ended, fiber } = yield* stopped(Effect.sleep("3 seconds"))
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.deepStrictEqual(ended, { step: true, after: false })
    })
  )

  it.effect("is given up after four seconds", () =>
    Effect.gen(function* () {
      const { ended, fiber } = yield* stopped(Effect.never)
      yield* TestClock.adjust("3 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.deepStrictEqual(ended, { step: false, after: false })
    })
  )

  it.effect("gives what it gives, and fails as it fails", () =>
    Effect.gen(function* () {
      const go = yield* Deferred.make<number>()
      const fiber = yield* Effect.forkChild(PatientStop.toItsEnd(Deferred.await(go)))
      yield* Deferred.succeed(go, 7)
      assert.strictEqual(yield* Fiber.join(fiber), 7)
      assert.strictEqual(yield* Effect.flip(PatientStop.toItsEnd(Effect.fail("no room"))), "no room")
    })
  )
})
