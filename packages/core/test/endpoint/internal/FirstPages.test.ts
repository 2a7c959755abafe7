/** The first questions to a list, and what is made of the answers. */
import { assert, describe, it } from "@effect/vitest"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as FirstPages from "../../../src/endpoint/internal/FirstPages.ts"
import type * as Probing from "../../../src/endpoint/internal/Probing.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, hour, rowsAt, second } from "../../history/internal/FakeServer.ts"
import { firstPagesOf, listOf, probingOf, profileOf, rows, size, undated } from "./ProbeParts.ts"

const hourly = (count: number) => rowsAt(Array.from({ length: count }, (_, i) => began - (i + 1) * hour))

const questionOf = ({ page, pageSize, sortBy = "none", sortOrder }: CallSessionQuery): string =>
  `${page} of ${pageSize} by ${sortBy} ${sortOrder ?? ""}`.trim()

const refusal = new AgniError({
  reason: new InvalidRequest({ status: 400 }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

/** What the first questions show, and which they were. */
const read = Effect.fnUntraced(function* (
  list: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = {},
  rest: Partial<Probing.Probing> = {},
  isRefused: (query: CallSessionQuery) => boolean = () => false
) {
  const { asked, list: answers } = listOf(list, traits)
  const client: typeof answers = (query, options) => {
    if (!isRefused(query)) return answers(query, options)
    asked.push(query)
    return Effect.fail(refusal)
  }
  const probing = probingOf(client, rest)
  const found = yield* FirstPages.read(probing)
  const questions = asked.map(questionOf)
  if (isRefused({ pageSize: found.size })) throw new Error("a size that is refused")
  /** How the pages that are read later are asked for. */
  const later = Effect.map(found.ask(7, {}), () => questionOf(asked.at(-1) ?? {}))
  return { found, log: probing.log, questions, later: yield* later }
})

const keysOf = (rows: ReadonlyArray<{ readonly key: string }>): ReadonlyArray<string> => rows.map(({ key }) => key)

/** Both included. */
const numbered = (from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: to - from + 1 }, (_, i) => `row-${from + i}`)

describe("FirstPages.read", () => {
  it.effect(
    "asks for the first page, and for one call less of the oldest: so it is seen whether sizes are rounded",
    () =>
      Effect.gen(function* () {
        const { found, later, log, questions } = yield* read(hourly(30))
        assert.deepStrictEqual(questions, [`1 of ${size} by none`, `1 of ${size - 1} by started_at asc`])
        assert.strictEqual(later, "7 of 10 by none")
        assert.deepInclude(found, { size, page: 1, ended: false, clamped: false, askedOldest: true, front: [] })
        assert.deepStrictEqual(keysOf(found.first), numbered(0, 9))
        assert.deepStrictEqual(keysOf(found.oldRows), numbered(21, 29).toReversed())
        assert.strictEqual(found.oldestFirst.length, size - 1)
        assert.isFalse(log.rounds)
      })
  )

  it.effect("asks for whole pages of the oldest by a profile, or where one call less would be less than two", () =>
    Effect.gen(function* () {
      const known = profileOf()
      assert.deepStrictEqual((yield* read(hourly(30), {}, { known })).questions, [
        "1 of 10 by none",
        "1 of 10 by started_at asc"
      ])
      const smaller = profileOf({ pageSize: 5, clamped: true })
      assert.deepStrictEqual((yield* read(hourly(30), { cap: 5 }, { known: smaller })).questions, [
        "1 of 5 by none",
        "1 of 5 by started_at asc"
      ])
      const larger = profileOf({ pageSize: 50, clamped: true })
      assert.include((yield* read(hourly(30), {}, { known: larger })).questions, "1 of 10 by started_at asc")
      for (const [asked, less] of [
        [2, 2],
        [3, 2]
      ] as const)
        assert.include((yield* read(hourly(30), {}, { asked })).questions, `1 of ${less} by started_at asc`)
    })
  )

  it.effect("does not ask for the oldest of a range with a beginning by a profile, unless all pages are read", () =>
    Effect.gen(function* () {
      const known = profileOf()
      for (const [asks, rest] of [
        [false, { known, isBounded: true }],
        [true, { known, isBounded: true, isDeep: true }],
        [true, { known, isBounded: false }],
        [true, { known: undefined, isBounded: true }]
      ] as const) {
        const { found, questions } = yield* read(hourly(30), {}, rest)
        assert.strictEqual(found.askedOldest, asks)
        assert.strictEqual(questions.length, asks ? 2 : 1)
        assert.strictEqual(found.oldRows.length > 0, asks)
        if (!asks) assert.strictEqual(found.oldestFirst, "refused")
      }
    })
  )

  it.effect("keeps the order that a profile knows", () =>
    Effect.gen(function* () {
      const known = profileOf({ sortBy: "startedAt", newestFirst: true })
      const { found, later, questions } = yield* read(hourly(30), {}, { known, isBounded: true })
      assert.deepStrictEqual(questions, ["1 of 10 by startedAt desc"])
      assert.strictEqual(later, "7 of 10 by startedAt desc")
      assert.deepStrictEqual(found.sorted, { sortBy: "startedAt", newestFirst: true })
    })
  )

  it.effect("sees that the list ends on its first page", () =>
    Effect.gen(function* () {
      for (const count of [0, 1, 5, 9, 10]) {
        const { found, questions } = yield* read(hourly(count))
        assert.strictEqual(found.ended, count < 10)
        assert.strictEqual(found.first.length, count)
        if (count === 5)
          assert.deepStrictEqual(questions, ["1 of 10 by none", "1 of 9 by started_at asc", "2 of 5 by none"])
      }
    })
  )

  it.effect("has only rows with a start as the oldest", () =>
    Effect.gen(function* () {
      const list = [...hourly(5), { id: "undated", start: undefined, created: began }]
      const { found } = yield* read(list)
      assert.include(typeof found.oldestFirst === "string" ? [] : keysOf(found.oldestFirst), "undated")
      assert.deepStrictEqual(keysOf(found.oldRows), numbered(0, 4).toReversed())
    })
  )
})

describe("FirstPages.read, where the server rounds sizes", () => {
  const sizes = { of: [5, 10, 20], round: "down" } as const

  it.effect("notes it, and asks by the size of the page that came", () =>
    Effect.gen(function* () {
      const { found, later, log, questions } = yield* read(hourly(30), { sizes, cap: 20 })
      assert.isTrue(log.rounds)
      assert.strictEqual(found.size, 10)
      assert.strictEqual(later, "7 of 10 by none")
      // Nine of the oldest were five: that is one question less.
      assert.deepStrictEqual(questions, ["1 of 10 by none", "1 of 9 by started_at asc", "1 of 9 by none"])
      const short = yield* read(hourly(13), { sizes, cap: 20 }, { asked: 30 })
      assert.isTrue(short.log.rounds)
      assert.strictEqual(short.found.first.length, 13)
      assert.strictEqual(short.found.size, 30)
    })
  )

  it.effect("asks for one page more where the only page comes again in parts", () =>
    Effect.gen(function* () {
      const { found, later, log, questions } = yield* read(
        hourly(13),
        { sizes, cap: 20, beyond: "last" },
        { asked: 30 }
      )
      assert.deepInclude(found, { size: 10, smaller: true })
      assert.isTrue(log.rounds)
      assert.strictEqual(later, "7 of 10 by none")
      assert.strictEqual(questions.filter((question) => question === "1 of 13 by none").length, 2)
      const known = profileOf({ pageSize: 50 })
      const saved = yield* read(hourly(13), { sizes, cap: 20, beyond: "last" }, { asked: 30, known })
      assert.deepInclude(saved.found, { size: 10, smaller: true })
      assert.isTrue(saved.log.rounds)
      // The page behind it is not to be had, so nothing but the size is seen.
      const odd = yield* read(hourly(13), { sizes, cap: 20 }, { asked: 30 }, ({ page }) => page === 2)
      assert.deepInclude(odd.found, { size: 10, smaller: false })
      const cut = yield* read(hourly(40), { sizes, cap: 20 }, { asked: 30 })
      assert.deepInclude(cut.found, { size: 20, smaller: false })
      assert.isTrue(cut.log.rounds)
    })
  )

  it.effect("does not look for it once it was seen", () =>
    Effect.gen(function* () {
      const log = { ...Ask.makeLog(), rounds: true }
      const { questions } = yield* read(hourly(30), {}, { log })
      assert.isTrue(log.rounds)
      assert.deepStrictEqual(questions, ["1 of 10 by none", "1 of 9 by started_at asc"])
      // A first page that fails shows no size: only the rows in front are asked for.
      const behind = yield* read(hourly(7), { poison: "row-0" }, { log })
      assert.deepInclude(behind.found, { page: 2, size: 2 })
      assert.strictEqual(behind.questions.filter((question) => question === "1 of 2 by none").length, 1)
    })
  )

  it.effect("does not look for it by a profile, and trusts it", () =>
    Effect.gen(function* () {
      for (const roundsPageSize of [true, false]) {
        const known = profileOf({ roundsPageSize })
        const { log, questions } = yield* read(hourly(30), { sizes, cap: 20 }, { known, isBounded: true })
        assert.strictEqual(log.rounds, roundsPageSize)
        assert.deepStrictEqual(questions, ["1 of 10 by none"])
      }
    })
  )
})

describe("FirstPages.read, where something fails or is refused", () => {
  it.effect("has the rows before a page that can be read, and the oldest, one by one", () =>
    Effect.gen(function* () {
      const first = yield* read(hourly(30), { poison: "row-0" })
      assert.deepInclude(first.found, { page: 2, ended: false, fails: false })
      // A block of eight, as single rows.
      assert.deepStrictEqual(keysOf(first.found.front), numbered(1, 7))
      assert.deepStrictEqual(keysOf(first.found.first), numbered(10, 19))
      const oldest = yield* read(hourly(30), { poison: "row-29" })
      assert.deepInclude(oldest.found, { page: 1, front: [] })
      assert.deepStrictEqual(keysOf(oldest.found.oldRows), numbered(22, 28).toReversed())
      assert.deepStrictEqual(oldest.found.oldestFirst, oldest.found.oldRows)
      assert.deepStrictEqual(keysOf((yield* read(hourly(3), { poison: "row-0" })).found.front), ["row-1"])
      assert.deepStrictEqual(keysOf((yield* read(hourly(2), { poison: "row-1" })).found.oldRows), ["row-0"])
    })
  )

  it.effect("asks for no single rows where all that there is fails: nothing is known of an end", () =>
    Effect.gen(function* () {
      const { found, questions } = yield* read(hourly(1), { poison: "row-0" })
      assert.deepInclude(found, { fails: true, ended: false, first: [], front: [], oldestFirst: "fails", oldRows: [] })
      assert.isFalse(questions.some((question) => question.includes("asc") && question.includes(" of 1 ")))
      // Those were eight single rows, and no more.
      assert.strictEqual(questions.filter((question) => question.includes(" of 1 by")).length, 8)
    })
  )

  it.effect("asks for the oldest again where the size was refused, and not where the order was", () =>
    Effect.gen(function* () {
      const tooLarge = yield* read(hourly(30), {}, {}, ({ pageSize = 0 }) => pageSize > 5)
      assert.deepInclude(tooLarge.found, { size: 5, refused: size })
      assert.strictEqual(tooLarge.questions.at(-1), "1 of 5 by started_at asc")
      assert.deepStrictEqual(keysOf(tooLarge.found.oldRows), numbered(25, 29).toReversed())
      const order = yield* read(hourly(30), {}, {}, ({ sortBy }) => sortBy !== undefined)
      assert.deepInclude(order.found, { oldestFirst: "refused", oldRows: [], refused: undefined })
      assert.deepStrictEqual(order.questions, ["1 of 10 by none", "1 of 9 by started_at asc", "1 of 9 by none"])
      // Nine are refused, because the server has other sizes.
      const sizes = yield* read(hourly(30), {}, {}, ({ pageSize = 0 }) => pageSize !== size)
      assert.isTrue(sizes.log.rounds)
      assert.strictEqual(sizes.questions.at(-1), "1 of 10 by started_at asc")
      assert.deepStrictEqual(keysOf(sizes.found.oldRows), numbered(20, 29).toReversed())
      const known = profileOf({ pageSizeRefused: 20 })
      const saved = yield* read(hourly(30), {}, { known, isBounded: true })
      assert.deepStrictEqual([saved.questions, saved.found.refused], [["1 of 10 by none"], 20])
    })
  )

  it.effect("takes no refusal for rows", () =>
    Effect.gen(function* () {
      // The word has as many letters.
      const sizes = { of: [4, 8], round: "down" } as const
      const { log } = yield* read(hourly(30), { sizes }, { asked: 8 }, ({ sortBy }) => sortBy !== undefined)
      assert.isTrue(log.rounds)
    })
  )
})

describe("FirstPages.deepRow", () => {
  const first = rows("first", began, began - hour)
  const old = rows("old", began - 100 * hour, began - 90 * hour, began - 80 * hour)
  const deep = (rest: Partial<FirstPages.FirstPages>, ...pages: Parameters<typeof FirstPages.deepRow>[1]) =>
    FirstPages.deepRow(firstPagesOf({ first, ...rest }), pages)?.key

  it("is the middle one of the oldest, or of the rows from the fourth page on", () => {
    assert.isUndefined(deep({}))
    assert.strictEqual(deep({ oldRows: old }), "old-1")
    assert.strictEqual(deep({ oldRows: old.slice(0, 2) }), "old-1")
    assert.strictEqual(deep({ oldRows: old.slice(0, 1) }), "old-0")
    const page = (number: number, prefix: string) => ({
      page: number,
      rows: [undated("x"), ...rows(prefix, began - 50 * hour, began - 51 * hour)]
    })
    assert.strictEqual(deep({ oldRows: old }, page(3, "third")), "old-1")
    assert.strictEqual(deep({ oldRows: old }, page(4, "fourth")), "fourth-1")
    assert.strictEqual(deep({ oldRows: old }, page(3, "third"), page(4, "fourth"), page(16, "last")), "last-0")
    // Those without a start say nothing of bounds.
    assert.strictEqual(deep({ oldRows: old }, { page: 4, rows: [undated("x")] }), "old-1")
    assert.strictEqual(deep({ oldRows: old }, { page: 4, rows: rows("one", began - 50 * hour) }), "one-0")
  })

  it("is none that may be on the first page, because it starts when one of that page does", () => {
    const apart = 4 * second
    const near = (start: number) => rows("near", start)
    assert.isUndefined(deep({ oldRows: near(began - hour - apart) }))
    assert.isUndefined(deep({ oldRows: near(began - hour + apart) }))
    assert.strictEqual(deep({ oldRows: near(began - hour - apart - 1) }), "near-0")
    assert.strictEqual(deep({ oldRows: near(began - hour + apart + 1) }), "near-0")
    const front = rows("front", began - 100 * hour)
    assert.strictEqual(deep({ front, oldRows: old }), "old-2")
    assert.strictEqual(deep({ front: [undated("x")], oldRows: old }), "old-1")
  })

  it("is none of the first page, and none of the oldest if one of them is there: then the list is short, or unordered", () => {
    assert.isUndefined(deep({ first: [...first, ...old.slice(2)], oldRows: old }))
    assert.isUndefined(deep({ first: old, oldRows: old }))
    assert.isUndefined(deep({ front: old.slice(0, 1), oldRows: old }))
    const page = { page: 4, rows: [...rows("deep", began - 50 * hour), ...rows("first", began - 60 * hour)] }
    assert.strictEqual(deep({}, page), "deep-0")
  })
})
