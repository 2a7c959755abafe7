import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as CreationOrder from "../../../src/history/internal/CreationOrder.ts"
import * as Histories from "../../torture/Histories.ts"
import { between, json } from "../Walking.ts"
import { began, day, second } from "./FakeServer.ts"

/** A call that was created then; at no time that is one, where it is not known. */
const row = (key: string, created: number | undefined): Rows.Row => ({
  key,
  start: undefined,
  item: {
    id: key,
    start: undefined,
    created: created === undefined ? undefined : Instant.of(created),
    version: undefined,
    row: { id: key },
    json: undefined
  },
  rejected: undefined
})

const errorOf = (reason: AgniError["reason"], alone = false) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero, alone })
const refusal = errorOf(new InvalidRequest({ status: 400 }))
const poison = errorOf(new Unavailable({ outage: { _tag: "Status", status: 500 } }), true)

interface Given {
  /** When calls were created, in the order of the list. */
  readonly created: ReadonlyArray<number | undefined>
  readonly size?: number
  /** Rows that a page has at most. @default as many as are asked for */
  readonly cap?: number
  /** So many calls come with each request. @default 0 */
  readonly come?: number
  readonly beyond?: "last" | "empty"
  /** How a page fails. @default none does */
  readonly fails?: (page: number) => AgniError | undefined
  /** The call that is looked for. @default none */
  readonly wanted?: string
}

/** Looks through a list for the calls created about a time. */
const around = Effect.fnUntraced(function* (
  at: number,
  { beyond = "empty", cap = Infinity, come = 0, created, fails = () => undefined, size = 10, wanted }: Given
) {
  const rows = created.map((created, i) => row(`row-${i}`, created))
  const pages: Array<number> = []
  const questions = new Set<string>()
  const ask = (
    page: number,
    bounds: Ask.Bounds,
    { size: asked = size, sort }: NonNullable<Parameters<Ask.Ask>[2]> = {}
  ) =>
    Effect.suspend((): Effect.Effect<Ask.Answer, AgniError> => {
      pages.push(page)
      questions.add(json({ bounds, sort }))
      if (pages.length > 1)
        for (let i = 0; i < come; i++) rows.unshift(row(`new-${pages.length}-${i}`, began + pages.length * second))
      const error = fails(page)
      if (error !== undefined) return Effect.fail(error)
      // Pages are cut, and begin where the size that is asked for puts them.
      const last = Math.max(1, Math.ceil(rows.length / asked))
      const first = ((beyond === "last" ? Math.min(page, last) : page) - 1) * asked
      const found = rows.slice(first, first + Math.min(asked, cap))
      return Effect.succeed({ rows: found, observedAt: began, edition: undefined, characters: 0 })
    })
  const seen = new Set<string>()
  const whole = yield* CreationOrder.around(Object.assign(ask, { log: Ask.makeLog() }), at, {
    size,
    see: (rows) => {
      for (const { key } of rows) seen.add(key)
    },
    isFound: () => wanted !== undefined && seen.has(wanted)
  })
  const about = created.flatMap((created, i) =>
    created !== undefined && created >= at - second && created <= at + 5 * second ? [`row-${i}`] : []
  )
  return { whole, pages, seen, questions, about, missing: about.filter((key) => !seen.has(key)) }
})

/** So many calls, one each so often, the newest first. */
const even = (calls: number, each: number) => Array.from({ length: calls }, (_, i) => began - i * each)

describe("CreationOrder.around", () => {
  it.effect("asks for the newest first, without bounds", () =>
    Effect.gen(function* () {
      const { questions } = yield* around(began - day, { created: even(5000, 60 * second) })
      assert.deepStrictEqual([...questions], [json({ bounds: {}, sort: { by: "created_at", order: "desc" } })])
    })
  )

  it.effect("finds the place of a time in a few requests where calls come evenly", () =>
    Effect.gen(function* () {
      const created = even(20_000, 60 * second)
      for (const [i, most] of [
        [0, 1],
        [9, 2],
        [10, 4],
        [4321, 5],
        [15_000, 7],
        // Behind the end of the list nothing shows how far away it is.
        [19_999, 17]
      ] as const) {
        const { missing, pages, whole } = yield* around(created[i] ?? 0, { created })
        assert.deepStrictEqual([whole, missing], [true, []], `row ${i}`)
        assert.isAtMost(pages.length, most, `row ${i}: ${json({ pages })}`)
      }
    })
  )

  it.effect("continues by how often calls came so far, then between two pages, every other time halfway", () =>
    Effect.gen(function* () {
      const created = even(20_000, 60 * second)
      const { pages } = yield* around(created[4321] ?? 0, { created })
      assert.deepStrictEqual(pages, [1, 64, 433])
      // The last call of its page: the next page shows that there are no more of that time.
      assert.deepStrictEqual((yield* around(created[629] ?? 0, { created })).pages, [1, 64, 33, 63, 64])
      assert.deepStrictEqual((yield* around(created[575] ?? 0, { created })).pages, [1, 64, 33, 58])
      const steep = Array.from({ length: 400 }, (_, i) => began - Math.round(second * 1.05 ** i))
      assert.deepStrictEqual(
        (yield* around(steep[205] ?? 0, { created: steep })).pages,
        [1, 64, 33, 2, 18, 19, 26, 20, 23, 21]
      )
    })
  )

  it.effect("reads page after page where calls come faster than pages are read", () =>
    Effect.gen(function* () {
      const created = even(40, 60 * second)
      const { pages, whole } = yield* around(created[2] ?? 0, { created, size: 2, come: 4 })
      assert.deepStrictEqual(
        pages,
        Array.from({ length: 61 }, (_, i) => i + 1)
      )
      assert.isFalse(whole)
    })
  )

  it.effect("ends with a page of the search that has the call, wherever it should be", () =>
    Effect.gen(function* () {
      const created = even(20_000, 60 * second)
      const { pages, whole } = yield* around(created[4321] ?? 0, { created, wanted: "row-635" })
      assert.deepStrictEqual([pages, whole], [[1, 64], true])
    })
  )

  it.effect("finds it in some twenty requests where they do not come evenly at all", () =>
    Effect.gen(function* () {
      // Each is as far away from the newest as all that came since, and more.
      const created = Array.from({ length: 2000 }, (_, i) => began - Math.round(second * 1.02 ** i))
      for (const i of [500, 1000, 1700]) {
        const { missing, pages, whole } = yield* around(created[i] ?? 0, { created })
        assert.deepStrictEqual([whole, missing], [true, []], `row ${i}`)
        assert.isAtMost(pages.length, 20, `row ${i}: ${json({ pages })}`)
      }
    })
  )

  it.effect("asks for the size that comes where that is smaller", () =>
    Effect.gen(function* () {
      const created = even(100, 60 * second)
      const { missing, pages, whole } = yield* around(created[49] ?? 0, { created, size: 100, cap: 7 })
      assert.deepStrictEqual([whole, missing], [true, []])
      assert.isAtMost(pages.length, 6, json({ pages }))
    })
  )

  it.effect("has read no page with others when nothing was created about that time", () =>
    Effect.gen(function* () {
      const created = even(100, 60 * second)
      for (const size of [1, 10])
        for (const at of [began + day, began - 30 * second, began - 610 * second, began - day]) {
          const { about, pages, whole } = yield* around(at, { created, size })
          assert.deepStrictEqual([whole, about], [true, []])
          // One is asked for again, where it was read before the one in front of it.
          assert.isAtMost(pages.length - new Set(pages).size, 1, json({ at, pages }))
        }
    })
  )

  it.effect("a page read before others came is read again: they may have moved calls onto it", () =>
    Effect.gen(function* () {
      // While page 3 is asked for, after page 4, the call that lies at the end of it moves on.
      const created = [began, began - day, began - 2 * day, began - 3 * day, began - 30 * day, began - 40 * day]
      const at = created[3] ?? 0
      for (let size = 2; size <= 4; size++) {
        const { missing, pages, whole } = yield* around(at, { created, size, come: 1 })
        assert.deepStrictEqual([whole, missing], [true, []], json({ size, pages }))
      }
    })
  )

  it.effect("a call may be created a second before its id says so, or five after", () =>
    Effect.gen(function* () {
      for (const [off, count] of [
        [-second - 1, 60],
        [-second, 12],
        [5 * second, 12],
        [5 * second + 1, 60]
      ] as const) {
        const at = began - day
        const created = [began, ...Array.from({ length: count }, () => at + off), began - 2 * day]
        // Sixty of that time would be too many.
        const { missing, whole } = yield* around(at, { created, size: 2 })
        assert.deepStrictEqual([whole, missing], [true, []])
      }
    })
  )

  it.effect("a page of calls at either end of that time has others beside it", () =>
    Effect.gen(function* () {
      // From the ten of the first page the search concludes page 5.
      const at = began - 5 * 9 * second
      for (const [off, first] of [
        [5 * second, 2],
        [-second, 5]
      ] as const) {
        const others = Array.from({ length: 10 * (5 - 2) }, (_, i) => at + (10 + i / 100) * second)
        const between = first === 5 ? others.toReversed() : []
        const burst = Array.from({ length: 40 }, () => at + off)
        const created = [...even(10, second), ...between, ...burst, began - 2 * day]
        const { about, missing, pages, whole } = yield* around(at, { created })
        assert.deepStrictEqual([pages[1], whole, about.length, missing], [5, true, 40, []])
      }
    })
  )

  it.effect("reads on to the end of the list", () =>
    Effect.gen(function* () {
      const created = [...even(10, second), ...Array.from({ length: 20 }, () => began - day)]
      const { missing, pages, whole } = yield* around(began - day, { created })
      assert.deepStrictEqual([whole, missing, pages.at(-1)], [true, [], 4])
    })
  )

  it.effect("ends with the call that it looks for", () =>
    Effect.gen(function* () {
      const created = even(1000, second / 10)
      const at = created[500] ?? 0
      const without = yield* around(at, { created })
      for (const [wanted, page] of [
        ["row-5", 1],
        ["row-475", 48],
        ["row-500", 51],
        ["row-509", 51],
        ["row-510", 52]
      ] as const) {
        const { pages, seen, whole } = yield* around(at, { created, wanted })
        assert.deepStrictEqual([whole, seen.has(wanted), pages.at(-1)], [true, true, page])
        assert.deepStrictEqual(pages, without.pages.slice(0, pages.length))
        assert.strictEqual(pages.indexOf(page), pages.length - 1)
      }
    })
  )

  it.effect("ten pages beside one with calls of that time are enough, either way", () =>
    Effect.gen(function* () {
      for (const [page, whole] of [
        [11, true],
        [12, false]
      ] as const) {
        // From the ten of the first page the search concludes that page.
        const at = began - page * 9 * second
        const burst = Array.from({ length: 10 * page }, () => at)
        const newer = yield* around(at, { created: [...even(10, second), ...burst.slice(10), began - 2 * day] })
        assert.deepStrictEqual(newer.pages.slice(0, 2), [1, page])
        assert.strictEqual(newer.whole, whole)
        const older = yield* around(began, { created: [...burst.slice(10).map(() => began), began - 2 * day] })
        assert.deepStrictEqual([older.whole, older.pages.length], [whole, 11])
      }
    })
  )

  it.effect("is not whole where the server has not the order, does not say when, refuses, or fails", () =>
    Effect.gen(function* () {
      const created = even(100, 60 * second)
      const at = created[55] ?? 0
      // From the ten of the first page the search concludes page 3, beside which are others of that time.
      const burst = began - 3 * 9 * second
      const beside = [...even(10, second), ...Array.from({ length: 30 }, () => burst), began - 2 * day]
      const swapped = created.with(54, created[56] ?? 0).with(56, created[54] ?? 0)
      const unknown = created.map((at, i) => (i === 52 ? undefined : at))
      const cases: ReadonlyArray<[string, Given]> = [
        ["another order", { created: created.toReversed() }],
        ["another order there", { created: swapped }],
        ["not said when", { created: unknown }],
        ["empty", { created: [] }],
        ...[refusal, poison].flatMap((error): ReadonlyArray<[string, Given]> => [
          ["fails at once", { created, fails: () => error }],
          ["fails there", { created, fails: (page) => (page === 6 ? error : undefined) }],
          ["fails in front", { created: beside, fails: (page) => (page === 2 ? error : undefined) }],
          ["fails behind", { created: beside, fails: (page) => (page === 4 ? error : undefined) }]
        ])
      ]
      for (const [what, given] of cases) {
        const time = given.created === beside ? burst : at
        assert.isFalse((yield* around(time, given)).whole, what)
      }
      assert.isTrue((yield* around(burst, { created: beside })).whole)
    })
  )

  it.effect("an error of the server is one of the search", () =>
    Effect.gen(function* () {
      const error = errorOf(new Unavailable({ outage: { _tag: "Status", status: 500 } }))
      const failed = yield* Effect.flip(around(began, { created: even(10, second), fails: () => error }))
      assert.strictEqual(failed, error)
    })
  )

  it.effect("gives up where pages without end are newer", () =>
    Effect.gen(function* () {
      for (const each of [0, 60 * second]) {
        const { pages, whole } = yield* around(began - 400 * day, { created: even(35, each), beyond: "last" })
        assert.isFalse(whole)
        assert.lengthOf(pages, 61)
        assert.strictEqual(Math.max(...pages), 2 ** 20 + 56)
      }
    })
  )

  it.effect.prop(
    "where it is whole, each call that was created about that time was seen, also while others come",
    { seed: between(1, 1_000_000_000) },
    ({ seed }) =>
      Effect.gen(function* () {
        const { next } = Histories.random(seed)
        const draw = (below: number) => Math.floor(next() * below)
        const size = 2 + draw(4)
        // Calls follow one another after nothing, a second, or some time.
        const each = [0, second, 3 * second, 60 * second].slice(0, 2 + draw(3))
        const created: Array<number> = []
        for (let i = 0, time = began; i < 1 + draw(200); i++) created.push((time -= each[draw(each.length)] ?? 0))
        const at = (created[draw(created.length)] ?? began) + (draw(2) === 0 ? 0 : draw(200) * second - 100 * second)
        const come = draw(3)
        const { missing, pages, whole } = yield* around(at, { created, size, come })
        if (whole) assert.deepStrictEqual(missing, [], json({ seed, size, come, pages }))
        assert.isTrue(whole || pages.length > 10, json({ seed, size, come, pages }))
      }),
    { arbitrary: { runs: 600 } }
  )
})
