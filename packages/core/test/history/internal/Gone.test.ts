import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Gone from "../../../src/history/internal/Gone.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, day, hour, open, rowsAt, settingsOf } from "./FakeServer.ts"

const starts = [began - 30 * day, began - 20 * day, began - 10 * day]
const [oldest, middle, newest] = starts.map((start, i) => control(`row-${i}`, start))

const looking = (traits: Partial<Adversary.Traits>, rows = rowsAt(starts)) =>
  Effect.gen(function* () {
    const server = open(rows, traits)
    const ask = Ask.make(Patience.make(server.client.list), {}, settingsOf(server))
    const found = yield* Gone.look(
      ask,
      [oldest, middle].flatMap((row) => row ?? []),
      10
    )
    return { found, gone: [...ask.log.gone], requests: server.requests() }
  })

describe("control rows that left", () => {
  it.effect("are those that do not come back for their own seconds, again and again", () =>
    Effect.gen(function* () {
      const all = yield* looking({})
      assert.deepStrictEqual([[...all.found.there], all.found.left, all.requests], [["row-0", "row-1"], false, 2])
      const { found, gone, requests } = yield* looking({}, rowsAt(starts).slice(1))
      assert.deepStrictEqual([[...found.there], found.left, requests], [["row-1"], true, 4])
      assert.deepStrictEqual(gone, [["row-0", starts[0]]])
    })
  )

  it.effect("are not those that a replica lacks, which answers each second request or over one connection", () =>
    Effect.gen(function* () {
      for (const when of [
        { by: "number", every: 2, for: 1 },
        { by: "connection", of: 4 }
      ] as const) {
        const { found, gone } = yield* looking({ hidden: { ids: ["row-0"], when } })
        assert.deepStrictEqual([found.left, gone], [false, []])
      }
    })
  )

  it.effect("are not those on whose pages a record fails", () =>
    Effect.gen(function* () {
      const { found, gone } = yield* looking({ poison: "row-0" })
      assert.deepStrictEqual([[...found.there], found.left, gone], [["row-1"], false, []])
    })
  )
})

describe("where the row at the end of the list left", () => {
  const ends = (side: "newest" | "oldest", traits: Partial<Adversary.Traits> = {}, more: ReadonlyArray<number> = []) =>
    Effect.gen(function* () {
      const row = side === "newest" ? newest : oldest
      const server = open(rowsAt([...starts, ...more]), traits)
      return row !== undefined && (yield* Gone.endsBeside(askOf(server), 10, side, row))
    })

  it.effect("the list shows whether it ends with the next one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* ends("newest"), yield* ends("oldest")], [true, true])
      assert.isFalse(yield* ends("newest", {}, [began - 9 * day]))
      assert.isFalse(yield* ends("oldest", {}, [began - 31 * day]))
    })
  )

  it.effect("a full page in no order of time shows nothing", () =>
    Effect.gen(function* () {
      const more = Array.from({ length: 20 }, (_, i) => began - 15 * day - i * hour)
      assert.deepStrictEqual([yield* ends("newest", {}, more), yield* ends("oldest", {}, more)], [true, true])
      for (const side of ["newest", "oldest"] as const)
        assert.isFalse(yield* ends(side, { order: "id", sorting: false }, more), side)
    })
  )
})
