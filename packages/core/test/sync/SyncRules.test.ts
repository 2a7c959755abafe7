/** Rules of a sync that random histories rarely need: each has a small world that does. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "../pipeline/SyncDeliveryWorld.ts"
import { make, noDeeper } from "./RulesWorld.ts"

const { hour, minute, origin } = World

/** One that was created five hours ago and started later, so that no walk reads it, and that is not listed yet. */
const late = (startedAgo: number): World.Call =>
  Object.assign(World.newCall(1, origin - 5 * hour - minute, true), { start: origin - startedAgo, isListed: false })

describe("A sync needs its rules", () => {
  for (const deepest of [1000, 4]) {
    it.effect(
      `a call is looked for before it is removed, on a server of ${deepest} pages: no count shows that it moved`,
      () => {
        const appear = [7, 8].map((i) =>
          Object.assign(World.newCall(i, origin - 300 * minute + i * 5_000_000, true), { isListed: false })
        )
        const { pass, play, server, told, world } = make(appear)
        const at = (ago: number) => world.calls.find(({ created }) => created === origin - ago)
        return play(
          Effect.gen(function* () {
            yield* pass(origin)
            server.hears = noDeeper(deepest)
            const [moves, leaves] = [at(302 * minute), at(202 * minute)]
            assert.isDefined(moves?.start)
            assert.isDefined(leaves?.start)
            // Two more where it was: that range is read. Where it is now, another one left unseen.
            for (const call of appear) call.isListed = true
            Object.assign(moves ?? {}, { start: leaves?.start })
            Object.assign(leaves ?? {}, { isListed: false })
            for (let i = 1; i < 4; i++) yield* pass(origin + i * hour)
            for (const { id } of appear) assert.strictEqual(told(id).length, 1)
            assert.deepStrictEqual(
              told(moves?.id ?? "").map(({ kind }) => kind),
              ["created", "updated"]
            )
          })
        )
      }
    )
  }

  it.effect("a walk goes back by the horizon: a call without a start time may appear that late", () => {
    const call = Object.assign(World.newCall(1, origin - 40 * minute - 7_000_000, false), { isListed: false })
    const { pass, play, told } = make([call])
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        call.isListed = true
        yield* pass(origin + hour)
        assert.strictEqual(told(call.id).length, 1)
      })
    )
  })

  it.effect("the range that passes the horizon is counted: a call may be in it that the walk does not bring", () => {
    const call = late(70 * minute)
    const { assertProven, pass, play } = make([call])
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        call.isListed = true
        yield* pass(origin + hour)
        assertProven(call)
      })
    )
  })

  it.effect("only what was read in this pass is part of that count: a call that left hides one that appeared", () => {
    const call = late(70 * minute)
    const leaves = Object.assign(World.newCall(2, origin - 5 * hour - 9_000_000, true), {
      start: origin - 75 * minute - 30_000_000
    })
    const { assertProven, pass, play } = make([call, leaves])
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        call.isListed = true
        leaves.isListed = false
        yield* pass(origin + hour)
        assertProven(call)
      })
    )
  })

  it.effect("a walk that ends with an empty page looks once more: the server may not go so deep", () => {
    const call = Object.assign(World.newCall(1, origin - 50 * minute - 7_000_000, false), { isListed: false })
    const { kinds, pass, play, server, told, watermark, world } = make([call])
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        server.hears = noDeeper(8)
        call.isListed = true
        for (let i = 2; i < 5; i++) yield* pass(origin + i * hour)
        assert.strictEqual(told(call.id).length, 1)
        assert.deepStrictEqual([...kinds()], ["created"])
        // What the walk could not reach is read as an export reads it.
        assert.isAbove(watermark(), world.now - 2 * hour - 2 * minute)
      })
    )
  })

  it.effect("a page with fewer calls than are known is probed: it is not the end of the list", () => {
    const { kinds, pass, play, server, told, world } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        server.hears = (query) => ({ ...query, pageSize: Math.min(5, query.pageSize ?? 5) })
        yield* pass(origin + 2 * hour)
        const missing = world.calls.filter(({ id, start }) => start !== undefined && told(id).length === 0)
        assert.deepStrictEqual(missing, [])
        assert.deepStrictEqual([...kinds()], ["created"])
      })
    )
  })

  it.effect("a page from before a catch-up is asked for again: what a consumer lacked was read later", () => {
    const { pass, play, told, world } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        yield* pass(origin + 2 * hour, false)
        const call = world.calls.findLast(({ start }) => start !== undefined)
        assert.isDefined(call)
        const asked = world.requests
        world.onRequest = () => {
          if (call !== undefined && world.requests > asked + 1) call.crm = "b"
        }
        yield* pass(origin + 2 * hour + 2 * minute)
        const contents = told(call?.id ?? "").map(({ session }) => JSON.stringify(session?.["metadata"]))
        assert.include(contents.at(-1) ?? "", `"crm":"b"`)
      })
    )
  })
})
