/** How many rows a list has, by which of its pages is the last one. */
import { assert, describe, it } from "@effect/vitest"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { pageBeyondAll } from "@callstream/core/model/Limits"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as LastPage from "../../../src/endpoint/internal/LastPage.ts"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import { askOf, began, control, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"
import * as Histories from "../../torture/Histories.ts"

const bounds = { after: began - 10 * hour, before: began }

type Page = ReadonlyArray<Rows.Row>

/** A list by its pages, what was asked for, and how. */
const serve = (pageOf: (page: number, size: number) => Page) => {
  const pages: Array<number> = []
  const patient: Array<number> = []
  const ask: Ask.Ask = Object.assign(
    (page: number, of: Ask.Bounds, { how, size = 0 }: NonNullable<Parameters<Ask.Ask>[2]> = {}) =>
      Effect.sync(() => {
        assert.strictEqual(of, bounds)
        ;(how === Patience.soon ? patient : pages).push(page)
        return { rows: pageOf(page, size), observedAt: began, edition: undefined, characters: 0 }
      }),
    { log: Ask.makeLog() }
  )
  return { ask, pages, patient }
}

const listOf = (count: number): Page => Array.from({ length: count }, (_, i) => control(`row-${i}`, began - i))

const cut = (list: Page, page: number, size: number): Page => list.slice((page - 1) * size, page * size)

type Beyond = "empty" | "last" | "first"

const pagesOf =
  (list: Page, beyond: Beyond) =>
  (page: number, size: number): Page => {
    const last = Math.max(1, Math.ceil(list.length / size))
    return cut(list, page <= last || beyond === "empty" ? page : beyond === "last" ? last : 1, size)
  }

const count = (
  { ask }: ReturnType<typeof serve>,
  options: Partial<Parameters<typeof LastPage.count>[2]>,
  beyond: Beyond = "empty"
) => LastPage.count(ask, bounds, { size: 10, repeats: beyond !== "empty", ...options })

describe("LastPage.count", () => {
  it.effect("is right, whatever was expected, and whatever comes beyond the end, in a few requests", () =>
    Effect.gen(function* () {
      for (const beyond of ["empty", "last", "first"] as const)
        for (const size of [1, 10])
          for (let rows = 0; rows <= 2 * size + 12; rows++)
            for (const expected of [undefined, 0, 1, rows, rows + 1, 3 * rows, 1e6, Infinity, Number.NaN]) {
              const server = serve(pagesOf(listOf(rows), beyond))
              const found = yield* count(server, { size, ...(expected === undefined ? {} : { expected }) }, beyond)
              const name = `${rows} rows, ${size} a page, ${expected} expected, ${beyond} beyond`
              assert.strictEqual(found, rows, name)
              const { length } = server.pages
              assert.isAtMost(length, (expected === 1e6 ? 20 : 6) + 2 * Math.log2(1 + rows / size), name)
              assert.strictEqual(new Set(server.pages).size, length, name)
            }
    })
  )

  it.effect("asks for the page where the end is expected, and leaves it in both directions in steps that grow", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [rows: number, expected: number | undefined, pages: ReadonlyArray<number>]> =
        [
          [0, 85, [1]],
          [7, 7, [1, 2]],
          [87, 85, [1, 9, 10]],
          [90, 90, [1, 9, 10]],
          [100, 90, [1, 9, 10, 14, 12, 11]],
          [37, 85, [1, 9, 8, 4, 6, 5]],
          [87, 20, [1, 2, 3, 7, 23, 13, 10, 8, 9]],
          [870, 8700, [1, 870, 869, 865, 41, 190, 89, 61, 74, 81, 85, 87, 88]],
          [87, undefined, [1, 2, 4, 8, 16, 12, 10, 9]],
          [87, Infinity, [1, 2, 4, 8, 16, 12, 10, 9]]
        ]
      for (const [rows, expected, pages] of cases) {
        const server = serve(pagesOf(listOf(rows), "empty"))
        assert.strictEqual(yield* count(server, expected === undefined ? {} : { expected }), rows)
        assert.deepStrictEqual(server.pages, pages, `${rows} rows, ${expected} expected`)
        assert.deepStrictEqual(server.patient, [])
      }
    })
  )

  it.effect("does not ask for a first page that is known, and asks for the one far beyond with fewer tries", () =>
    Effect.gen(function* () {
      for (const beyond of ["empty", "last", "first"] as const) {
        const list = listOf(87)
        const server = serve(pagesOf(list, beyond))
        assert.strictEqual(yield* count(server, { expected: 87, first: cut(list, 1, 10) }, beyond), 87)
        // The page of the end is like the one far beyond, so the one before it is looked for.
        assert.deepStrictEqual(server.pages, beyond === "last" ? [9, 8] : [9, 10])
        assert.deepStrictEqual(server.patient, beyond === "empty" ? [] : [pageBeyondAll])
        const empty = serve(() => [])
        assert.strictEqual(yield* count(empty, { first: [] }, beyond), 0)
        assert.deepStrictEqual([empty.pages, empty.patient], [[], []])
      }
    })
  )

  it.effect("is nothing where no page is beyond the end, and asks for none that is further than there can be", () =>
    Effect.gen(function* () {
      for (const expected of [1, 50, 1e12, Infinity]) {
        const server = serve((page) => [control(`row-${page}`, page)])
        assert.isUndefined(yield* count(server, { expected }))
        assert.strictEqual(Math.max(...server.pages), 2 ** 26)
        assert.isAtMost(server.pages.length, 30)
      }
    })
  )

  it.effect("is right for the last page that there can be", () =>
    Effect.gen(function* () {
      const most = 2 ** 26 - 1
      const server = serve((page) => (page <= most ? [control(`row-${page}`, page)] : []))
      assert.strictEqual(yield* count(server, { size: 1 }), most)
    })
  )

  it.effect("fails where a page does", () =>
    Effect.gen(function* () {
      const error = new AgniError({
        reason: new Unavailable({ outage: { _tag: "Status", status: 500 } }),
        request: "GET",
        attempts: 1,
        elapsed: Duration.zero
      })
      for (const failing of [1, 3, pageBeyondAll]) {
        const { ask } = serve(pagesOf(listOf(45), "last"))
        const fails: Ask.Ask = Object.assign(
          (...[page, ...rest]: Parameters<Ask.Ask>) => (page === failing ? Effect.fail(error) : ask(page, ...rest)),
          { log: ask.log }
        )
        const options = { size: 10, repeats: true, expected: 30 }
        assert.strictEqual(yield* Effect.flip(LastPage.count(fails, bounds, options)), error)
      }
    })
  )
})

describe("LastPage.count, where a server repeats itself beyond the end", () => {
  it.effect("is right where the last page is short, and its rows are others of the same start each time", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 300; seed++) {
        const { next, pick } = Histories.random(seed)
        const full = pick(1, 2, 5, 7)
        // One or two rows are the same again by chance, and may be on the page before.
        const short = pick(1, 4, 5, 8, 9)
        const rows = 10 * full + short
        const list = listOf(rows)
        // Those of the page before may be on it, too.
        const tied = short + Math.floor(next() * 10)
        const shuffled = () => [...list.slice(0, rows - tied), ...list.slice(rows - tied).toSorted(() => next() - 0.5)]
        const server = serve((page, size) => pagesOf(shuffled(), "last")(page, size))
        const expected = pick(1, rows, 3 * rows, Infinity)
        const found = yield* count(server, { expected }, "last")
        const name = `seed ${seed}: ${rows}, ${tied} tied, ${expected} expected`
        if (short > 1) assert.strictEqual(found, rows, name)
        else assert.include([rows - short, rows], found, name)
      }
    })
  )

  it.effect("is right where a limit answers a deeper page with the last rows in front of it, or the first", () =>
    Effect.gen(function* () {
      let parts = 0
      for (let seed = 1; seed <= 200; seed++) {
        const random = Histories.random(seed)
        const { next, pick } = random
        const most = pick(35, 47, 50, 78)
        // The limit moves no page of them.
        const rows = Math.ceil(next() * (most - (most % 10)))
        const offset = { most, cut: pick("last", "first") } as const
        const starts = Array.from({ length: rows }, () => began - Math.ceil(next() * 9 * hour))
        const ask = askOf(open(rowsAt(starts), { offset }))
        const expected = pick(1, rows, 3 * rows, 100_000, Infinity)
        const found = yield* LastPage.count(ask, bounds, { size: 10, repeats: true, expected })
        assert.strictEqual(found, rows, `seed ${seed}: ${JSON.stringify(offset)}, ${expected} expected`)
        if (offset.cut === "last" && rows > most - 10) parts++
      }
      assert.isAtLeast(parts, 10)
    })
  )

  it.effect("takes a page with more rows than the one far beyond for one in its own place", () =>
    Effect.gen(function* () {
      // A limit answers far beyond with a part of the last page, and a full page shares half of its rows with it.
      const list = listOf(26)
      const server = serve((page, size) => (page <= 3 ? cut(list, page, size) : list.slice(23)))
      assert.strictEqual(yield* count(server, { expected: 26 }, "last"), 26)
      assert.deepStrictEqual(server.pages, [1, 3, 4])
    })
  )

  it.effect("is right where the first page comes again, and its rows are others of the same start each time", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 100; seed++) {
        const { next, pick } = Histories.random(seed)
        const rows = pick(12, 20, 35, 60)
        const list = listOf(rows)
        const shuffled = () => [...list.slice(0, 12).toSorted(() => next() - 0.5), ...list.slice(12)]
        const server = serve((page, size) => pagesOf(shuffled(), "first")(page, size))
        const expected = pick(1, rows, 3 * rows, Infinity)
        assert.strictEqual(yield* count(server, { expected }, "first"), rows, `seed ${seed}: ${rows}`)
      }
    })
  )

  it.effect(
    "is right where the last page has one row, and far beyond comes one of the page before that starts with it",
    () =>
      Effect.gen(function* () {
        const list = listOf(21)
        const server = serve((page, size) => (page <= 3 ? cut(list, page, size) : list.slice(19, 20)))
        assert.strictEqual(yield* count(server, { expected: 21 }, "last"), 21)
      })
  )

  it.effect("is right where only a page far beyond the end is the first or the last one, and others are empty", () =>
    Effect.gen(function* () {
      for (const beyond of ["first", "last"] as const)
        for (const rows of [7, 10, 23, 30]) {
          const list = listOf(rows)
          const server = serve((page, size) =>
            page < 1000 ? cut(list, page, size) : pagesOf(list, beyond)(page, size)
          )
          assert.strictEqual(yield* count(server, { expected: rows }, beyond), rows, `${rows} rows, ${beyond}`)
        }
    })
  )

  it.effect("is not led astray by nothing far beyond, where a server does not repeat itself after all", () =>
    Effect.gen(function* () {
      for (const rows of [7, 10, 23, 30]) {
        const server = serve(pagesOf(listOf(rows), "empty"))
        assert.strictEqual(yield* count(server, { expected: rows }, "last"), rows)
      }
    })
  )
})
