import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Front from "../../../src/history/internal/UndatedFront.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, day, hour, open, rowsAt, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began + day }
const dated = rowsAt(Array.from({ length: 40 }, (_, i) => began - (i + 3) * hour))

const undatedOf = (count: number, created = began - day): ReadonlyArray<Adversary.Row> =>
  Array.from({ length: count }, (_, i) => ({ id: `undated-${i}`, start: undefined, created }))

interface Given {
  readonly rows: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly until?: number
  readonly limit?: Front.Limit
}

/** The pages at the front, by how many rows they have, and how many requests it took. */
const read = ({ limit = () => Infinity, rows, traits = {}, until = range.to }: Given) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(began / 1000)
    const server = open(rows, traits)
    const settings = settingsOf(server, {
      repeats: Effect.succeed(traits.beyond === "last" || traits.beyond === "first")
    })
    const pages = yield* Front.read(settings, askOf(server), limit, until)
    return { pages: pages.map(({ length }) => length), requests: server.requests() }
  })

describe("the front of the list", () => {
  it.effect("ends with a page that has neither calls without a start time nor young ones", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read({ rows: dated }), { pages: [10], requests: 1 })
      assert.deepStrictEqual(yield* read({ rows: [...undatedOf(12), ...dated] }), { pages: [10, 10, 10], requests: 3 })
      // The page of those that start at that time is the last one with a young call.
      const young = { rows: dated, until: dated[0]?.start ?? 0 }
      assert.deepStrictEqual(yield* read(young), { pages: [10, 10], requests: 2 })
      assert.deepStrictEqual(yield* read({ ...young, until: young.until + 1 }), { pages: [10], requests: 1 })
    })
  )

  it.effect("ends where the list does, also if the server repeats its end or refuses what lies beyond", () =>
    Effect.gen(function* () {
      const rows = undatedOf(20)
      for (const [beyond, requests] of [
        ["empty", 3],
        // A page that comes again brings nothing new.
        ["last", 3],
        // As does the first one, for which the next one and one far beyond are asked.
        ["first", 5]
      ] as const)
        assert.deepStrictEqual(
          yield* read({ rows, traits: { beyond } }),
          { pages: beyond === "last" ? [10, 10, 10] : [10, 10], requests },
          beyond
        )
      const depth = { most: 1, cut: "error" } as const
      assert.deepStrictEqual(yield* read({ rows, traits: { depth } }), { pages: [10], requests: 2 })
      const none = { most: 0, cut: "error" } as const
      assert.strictEqual((yield* Effect.exit(read({ rows, traits: { depth: none } })))._tag, "Failure")
    })
  )

  it.effect("is no longer than its limit, which is checked after fifty pages", () =>
    Effect.gen(function* () {
      const rows = undatedOf(600)
      assert.strictEqual((yield* read({ rows, limit: () => 55 })).pages.length, 60)
      assert.strictEqual((yield* read({ rows, limit: () => 49 })).pages.length, 50)
      assert.strictEqual((yield* read({ rows: undatedOf(70), limit: () => 1 })).pages.length, 7)
    })
  )
})

describe("how many pages are read at most", () => {
  it("grows with the calls that are in no window, and were there when the reading began", () => {
    const latest = began + hour
    const limit = Front.limitOf(settingsOf(open([]), { latest }), range, () => 100)
    const rowOf = (start: number | undefined, created: number | undefined): Rows.Row => ({
      key: "row",
      start: start === undefined ? undefined : Instant.of(start),
      item: {
        id: "row",
        start: undefined,
        version: undefined,
        row: { id: "row" },
        json: undefined,
        created: created === undefined ? undefined : Instant.of(created)
      },
      rejected: undefined
    })
    const of = (start: number | undefined, created: number | undefined) => limit([rowOf(start, created)]) - 90
    assert.strictEqual(limit([]), 90)
    assert.closeTo(of(undefined, began), 0.4, 1e-9)
    assert.closeTo(of(undefined, undefined), 0.4, 1e-9)
    assert.closeTo(of(range.to, began), 0.4, 1e-9)
    for (const created of [latest, range.to]) assert.strictEqual(of(undefined, created), 0)
    assert.strictEqual(of(began, began), 0)
  })
})

describe("the first look", () => {
  it.effect("counts all calls beside it, and those with a start, and begins where the last page should be", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(began / 1000)
      const server = open([...undatedOf(3), ...dated])
      const { both, dated: withStart, pages } = yield* Front.early(settingsOf(server), range, 43)
      assert.deepStrictEqual([both, withStart], [43, 40])
      assert.deepStrictEqual(
        pages.map(({ length }) => length),
        [10, 10]
      )
      assert.strictEqual(server.requests(), 5)
      const empty = open([])
      assert.strictEqual((yield* Front.early(settingsOf(empty), range, 0)).both, 0)
    })
  )
})
