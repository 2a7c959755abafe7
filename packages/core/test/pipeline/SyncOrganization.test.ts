import { AgniClient } from "@callstream/core/client/AgniClient"
import * as ChangeLog from "@callstream/core/sink/ChangeLog"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SyncOrganization from "../../src/pipeline/internal/SyncOrganization.ts"
import * as World from "../sync/SyncWorld.ts"

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

/** A first pass into a sink, which notes the organization of each batch. */
const first = Effect.fnUntraced(function* (
  keeps: SessionSink.Keeps,
  sinkOf: (sink: SessionSink.SessionSink<unknown>) => SessionSink.SessionSink<unknown> = (sink) => sink
) {
  const world = World.make({ seed: 7, calls: 200, days: 1 })
  world.now += World.day
  const named = new Set<string | undefined>()
  const rows: Array<unknown> = []
  const write = (batch: SessionSink.Batch<unknown>) => {
    named.add(batch.organization)
    for (const { row } of batch.items) rows.push(row)
    return Effect.void
  }
  const sink = sinkOf(
    SessionSink.make<unknown>({
      name: "sink",
      delivery: "idempotent",
      keeps,
      open: () => Effect.succeed({ write, remove: write, flush: () => Effect.void })
    })
  )
  yield* SyncPipeline.run({
    name: "calls",
    from: "2026-07-01T00:00:00Z",
    transform: Transform.sessions,
    sinks: [sink],
    deadLetters: letters
  }).pipe(Effect.provide([world.layer, Ledger.layerMemory]), Effect.provideService(Clock.Clock, world.clock))
  return { world, named: [...named], rows }
})

describe("SyncOrganization", () => {
  it.effect("a sink that keeps changes gets it, for no request more", () =>
    Effect.gen(function* () {
      const table = yield* first("latest")
      const log = yield* first("changes")
      assert.deepStrictEqual(table.named, [undefined])
      assert.deepStrictEqual(log.named, [log.world.organization])
      assert.strictEqual(log.world.requests, table.world.requests)
    })
  )

  it.effect("it is in the events of a log, unless the log was given another one", () =>
    Effect.gen(function* () {
      const shown = yield* first("changes", (sink) => ChangeLog.make(sink))
      const given = yield* first("changes", (sink) => ChangeLog.make(sink, { organization: "acme" }))
      const organizationsIn = (rows: ReadonlyArray<unknown>) => [
        ...new Set(
          rows.map((row) => (typeof row === "object" && row !== null && "organization" in row ? row.organization : row))
        )
      ]
      assert.deepStrictEqual(organizationsIn(shown.rows), [shown.world.organization])
      assert.deepStrictEqual(organizationsIn(given.rows), ["acme"])
    })
  )

  it.effect("where no answer shows it, it is asked for once", () => {
    const world = World.make({ seed: 7, calls: 20, days: 1 })
    return Effect.gen(function* () {
      const organization = yield* SyncOrganization.make
      world.now = World.origin
      yield* organization.watching(Effect.flatMap(AgniClient, ({ list }) => list({ pageSize: 20 })))
      world.now += World.day
      const before = world.requests
      assert.strictEqual(yield* organization.ofCalls, world.organization)
      assert.strictEqual(yield* organization.ofCalls, world.organization)
      assert.strictEqual(world.requests, before + 1)
    }).pipe(Effect.provide(world.layer), Effect.provideService(Clock.Clock, world.clock))
  })
})
