import { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as World from "../sync/SyncWorld.ts"

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

const nowhere = SessionSink.make<object>({
  name: "nowhere",
  delivery: "idempotent",
  keeps: "latest",
  open: () => Effect.succeed({ write: () => Effect.void, remove: () => Effect.void, flush: () => Effect.void })
})

describe("Requests of a sync", () => {
  it.effect("of what follows a pass count towards the most of a day", () => {
    const world = World.make({ seed: 5, calls: 20, days: 1 })
    const pass = (more: number) =>
      SyncPipeline.run({
        name: "calls",
        from: "2026-07-01T00:00:00Z",
        transform: Transform.sessions,
        sinks: [nowhere],
        deadLetters: letters,
        maxRequests: 1000,
        onPass: () =>
          Effect.flatMap(AgniClient, ({ list }) => Effect.repeat(list({ pageSize: 1 }), { times: more - 1 })).pipe(
            Effect.orDie,
            Effect.asVoid
          )
      }).pipe(Effect.provide(world.layer))
    return Effect.gen(function* () {
      yield* pass(7)
      const first = world.requests
      const { verdict } = yield* pass(1)
      // Without the one that followed.
      assert.strictEqual(verdict.requests.sent, world.requests - 1)
      assert.isAbove(first, 7)
    }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })

  it.effect("of its transform count from the first pass on", () => {
    const world = World.make({ seed: 6, calls: 20, days: 1 })
    world.now += World.day
    const asking = Transform.effect({
      label: "asking",
      run: (rows: ReadonlyArray<CallSession>) =>
        Effect.flatMap(AgniClient, ({ list }) => Effect.as(list({ pageSize: 1 }), rows))
    })
    const pass = () =>
      SyncPipeline.run({
        name: "calls",
        from: "2026-07-01T00:00:00Z",
        transform: asking,
        sinks: [nowhere],
        deadLetters: letters,
        onPass: ({ verdict }) => Effect.sync(() => assert.strictEqual(verdict.requests.sent, world.requests))
      }).pipe(Effect.provide(world.layer))
    return Effect.gen(function* () {
      yield* pass()
      world.now += World.hour
      yield* pass()
    }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })
})
