/** Long stretches without a call: windows that are proven to be empty are noted together. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Verdict from "@callstream/core/sync/Verdict"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as World from "./SyncWorld.ts"

/** A call a day for 300 days, then none. */
const make = () => {
  const world = World.make({ seed: 3, calls: 300, days: 300, rare: 0, pageSize: 20 })
  const notes = { count: 0 }
  const server = { answers: Infinity }
  const ledger = Layer.effect(
    Ledger,
    Effect.map(Ledger, (inner) => ({
      ...inner,
      open: (...about: Parameters<typeof inner.open>) =>
        Effect.map(inner.open(...about), (lease) => ({
          ...lease,
          note: (note: Parameters<typeof lease.note>[0]) => {
            notes.count++
            return lease.note(note)
          }
        }))
    }))
  ).pipe(Layer.provide(Ledger.layerMemory))
  const client = Layer.effect(
    AgniClient,
    Effect.map(AgniClient, (client) => ({
      ...client,
      list: (...about: Parameters<typeof client.list>) =>
        --server.answers >= 0 ? client.list(...about) : Effect.fail(away)
    }))
  ).pipe(Layer.provide(world.layer))
  const pass = (options: Partial<Sync.ChangesOptions> = {}) => {
    const seen = { notes: 0, watermark: -Infinity, changes: 0 }
    return Effect.suspend(() => {
      const before = notes.count
      return Sync.changes({
        name: "calls",
        from: "2026-07-01T00:00:00Z",
        ...options,
        onLook: ({ watermark }) => Effect.sync(() => (seen.watermark = watermark))
      }).pipe(
        Stream.runForEach(({ acknowledge }) => {
          seen.changes++
          return acknowledge
        }),
        Effect.provide(client),
        Effect.exit,
        Effect.map((exit) => ({ ...seen, isDone: Exit.isSuccess(exit), notes: notes.count - before }))
      )
    })
  }
  const play = <A, E>(effect: Effect.Effect<A, E, Ledger>) =>
    effect.pipe(Effect.provide(ledger), Effect.provideService(Clock.Clock, world.clock))
  return { world, server, pass, play }
}

const away = new AgniError({
  request: "GET /",
  attempts: 1,
  elapsed: Duration.zero,
  reason: new Unavailable({ outage: { _tag: "Status", status: 503 } })
})

const watermark = Effect.gen(function* () {
  const { view } = yield* Ledger
  const found = yield* view("calls")
  return found === undefined ? 0 : (yield* Verdict.of(found)).watermark
}).pipe(Effect.scoped)

describe("Sync, where no call is for long", () => {
  it.effect("a pass after a quiet month takes few transactions", () => {
    const { pass, play, world } = make()
    return play(
      Effect.gen(function* () {
        world.now += 300 * World.day
        yield* pass()
        const before = world.requests
        world.now += 30 * World.day
        const began = world.now
        const { isDone, notes, watermark } = yield* pass()
        assert.isTrue(isDone)
        assert.isAbove(world.requests - before, 150)
        assert.isBelow(notes, 30)
        assert.isAtLeast(watermark, began - 2 * World.hour - World.minute)
      })
    )
  })

  it.effect("a pass that fails keeps what it proved", () => {
    const { pass, play, server, world } = make()
    return play(
      Effect.gen(function* () {
        world.now += 300 * World.day
        yield* pass()
        world.now += 30 * World.day
        const before = yield* watermark
        for (let i = 0; i < 2; i++) {
          server.answers = 50
          assert.isFalse((yield* pass()).isDone)
        }
        assert.isAbove(yield* watermark, before + 27 * World.day)
      })
    )
  })

  it.effect("a day's requests are enough for some of it, and a pass ends with them", () => {
    const { pass, play, world } = make()
    return play(
      Effect.gen(function* () {
        world.now += 300 * World.day
        yield* pass()
        world.now += 30 * World.day
        let before = yield* watermark
        for (let i = 0; i < 3; i++) {
          world.now += 26 * World.hour
          const sent = world.requests
          yield* pass({ maxRequests: 60 })
          assert.isAtMost(world.requests - sent, 75)
          const after = yield* watermark
          assert.isAbove(after, before + World.day)
          before = after
        }
      })
    )
  })
})
