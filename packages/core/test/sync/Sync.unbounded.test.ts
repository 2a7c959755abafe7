/** Where bounds of time mean nothing, each pass reads all pages, uses all that is on them, and sees once a day which calls left. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Verdict from "@callstream/core/sync/Verdict"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as World from "./SyncWorld.ts"

const from = "2026-07-01T00:00:00Z"

const pass = (world: World.World, options: Partial<Sync.ChangesOptions> = {}) =>
  Sync.changes({ name: "calls", from, ...options }).pipe(
    Stream.tap((change) => change.acknowledge),
    Stream.runCollect,
    Effect.provide(world.layer)
  )

const verdict = Effect.flatMap(Ledger, (ledger) =>
  Effect.scoped(
    Effect.gen(function* () {
      const view = yield* ledger.view("calls")
      assert.isDefined(view)
      return view === undefined ? undefined : yield* Verdict.of(view)
    })
  )
)

describe("Sync, where bounds of time mean nothing", () => {
  for (const undated of ["front", "last"] as const) {
    const options = { seed: 17, calls: 120, days: 2, rare: 4, pageSize: 20, undated, ignoresBounds: true }

    it.effect(`holds each call in its latest version, also those without a start time (${undated})`, () =>
      Effect.gen(function* () {
        const world = World.make(options)
        const held = new Map<string, string>()
        const take = (changes: ReadonlyArray<Sync.Change>) => {
          for (const { id, kind, session } of changes) {
            const life = world.lives.find((life) => life.id === id)
            if (kind === "removed") {
              assert.isBelow(life?.leaves ?? Infinity, world.now, "it left")
              held.delete(id)
            } else held.set(id, JSON.stringify(session?.costTotal ?? session?.status))
          }
        }
        for (let i = 0; i < 16; i++) {
          world.now += 6 * World.hour
          take(yield* pass(world))
        }
        // What is doubted is seen again.
        for (const wait of [11 * World.minute, World.day, 11 * World.minute]) {
          world.now += wait
          take(yield* pass(world))
        }
        const there = world.lives.flatMap((life) => world.record(life) ?? [])
        assert.isAbove(there.filter(({ startedAt }) => startedAt === undefined).length, 8)
        for (const one of there) assert.strictEqual(held.get(one.id), JSON.stringify(one.costTotal ?? one.status))
        assert.strictEqual(held.size, there.length)
        assert.isAbove(world.lives.length, there.length, "some left")
        assert.isEmpty(yield* pass(world))
        const found = yield* verdict
        assert.isFalse(found?.isFirstPass)
        assert.isAbove(found?.holes.length ?? 0, 0)
      }).pipe(Effect.provide(Ledger.layerMemory))
    )
  }

  it.effect("walks the list once a day, and once more ten minutes after a call was absent", () =>
    Effect.gen(function* () {
      const world = World.make({ seed: 17, calls: 60, days: 1, rare: 0, pageSize: 20, ignoresBounds: true })
      /** Hours at which a walk began. */
      const walks: Array<number> = []
      const layer = Layer.effect(
        AgniClient,
        Effect.map(AgniClient, (client) => ({
          ...client,
          list: (query: CallSessionQuery) => {
            if (query.sortOrder === "asc" && query.page === 1) walks.push(Math.round((world.now - begin) / World.hour))
            return client.list(query)
          }
        }))
      ).pipe(Layer.provide(world.layer))
      world.now += 2 * World.day
      const begin = world.now
      const [, leaves] = world.lives
      assert(leaves !== undefined)
      const removed: Array<number> = []
      const passNow = Effect.suspend(() => {
        world.now = Math.ceil(world.now / World.hour) * World.hour
        return Effect.map(pass({ ...world, layer }), (changes) => {
          for (const { kind } of changes)
            if (kind === "removed") removed.push(Math.round((world.now - begin) / World.hour))
        })
      })
      for (let i = 0; i < 30; i++) {
        yield* passNow
        // The first pass tries the order.
        if (i === 0) walks.length = 0
        if (i === 10) Object.assign(leaves, { leaves: world.now })
        world.now += World.minute
      }
      assert.deepStrictEqual(walks, [1, 25, 26])
      assert.deepStrictEqual(removed, [26])
    }).pipe(Effect.provide(Ledger.layerMemory))
  )

  for (const stay of [0, 1, 2, 3]) {
    it.effect(`removes calls within two days also where only ${stay} of them stay`, () =>
      Effect.gen(function* () {
        const world = World.make({
          seed: 17,
          calls: 8,
          days: 1,
          rare: 0,
          connects: 1,
          pageSize: 5,
          ignoresBounds: true
        })
        world.now += 2 * World.day
        const begin = world.now
        const removed = new Set<string>()
        for (let hours = 0; hours < 48; hours++) {
          world.now = begin + hours * World.hour
          for (const { id, kind } of yield* pass(world)) if (kind === "removed") removed.add(id)
          if (hours === 1) for (const life of world.lives.slice(stay)) Object.assign(life, { leaves: world.now })
        }
        assert.deepStrictEqual(removed, new Set(world.lives.slice(stay).map(({ id }) => id)))
      }).pipe(Effect.provide(Ledger.layerMemory))
    )
  }

  it.effect("removes no call that came back before the second walk", () =>
    Effect.gen(function* () {
      const world = World.make({ seed: 17, calls: 12, days: 1, rare: 0, pageSize: 5, ignoresBounds: true })
      world.now += 2 * World.day
      const begin = world.now
      const passAt = (hours: number) => {
        world.now = begin + hours * World.hour
        return Effect.map(pass(world), (changes) =>
          changes.filter(({ kind }) => kind === "removed").map(({ id }) => id)
        )
      }
      for (const hours of [0, 1, 2]) yield* passAt(hours)
      const [one, other] = world.lives
      assert(one !== undefined && other !== undefined)
      for (const life of [one, other]) Object.assign(life, { leaves: world.now })
      assert.isEmpty(yield* passAt(26))
      Object.assign(other, { leaves: Infinity })
      assert.deepStrictEqual(yield* passAt(26.5), [one.id])
      for (const hours of [52, 53]) assert.isEmpty(yield* passAt(hours))
    }).pipe(Effect.provide(Ledger.layerMemory))
  )

  it.effect("removes no call that pages of one size lack: the second walk has others", () =>
    Effect.gen(function* () {
      const world = World.make({ seed: 17, calls: 16, days: 1, rare: 0, connects: 1, pageSize: 5, ignoresBounds: true })
      const [, life] = world.lives
      assert(life !== undefined)
      let [lacks, isUsual, walks] = [false, true, 0]
      const layer = Layer.effect(
        AgniClient,
        Effect.map(AgniClient, (client) => ({
          ...client,
          list: (query: CallSessionQuery) =>
            Effect.suspend(() => {
              const { page, pageSize, sortOrder } = query
              if (sortOrder !== "asc") isUsual = true
              // A walk by pages of another size has smaller ones between them.
              else if (page === 1) {
                isUsual = pageSize === 5
                if (!isUsual) walks++
              }
              Object.assign(life, { leaves: lacks && isUsual ? 0 : Infinity })
              return client.list(query)
            })
        }))
      ).pipe(Layer.provide(world.layer))
      const begin = world.now + 2 * World.day
      for (let hours = 0; hours < 48; hours++) {
        world.now = begin + hours * World.hour
        const removed = (yield* pass({ ...world, layer })).filter(({ kind }) => kind === "removed")
        assert.isEmpty(removed, `hour ${hours}`)
        lacks = hours > 2
      }
      // Its first pass tries the order, and the second walk is there.
      assert.isAbove(walks, 1)
    }).pipe(Effect.provide(Ledger.layerMemory))
  )

  it.effect("delivers a range again that somebody asked for", () =>
    Effect.gen(function* () {
      const world = World.make({ seed: 18, calls: 60, days: 1, pageSize: 20, ignoresBounds: true })
      for (let i = 0; i < 12; i++) {
        world.now += 12 * World.hour
        yield* pass(world)
      }
      assert.isEmpty(yield* pass(world))
      const range = { from: World.origin, to: World.origin + 12 * World.hour }
      const { ask } = yield* Ledger
      yield* ask("calls", Sync.fingerprintOf({}), range)
      const again = new Set((yield* pass(world)).map(({ id }) => id))
      const meant = world.lives.filter((life) => {
        const at = world.startOf(life) ?? life.created
        return world.record(life) !== undefined && at >= range.from && at < range.to
      })
      assert.deepStrictEqual([...again].sort(), meant.map(({ id }) => id).sort())
      assert.isEmpty(yield* pass(world))
    }).pipe(Effect.provide(Ledger.layerMemory))
  )

  it.effect("has an allowance like any other sync after its first pass", () =>
    Effect.gen(function* () {
      const world = World.make({ seed: 19, calls: 100, days: 1, pageSize: 5, ignoresBounds: true })
      world.now += 2 * World.day
      yield* pass(world)
      const before = world.requests
      for (let i = 0; i < 24; i++) {
        world.now += World.hour
        yield* pass(world, { maxRequests: 100 })
      }
      assert.isBelow(world.requests - before, 150)
    }).pipe(Effect.provide(Ledger.layerMemory))
  )
})
