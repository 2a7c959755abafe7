import { AgniClient } from "@callstream/core/client/AgniClient"
import * as CallRows from "@callstream/core/model/Rows"
import * as History from "@callstream/core/history/History"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const latency = 50
const concurrency = 8

/**
 * A whole history, read as an export reads it: how many requests it took, and in how many turns of the latency.
 *
 * @param perWindow Milliseconds that its consumer takes for a window.
 */
const read = Effect.fnUntraced(function* (sessions: number, perWindow = 0) {
  yield* TestClock.setTime(Date.UTC(2026, 5, 1))
  const simulator = yield* AgniSimulator.make({
    sessions,
    undated: 0,
    content: "minimal",
    latency,
    keepRequests: Infinity
  })
  const client = yield* AgniClient.make({
    apiKey: Redacted.make(simulator.apiKey),
    maxConcurrentRequests: concurrency
  }).pipe(Effect.provideService(HttpClient.HttpClient, simulator.httpClient))
  const fiber = yield* Stream.runFold(
    Stream.tap(History.windows({}, { concurrency, ahead: true }), () => Effect.sleep(perWindow)),
    () => 0,
    (calls, { rows }) => calls + CallRows.items(rows).length
  ).pipe(Effect.provideService(AgniClient, client), Random.withSeed(1), Effect.forkChild)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(latency)
  const calls = yield* Fiber.join(fiber)
  const times = simulator.requests.map(({ at }) => at)
  const turns = 1 + ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000 / latency
  return { calls, requests: times.length, turns }
})

describe("turns of a whole history", () => {
  it.effect.prop(
    "are five more at most than its requests would fill, eight at once",
    { sessions: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 5000, maximum: 9000 }))) },
    ({ sessions }) =>
      Effect.gen(function* () {
        const { calls, requests, turns } = yield* read(sessions)
        assert.strictEqual(calls, sessions)
        assert.isAtMost(turns - requests / concurrency, 5)
      }),
    { timeout: 120_000, arbitrary: { runs: 6 } }
  )

  it.effect("do not wait for who takes the last windows, but for the one that is being taken", () =>
    Effect.gen(function* () {
      const [soon, late] = [yield* read(5000), yield* read(5000, 60 * latency)]
      assert.deepStrictEqual({ ...late, turns: 0 }, { ...soon, turns: 0 })
      assert.isAtMost(late.turns - soon.turns, 60)
    })
  )

  it.effect("of 20,000 calls are four more at most", () =>
    Effect.gen(function* () {
      const { calls, requests, turns } = yield* read(20_000)
      assert.strictEqual(calls, 20_000)
      assert.isAtMost(turns - requests / concurrency, 4)
    })
  )
})
