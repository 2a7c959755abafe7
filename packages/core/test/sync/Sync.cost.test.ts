import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Measure from "../../bench/sync/Measure.ts"
import * as Organization from "../../bench/sync/Organization.ts"

const { hour, minute } = Organization

describe("What a sync costs", () => {
  it.effect("hourly: fewer requests than to read the last day again each time, few at night, nothing is missed", () =>
    Effect.gen(function* () {
      const one = { seed: 7, perDay: 1000, days: 4, every: hour, measured: 1 }
      const measured = yield* Measure.run(one)
      assert.isAtMost(measured.requestsADay, 160)
      assert.isBelow(measured.requestsADay, Measure.lookBack(one, 24 * hour).requestsADay)
      assert.isAtMost(measured.quiet, 5)
      assert.deepStrictEqual([measured.missed, measured.removedWrongly], [0, 0])
    })
  )

  it.effect("followed every minute: changes come within minutes, for a few requests a pass", () =>
    Effect.gen(function* () {
      const one = { seed: 8, perDay: 1000, days: 1.2, every: minute, warm: 1, measured: 0.2 }
      const measured = yield* Measure.run(one)
      assert.isAtMost(measured.requestsADay / 1440, 3)
      assert.isAtMost(measured.most, hour)
      assert.deepStrictEqual([measured.missed, measured.removedWrongly], [0, 0])
    })
  )

  it.effect("without an order by creation nothing is missed that starts", () =>
    Effect.gen(function* () {
      const one = { seed: 9, perDay: 300, days: 4, every: hour, measured: 1, isOrderedByCreation: false }
      const measured = yield* Measure.run(one)
      assert.deepStrictEqual([measured.missedBehind, measured.removedWrongly], [0, 0])
      assert.isAtMost(measured.requestsADay, 800)
    })
  )
})
