/** The order of a list, its pages, and what they show: from first pages that are made by hand. */
import { assert, describe, it } from "@effect/vitest"
import { pageBeyondAll } from "@callstream/core/model/Limits"
import * as Effect from "effect/Effect"
import type { FirstPages } from "../../../src/endpoint/internal/FirstPages.ts"
import * as ListShape from "../../../src/endpoint/internal/ListShape.ts"
import type * as Probing from "../../../src/endpoint/internal/Probing.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, hour, rowsAt, second } from "../../history/internal/FakeServer.ts"
import { firstPagesOf, listOf, probingOf, profileOf, rows, size, undated } from "./ProbeParts.ts"

const hourly = (count: number) => rowsAt(Array.from({ length: count }, (_, i) => began - (i + 1) * hour))

const withoutStart = (count: number): ReadonlyArray<Adversary.Row> =>
  Array.from({ length: count }, (_, i) => ({ id: `undated-${i}`, start: undefined, created: began - i * second }))

/** What is found of a list, from its first page on, and which pages were asked for besides. */
const find = Effect.fnUntraced(function* (
  list: ReadonlyArray<Adversary.Row>,
  { first: given, ...firstPages }: Partial<FirstPages> = {},
  probing: Partial<Probing.Probing> = {},
  traits?: Partial<Adversary.Traits>
) {
  const { ask, asked, list: ofClient, pages, rowsOf } = listOf(list, traits)
  const first = given ?? (yield* rowsOf(1))
  const shape = yield* ListShape.find(probingOf(ofClient, probing), firstPagesOf({ ask, first, ...firstPages }))
  return { asked, first, pages: pages(), shape, asks: pages }
})

/** A row that bounds can be tried with: no other page needs to be read. */
const oldRows = rows("old", began - 400 * hour)
const known = profileOf({ repeatsBeyondEnd: true })
const sorted = { sortBy: "startedAt", newestFirst: true } as const
const trusting = { known, isBounded: true }

const keysOf = (rows: ReadonlyArray<{ readonly key: string }>): ReadonlyArray<string> => rows.map(({ key }) => key)

describe("ListShape.find", () => {
  it.effect("trusts a profile of a bounded range whose order was recognized, and asks nothing", () =>
    Effect.gen(function* () {
      const { asks, first, pages, shape } = yield* find(hourly(30), { sorted }, trusting)
      assert.deepInclude(shape, { ...sorted, trusted: true, needsDepth: false, plain: undefined, newestRows: first })
      assert.isTrue(yield* shape.repeats)
      assert.deepStrictEqual([pages, asks()], [[], []])
    })
  )

  it.effect("does not trust one whose bounds meant nothing, in another order, or for a whole history", () =>
    Effect.gen(function* () {
      const problem = profileOf({ filterProblem: { _tag: "OutsideBounds" } })
      for (const [firstPages, probing] of [
        [{ sorted }, { ...trusting, known: problem }],
        [{ sorted }, { ...trusting, known: undefined }],
        [{}, trusting],
        [{ sorted }, { ...trusting, isDeep: true }],
        [{ sorted }, { ...trusting, isBounded: false }]
      ] as const) {
        const { shape } = yield* find(hourly(30), { oldRows, ...firstPages }, probing)
        assert.isFalse(shape.trusted)
      }
    })
  )

  it.effect("reads deeper pages where nothing that was read says enough", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<
        readonly [needs: boolean, firstPages: Partial<FirstPages>, probing: Partial<Probing.Probing>]
      > = [
        [true, { oldRows }, { isDeep: true }],
        [true, { oldRows, first: [undated("a"), undated("b")] }, {}],
        [true, {}, {}],
        [false, { ended: true }, {}],
        [false, { oldRows }, {}],
        [false, { oldRows, first: [undated("a"), ...rows("first", began, began - hour)] }, {}],
        [false, { sorted }, trusting]
      ]
      for (const [needs, firstPages, probing] of cases) {
        const { pages, shape } = yield* find(hourly(30), firstPages, probing)
        assert.strictEqual(shape.needsDepth, needs)
        assert.deepStrictEqual(shape.depth.pages.length > 0, needs)
        if (!needs) assert.deepStrictEqual(pages, [])
        if (!needs) assert.deepStrictEqual(shape.depth, { pages: [], pagesAtMost: 0, unsure: false })
      }
    })
  )

  it.effect("looks where a profile says that the list ends, by the size that its pages have now", () =>
    Effect.gen(function* () {
      const profile = profileOf({ pagesAtMost: 4, pageSize: 2 * size })
      const deep = { isDeep: true, known: profile }
      const cases: ReadonlyArray<
        readonly [firstPages: Partial<FirstPages>, probing: Partial<Probing.Probing>, expected: ReadonlyArray<number>]
      > = [
        [{ sorted }, deep, [2, 4, 8]],
        [{}, deep, [4, 16, 64, 256, 1024]],
        [{ sorted }, { ...deep, isFiltered: true }, [4, 16, 64, 256, 1024]],
        [{ sorted }, { ...deep, known: profileOf() }, [4, 16, 64, 256, 1024]]
      ]
      for (const [firstPages, probing, expected] of cases) {
        const { pages, shape } = yield* find(hourly(55), firstPages, probing)
        assert.deepStrictEqual(pages, expected)
        assert.strictEqual(shape.depth.pagesAtMost, expected[2] === 8 ? 8 : 16)
      }
    })
  )

  it.effect("asks for a sort where the newest do not come first, unless the order is known", () =>
    Effect.gen(function* () {
      const oldestFirst = { order: "start", newestFirst: false } as const
      const sorting = yield* find(hourly(30), { oldRows }, {}, oldestFirst)
      assert.deepInclude(sorting.shape, { sortBy: "started_at", newestFirst: true, plain: sorting.first })
      assert.strictEqual(sorting.shape.newestRows[0]?.key, "row-0")
      assert.deepStrictEqual(
        sorting.asked.map(({ sortBy, sortOrder }) => [sortBy, sortOrder]),
        [
          ["started_at", "desc"],
          ["startedAt", "desc"]
        ]
      )
      const none = yield* find(hourly(30), { oldRows }, {}, { ...oldestFirst, sorting: false })
      assert.deepInclude(none.shape, { sortBy: "none", newestFirst: false, newestRows: none.first })
      const same = yield* find(hourly(30), { oldRows, sorted: { sortBy: "none", newestFirst: false } })
      // What is said of the order is what the page shows, too.
      assert.deepInclude(same.shape, { sortBy: "none", newestFirst: true, plain: same.first })
      assert.deepStrictEqual(same.asked, [])
      const other = yield* find(hourly(30), { oldRows, sorted: { sortBy: "startedAt", newestFirst: false } })
      assert.deepInclude(other.shape, { sortBy: "startedAt", newestFirst: false, plain: undefined })
    })
  )

  it.effect(
    "sees the order on the first page with two starts, where calls without a start time fill those before",
    () =>
      Effect.gen(function* () {
        const list = [...withoutStart(25), ...hourly(40)]
        const { shape } = yield* find(list)
        assert.deepInclude(shape, { sortBy: "none", newestFirst: true })
        assert.strictEqual(shape.plain?.[0]?.key, "row-5")
        const apart = yield* find(list, { page: 2, front: rows("front", began, began - hour) })
        assert.deepStrictEqual(apart.shape.plain, rows("front", began, began - hour))
        const first = rows("first", began - hour, began - 2 * hour)
        const behind = yield* find(list, { page: 2, front: rows("front", began), first })
        assert.deepStrictEqual(behind.shape.plain, first)
        const none = yield* find(list, { first: rows("first", began), ended: true })
        assert.deepStrictEqual(none.shape.plain, rows("first", began))
      })
  )

  it.effect("takes the rows in front for the newest where a record fails the first page, and none was sorted", () =>
    Effect.gen(function* () {
      const front = rows("front", began - second, began - 2 * second)
      for (const [traits, newest] of [
        [{}, "front-0"],
        [{ newestFirst: false }, "row-0"]
      ] as const) {
        const { shape } = yield* find(hourly(30), { page: 2, front, oldRows }, {}, traits)
        assert.strictEqual(shape.newestRows[0]?.key, newest)
      }
    })
  )

  it.effect("has each row with a start, and its page", () =>
    Effect.gen(function* () {
      const front = [...rows("front", began), undated("x")]
      const { shape } = yield* find(hourly(48), { page: 2, front, first: [undated("y"), ...rows("first", began - 1)] })
      assert.deepStrictEqual(
        shape.samples.map(({ page, row }) => [page, row.key]),
        [[1, "front-0"], [2, "first-0"], ...Array.from({ length: size }, (_, i) => [4, `row-${30 + i}`])]
      )
    })
  )

  it.effect("asks once whether anything comes beyond the end, when somebody wants to know", () =>
    Effect.gen(function* () {
      for (const beyond of ["empty", "last"] as const) {
        const { asks, pages, shape } = yield* find(hourly(30), { oldRows }, {}, { beyond })
        assert.deepStrictEqual(pages, [])
        assert.strictEqual(yield* shape.repeats, beyond === "last")
        assert.strictEqual(yield* shape.repeats, beyond === "last")
        assert.deepStrictEqual(asks(), [pageBeyondAll])
      }
    })
  )
})

describe("ListShape.find, where all calls that came start together", () => {
  const together = (count: number) => rowsAt(Array.from({ length: count }, (_, i) => began - hour - (i % 7) * second))

  it.effect("halves the number of pages, and then reads one by one until another start comes", () =>
    Effect.gen(function* () {
      // Six seconds are no distance: bounds may be understood by a second otherwise, at both ends.
      const burst = together(36)
      const far = { id: "far", start: began - 2 * hour, created: began }
      const { pages, shape } = yield* find([...burst, far], {}, { isDeep: true })
      assert.deepStrictEqual(pages, [4, 16, 64, 256, 1024])
      assert.strictEqual(shape.depth.pages[0]?.rows.at(-1)?.key, "far")
    })
  )

  it.effect("finds one on a page in between", () =>
    Effect.gen(function* () {
      // In the order of creation: the call at this place started at another time.
      const list = (place: number) =>
        together(140).map((row, i) => ({
          ...row,
          created: began + i,
          start: i === place ? began - hour - 7 * second : row.start
        }))
      const traits = { order: "created", newestFirst: false } as const
      const between = yield* find(list(54), { sorted }, { isDeep: true }, traits)
      // Page 8 is half of 16, and pages 4 and 8 were read.
      assert.deepStrictEqual(between.pages, [4, 16, 64, 256, 1024, 8, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13])
      const { pages, ...depth } = between.shape.depth
      assert.deepStrictEqual(
        pages.map(({ page }) => page),
        [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 64, 256, 1024]
      )
      assert.deepStrictEqual(depth, { pagesAtMost: 16, unsure: false })
      const atHalf = yield* find(list(75), { sorted }, { isDeep: true }, traits)
      assert.deepStrictEqual(atHalf.pages, [4, 16, 64, 256, 1024, 8])
    })
  )

  it.effect("reads no page beyond the end", () =>
    Effect.gen(function* () {
      const { pages } = yield* find(together(55), { sorted }, { isDeep: true })
      assert.deepStrictEqual(pages, [4, 16, 64, 256, 1024, 8, 2, 3, 5, 6, 7])
    })
  )
})

describe("ListShape.powerOfTwo", () => {
  it("is the next one, and at least one", () => {
    const pages = [0, 0.3, 1, 1.5, 2, 3, 4, 4.01, 1000, 1024]
    assert.deepStrictEqual(pages.map(ListShape.powerOfTwo), [1, 1, 1, 2, 2, 4, 4, 8, 1024, 1024])
  })
})

const shapeOf = (rest: Partial<ListShape.ListShape>): ListShape.ListShape => ({
  sortBy: "none",
  newestFirst: true,
  newestRows: [],
  trusted: false,
  needsDepth: false,
  depth: { pages: [], pagesAtMost: 0, unsure: false },
  repeats: Effect.succeed(false),
  plain: undefined,
  samples: [],
  ...rest
})

const samplesOf = (...starts: ReadonlyArray<number>) => rows("row", ...starts).map((row, i) => ({ page: i + 1, row }))

describe("ListShape.endsOf", () => {
  const oldest = rows("old", began - 100 * hour)
  const ends = (old: typeof oldest, ...starts: ReadonlyArray<number>) =>
    ListShape.endsOf(firstPagesOf({ oldRows: old }), shapeOf({ samples: samplesOf(...starts) })).map(
      ({ page, row }) => `${page} ${row.key}`
    )

  it("has the samples at both ends and in the middle, each once", () => {
    assert.deepStrictEqual(ends([]), [])
    assert.deepStrictEqual(ends([], 5), ["1 row-0"])
    assert.deepStrictEqual(ends([], 5, 3), ["2 row-1", "1 row-0"])
    assert.deepStrictEqual(ends([], 5, 3, 9, 4, 7), ["2 row-1", "1 row-0", "3 row-2"])
  })

  it("has the oldest call in place of the first sample where all of them start together", () => {
    const apart = 6 * second
    assert.deepStrictEqual(ends(oldest, began, began - apart), ["1 old-0", "1 row-0"])
    assert.deepStrictEqual(ends(oldest, began, began - apart - 1), ["2 row-1", "1 row-0"])
    assert.deepStrictEqual(ends([], began, began - apart), ["2 row-1", "1 row-0"])
    assert.deepStrictEqual(ends(oldest), ["1 old-0"])
  })
})

describe("ListShape.controlsOf and oldOf", () => {
  it("have each row that was listed once, by start", () => {
    const [a, b, c] = rows("row", 30, 10, 20)
    if (a === undefined || b === undefined || c === undefined) throw new Error("no rows")
    const shape = shapeOf({ samples: [{ page: 1, row: a }], newestRows: [undated("x"), a, c] })
    assert.deepStrictEqual(keysOf(ListShape.controlsOf(firstPagesOf({ oldRows: [b, c] }), shape)), [
      "row-1",
      "row-2",
      "row-0"
    ])
  })

  it("say whether the oldest come first when they are asked for", () => {
    const oldestFirst = rows("row", 1, 2, 3)
    const newestFirst = oldestFirst.toReversed()
    const controls = oldestFirst
    const old = (rest: Partial<FirstPages>, plain: ListShape.ListShape["plain"] = newestFirst) =>
      ListShape.oldOf(
        firstPagesOf({ askedOldest: true, oldestFirst, oldRows: oldestFirst, ...rest }),
        shapeOf({ plain }),
        controls
      )
    assert.deepStrictEqual(old({}), { ascending: "understood", comesOldest: true })
    assert.deepStrictEqual(old({}, oldestFirst), { ascending: "unknown", comesOldest: true })
    assert.deepStrictEqual(old({}, undefined), { ascending: "understood", comesOldest: true })
    assert.deepStrictEqual(old({ askedOldest: false }), { ascending: "unknown", comesOldest: true })
    assert.deepStrictEqual(old({ oldestFirst: newestFirst, oldRows: newestFirst }), {
      ascending: "ignored",
      comesOldest: false
    })
    // Ignored, although the first row is the oldest.
    const odd = rows("row", 1, 3, 2)
    assert.deepStrictEqual(old({ oldestFirst: odd, oldRows: odd }), { ascending: "ignored", comesOldest: false })
    assert.deepStrictEqual(old({ oldRows: oldestFirst.slice(1) }), { ascending: "understood", comesOldest: false })
    assert.deepStrictEqual(old({ oldestFirst: "refused", oldRows: [] }), { ascending: "refused", comesOldest: false })
    const one = { oldestFirst: oldestFirst.slice(0, 1), oldRows: oldestFirst.slice(0, 1) }
    assert.deepStrictEqual(old(one), { ascending: "unknown", comesOldest: true })
    const none = ListShape.oldOf(firstPagesOf({ askedOldest: true, oldestFirst: [] }), shapeOf({}), [])
    assert.deepStrictEqual(none, { ascending: "unknown", comesOldest: false })
  })
})
