import { Jobs } from "@callstream/cluster"
import { AgniError, Budget } from "@callstream/core"
import * as Reasons from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Pauses from "../../../src/run/fleet/Pauses.ts"

const account = Effect.flatMap(Budget.make(), Pauses.noted)

const limited = (seconds: number) =>
  new AgniError({
    reason: new Reasons.RateLimited({ retryAfter: Duration.seconds(seconds) }),
    request: "GET https://api.example/x",
    attempts: 1,
    elapsed: Duration.zero
  })

const isPaused = (exit: Exit.Exit<unknown, unknown>) => {
  const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
  return error?._tag === "Some" && error.value instanceof Jobs.JobError && error.value.reason._tag === "Paused"
}

describe("run/fleet/Pauses", () => {
  it.effect("hand a part back whose API has answered nothing but 429", () =>
    Effect.gen(function* () {
      const { budget, handingBack, requests } = yield* Pauses.ofJob(yield* account)
      const attempt = Effect.andThen(budget.spend(Effect.fail("429")).pipe(Effect.ignore), budget.hold("1 second"))
      const fiber = yield* Effect.forkChild(handingBack(Effect.andThen(attempt, Effect.never)))
      yield* TestClock.adjust("1 second")
      assert.isTrue(isPaused(yield* Fiber.await(fiber)))
      assert.strictEqual(yield* requests, 1)
    })
  )

  it.effect("leave a part alone that has an answer, and know that it waits until the next one", () =>
    Effect.gen(function* () {
      const { budget, handingBack, isPaused } = yield* Pauses.ofJob(yield* account)
      const fiber = yield* Effect.forkChild(
        handingBack(Effect.andThen(budget.spend(Effect.void), Effect.andThen(budget.hold("1 second"), Effect.never)))
      )
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      // The pause is over, but nothing says that the API answers again.
      assert.isTrue(yield* isPaused)
      yield* budget.spend(Effect.void)
      assert.isFalse(yield* isPaused)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("know that a part waits for its sinks once it has had an answer and asks nothing more", () =>
    Effect.gen(function* () {
      const { budget, isWaiting } = yield* Pauses.ofJob(yield* account)
      // It opens its sinks.
      assert.isFalse(yield* isWaiting)
      yield* budget.spend(Effect.void)
      assert.isTrue(yield* isWaiting)
      const asks = yield* Effect.forkChild(budget.spend(Effect.never))
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* isWaiting)
      yield* Fiber.interrupt(asks)
      assert.isTrue(yield* isWaiting)
    })
  )

  it.effect("hold for all jobs of an account, as long as the API named, also where no request waits that long", () =>
    Effect.gen(function* () {
      const shared = yield* account
      const { handingBack } = yield* Pauses.ofJob(shared)
      const other = yield* Pauses.ofJob(shared)
      assert.isTrue(isPaused(yield* Effect.exit(handingBack(Effect.fail(limited(300))))))
      assert.isTrue(yield* other.isPaused)
      assert.strictEqual(yield* shared.pause, 300_000)
      yield* TestClock.adjust("299 seconds")
      assert.isTrue(yield* other.isPaused)
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* other.isPaused)
    })
  )

  it.effect("leave other failures, and a 429 after an answer, to count as failed tries", () =>
    Effect.gen(function* () {
      const { budget, handingBack } = yield* Pauses.ofJob(yield* account)
      assert.deepStrictEqual(yield* Effect.exit(handingBack(Effect.fail("no"))), Exit.fail("no"))
      yield* budget.spend(Effect.void)
      const error = limited(1)
      assert.deepStrictEqual(yield* Effect.exit(handingBack(Effect.fail(error))), Exit.fail(error))
    })
  )
})
