import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type { Known } from "../../../src/history/internal/Known.ts"
import { readRows } from "../../../src/history/internal/ReadRows.ts"
import type { Share } from "../../../src/history/internal/Walk.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, day, hour, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began - 3 * hour }
const evenly = (rows: number) => rowsAt(Array.from({ length: rows }, (_, i) => range.to - (i + 1) * 60 * second))

interface Given {
  readonly expected?: number
  readonly before?: number
  readonly order?: Known["order"]
  readonly traits?: Partial<Adversary.Traits>
  /** Whether it is known that sizes are rounded. */
  readonly rounds?: boolean
  /** Whether the first page came already. */
  readonly hasFirst?: boolean
  readonly limit?: number
  readonly share?: Share
}

const read = Effect.fnUntraced(function* (
  rows: ReadonlyArray<Adversary.Row>,
  {
    before,
    expected = rows.length,
    hasFirst = false,
    limit = 10_000,
    order = "unknown",
    rounds = false,
    share,
    traits = {}
  }: Given = {}
) {
  const server = open(rows, traits)
  const settings = settingsOf(server)
  const task = { ...range, expected }
  const first = hasFirst ? yield* askOf(server)(1, Ask.boundsOf(task)) : undefined
  const asked = server.requests()
  const ask = askOf(server)
  ask.log.rounds = rounds
  const work = {
    settings,
    known: known({ order }),
    task,
    ask,
    share,
    came: () => Effect.void,
    young: false,
    limit,
    beyond: { repeats: false },
    seen: { order: "unknown", differs: false, deepest: Infinity, cut: false, whole: 0, worth: 0, once: undefined }
  } as const
  const { dense, held, way } = yield* readRows(work, { before, first })
  return { way, dense, keys: [...held.rows.keys()].sort(), requests: server.requests() - asked }
})

const idsOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ id }) => id).sort()

describe("readRows", () => {
  it.effect("up to a dozen pages overlap; more are a walk by start", () =>
    Effect.gen(function* () {
      const rows = evenly(150)
      for (const [given, way] of [
        [{ expected: 120 }, "pages"],
        [{ expected: 121 }, "walk"],
        // What was counted counts for more.
        [{ expected: 121, before: 120 }, "pages"],
        [{ expected: 0, before: 121 }, "walk"],
        [{ expected: 121, order: "start" }, "walk"],
        // In another order a walk would pass rows by.
        [{ expected: 1000, order: "other" }, "pages"]
      ] as const) {
        const found = yield* read(rows, given)
        assert.deepStrictEqual([found.way, found.keys], [way, idsOf(rows)], JSON.stringify(given))
      }
    })
  )

  it.effect("pages begin with the one that came already; a walk, whose count came before it, does not", () =>
    Effect.gen(function* () {
      const rows = evenly(35)
      const [without, from] = [yield* read(rows), yield* read(rows, { hasFirst: true })]
      assert.deepStrictEqual([from.way, from.keys], ["pages", idsOf(rows)])
      assert.strictEqual(without.requests - from.requests, 1)
      const walk = { expected: 121 }
      assert.strictEqual((yield* read(rows, walk)).requests, (yield* read(rows, { ...walk, hasFirst: true })).requests)
    })
  )

  it.effect("more rows than a window may have, and than four pages, are too many", () =>
    Effect.gen(function* () {
      for (const expected of [0, 1000])
        for (const [rows, limit, dense] of [
          [60, 100, false],
          [60, 40, true],
          [39, 0, false],
          [50, 0, true],
          [60, 0, true]
        ] as const)
          assert.strictEqual(
            (yield* read(evenly(rows), { expected, limit })).dense,
            dense,
            `${expected} ${rows} ${limit}`
          )
    })
  )

  it.effect("a walk may be shared", () =>
    Effect.gen(function* () {
      let shared = 0
      const share: Share = () => {
        shared++
        return Effect.undefined
      }
      const rows = evenly(600).map((row, i) => ({ ...row, created: began - (600 - i) * second }))
      for (const rounds of [false, true]) {
        shared = 0
        const { way } = yield* read(rows, { share, rounds })
        assert.deepStrictEqual([way, shared > 0], ["walk", true])
      }
    })
  )
})

describe("readRows where the server rounds sizes", () => {
  it.effect("a walk finds its last row again, where pages come by start; other pages follow one another", () =>
    Effect.gen(function* () {
      const rows = evenly(35)
      const shuffled = rows.map((row, i) => ({ ...row, id: `${(i * 11) % 35}-${row.id}` }))
      for (const [given, traits, of, way] of [
        [{}, {}, rows, "walk"],
        [{ order: "start" }, {}, rows, "walk"],
        [{ order: "other" }, {}, rows, "apart"],
        [{}, { order: "id", sorting: false }, shuffled, "apart"],
        [{}, {}, rows.slice(0, 9), "apart"],
        [{}, {}, rows.slice(0, 10), "walk"]
      ] as const) {
        const found = yield* read(of, { ...given, rounds: true, traits })
        assert.deepStrictEqual([found.way, found.keys], [way, idsOf(of)], JSON.stringify({ given, traits }))
      }
    })
  )

  it.effect("the first page is asked for once, and again where it was full: that was before the count", () =>
    Effect.gen(function* () {
      for (const [count, way, requests] of [
        [9, "apart", 0],
        [10, "walk", 2],
        [35, "walk", 4]
      ] as const) {
        const rows = evenly(count)
        const found = yield* read(rows, { rounds: true, hasFirst: true })
        assert.deepStrictEqual([found.way, found.keys], [way, idsOf(rows)])
        assert.isAtMost(found.requests, requests, `${count}`)
        const without = yield* read(rows, { rounds: true })
        assert.strictEqual(without.requests - found.requests, count < 10 ? 1 : 0)
      }
    })
  )

  it.effect("that the first page which should overlap shows it is soon enough", () =>
    Effect.gen(function* () {
      for (const round of ["up", "down", "least"] as const) {
        const rows = evenly(35)
        const traits = { cap: 20, sizes: { of: [10, 20], round } } as const
        const found = yield* read(rows, { traits })
        assert.strictEqual(found.way, round === "up" ? "walk" : found.way, round)
        assert.deepStrictEqual(found.keys, idsOf(rows), round)
        const disorder = yield* read(rows, { traits: { ...traits, order: "id", sorting: false } })
        assert.deepStrictEqual(disorder.keys, idsOf(rows), round)
      }
    })
  )

  it.effect("a walk that shows it has no pages that should overlap", () =>
    Effect.gen(function* () {
      const rows = evenly(35)
      const found = yield* read(rows, { expected: 1000, traits: { cap: 20, sizes: { of: [20], round: "up" } } })
      assert.deepStrictEqual([found.way, found.keys], ["walk", idsOf(rows)])
      assert.isAtMost(found.requests, 3)
    })
  )
})
