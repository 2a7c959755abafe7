import * as Change from "@callstream/core/model/Change"
import * as History from "@callstream/core/history/History"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Histories from "./SyncHistories.ts"
import * as World from "./SyncWorld.ts"

const from = "2026-07-01T00:00:00Z"
const fingerprint = { source: "sync", filters: "" }

/** A ledger, an endpoint, and its clock. */
const inWorld = <A, E>(world: World.World, effect: Effect.Effect<A, E, Ledger>) =>
  effect.pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))

/** All changes of one pass, acknowledged by the consumer unless `isAcknowledged` is false. */
const pass = (
  world: World.World,
  options: Partial<Sync.ChangesOptions> & { readonly isAcknowledged?: boolean } = {}
) => {
  const { isAcknowledged = true, ...rest } = options
  return Sync.changes({ name: "calls", from, ...rest }).pipe(
    Stream.tap((change) => (isAcknowledged ? change.acknowledge : Effect.void)),
    Stream.runCollect,
    Effect.provide(world.layer)
  )
}

const usual: World.Options = { seed: 5, calls: 200, days: 1, rare: 0 }

const cases: ReadonlyArray<Histories.Case> = [
  { seed: 1, undated: "front", isInclusive: false },
  { seed: 2, undated: "created", isInclusive: false },
  { seed: 3, undated: "front", isInclusive: true, lag: 5 * World.minute },
  { seed: 4, undated: "created", isInclusive: true, lag: 5 * World.minute }
].map((one) => ({
  ...usual,
  calls: 150,
  rare: 4,
  kills: 0.6,
  batch: 3,
  every: 3 * World.hour,
  until: 9.5 * World.day,
  ...one,
  undated: one.undated === "front" ? "front" : "created"
}))

describe("Sync", () => {
  it.effect("histories with kills: what the consumer has is the truth, nothing is removed that is listed", () =>
    Effect.gen(function* () {
      const sums = { kills: 0, repeats: 0, removed: 0, changes: 0 }
      for (const one of cases) {
        const outcome = yield* Histories.run(one)
        assert.deepStrictEqual(outcome.wrong, [], JSON.stringify(one))
        for (const name of ["kills", "repeats", "removed", "changes"] as const) sums[name] += outcome[name]
      }
      // Otherwise the histories would show nothing.
      assert.isAbove(sums.kills, 50)
      assert.isAbove(sums.repeats, 5)
      assert.isAbove(sums.removed, 3)
    })
  )

  it.effect("the first pass costs what the export of the same range costs, and its probes", () =>
    Effect.gen(function* () {
      const calls = { ...usual, calls: 3000 }
      const exporting = World.make(calls)
      exporting.now += 2 * World.day
      const exported = yield* History.windows({ from }).pipe(
        Stream.runCount,
        Effect.provide(exporting.layer),
        Effect.provideService(Clock.Clock, exporting.clock)
      )
      assert.isAbove(exported, 0)
      const world = World.make(calls)
      world.now += 2 * World.day
      const changes = yield* inWorld(world, pass(world))
      assert.strictEqual(changes.length, 3000)
      assert.isAtMost(world.requests, 1.05 * exporting.requests)
    })
  )

  it.effect("a consumer that was away is given each call once, all of it, and ends like the other one", () => {
    const world = World.make({ ...usual, rare: 3 })
    return inWorld(
      world,
      Effect.gen(function* () {
        const held = new Map<string, string>()
        for (let i = 0; i < 14; i++) {
          world.now += 4 * World.hour
          for (const { id, kind, sequence } of yield* pass(world)) {
            if (kind === "removed" || kind === "left") held.delete(id)
            else held.set(id, String(sequence))
          }
        }
        const late = yield* pass(world, { consumer: "another" })
        const ids = late.map(({ id }) => id)
        assert.strictEqual(new Set(ids).size, ids.length)
        const present = late.filter(({ session }) => session !== undefined)
        assert.deepStrictEqual(new Map(present.map(({ id, sequence }) => [id, String(sequence)])), held)
        for (const { facets, previous } of present) {
          assert.deepStrictEqual(facets, Change.facets)
          assert.isNull(previous)
        }
        assert.deepStrictEqual(yield* pass(world, { consumer: "another" }), [])
      })
    )
  })

  it.effect("what was delivered and not acknowledged comes again, with the same sequence", () => {
    const world = World.make(usual)
    world.now += 3 * World.day
    return inWorld(
      world,
      Effect.gen(function* () {
        const first = yield* pass(world, { isAcknowledged: false })
        const again = yield* pass(world)
        const told = (changes: ReadonlyArray<Sync.Change>) => changes.map(({ id, sequence }) => `${id} ${sequence}`)
        assert.deepStrictEqual(told(again), told(first))
        assert.deepStrictEqual(yield* pass(world), [])
      })
    )
  })

  it.effect("a mass deletion is doubted for a day, and accepted then", () => {
    const world = World.make({ ...usual, calls: 400 })
    // One that has no start is missed by the next audit only.
    const gone = new Set(world.lives.slice(0, 300).flatMap(({ id, start }) => (start === Infinity ? [] : [id])))
    return inWorld(
      world,
      Effect.gen(function* () {
        world.now += 1.2 * World.day
        yield* pass(world)
        const leaves = world.now
        for (const life of world.lives) if (gone.has(life.id)) Object.assign(life, { leaves })
        const removed: Array<number> = []
        for (let i = 0; i < 14; i++) {
          world.now += 3 * World.hour
          for (const { id, kind } of yield* pass(world)) {
            if (kind !== "removed") continue
            assert.isTrue(gone.has(id))
            removed.push(world.now - leaves)
          }
        }
        assert.strictEqual(removed.length, gone.size)
        assert.isAbove(gone.size, 200)
        assert.isAtLeast(Math.min(...removed), World.day)
        assert.isAtMost(Math.max(...removed), 2 * World.day)
      })
    )
  })

  it.effect("a horizon that is raised takes the watermark back, and it is never past the horizon after that", () => {
    const world = World.make({ ...usual, days: 3 })
    return inWorld(
      world,
      Effect.gen(function* () {
        const watermarks: Array<number> = []
        for (let i = 0; i < 10; i++) {
          world.now += 6 * World.hour
          const horizon = i < 6 ? ("2 hours" as const) : ("20 hours" as const)
          const onLook = (look: Sync.Look) =>
            Effect.sync(() => {
              watermarks.push(look.watermark)
              const latest = world.now - (i < 6 ? 2 : 20) * World.hour
              assert.isAtMost(look.watermark, Math.max(World.origin, latest))
            })
          yield* pass(world, { horizon, audits: ["2 days"], onLook })
        }
        const back = watermarks.filter((at, i) => at < (watermarks[i - 1] ?? 0))
        assert.strictEqual(back.length, 1)
      })
    )
  })

  it.effect("a server that begins to give smaller pages makes no call look removed", () => {
    const world = World.make(usual)
    return inWorld(
      world,
      Effect.gen(function* () {
        for (let i = 0; i < 24; i++) {
          world.now += 2 * World.hour
          if (i === 10) world.pageSize = 20
          for (const { kind } of yield* pass(world)) assert.include(["created", "updated"], kind)
        }
        assert.deepStrictEqual(yield* pass(world), [])
      })
    )
  })

  it.effect("the ledger holds no content: no text of a record, but for ids", () => {
    const world = World.make({ ...usual, rare: 3 })
    return inWorld(
      world,
      Effect.gen(function* () {
        for (let i = 0; i < 10; i++) {
          world.now += 5 * World.hour
          yield* pass(world)
        }
        const kept = yield* Effect.scoped(
          Effect.gen(function* () {
            const ledger = yield* Ledger
            const lease = yield* ledger.open("calls", fingerprint)
            const entries = yield* lease.changedAfter(0, Infinity)
            assert.isAbove(entries.length, 150)
            return JSON.stringify([yield* lease.kept, entries])
          })
        )
        const texts = new Set<string>()
        for (const life of world.lives) {
          JSON.stringify(world.record(life), (name, value: unknown) => {
            if (name === "id" || name === "agentId") return undefined
            if (typeof value === "string") texts.add(value)
            return value
          })
        }
        // Times are kept, as numbers, and words of a status.
        const content = [...texts].filter(
          (text) => text !== "" && !/^\d{4}-\d\d-|^(completed|no_answer|in_progress)$/.test(text)
        )
        assert.isAbove(content.length, 300)
        assert.deepStrictEqual(
          content.filter((text) => kept.includes(text)),
          []
        )
      })
    )
  })

  it.effect("calls of another organization are refused before anything is noted", () => {
    const world = World.make(usual)
    world.now += 2 * World.day
    return inWorld(
      world,
      Effect.gen(function* () {
        yield* pass(world)
        world.organization = "bd5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44"
        world.now += World.minute
        Object.assign(world.lives.at(-1) ?? {}, {
          created: world.now - World.minute,
          visible: world.now,
          start: world.now,
          startKnown: world.now,
          leaves: Infinity
        })
        const error = yield* Effect.flip(pass(world))
        assert.deepStrictEqual(error.reason, { _tag: "OtherOrganization", name: "calls" })
      })
    )
  })

  it.effect("options that make no sense are refused before any request", () => {
    const world = World.make(usual)
    return inWorld(
      world,
      Effect.gen(function* () {
        for (const options of [
          { from: "yesterday" },
          { worth: 0 },
          { horizon: 0 },
          { remember: 0 },
          { audits: [] },
          { audits: ["40 days" as const] }
        ]) {
          const error = yield* Effect.flip(pass(world, options))
          assert.strictEqual(error.reason._tag, "InvalidRequest")
        }
        assert.strictEqual(world.requests, 0)
        yield* pass(world)
        assert.strictEqual((yield* Effect.flip(pass(world, { channel: "web" }))).reason._tag, "Different")
      })
    )
  })

  it.effect("follows: a pass so often, until the consumer has enough", () => {
    const world = World.make(usual)
    return inWorld(
      world,
      Effect.gen(function* () {
        let passes = 0
        const taken = yield* Sync.changes({
          name: "calls",
          from,
          every: "1 minute",
          onLook: ({ why }) =>
            Effect.sync(() => {
              if (why !== "new") return
              passes++
              world.now += World.hour
            })
        }).pipe(
          Stream.tap((change) => change.acknowledge),
          Stream.take(40),
          Stream.runCollect,
          Effect.provide(world.layer)
        )
        assert.strictEqual(taken.length, 40)
        assert.isAbove(passes, 2)
      })
    )
  })
})
