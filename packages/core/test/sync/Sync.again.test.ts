/** Ranges that somebody asked to have delivered again. */
import * as Change from "@callstream/core/model/Change"
import { Ledger, type Span } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Verdict from "@callstream/core/sync/Verdict"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as World from "./SyncWorld.ts"

const from = "2026-07-01T00:00:00Z"
const fingerprint = Sync.fingerprintOf({})

const pass = (world: World.World, taken = Infinity) =>
  Sync.changes({ name: "calls", from }).pipe(
    // Nothing is acknowledged of a pass that stops early, as when it is killed.
    Stream.tap((change) => (taken === Infinity ? change.acknowledge : Effect.void)),
    Stream.take(taken),
    Stream.runCollect,
    Effect.provide(world.layer)
  )

const ask = (range: { readonly from: number; readonly to: number }) =>
  Effect.flatMap(Ledger, (ledger) => ledger.ask("calls", fingerprint, range))

/** Ledgers that count what is asked of them. */
const counting = (asked: { counts: number }) =>
  Layer.effect(
    Ledger,
    Effect.map(Ledger, (ledger) => ({
      ...ledger,
      open: (...about: Parameters<typeof ledger.open>) =>
        Effect.map(ledger.open(...about), (lease) => ({
          ...lease,
          count: (range: Span) => Effect.suspend(() => (asked.counts++, lease.count(range)))
        }))
    }))
  ).pipe(Layer.provide(Ledger.layerMemory))

/** Passes until everything is final and nothing more is expected, with some calls that left. */
const settled = Effect.fnUntraced(function* (world: World.World) {
  const gone: Array<string> = []
  for (let i = 0; i < 60; i++) {
    world.now += 6 * World.hour
    for (const { id, kind } of yield* pass(world)) if (kind === "removed") gone.push(id)
  }
  assert.deepStrictEqual(yield* pass(world), [])
  return gone
})

const cases = [
  { seed: 3, undated: "created" },
  { seed: 4, undated: "front" }
] as const

describe("Sync, asked for a range again", () => {
  for (const one of cases) {
    const world = World.make({ calls: 200, days: 3, rare: 8, ...one })
    const range = { from: World.origin + World.day, to: World.origin + 2 * World.day }

    it.effect(`delivers the calls of the range and no others, also after a kill (seed ${one.seed})`, () =>
      Effect.gen(function* () {
        const gone = new Set(yield* settled(world))
        const expected = new Map<string, "updated" | "removed">()
        for (const life of world.lives) {
          const start = world.startOf(life)
          if (start === undefined || start < range.from || start >= range.to) continue
          if (world.record(life) !== undefined) expected.set(life.id, "updated")
          else if (gone.has(life.id)) expected.set(life.id, "removed")
        }
        assert.isAbove(expected.size, 40)
        assert.include([...expected.values()], "removed")

        assert.isTrue(yield* ask(range))
        assert.isAbove((yield* pass(world, 3)).length, 0)
        world.now += World.minute
        const again = yield* pass(world)
        const dated = again.filter(({ session }) => session === undefined || typeof session.startedAt === "string")
        assert.deepStrictEqual(
          new Map(dated.filter(({ id }) => expected.has(id)).map(({ id, kind }) => [id, kind])),
          expected
        )
        for (const change of again) {
          const life = world.lives.find(({ id }) => id === change.id)
          const at = life === undefined ? 0 : (world.startOf(life) ?? life.created)
          assert.isTrue(at >= range.from && at < range.to, `${change.id} is of another time`)
          assert.isNull(change.previous)
          if (change.kind === "updated") assert.deepStrictEqual(change.facets, Change.facets)
        }
        assert.strictEqual(new Set(again.map(({ id }) => id)).size, again.length)
        assert.deepStrictEqual(yield* pass(world), [])

        // Each time with a higher sequence.
        assert.isTrue(yield* ask(range))
        const third = new Map((yield* pass(world)).map(({ id, sequence }) => [id, sequence]))
        for (const { id, sequence } of dated) assert.isAbove(third.get(id) ?? 0, sequence)
      }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
    )
  }

  it.effect("what a consumer lacks is divided into pages without a question for each call", () => {
    const world = World.make({ seed: 9, calls: 1000, days: 1, rare: 0 })
    const asked = { counts: 0 }
    return Effect.gen(function* () {
      world.now += 2 * World.day
      yield* pass(world)
      asked.counts = 0
      // Of another consumer, which has nothing.
      const other = Sync.changes({ name: "calls", from, consumer: "other" }).pipe(
        Stream.runCollect,
        Effect.provide(world.layer)
      )
      assert.isAtLeast((yield* other).length, 800)
      assert.isBelow(asked.counts, 300)
    }).pipe(Effect.provide(counting(asked)), Effect.provideService(Clock.Clock, world.clock))
  })

  it.effect("nobody has the latest version of a call that is owed", () => {
    const world = World.make({ seed: 8, calls: 50, days: 1, rare: 0 })
    return Effect.gen(function* () {
      yield* settled(world)
      const view = (yield* Effect.flatMap(Ledger, ({ view }) => view("calls"))) ?? assert.fail("no ledger")
      const ids = (yield* view.between({ from: 0, to: Number.MAX_SAFE_INTEGER })).map(({ id }) => id)
      const has = Effect.forEach(ids, (id) =>
        Effect.map(Verdict.explain(view, id), (found) => [found?.has, found?.lacks])
      )
      assert.deepStrictEqual(
        yield* has,
        ids.map(() => [["changes"], []])
      )
      assert.isTrue(yield* ask({ from: 0, to: world.now }))
      world.now += World.day
      yield* pass(world, 1)
      assert.deepStrictEqual(
        yield* has,
        ids.map(() => [[], ["changes"]])
      )
    }).pipe(Effect.scoped, Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })

  it.effect("a range before the sync begins brings nothing, and does not stay", () => {
    const world = World.make({ seed: 6, calls: 50, days: 1, rare: 0 })
    return Effect.gen(function* () {
      yield* settled(world)
      assert.isTrue(yield* ask({ from: 0, to: World.origin - World.day }))
      assert.deepStrictEqual(yield* pass(world), [])
      const view = yield* Effect.flatMap(Ledger, ({ view }) => view("calls"))
      assert.deepStrictEqual(yield* view?.asked ?? Effect.succeed(undefined), [])
    }).pipe(Effect.scoped, Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })
})
