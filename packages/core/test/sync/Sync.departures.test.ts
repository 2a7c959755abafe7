/** A call without a start time leaves between two audits, at the moment when another one appears: no number changes. */
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as World from "./SyncWorld.ts"

const places = [
  { undated: "front" },
  { undated: "last", last: "newest" },
  { undated: "last", last: "oldest" },
  { undated: "last", last: "none" }
] as const

describe("Sync, when a call without a start time leaves as another one appears", () => {
  for (const place of places) {
    it.effect(`reports it within a day (${JSON.stringify(place)})`, () => {
      const world = World.make({ seed: 77, calls: 400, days: 7, rare: 0, connects: 0.7, pageSize: 20, ...place })
      const undated = world.lives.filter(({ start }) => start === Infinity)
      const after = (days: number) => undated.find(({ created }) => created > World.origin + days * World.day)
      const [leaver, comer] = [after(1), after(5.1)]
      assert(leaver !== undefined && comer !== undefined)
      Object.assign(leaver, { leaves: comer.visible })
      const pass = Sync.changes({ name: "calls", from: "2026-07-01T00:00:00Z" }).pipe(
        Stream.tap(({ acknowledge }) => acknowledge),
        Stream.filter(({ id, kind }) => id === leaver.id && kind === "removed"),
        Stream.runCollect,
        Effect.provide(world.layer)
      )
      return Effect.gen(function* () {
        let removed = Infinity
        for (let i = 0; i < 82; i++) {
          world.now += 2 * World.hour
          if ((yield* pass).length > 0) removed = world.now
        }
        assert.isBelow(removed - leaver.leaves, World.day)
      }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
    })
  }
})
