import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Blocks from "../../../src/endpoint/internal/Blocks.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import { began, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

/** A list of rows, some of which cannot be had; beyond its end nothing, or the last row again and again. */
const listOf = (list: ReadonlyArray<string | undefined>, repeats: boolean) => ({
  beyond: Effect.succeed("nothing" as const),
  read: (at: number, size: number): Effect.Effect<Blocks.Block> => {
    const length = repeats ? size : Math.max(0, Math.min(size, list.length - at))
    const rows = Array.from({ length }, (_, i) => {
      const key = at + i < list.length ? list[at + i] : list.at(-1)
      return key === undefined ? undefined : { key, start: undefined, item: undefined, rejected: undefined }
    })
    return Effect.succeed({ rows, ended: length < size })
  }
})

describe("Blocks.all", () => {
  for (const [list, repeats, lost] of [
    [["a", undefined, undefined], false, 2],
    [[undefined, "a", undefined, "b"], true, 2],
    [["a", undefined], true, 1],
    [[undefined], true, 1]
  ] as const) {
    const places = list.map((key) => key ?? "-").join(" ")
    it.effect(`${places}${repeats ? ", which repeats its last row" : ""}: ${lost} cannot be had`, () =>
      Effect.gen(function* () {
        const whole = yield* Blocks.all(listOf(list, repeats), { most: 64, size: 8 })
        assert.lengthOf(whole.lost, lost)
        assert.strictEqual(whole.ended, !repeats)
      })
    )
  }
})

describe("Blocks.make", () => {
  const sort = { by: undefined, order: undefined }
  /** Single rows, the newest first, of which the oldest fails; beyond the end the last page comes again. */
  const readerOf = (count: number) => {
    const rows = rowsAt(Array.from({ length: count }, (_, i) => began - hour - (count - i) * 10 * second))
    const server = open(rows, { poison: "row-0", beyond: "last" })
    const ask = Ask.make(Patience.make(server.client.list), {}, { size: 8, sort })
    return { server, reader: Blocks.make(ask, {}, sort, Patience.soon) }
  }

  it.effect("of a block that fails from its first row on, single rows alone are asked for again", () =>
    Effect.gen(function* () {
      const { reader, server } = readerOf(9)
      const { rows } = yield* reader.part(8, 8)
      assert.deepStrictEqual(
        rows,
        Array.from({ length: 8 }, () => undefined)
      )
      // One of them shows that pages do not fail because they lie deep.
      assert.isAtMost(server.requests(), 21)
    })
  )

  for (const count of [1, 2, 41, 1000])
    it.effect(`counts ${count} rows, a few more or less than expected, in at most 8 requests`, () =>
      Effect.gen(function* () {
        for (const expected of [count, count + 1, count - 1, count + 3]) {
          const rows = rowsAt(Array.from({ length: count }, (_, i) => began - hour - (count - i) * 10 * second))
          const server = open(rows, { beyond: "last" })
          const ask = Ask.make(Patience.make(server.client.list), {}, { size: 8, sort })
          assert.strictEqual(yield* Blocks.make(ask, {}, sort).count(expected), count)
          assert.isAtMost(server.requests(), 8)
        }
      })
    )
})

describe("Blocks.patiently", () => {
  const keys = ["a", "b", "c", "d", "e"]
  const rowOf = (key: string) => ({ key, start: undefined, item: undefined, rejected: undefined })

  /** A list without an end that shows: which rows do not come each time that it is read, and how often each one fails with all patience. */
  const patiently = (away: ReadonlyArray<string>, failures: Readonly<Record<string, number>>) =>
    Effect.gen(function* () {
      let times = 0
      const left: Record<string, number> = { ...failures }
      const reader = {
        beyond: Effect.succeed(rowOf("e")),
        read: (at: number, size: number): Effect.Effect<Blocks.Block> => {
          if (at === 0) times++
          const rows = Array.from({ length: size }, (_, i) => {
            const key = keys[at + i] ?? "e"
            return away[times - 1]?.includes(key) === true ? undefined : rowOf(key)
          })
          return Effect.succeed({ rows, ended: false })
        },
        one: (at: number): Effect.Effect<Blocks.Block | undefined> => {
          const key = keys[at] ?? "e"
          const fails = left[key] ?? 0
          left[key] = fails - 1
          return Effect.succeed(fails > 0 ? undefined : { rows: [rowOf(key)], ended: false })
        }
      }
      const whole = yield* Blocks.patiently(reader, { most: 64, size: 4 }, Patience.last)
      return { lost: whole.lost.map((at) => keys[at]), held: whole.held.rows.size, times }
    })

  it.effect("rows that came once are not lost where they fail when the list is read again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* patiently(["a", "b"], { b: 1 }), { lost: [], held: 5, times: 2 })
    })
  )

  it.effect("those that fail then are tried with all patience, too", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* patiently(["ac", "c"], { c: 1 }), { lost: [], held: 5, times: 3 })
    })
  )

  it.effect("a row that never comes is read a few times at most", () =>
    Effect.gen(function* () {
      const away = Array.from({ length: 9 }, () => "d")
      assert.deepStrictEqual(yield* patiently(away, { d: 1e9 }), { lost: ["d"], held: 4, times: 1 })
      const found = yield* patiently(["abd", "bcd", "cd", "cd", "cd"], { b: 1, c: 2, d: 1e9 })
      assert.deepInclude(found, { lost: ["d"], held: 4 })
      assert.isAtMost(found.times, 4)
    })
  )
})
