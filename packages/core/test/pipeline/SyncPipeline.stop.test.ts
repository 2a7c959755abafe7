import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as World from "../sync/SyncWorld.ts"

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

/** A sync is stopped while its sink is in a step that lasts so long. */
const stopped = Effect.fnUntraced(function* (
  where: "write" | "flush" | "write and flush",
  step: (began: Effect.Effect<unknown>) => Effect.Effect<unknown>
) {
  const world = World.make({ seed: 5, calls: 30, days: 1 })
  world.now += World.day
  const began = yield* Deferred.make<void>()
  const hangs = step(Deferred.succeed(began, undefined))
  const took = { flushed: 0 }
  const put = () => (where === "flush" ? Effect.succeed([]) : Effect.as(hangs, []))
  const sink = SessionSink.make<object>({
    name: "receiver",
    delivery: "idempotent",
    keeps: "latest",
    open: () =>
      Effect.succeed({
        write: put,
        remove: put,
        flush: () =>
          Effect.andThen(
            where === "write" ? Effect.void : hangs,
            Effect.sync(() => void took.flushed++)
          )
      })
  })
  const run = SyncPipeline.run({
    name: "calls",
    from: "2026-07-01T00:00:00Z",
    transform: Transform.sessions,
    sinks: [sink],
    deadLetters: letters,
    every: "1 minute"
  }).pipe(Effect.provide(Layer.merge(world.layer, Ledger.layerMemory)))
  yield* TestClock.setTime(world.now / 1000)
  const fiber = yield* Effect.forkChild(run)
  yield* Deferred.await(began)
  const stopping = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
  return { fiber, stopping, took }
})

describe("a sync that is stopped", () => {
  for (const where of ["write", "flush", "write and flush"] as const)
    it.effect(`waits eight seconds for a sink that hangs in ${where}, and no longer`, () =>
      Effect.gen(function* () {
        const { fiber, stopping } = yield* stopped(where, (began) => Effect.andThen(began, Effect.never))
        yield* TestClock.adjust("3 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(stopping)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      })
    )

  it.effect("waits for a step that has begun, and acknowledges it", () =>
    Effect.gen(function* () {
      const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      const { fiber, stopping, took } = yield* stopped("flush", (began) => Effect.andThen(began, turn))
      yield* Fiber.join(stopping)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.isAbove(took.flushed, 0)
    })
  )
})
