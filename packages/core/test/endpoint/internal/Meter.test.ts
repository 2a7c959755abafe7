import { assert, describe, it } from "@effect/vitest"
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Meter from "../../../src/endpoint/internal/Meter.ts"
import { page } from "../../history/Walking.ts"

const refused = new AgniError({
  reason: new InvalidRequest({ status: 400 }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

/** A client that answers after so many milliseconds, as the number of the page says; the page zero is refused at once. */
const metered = () => {
  const passed: Array<unknown> = []
  const list: AgniClient["Service"]["list"] = (query, options) => {
    passed.push(query, options)
    const { page: millis = 0 } = query
    return millis === 0 ? Effect.fail(refused) : Effect.as(Effect.sleep(millis), page(millis, []))
  }
  const meter = Meter.make({ list })
  const ask = (millis: number) => Effect.forkChild(meter.client.list({ page: millis }))
  const askAlone = Effect.fnUntraced(function* (millis: number) {
    const fiber = yield* ask(millis)
    yield* TestClock.adjust(millis)
    return yield* Fiber.await(fiber)
  })
  return { ask, askAlone, meter, passed }
}

describe("Meter", () => {
  it.effect("has no latency before an answer came, and then the median, the later one of two", () =>
    Effect.gen(function* () {
      const { askAlone, meter } = metered()
      assert.deepStrictEqual([meter.requests(), meter.latency(), meter.timed()], [0, undefined, 0])
      for (const [millis, median] of [
        [50, 50],
        [9, 50],
        [300, 50],
        [200, 200],
        [100, 100]
      ] as const) {
        const exit = yield* askAlone(millis)
        assert.strictEqual(Exit.isSuccess(exit) ? exit.value.page : undefined, millis)
        assert.strictEqual(meter.latency(), median)
      }
      assert.deepStrictEqual([meter.requests(), meter.timed()], [5, 5])
    })
  )

  it.effect("asks what it is asked", () =>
    Effect.gen(function* () {
      const { meter, passed } = metered()
      const options = { tries: 1 }
      yield* Effect.exit(meter.client.list({ page: 0, channel: "voice" }, options))
      assert.deepStrictEqual(passed, [{ page: 0, channel: "voice" }, options])
    })
  )

  it.effect("times no request that was not alone all the time, and each one that is alone after that", () =>
    Effect.gen(function* () {
      const { ask, askAlone, meter } = metered()
      const long = yield* ask(100)
      yield* TestClock.adjust(50)
      // It began beside another one, and ends alone.
      const short = yield* ask(70)
      yield* TestClock.adjust(70)
      yield* Effect.all([Fiber.join(long), Fiber.join(short)])
      assert.deepStrictEqual([meter.requests(), meter.timed()], [2, 0])
      yield* askAlone(30)
      assert.deepStrictEqual([meter.requests(), meter.timed(), meter.latency()], [3, 1, 30])
      // One that was beside another one for a while, which ended before.
      const first = yield* ask(100)
      yield* TestClock.adjust(10)
      const second = yield* ask(10)
      yield* TestClock.adjust(90)
      yield* Effect.all([Fiber.join(first), Fiber.join(second)])
      assert.strictEqual(meter.timed(), 1)
    })
  )

  it.effect("times no request that failed or was interrupted, and counts it", () =>
    Effect.gen(function* () {
      const { ask, askAlone, meter } = metered()
      assert.isTrue(Exit.isFailure(yield* askAlone(0)))
      const given = yield* ask(100)
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(given)
      assert.deepStrictEqual([meter.requests(), meter.timed()], [2, 0])
      yield* askAlone(30)
      assert.deepStrictEqual([meter.requests(), meter.timed(), meter.latency()], [3, 1, 30])
    })
  )
})
