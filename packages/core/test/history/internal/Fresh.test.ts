import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Fresh from "../../../src/history/internal/Fresh.ts"
import { askOf, began, hour, open, rowsAt } from "./FakeServer.ts"

const rows = rowsAt([began - hour])

describe("Fresh", () => {
  it.effect("an answer that was made before the first one is asked for again", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const server = open(rows, { date: { offset: -3 * hour, from: 0, to: 100, every: 3 } })
      const fresh = Fresh.make(askOf(server), began)
      for (let i = 0; i < 4; i++) assert.strictEqual((yield* fresh.ask(1, {})).observedAt, began)
      // Each third one is three hours old.
      assert.strictEqual(server.requests(), 5)
      assert.isFalse(fresh.isOld())
    })
  )

  it.effect("reports one that stays old", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const server = open(rows, { date: { offset: -3 * hour, from: 0, to: 100, every: 1 } })
      const fresh = Fresh.make(askOf(server), began)
      yield* fresh.ask(1, {})
      assert.isTrue(fresh.isOld())
      assert.strictEqual(server.requests(), 3)
    })
  )

  it.effect("a clock that is far ahead makes no other answer old", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const server = open(rows, { date: { offset: 25 * hour, from: 1, to: 2, every: 1 } })
      const fresh = Fresh.make(askOf(server), began)
      yield* fresh.ask(1, {})
      yield* fresh.ask(1, {})
      assert.isFalse(fresh.isOld())
      assert.strictEqual(server.requests(), 2)
    })
  )
})
