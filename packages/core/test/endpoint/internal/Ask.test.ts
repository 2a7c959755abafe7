import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"

const at = began - 5 * hour

/** Looks for one of many rows that start together. */
const look = (
  rows: number,
  id: string,
  traits: Partial<Adversary.Traits> = {},
  change: Partial<Adversary.Row> = {}
) => {
  const all = rowsAt(Array.from({ length: rows }, () => at))
  const server = open(
    all.map((row) => (row.id === id ? { ...row, ...change } : row)),
    traits
  )
  return Ask.control(askOf(server), control(id, at), 10)
}

describe("Ask.control", () => {
  it.effect("finds a row among any number of others of its second, where each comes once", () =>
    Effect.gen(function* () {
      for (const rows of [1, 30, 210, 1500])
        for (const i of [0, Math.floor(rows / 2), rows - 1])
          assert.isUndefined(yield* look(rows, `row-${i}`), `row ${i} of ${rows}`)
    })
  )

  it.effect("finds one at the older end of the list with the second request", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(Array.from({ length: 1500 }, () => at)))
      const { list } = server.client
      // Its pages in the other order are the same ones from the end.
      const turning: typeof list = ({ page = 1, sortOrder, ...query }, options) =>
        list({ ...query, page: sortOrder === "asc" ? 151 - page : page }, options)
      const ask = Ask.make(turning, {}, { size: 10, sort: { by: undefined, order: undefined } })
      const [last] = (yield* ask(150, {})).rows
      const [first] = (yield* ask(1, {})).rows
      for (const [row, most] of [
        [first, 1],
        [last, 2]
      ] as const) {
        const before = server.requests()
        assert.isUndefined(yield* Ask.control(ask, control(row?.key ?? "", at), 10))
        assert.isAtMost(server.requests() - before, most)
      }
    })
  )

  it.effect("does not look for long where others come again, and says that it is hidden", () =>
    Effect.gen(function* () {
      const traits = { depth: { most: 2, cut: "first" } } as const
      const found = yield* Effect.forEach(["row-0", "row-60", "row-99"], (id) => look(210, id, traits))
      assert.include(found, Ask.hidden)
    })
  )

  it.effect("says that a row which left is not there", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* look(210, "row-7", {}, { gone: began - hour }), Ask.notBack)
    })
  )
})

describe("the place of a row", () => {
  /** What is known for sure of 17 calls after pages of ten and of five. */
  const place = (pages: ReadonlyArray<readonly [page: number, size: number]>, beyond: Adversary.Traits["beyond"]) =>
    Effect.gen(function* () {
      const server = open(rowsAt(Array.from({ length: 17 }, (_, i) => at - i * hour)), { beyond })
      const ask = askOf(server)
      const bounds = { after: at - 100 * hour, before: at + hour }
      for (const [page, size] of pages) yield* ask(page, bounds, { size })
      return NotedCounts.countOf(ask.log, bounds, true)
    })

  it.effect("is a count on a server that repeats a page, where the one before it was full of others", () =>
    Effect.gen(function* () {
      for (const beyond of ["first", "last"] as const) {
        assert.strictEqual(
          yield* place(
            [
              [1, 10],
              [2, 10]
            ],
            beyond
          ),
          17,
          beyond
        )
        assert.strictEqual(
          yield* place(
            [
              [1, 10],
              [3, 5],
              [4, 5]
            ],
            beyond
          ),
          17,
          beyond
        )
      }
    })
  )

  it.effect("is that of the first page with its rows, where a limit on the depth repeats it", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(Array.from({ length: 60 }, (_, i) => at - i * hour)), {
        depth: { most: 3, cut: "last" }
      })
      const ask = askOf(server)
      for (const page of [3, 4, 4000]) yield* ask(page, {})
      assert.deepStrictEqual([NotedCounts.countOf(ask.log, {}, false), ask.log.lengths.size], [30, 1])
    })
  )

  it.effect("is not known on a page that is larger than those of the server", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(Array.from({ length: 60 }, (_, i) => at - i * hour)))
      const ask = askOf(server)
      yield* ask(3, {})
      yield* ask(2, {}, { size: 100 })
      assert.strictEqual(NotedCounts.countOf(ask.log, {}, false), 110)
      NotedCounts.forgetLarger(ask.log, 10)
      assert.strictEqual(NotedCounts.countOf(ask.log, {}, false), 30)
    })
  )

  it.effect("is none where it may be that page again", () =>
    Effect.gen(function* () {
      for (const beyond of ["first", "last"] as const) {
        assert.strictEqual(
          yield* place(
            [
              [1, 10],
              [2, 10],
              [3, 10],
              [4, 10]
            ],
            beyond
          ),
          17,
          beyond
        )
        assert.strictEqual(
          yield* place(
            [
              [3, 10],
              [4, 10]
            ],
            beyond
          ),
          0,
          beyond
        )
        assert.strictEqual(
          yield* place(
            [
              [1, 10],
              [7, 5]
            ],
            beyond
          ),
          0,
          beyond
        )
      }
    })
  )

  it.effect("is a count where a later page brings other rows: all beyond the end are the same", () =>
    Effect.gen(function* () {
      const numbers = [1, 2, 4, 6, 9]
      for (const beyond of ["first", "last"] as const)
        for (const before of numbers)
          for (const page of numbers) {
            if (page === before) continue
            // Of 17 rows page 4 of five is the last one, with two.
            const isSure = Math.min(page, before) < 4 || (beyond === "first" && Math.min(page, before) === 4)
            const isRepeated = beyond === "first" && Math.min(page, before) === 1 && Math.max(page, before) > 4
            const lower = Math.min(page, before)
            const expected = lower > 1 && isSure && !isRepeated ? Math.min(17, 5 * lower) : 0
            const isNext = before === 1 && page === 2
            const asked = [
              [before, 5],
              [page, 5]
            ] as const
            assert.strictEqual(yield* place(asked, beyond), isNext ? 10 : expected, `${beyond}: ${before}, ${page}`)
          }
    })
  )
})
