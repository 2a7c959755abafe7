import * as RetryPolicy from "@callstream/core/client/RetryPolicy"
import type { AgniErrorReason } from "@callstream/core/model/AgniError"
import { InvalidResponse, RateLimited, Unauthorized, Unavailable } from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Server from "./Server.ts"

const failed = new Unavailable({ outage: { _tag: "Status", status: 500 } })

/** The waits between the tries of an effect that always fails for the given reason. */
const waits = Effect.fnUntraced(function* (
  policy: RetryPolicy.RetryPolicy,
  reason: (attempt: number) => AgniErrorReason = () => failed
) {
  const times: Array<number> = []
  const always = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fail(reason(times.push(now))))
  const fiber = yield* Effect.forkChild(Effect.flip(Effect.retry(always, RetryPolicy.toSchedule(policy))))
  yield* TestClock.adjust("1 day")
  yield* Fiber.join(fiber)
  return times.slice(1).map((time, index) => time - (times[index] ?? 0))
})

const longest = [500, 1000, 2000, 4000, 8000, 16_000, 30_000]

describe("RetryPolicy.toSchedule", () => {
  it.effect.prop(
    "every wait is between 0 and what the doc says, whatever the seed",
    [Schema.String],
    ([seed]) =>
      Effect.gen(function* () {
        const found = yield* waits(RetryPolicy.make()).pipe(Random.withSeed(seed))
        assert.lengthOf(found, 7)
        for (const [index, wait] of found.entries()) assert.isBelow(wait, longest[index] ?? 0)
      }),
    { arbitrary: { runs: 40 } }
  )

  it.effect("jitters over the full range", () =>
    Effect.gen(function* () {
      const firsts: Array<number> = []
      for (let seed = 0; seed < 200; seed++) {
        firsts.push((yield* waits(RetryPolicy.make({ tries: 2 })).pipe(Random.withSeed(seed)))[0] ?? NaN)
      }
      assert.isBelow(Math.min(...firsts), 25)
      assert.isAbove(Math.max(...firsts), 475)
      const mean = firsts.reduce((sum, wait) => sum + wait, 0) / firsts.length
      assert.approximately(mean, 250, 40)
    })
  )

  it.effect(
    "a server that answers success: false is asked again within two seconds, or the cap where it is shorter",
    () =>
      Effect.gen(function* () {
        const answered = () => new Unavailable({ outage: { _tag: "Unsuccessful" } })
        assert.deepStrictEqual(
          yield* waits(RetryPolicy.make(), answered).pipe(Server.withWaits(1)),
          [500, 1000, 2000, 2000, 2000, 2000, 2000]
        )
        const short = RetryPolicy.make({ tries: 4, cap: "700 millis" })
        assert.deepStrictEqual(yield* waits(short, answered).pipe(Server.withWaits(1)), [500, 700, 700])
      })
  )

  it.effect("grows by the factor up to the cap", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* waits(RetryPolicy.make()).pipe(Server.withWaits(1)), longest)
      assert.deepStrictEqual(
        yield* waits(RetryPolicy.make({ tries: 5, base: "100 millis", factor: 3, cap: "1 second" })).pipe(
          Server.withWaits(1)
        ),
        [100, 300, 900, 1000]
      )
      assert.deepStrictEqual(yield* waits(RetryPolicy.make()).pipe(Server.withWaits(0)), [0, 0, 0, 0, 0, 0, 0])
    })
  )

  it.effect.each([1, 2, 3, 8, 20])("makes %d requests in all", (tries) =>
    Effect.gen(function* () {
      assert.lengthOf(yield* waits(RetryPolicy.make({ tries })), tries - 1)
    })
  )

  it.effect("never waits less than the server asked", () =>
    Effect.gen(function* () {
      const asks = new RateLimited({ retryAfter: Duration.seconds(5) })
      assert.deepStrictEqual(
        yield* waits(RetryPolicy.make(), () => asks).pipe(Server.withWaits(1)),
        [5000, 5000, 5000, 5000, 8000, 16_000, 30_000]
      )
      assert.deepStrictEqual(
        yield* waits(RetryPolicy.make(), () => asks).pipe(Server.withWaits(0)),
        [5000, 5000, 5000, 5000, 5000, 5000, 5000]
      )
    })
  )

  it.effect("follows the last answer, not the first", () =>
    Effect.gen(function* () {
      const found = yield* waits(RetryPolicy.make({ tries: 4 }), (attempt) =>
        attempt === 2
          ? new Unavailable({ outage: { _tag: "Status", status: 503 }, retryAfter: Duration.seconds(40) })
          : failed
      ).pipe(Server.withWaits(0))
      assert.deepStrictEqual(found, [0, 40_000, 0])
    })
  )
})

describe("RetryPolicy.mayRetry", () => {
  const mayRetry = RetryPolicy.mayRetry(RetryPolicy.make())

  it("asks the reason", () => {
    assert.isTrue(mayRetry(failed))
    assert.isTrue(mayRetry(new RateLimited({})))
    assert.isTrue(mayRetry(new InvalidResponse({ problem: { _tag: "Html" } })))
    assert.isTrue(mayRetry(new InvalidResponse({ problem: { _tag: "NoList" } })))
    assert.isFalse(mayRetry(new InvalidResponse({ problem: { _tag: "NoContent" } })))
    assert.isFalse(mayRetry(new Unauthorized({})))
  })

  it("gives up when the server asks for more patience than there is", () => {
    assert.isTrue(mayRetry(new RateLimited({ retryAfter: Duration.seconds(60) })))
    assert.isFalse(mayRetry(new RateLimited({ retryAfter: Duration.millis(60_001) })))
    assert.isFalse(
      mayRetry(new Unavailable({ outage: { _tag: "Status", status: 503 }, retryAfter: Duration.hours(1) }))
    )
    assert.isTrue(
      RetryPolicy.mayRetry(RetryPolicy.make({ retryAfterCap: "2 hours" }))(
        new Unavailable({ outage: { _tag: "Status", status: 503 }, retryAfter: Duration.hours(1) })
      )
    )
  })

  it("askedWait is what the reason carries", () => {
    assert.isUndefined(RetryPolicy.askedWait(failed))
    assert.isUndefined(RetryPolicy.askedWait(new Unauthorized({})))
    assert.deepStrictEqual(
      RetryPolicy.askedWait(new RateLimited({ retryAfter: Duration.seconds(3) })),
      Duration.seconds(3)
    )
  })
})

describe("RetryPolicy.worstCase", () => {
  it("is what its doc says for the defaults and 30 s a try", () => {
    const { usual, withRetryAfter } = RetryPolicy.worstCase(RetryPolicy.make(), "30 seconds")
    assert.strictEqual(Duration.toMillis(usual), 8 * 30_000 + 61_500)
    assert.strictEqual(Duration.format(usual), "5m 1s 500ms")
    assert.strictEqual(Duration.toMillis(withRetryAfter), 11 * 60_000)
  })

  it.effect("is what the schedule does when every wait is the longest", () =>
    Effect.gen(function* () {
      for (const options of [
        {},
        { tries: 3 },
        { tries: 12, base: "1 second", factor: 1.5, cap: "7 seconds" }
      ] as const) {
        const policy = RetryPolicy.make(options)
        const found = yield* waits(policy).pipe(Server.withWaits(1))
        assert.approximately(
          found.reduce((sum, wait) => sum + wait, 0),
          Duration.toMillis(RetryPolicy.worstCase(policy, 0).usual),
          1
        )
      }
    })
  )

  it("holds when the cap is longer than what a server may ask", () => {
    const policy = RetryPolicy.make({ tries: 2, cap: "2 minutes", retryAfterCap: "1 minute" })
    assert.strictEqual(Duration.toMillis(RetryPolicy.worstCase(policy, "10 seconds").withRetryAfter), 140_000)
  })
})
