import { AgniClient } from "@callstream/core/client/AgniClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../src/endpoint/internal/Ask.ts"
import * as Observe from "../../src/endpoint/internal/Observe.ts"
import * as Rows from "../../src/endpoint/internal/ListedRows.ts"
import * as EndSearch from "../../src/sync/internal/EndSearch.ts"
import * as World from "../pipeline/SyncDeliveryWorld.ts"

const { minute, origin } = World
const size = 10
const all = { from: -Infinity, to: Infinity }

/** A list of 60 calls with a start time, then 40 without one, the newest of them last. */
const make = Effect.gen(function* () {
  const calls = Array.from({ length: 100 }, (_, i) => World.newCall(i, origin + i * minute, i < 60))
  const world = World.make(origin + 200 * minute, calls)
  world.undated = "newest last"
  const { list } = yield* Effect.provide(AgniClient, world.layer)
  const ask = Ask.make(list, {}, { size, sort: Observe.unsorted })
  return { world, ask, search: EndSearch.make(ask, { size, repeats: false }) }
})

describe("EndSearch", () => {
  it.effect("finds where calls without a start time begin and end, also from far off", () =>
    Effect.gen(function* () {
      const { search } = yield* make
      for (const expected of [
        { dated: 60, total: 100 },
        { dated: 59, total: 99 },
        { dated: 0, total: 1 },
        { dated: 9000, total: 10_000 }
      ]) {
        assert.deepInclude(yield* search.end(expected), { _tag: "End", dated: 60, total: 100 })
      }
    })
  )

  for (const [title, pages, after] of [
    ["a part is whole while nothing moves between its pages", size, 3],
    // All sizes up to 3 divide 60, 66, 72 …
    ["the same where no page overlaps with the one before it", 3, 2]
  ] as const) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const { ask, world } = yield* make
        const search = EndSearch.make(ask, { size: pages, repeats: false })
        const about = { order: "none", first: 60, total: 100 } as const
        const still = yield* search.endIn(all, about)
        assert.deepStrictEqual([still.rows.length, still.isWhole], [40, true])
        // A call in front of them leaves while they are read: the others move up by a place.
        const before = world.requests
        const [, leaves] = world.calls
        world.onRequest = () => {
          if (leaves !== undefined && world.requests === before + after) leaves.isListed = false
        }
        assert.isFalse((yield* search.endIn(all, about)).isWhole)
      })
    )
  }

  it.effect("a few calls show no order", () =>
    Effect.gen(function* () {
      const { ask } = yield* make
      const { rows } = yield* ask(7, {})
      const paged = (count: number, order: (rows: ReadonlyArray<Rows.Row>) => ReadonlyArray<Rows.Row>) => [
        { page: 1, size, skip: 0, rows: order(rows.slice(0, count)) }
      ]
      const same = (rows: ReadonlyArray<Rows.Row>) => rows
      assert.strictEqual(EndSearch.orderOf(paged(7, same)), "none")
      assert.strictEqual(EndSearch.orderOf(paged(8, same)), "oldest first")
      assert.strictEqual(EndSearch.orderOf(paged(8, (rows) => rows.toReversed())), "newest first")
      assert.strictEqual(
        EndSearch.orderOf(paged(8, ([first, ...rest]) => (first === undefined ? rest : [...rest, first]))),
        "none"
      )
    })
  )
})
