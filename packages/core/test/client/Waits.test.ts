import * as Budget from "@callstream/core/client/Budget"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as Waits from "../../src/client/internal/Waits.ts"

/** Seconds by reason, and how many waits. */
const waited = Effect.map(Metric.snapshot, (metrics) =>
  Object.fromEntries(
    metrics.flatMap(({ attributes, state }) =>
      "sum" in state && "buckets" in state
        ? [[attributes?.["callstream.wait.reason"] ?? "", [state.count, state.sum]]]
        : []
    )
  )
)

const fresh = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

describe("waits", () => {
  it.effect("are counted by what was waited for, in parts where it was for both", () =>
    fresh(
      Effect.gen(function* () {
        const budget = yield* Budget.Budget.make()
        const [one, other] = [Waits.make(budget, "a"), Waits.make(budget, "a")]
        yield* one.since(yield* Waits.now, undefined)
        assert.deepStrictEqual(yield* waited, {})
        const began = yield* Waits.now
        // A pause that another client of the budget was asked for.
        yield* other.hold("3 seconds")
        yield* TestClock.adjust("5 seconds")
        yield* one.since(began, undefined)
        assert.deepStrictEqual(yield* waited, { rate_limit: [1, 3], budget: [1, 2] })
      })
    )
  )

  it.effect("after a failure are one wait where the server asked for it", () =>
    fresh(
      Effect.gen(function* () {
        const waits = Waits.make(yield* Budget.Budget.make(), "a")
        const at = yield* Waits.now
        yield* waits.hold("10 seconds")
        yield* TestClock.adjust("10 seconds")
        yield* waits.since(at + 2000, { at, isAsked: true })
        assert.deepStrictEqual(yield* waited, { rate_limit: [1, 10] })
        const failed = { at: yield* Waits.now, isAsked: false }
        yield* TestClock.adjust("4 seconds")
        const began = yield* Waits.now
        yield* TestClock.adjust("1 second")
        yield* waits.since(began, failed)
        assert.deepStrictEqual(yield* waited, { rate_limit: [1, 10], retry: [1, 4], budget: [1, 1] })
      })
    )
  )
})
