import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as World from "./SyncWorld.ts"

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

/** A first pass, and the requests that it sends before its sink takes the first batch, and in all. */
const first = Effect.fnUntraced(function* (maxRequests?: number) {
  const world = World.make({ seed: 8, calls: 4000, days: 2 })
  world.now += 3 * World.day
  const arrived = yield* Deferred.make<void>()
  const taken = yield* Deferred.make<void>()
  const sink = SessionSink.make<object>({
    name: "slow",
    delivery: "idempotent",
    keeps: "latest",
    open: () =>
      Effect.succeed({
        write: () => Effect.andThen(Deferred.succeed(arrived, undefined), Deferred.await(taken)),
        remove: () => Effect.void,
        flush: () => Effect.void
      })
  })
  const run = SyncPipeline.run({
    name: "calls",
    from: "2026-07-01T00:00:00Z",
    transform: Transform.sessions,
    sinks: [sink],
    deadLetters: letters,
    maxRequests
  }).pipe(Effect.provide([world.layer, Ledger.layerMemory]), Effect.provideService(Clock.Clock, world.clock))
  const fiber = yield* Effect.forkChild(run)
  yield* Deferred.await(arrived)
  // Whatever continues without the sink is done by then.
  yield* Effect.repeat(Effect.yieldNow, { times: 10_000 })
  const before = world.requests
  yield* Deferred.succeed(taken, undefined)
  yield* Fiber.join(fiber)
  return { before, all: world.requests }
})

describe("Windows of a sync", () => {
  it.effect("are read while a sink takes its time", () =>
    Effect.gen(function* () {
      const { all, before } = yield* first()
      assert.strictEqual(before, all)
    })
  )

  it.effect("wait for it where requests are limited", () =>
    Effect.gen(function* () {
      const { all, before } = yield* first(10_000)
      assert.isBelow(before, all)
    })
  )
})
