import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { Budget, OnSent } from "@callstream/core/client/Budget"
import { lateClock } from "./lateClock.ts"
import { mostInASecond } from "./mostInASecond.ts"

const starts = () => {
  const times: Array<number> = []
  return { times, start: Effect.map(Clock.currentTimeMillis, (now) => void times.push(now)) }
}

const many = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("Budget", () => {
  it.effect("spaces starts evenly, with no burst at first", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: 4 })
      const { start, times } = starts()
      const fiber = yield* Effect.forkChild(
        Effect.forEach(many(9), () => budget.spend(start), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 259, 518, 777, 1035, 1294, 1553, 1812, 2070])
    })
  )

  for (const [late, unsent] of [
    [0, 0],
    [8, 0],
    [100, 0],
    [0, 100],
    [30, 30]
  ] as const) {
    it.effect(`no second has more than the rate, up to ${late} ms late, sent up to ${unsent} ms later`, () =>
      Effect.gen(function* () {
        const seed = Date.now()
        console.log(`late ${late}, sent ${unsent}: seed ${seed}`)
        const numbers = yield* Random.withSeed(Effect.replicateEffect(Random.next, 1000), seed)
        let drawn = 0
        const random = () => numbers[drawn++ % numbers.length] ?? 0
        const clock = yield* Clock.Clock
        const times: Array<number> = []
        const attempt = Effect.gen(function* () {
          yield* Effect.provideService(Effect.sleep(Duration.millis(unsent * random())), Clock.Clock, clock)
          const onSent = yield* OnSent
          onSent()
          times.push(yield* Clock.currentTimeMillis)
        })
        const budget = yield* Budget.make({ maxConcurrentRequests: 16, requestsPerSecond: 40 })
        const all = yield* Effect.forkChild(
          Effect.provideService(
            Effect.replicateEffect(budget.spend(attempt), 200, { concurrency: "unbounded", discard: true }),
            Clock.Clock,
            lateClock(clock, late, random)
          )
        )
        for (let n = 0; n < 10_000 && all.pollUnsafe() === undefined; n++) yield* TestClock.adjust("2 millis")
        yield* Fiber.join(all)
        times.sort((a, b) => a - b)
        assert.isAtMost(mostInASecond(times.map((at) => at / 1000)), 40)
        const share = (1000 * (times.length - 1)) / ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 40
        assert.isAtLeast(share, 0.955 / (1 + (late + unsent <= 8 ? 0 : late + unsent) / 1000))
      })
    )
  }

  it.effect("gives the slot back of one that goes away while it waits", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: 1 })
      const { start, times } = starts()
      yield* budget.spend(start)
      const waiting = yield* Effect.forkChild(budget.spend(start), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      const next = yield* Effect.forkChild(budget.spend(start), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(next)
      assert.deepStrictEqual(times, [0, 1035])
    })
  )

  it.effect("saves up nothing while idle", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: 2 })
      const { start, times } = starts()
      yield* TestClock.adjust("10 seconds")
      const fiber = yield* Effect.forkChild(
        Effect.forEach(many(3), () => budget.spend(start), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [10_000, 10_518, 11_035])
    })
  )

  it.effect("does not space without a rate", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: undefined })
      const { start, times } = starts()
      yield* Effect.forEach(many(5), () => budget.spend(start), { concurrency: "unbounded", discard: true })
      assert.deepStrictEqual(times, [0, 0, 0, 0, 0])
    })
  )

  it.effect("lets so many run at once, and no more", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 3, requestsPerSecond: undefined })
      let running = 0
      let most = 0
      const attempt = Effect.acquireUseRelease(
        Effect.sync(() => void (most = Math.max(most, ++running))),
        () => Effect.sleep("1 second"),
        () => Effect.sync(() => void running--)
      )
      const fiber = yield* Effect.forkChild(
        Effect.forEach(many(10), () => budget.spend(attempt), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("3999 millis")
      assert.strictEqual(most, 3)
      assert.strictEqual(running, 1)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("gives the place back after failure and interruption", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 1, requestsPerSecond: undefined })
      yield* Effect.exit(budget.spend(Effect.fail("no")))
      const hanging = yield* Effect.forkChild(budget.spend(Effect.never))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(hanging)
      assert.strictEqual(yield* budget.spend(Effect.succeed("yes")), "yes")
    })
  )

  it.effect("holds everybody until the time it was given, the latest of them", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: undefined })
      const { start, times } = starts()
      yield* budget.hold(5000)
      yield* budget.hold(3000)
      const fiber = yield* Effect.forkChild(
        Effect.forEach(many(3), () => budget.spend(start), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(times, [])
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [5000, 5000, 5000])
      yield* budget.spend(start)
      assert.strictEqual(times[3], 5000)
    })
  )

  it.effect("holds those who were already waiting for their turn, and spaces them after it", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: 1 })
      const { start, times } = starts()
      const fiber = yield* Effect.forkChild(
        Effect.forEach(many(4), () => budget.spend(start), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("500 millis")
      yield* budget.hold(9500)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 10_000, 11_035, 12_070])
    })
  )

  it.effect("a shorter hold after a longer one lets nobody through", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: 1 })
      const { start, times } = starts()
      const fiber = yield* Effect.forkChild(
        Effect.forEach(many(5), () => budget.spend(start), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("500 millis")
      yield* budget.hold(4500)
      yield* budget.hold(2500)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [0, 5000, 6035, 7070, 8105])
    })
  )

  it.effect("a hold that is prolonged while it lasts holds on", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 100, requestsPerSecond: undefined })
      const { start, times } = starts()
      yield* budget.hold(1000)
      const fiber = yield* Effect.forkChild(budget.spend(start))
      yield* TestClock.adjust("500 millis")
      yield* budget.hold(1500)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times, [2000])
    })
  )

  it.effect("lets the next one through when this machine's clock is set back", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 1, requestsPerSecond: 1 })
      yield* TestClock.setTime(Date.parse("2026-08-02T00:00:00Z"))
      yield* budget.spend(Effect.void)
      yield* TestClock.setTime(Date.parse("2026-08-01T00:00:00Z"))
      const fiber = yield* Effect.forkChild(budget.spend(Effect.succeed("yes")))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "yes")
    })
  )

  it.effect("a request that waits for its retry holds no place", () =>
    Effect.gen(function* () {
      const budget = yield* Budget.make({ maxConcurrentRequests: 1, requestsPerSecond: undefined })
      const { start, times } = starts()
      const retried = yield* Effect.forkChild(
        Effect.retry(budget.spend(Effect.andThen(start, Effect.fail("again"))), {
          times: 1,
          schedule: Schedule.spaced("10 seconds")
        }).pipe(Effect.exit)
      )
      yield* TestClock.adjust("1 second")
      yield* budget.spend(start)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(retried)
      assert.deepStrictEqual(times, [0, 1000, 10_000])
    })
  )
})
