import { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../src/endpoint/internal/Ask.ts"
import * as Observe from "../../src/endpoint/internal/Observe.ts"
import * as WholeList from "../../src/sync/internal/WholeList.ts"
import * as World from "../pipeline/SyncDeliveryWorld.ts"

const { minute, origin } = World

/** A list of calls, a third of them without a start time. `hears`: the question that the server makes of one. */
const make = Effect.fnUntraced(function* (
  calls: number,
  hears: (query: CallSessionQuery) => CallSessionQuery = (query) => query
) {
  const all = Array.from({ length: calls }, (_, i) => World.newCall(i, origin + i * minute, i % 3 !== 0))
  const world = World.make(origin + 1000 * minute, [...all])
  const { list } = yield* Effect.provide(AgniClient, world.layer)
  const ask = Ask.make((query) => list(hears(query)), {}, { size: 10, sort: Observe.unsorted })
  return { all, world, walk: WholeList.make(ask, undefined).whole }
})

describe("WholeList", () => {
  for (const size of [10, 9, 3, 2, 1]) {
    it.effect(`a walk by pages of ${size} is whole, unless a row may have slipped from one to the other`, () =>
      Effect.gen(function* () {
        const { all, walk, world } = yield* make(67)
        const { isWhole, keys } = yield* walk(size)
        assert.deepStrictEqual([keys.size, isWhole], [67, true])
        for (const at of [2, 4, 7]) {
          const [leaves] = world.calls.toSorted((left, right) => left.created - right.created)
          const end = world.requests + at
          world.onRequest = () => {
            if (world.requests === end && leaves !== undefined) leaves.isListed = false
          }
          assert.isFalse((yield* walk(size)).isWhole, `a call that was read leaves before request ${at}`)
          for (const call of all) call.isListed = true
        }
      })
    )
  }

  it.effect("new calls move nothing, because the oldest come first", () =>
    Effect.gen(function* () {
      const { walk, world } = yield* make(67)
      world.onRequest = () => world.calls.push(World.newCall(100 + world.requests, world.now, true))
      assert.isTrue((yield* walk(10)).isWhole)
    })
  )

  it.effect("where a call is listed twice, another one may be missing", () =>
    Effect.gen(function* () {
      const { all, walk, world } = yield* make(67)
      const [, call] = all
      if (call !== undefined) world.calls.push({ ...call, start: origin + 500 * minute })
      assert.isFalse((yield* walk(10)).isWhole)
    })
  )

  it.effect("an end at a round number of rows may be no end", () =>
    Effect.gen(function* () {
      const { walk, world } = yield* make(100)
      assert.isFalse((yield* walk(9)).isWhole)
      world.calls.pop()
      assert.isTrue((yield* walk(9)).isWhole)
    })
  )

  it.effect("a server that brings the last page again and again has no end", () =>
    Effect.gen(function* () {
      const { walk, world } = yield* make(67, ({ page = 1, ...query }) => ({ ...query, page: Math.min(page, 67) }))
      assert.isFalse((yield* walk(1)).isWhole)
      assert.isBelow(world.requests, 250)
    })
  )

  it.effect("an answer with nothing may be one of a server that is down", () =>
    Effect.gen(function* () {
      const { walk } = yield* make(0)
      assert.isFalse((yield* walk(10)).isWhole)
    })
  )
})
