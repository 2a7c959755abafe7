import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Measure from "../../bench/sync/MeasuredSync.ts"
import * as Organization from "../../bench/sync/Organization.ts"
import * as OtherServer from "../../bench/sync/OtherServer.ts"
import * as World from "../../bench/sync/World.ts"

const { hour, minute } = World

describe("What a sync costs", () => {
  it.effect("hourly: fewer requests than to read the last day again each time, few at night, nothing is missed", () =>
    Effect.gen(function* () {
      const one = { days: 4, every: hour, measured: 1 }
      const world = Organization.make({ seed: 7, perDay: 1000, days: 4 })
      const measured = yield* Measure.run(world, one)
      assert.isAtMost(measured.requestsADay, 160)
      assert.isBelow(measured.requestsADay, Measure.lookBack(world, one, 24 * hour).requestsADay)
      assert.isAtMost(measured.quiet, 5)
      assert.deepStrictEqual([measured.missed, measured.removedWrongly], [0, 0])
    })
  )

  it.effect("followed every minute: changes come within minutes, for a few requests a pass", () =>
    Effect.gen(function* () {
      const world = Organization.make({ seed: 8, perDay: 1000, days: 1.2 })
      const measured = yield* Measure.run(world, { days: 1.2, every: minute, warm: 1, measured: 0.2 })
      assert.isAtMost(measured.requestsADay / 1440, 3)
      assert.isAtMost(measured.most, hour)
      assert.deepStrictEqual([measured.missed, measured.removedWrongly], [0, 0])
    })
  )

  it.effect("on a server of another shape, which does not order by creation, nothing is missed that starts", () =>
    Effect.gen(function* () {
      const world = OtherServer.make({ seed: 9, perDay: 300, days: 4 })
      const measured = yield* Measure.run(world, { days: 4, every: hour, measured: 1 })
      const { missed, missedBehind, missedUndated, removedWrongly } = measured
      assert.deepStrictEqual([missed - missedUndated, missedBehind, removedWrongly], [0, 0, 0])
      assert.isAtMost(measured.requestsADay, 800)
    })
  )
})
