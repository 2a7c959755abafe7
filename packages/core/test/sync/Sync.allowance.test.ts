/** At most so many requests a day: late, and never incomplete. */
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Verdict from "@callstream/core/sync/Verdict"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as World from "./SyncWorld.ts"

const from = "2026-07-01T00:00:00Z"
const { day, hour, minute, origin } = World

interface Measured {
  readonly most: number
  readonly held: ReadonlyMap<string, string>
  readonly waited: ReadonlySet<Verdict.Work>
  /** How far the watermark was behind, at most, in the last two days with new calls. */
  readonly behind: number
}

/** A recording's URL is signed anew each time. */
const textOf = (session: object): string =>
  JSON.stringify(session, (key, value: unknown) => (key === "recordingUrl" ? "there" : value))

/** Passes `every` so often. */
const run = Effect.fnUntraced(function* (
  world: World.World,
  { days, every, maxRequests }: { readonly days: number; readonly every: number; readonly maxRequests?: number }
): Effect.fn.Return<Measured, unknown, Ledger | Scope.Scope> {
  const sent: Array<readonly [at: number, requests: number]> = []
  const held = new Map<string, string>()
  const waited = new Set<Verdict.Work>()
  const ledger = yield* Ledger
  let behind = 0
  for (let at = origin + hour; at < origin + days * day; at += every) {
    world.now = Math.max(world.now, at)
    const before = world.requests
    yield* Sync.changes({ name: "calls", from, maxRequests }).pipe(
      Stream.runForEach(({ acknowledge, id, session }) => {
        if (session === undefined) held.delete(id)
        else held.set(id, textOf(session))
        return acknowledge
      }),
      Effect.provide(world.layer)
    )
    sent.push([world.now, world.requests - before])
    const view = yield* ledger.view("calls")
    const { requests, watermark } = view === undefined ? assert.fail("no ledger") : yield* Verdict.of(view)
    for (const { work } of requests.waiting) waited.add(work)
    if (at > origin + 2 * day && at < origin + 4 * day) behind = Math.max(behind, world.now - watermark)
  }
  const most = sent.reduce((most, [end]) => {
    const within = sent.filter(([at]) => at > end - day && at <= end)
    return Math.max(
      most,
      within.reduce((sum, [, requests]) => sum + requests, 0)
    )
  }, 0)
  return { most, held, waited, behind }
})

const truth = (world: World.World) =>
  new Map(
    world.lives.flatMap((life) => {
      const record = world.record(life)
      return record === undefined ? [] : [[life.id, textOf(record)] as const]
    })
  )

const options: World.Options = { seed: 11, calls: 1200, days: 4, rare: 1, undated: "created" }

describe("Sync, at most so many requests a day", () => {
  for (const [name, every, maxRequests, works] of [
    ["every hour", hour, 80, ["audits", "passes"]],
    ["every ten minutes", 10 * minute, 110, ["audits", "passes"]]
  ] as const) {
    const world = World.make(options)
    it.effect(`${name}: hardly more, what is new stays proven, and everything comes in the end`, () =>
      Effect.gen(function* () {
        const measured = yield* run(world, { days: 13, every, maxRequests })
        // A step that began is made whole.
        assert.isAtMost(measured.most, 1.1 * maxRequests)
        for (const work of works) assert.include([...measured.waited], work)
        assert.isAtMost(measured.behind, 6 * hour)
        assert.deepStrictEqual(measured.held, truth(world))
      }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
    )
  }

  it.effect("a first pass is read in parts, and each call comes once", () => {
    const world = World.make({ ...options, calls: 3000, rare: 0 })
    return Effect.gen(function* () {
      world.now = origin + 8 * day
      const ids: Array<string> = []
      const parts: Array<number> = []
      for (let i = 0; i < 6; i++) {
        yield* Sync.changes({ name: "calls", from, maxRequests: 40 }).pipe(
          Stream.runForEach(({ acknowledge, id, kind }) => {
            if (kind === "created") ids.push(id)
            return acknowledge
          }),
          Effect.provide(world.layer)
        )
        parts.push(ids.length)
        world.now += 26 * hour
      }
      assert.isAbove(parts[0] ?? 0, 0)
      assert.isBelow(parts[0] ?? 0, 0.9 * world.lives.length)
      assert.deepStrictEqual(new Set(ids), new Set(world.lives.map(({ id }) => id)))
      assert.strictEqual(ids.length, world.lives.length)
    }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })

  it.effect("without a limit nothing waits, and the requests of the last day are counted", () => {
    const world = World.make({ ...options, calls: 200 })
    return Effect.gen(function* () {
      const { waited } = yield* run(world, { days: 2, every: hour })
      assert.strictEqual(waited.size, 0)
      const view = yield* Effect.flatMap(Ledger, ({ view }) => view("calls"))
      const { requests } = view === undefined ? assert.fail("no ledger") : yield* Verdict.of(view)
      assert.isUndefined(requests.most)
      assert.isAbove(requests.sent, 24)
      assert.isBelow(requests.sent, world.requests)
    }).pipe(Effect.scoped, Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })
})
