/** How rows are counted: the length of pages, when a count is unknown, and how many requests it takes. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Count from "../../../src/endpoint/internal/Count.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const bounds = { after: began - 100 * hour, before: began }
const minute = 60 * second

/** Calls from now back, evenly over the bounds. */
const evenly = (count: number) =>
  Array.from({ length: count }, (_, i) => began - Math.round(((i + 1) * 100 * hour) / (count + 1)))
/** Calls that are close together at the older end of the bounds, or the newer one. */
const bunched = (count: number, at: number) => Array.from({ length: count }, (_, i) => at - i * second)

interface Given {
  readonly starts: ReadonlyArray<number>
  readonly traits?: Partial<Adversary.Traits>
  readonly options?: Partial<Parameters<typeof Count.orFail>[2]>
  readonly within?: Ask.Bounds
}

/** The count, the pages that were asked for, and what is noted of it. */
const count = ({ options = {}, starts, traits, within = bounds }: Given) =>
  Effect.gen(function* () {
    const server = open(rowsAt(starts), traits)
    const pages: Array<number> = []
    const sizes = new Set<number | undefined>()
    const patient = Patience.make(server.client.list)
    const list: AgniClient["Service"]["list"] = (query, how) => {
      pages.push(query.page ?? 1)
      sizes.add(query.pageSize)
      return patient(query, how)
    }
    const ask = Ask.make(list, {}, { size: 10, sort: { by: undefined, order: undefined } })
    const rows = yield* Count.rows(ask, within, { expected: starts.length, size: 10, repeats: false, ...options })
    return { rows, pages, sizes: [...sizes], noted: [...ask.log.counts.values()].map(({ rows }) => rows) }
  })

describe("Count.lengthOf", () => {
  const lengthOf = (expected: number, rest: Partial<Parameters<typeof Count.lengthOf>[0]> = {}) =>
    Count.lengthOf({ expected, size: 10, repeats: false, ...rest })

  it("is one less where the last page would be full, and another one would have to show that it is the last", () => {
    for (const expected of [10, 20, 1000]) assert.strictEqual(lengthOf(expected), 9)
    for (const expected of [0, 1, 9, 11, 99, Infinity]) assert.strictEqual(lengthOf(expected), 10)
    assert.deepStrictEqual([lengthOf(3, { size: 3 }), lengthOf(2, { size: 2 }), lengthOf(5, { size: 1 })], [2, 2, 1])
  })

  it("is the same where the server has sizes of its own, or shows the last page by repeating it", () => {
    assert.deepStrictEqual([lengthOf(20, { fixed: true }), lengthOf(20, { repeats: true })], [10, 10])
    assert.strictEqual(lengthOf(20, { fixed: false }), 9)
  })
})

describe("Count.rows", () => {
  it.effect(
    "one request finds the number that was expected, also where the last page is full; it is noted if there are any",
    () =>
      Effect.gen(function* () {
        for (const rows of [1, 9, 10, 11, 87, 100]) {
          const found = yield* count({ starts: evenly(rows) })
          assert.deepStrictEqual([found.rows, found.pages.length, found.noted], [rows, 1, [rows]], `${rows}`)
        }
        const none = yield* count({ starts: [] })
        assert.deepStrictEqual([none.rows, none.pages, none.sizes, none.noted], [0, [1], [10], []])
      })
  )

  it.effect("one page further, or one before, takes one request more, and others not many", () =>
    Effect.gen(function* () {
      for (const [expected, most] of [
        [95, 2],
        [75, 2],
        [65, 5],
        [1, 6],
        [5, 6],
        [400, 6],
        [10_000, 12],
        [Infinity, 6]
      ] as const) {
        const found = yield* count({ starts: evenly(87), options: { expected } })
        assert.strictEqual(found.rows, 87)
        assert.isAtMost(found.pages.length, most, `${expected}: ${found.pages.join()}`)
        assert.lengthOf(new Set(found.pages), found.pages.length, "no page twice")
      }
    })
  )

  it.effect("the fill of a page shows where the end is, if rows reach from one bound to the other", () =>
    Effect.gen(function* () {
      const options = { expected: 20, even: true }
      const found = yield* count({ starts: evenly(995), options })
      assert.strictEqual(found.rows, 995)
      assert.isAtMost(found.pages.length, 3, found.pages.join())
      assert.isAbove((yield* count({ starts: evenly(995), options: { expected: 20 } })).pages.length, 5)
      // A page of another order, or bounds that are open, show nothing of it.
      for (const traits of [{ newestFirst: false }, { order: "id", sorting: false }] as const)
        assert.strictEqual((yield* count({ starts: evenly(995), options, traits })).rows, 995)
      for (const within of [{}, { after: bounds.after }, { before: bounds.before }])
        assert.strictEqual((yield* count({ starts: evenly(995), options, within })).rows, 995)
    })
  )

  it.effect("it is right and takes no hundred requests where the fill leads astray", () =>
    Effect.gen(function* () {
      for (const at of [began - minute, began - 99 * hour, began - 50 * hour])
        for (const rows of [5, 40, 333, 1000])
          for (const expected of [1, rows, 50 * rows]) {
            const { pages, rows: counted } = yield* count({
              starts: bunched(rows, at),
              options: { expected, even: true }
            })
            assert.strictEqual(counted, rows, `${rows} at ${began - at}, ${expected} expected`)
            assert.isAtMost(pages.length, 25, `${rows} at ${began - at}, ${expected} expected`)
          }
    })
  )

  it.effect("a known first page that is not full is all; a full one is not asked for again", () =>
    Effect.gen(function* () {
      for (const rows of [0, 3, 9]) {
        const starts = evenly(rows)
        const first = (yield* askOf(open(rowsAt(starts)))(1, bounds)).rows
        const found = yield* count({ starts, options: { first, expected: 500 } })
        assert.deepStrictEqual([found.rows, found.pages, found.noted], [rows, [], rows === 0 ? [] : [rows]])
      }
      for (const rows of [10, 11, 60]) {
        const starts = evenly(rows)
        const first = (yield* askOf(open(rowsAt(starts)))(1, bounds)).rows
        for (const expected of [1, rows, 1e9]) {
          const found = yield* count({ starts, options: { first, expected, fixed: true } })
          assert.strictEqual(found.rows, rows)
          assert.notInclude(found.pages, 1)
          assert.isAtMost(found.pages.length, 6, found.pages.join())
          // Far more than the first page makes likely is not looked for at once.
          assert.isAtMost(Math.max(...found.pages), Math.max(16, (4.5 * rows) / 10))
        }
      }
    })
  )

  it.effect("it is unknown where a page beyond a limit on the depth is another one again, or none is the last", () =>
    Effect.gen(function* () {
      for (const cut of ["last", "first"] as const) {
        const depth = { most: 4, cut }
        assert.isUndefined((yield* count({ starts: evenly(87), traits: { depth }, options: { expected: 200 } })).rows)
      }
      const endless: AgniClient["Service"]["list"] = (query, how) =>
        open(rowsAt(bunched(20, began - (query.page ?? 1) * second))).client.list({ ...query, page: 1 }, how)
      const ask = Ask.make(endless, {}, { size: 10, sort: { by: undefined, order: undefined } })
      assert.isUndefined(yield* Count.rows(ask, {}, { expected: 1, size: 10, repeats: false }))
      assert.isBelow(ask.log.requests, 20)
      assert.strictEqual(ask.log.counts.size, 0)
    })
  )

  it.effect("where smaller pages lie too deep for the server, those of the usual size are counted", () =>
    Effect.gen(function* () {
      const depth = { most: 10, cut: "last" } as const
      const found = yield* count({ starts: evenly(90), traits: { depth } })
      assert.deepStrictEqual([found.rows, found.sizes], [90, [9, 10]])
    })
  )

  it.effect("a server that rounds sizes is counted by pages of the usual size, once that was seen", () =>
    Effect.gen(function* () {
      const sizes = { of: [5, 10, 20], round: "up" } as const
      const found = yield* count({ starts: evenly(100), traits: { cap: 20, sizes } })
      assert.deepStrictEqual([found.rows, found.sizes], [100, [9, 10]])
      const known = yield* count({ starts: evenly(100), traits: { cap: 20, sizes }, options: { fixed: true } })
      assert.deepStrictEqual([known.rows, known.sizes], [100, [10]])
    })
  )

  it.effect("a refusal leaves it unknown, and nothing is noted", () =>
    Effect.gen(function* () {
      const refusal = new AgniError({
        reason: new InvalidRequest({ status: 400 }),
        request: "GET",
        attempts: 1,
        elapsed: Duration.zero
      })
      for (const repeats of [false, true]) {
        const ask = Ask.make(() => Effect.fail(refusal), {}, { size: 10, sort: { by: undefined, order: undefined } })
        assert.isUndefined(yield* Count.orFail(ask, bounds, { expected: 30, size: 10, repeats }))
        assert.strictEqual(ask.log.counts.size, 0)
      }
    })
  )
})

describe("Count.isCutOff", () => {
  /** A count by pages of some sizes; of all others it is `all`. */
  const isCutOff = (all: number, size: number, counts: Readonly<Record<number, number | undefined>>) =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const counted = (size: number) =>
        Effect.sync(() => {
          sizes.push(size)
          return size in counts ? counts[size] : all
        })
      return [yield* Count.isCutOff(counted, all, size), sizes]
    })

  it.effect("is said where pages of another length come to another number, and the usual ones to the same", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* isCutOff(80, 10, {}), [false, [7]])
      assert.deepStrictEqual(yield* isCutOff(80, 10, { 7: 77 }), [true, [7, 10]])
      assert.deepStrictEqual(yield* isCutOff(80, 10, { 7: undefined }), [true, [7, 10]])
      // Calls may have come meanwhile.
      assert.deepStrictEqual(yield* isCutOff(80, 10, { 7: 81, 10: 81 }), [false, [7, 10]])
      assert.deepStrictEqual(yield* isCutOff(80, 10, { 7: 77, 10: undefined }), [false, [7, 10]])
    })
  )

  it.effect("is looked for with pages none of which ends there, two, three or five shorter", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* isCutOff(90, 10, {}), [false, [8]])
      assert.deepStrictEqual(yield* isCutOff(40, 10, {}), [false, [7]])
      assert.deepStrictEqual(yield* isCutOff(8 * 7 * 10, 10, {}), [false, []])
      assert.deepStrictEqual(yield* isCutOff(56, 10, {}), [false, [5]])
    })
  )

  it.effect("cannot be seen with pages so small that none is left", () =>
    Effect.gen(function* () {
      for (const size of [1, 2, 3]) assert.deepStrictEqual(yield* isCutOff(6, size, {}), [false, []])
      assert.deepStrictEqual(yield* isCutOff(7, 4, {}), [false, [2]])
    })
  )
})
