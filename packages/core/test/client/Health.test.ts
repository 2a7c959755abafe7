import { AgniClient } from "@callstream/core"
import * as Health from "@callstream/core/client/Health"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { settle } from "../history/Walking.ts"
import * as Server from "./Server.ts"

const checkOf = (simulator: AgniSimulator.AgniSimulator, apiKey = simulator.apiKey) =>
  settle(
    Effect.provide(Health.check, Layer.provide(AgniClient.layer({ apiKey: Redacted.make(apiKey) }), simulator.layer))
  )

const says = ({ authorized, error, ok, reachable }: Health.Health) => [ok, reachable, authorized, error?.reason._tag]

describe("Health.check", () => {
  it.effect("does not take the age of an answer that a cache held for another clock", () =>
    Effect.gen(function* () {
      const now = Date.UTC(2026, 5, 1)
      yield* TestClock.setTime(now)
      const headers = { date: new Date(now - 600_000).toUTCString(), age: "600" }
      const client = yield* Server.clientOf(Server.make(() => ({ ...Server.page, headers })))
      const { clockOffset } = yield* Effect.provideService(Health.check, AgniClient, client)
      assert.approximately(clockOffset ?? NaN, 0, 800)
    })
  )

  it.effect("takes one request, and says how long it took and what time the server has", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 5, 1))
      for (const ahead of [0, 90, -90]) {
        const simulator = yield* AgniSimulator.make({
          sessions: 50,
          latency: "400 millis",
          clockOffset: `${ahead} seconds`
        })
        const health = yield* checkOf(simulator)
        assert.deepStrictEqual(says(health), [true, true, true, undefined])
        assert.approximately(Duration.toMillis(health.latency), 400, 300)
        assert.approximately(health.clockOffset ?? NaN, ahead * 1000, 800)
        assert.lengthOf(simulator.requests, 1)
        assert.notInclude(JSON.stringify(health), simulator.truth()[0]?.id ?? "none")
      }
    })
  )

  it.effect("says what is wrong, without a retry", () =>
    Effect.gen(function* () {
      const forbidden = yield* AgniSimulator.make({ forbidden: true })
      assert.deepStrictEqual(says(yield* checkOf(forbidden)), [false, true, false, "Forbidden"])
      const cases: ReadonlyArray<readonly [Fault.Fault, boolean, string]> = [
        [Fault.reset, false, "Unavailable"],
        [Fault.hang, false, "Unavailable"],
        [Fault.status(503), true, "Unavailable"],
        [Fault.cut(), true, "Unavailable"],
        [Fault.tooManyRequests(), true, "RateLimited"],
        [Fault.status(404), true, "NotFound"],
        [Fault.html, true, "InvalidResponse"]
      ]
      for (const [fault, reachable, tag] of cases) {
        const simulator = yield* AgniSimulator.make()
        simulator.failNext(1, fault)
        assert.deepStrictEqual(says(yield* checkOf(simulator)), [false, reachable, undefined, tag])
        assert.lengthOf(simulator.requests, 1)
      }
      assert.deepStrictEqual(says(yield* checkOf(yield* AgniSimulator.make(), "wrong")), [
        false,
        true,
        false,
        "Unauthorized"
      ])
    })
  )
})
