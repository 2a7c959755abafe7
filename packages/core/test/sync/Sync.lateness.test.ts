/** Calls that appear later than the horizon are counted, and no others. */
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Verdict from "@callstream/core/sync/Verdict"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as World from "./SyncWorld.ts"

const from = "2026-07-01T00:00:00Z"
const { hour, minute, origin } = World

const verdictOf = Effect.scoped(
  Effect.gen(function* () {
    const view = yield* Effect.flatMap(Ledger, ({ view }) => view("calls"))
    return view === undefined ? assert.fail("no ledger") : yield* Verdict.of(view)
  })
)

describe("Lateness", () => {
  for (const [seed, undated] of [
    [21, "created"],
    [22, "front"]
  ] as const) {
    const world = World.make({ seed, calls: 300, days: 3, rare: 0, undated })
    it.effect(`is measured of calls behind the watermark (seed ${seed})`, () =>
      Effect.gen(function* () {
        // Three calls appear 9 h 10 min after their start.
        const starts = [30, 34, 38].map((at) => origin + at * hour)
        const chosen = starts.flatMap((at) => world.lives.find(({ start }) => start > at && start < Infinity) ?? [])
        for (const life of chosen) Object.assign(life, { visible: life.start + 9 * hour + 10 * minute })
        const pass = (horizon?: "12 hours") =>
          Sync.changes({ name: "calls", from, horizon }).pipe(
            Stream.runForEach(({ acknowledge }) => acknowledge),
            Effect.provide(world.layer)
          )
        let first = 0
        for (let at = 1; at < 90; at++) {
          world.now = Math.max(world.now, origin + at * hour)
          yield* pass()
          if (at === 1) first = (yield* verdictOf).calls
        }
        const { lateness } = yield* verdictOf
        const dated = world.lives.filter(({ start }) => start < Infinity).length
        assert.strictEqual(lateness.late, 3)
        assert.isAtMost(lateness.calls, dated)
        // One that was listed before its start was known is not new any more.
        assert.isAtLeast(lateness.calls, dated - first - 5)
        assert.isAtLeast(lateness.longest, 9 * hour + 10 * minute)
        assert.isAtMost(lateness.longest, 10 * hour + 20 * minute)
        // Another horizon is measured anew.
        yield* pass("12 hours")
        assert.deepInclude((yield* verdictOf).lateness, { late: 0, longest: 0 })
      }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
    )
  }

  it.effect("a clock of the server that has stopped is noticed, and the watermark waits", () => {
    const world = World.make({ seed: 23, calls: 60, days: 1, rare: 0 })
    const frozen = { by: 0 }
    // This machine's clock goes on.
    const millis = () => Math.floor((world.now + frozen.by) / 1000)
    const clock = Object.assign({}, world.clock, {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis)
    })
    const pass = Sync.changes({ name: "calls", from }).pipe(
      Stream.runForEach(({ acknowledge }) => acknowledge),
      Effect.provide(world.layer)
    )
    return Effect.gen(function* () {
      world.now = origin + 8 * hour
      yield* pass
      const before = yield* verdictOf
      assert.isUndefined(before.stopped)
      const now = world.now
      // Where the first pass began: its own requests moved the clock of this world.
      world.now = origin + 8 * hour - 1_000_000
      frozen.by = hour
      yield* pass
      const after = yield* verdictOf
      assert.isDefined(after.stopped)
      assert.isAtMost(after.watermark, now - 2 * hour)
      world.now = now + 2 * hour
      frozen.by = 0
      yield* pass
      assert.isUndefined((yield* verdictOf).stopped)
    }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, clock))
  })
})
