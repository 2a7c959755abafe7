import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import { orderIn, readPages } from "../../../src/history/internal/ReadPages.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, day, hour, item, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began - 3 * hour }
const evenly = (rows: number) => Array.from({ length: rows }, (_, i) => range.to - (i + 1) * 60 * second)

const read = (
  rows: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = {},
  most = Infinity,
  repeats = false
) =>
  Effect.gen(function* () {
    const server = open(rows, traits, 1000)
    const settings = settingsOf(server, { repeats: Effect.succeed(repeats) })
    const found = yield* readPages(settings, askOf(server), range, most, undefined)
    return { ...found, rows: found.held.size(), requests: server.requests() }
  })

describe("readPages", () => {
  it.effect("counts the rows of any number of pages, each of which overlaps with the one before", () =>
    Effect.gen(function* () {
      for (let rows = 0; rows <= 120; rows++) {
        const found = yield* read(rowsAt(evenly(rows)))
        assert.deepInclude(found, { rows, count: rows, moved: false, dense: false, way: "pages" }, `${rows} rows`)
      }
    })
  )

  const readApart = (rows: ReadonlyArray<Adversary.Row>, traits: Partial<Adversary.Traits>, repeats = false) =>
    Effect.gen(function* () {
      const server = open(rows, { sizes: { of: [5, 10], round: "down" }, ...traits }, 1000)
      const ask = askOf(server)
      ask.log.rounds = true
      const settings = settingsOf(server, { repeats: Effect.succeed(repeats) })
      const { count, deepest, dense, held, way } = yield* readPages(settings, ask, range, Infinity, undefined)
      return { held: held.size(), way, dense, deepest, count }
    })

  it.effect("where sizes are rounded one page follows another, which proves nothing", () =>
    Effect.gen(function* () {
      const found = { way: "apart", dense: false, deepest: Infinity }
      for (const [beyond, repeats] of [
        ["empty", false],
        ["last", true],
        ["first", true]
      ] as const)
        for (const held of [0, 9, 10, 25, 30]) {
          // A page that is not full is the last one, and counts them.
          const count = held % 10 === 0 && held > 0 ? undefined : held
          const rows = rowsAt(evenly(held))
          assert.deepStrictEqual(
            yield* readApart(rows, { beyond }, repeats),
            { ...found, held, count },
            `${held} ${beyond}`
          )
        }
    })
  )

  it.effect("there a page that is refused is no end, nor one of rows that came, where others come in front", () =>
    Effect.gen(function* () {
      const { deepest, dense } = yield* readApart(rowsAt(evenly(40)), { depth: { most: 2, cut: "error" } })
      assert.deepStrictEqual([deepest, dense], [20, true])
      // Ten come after the first page: the second one has the rows of it.
      const rows = rowsAt(evenly(40)).map((row, i) => (i < 10 ? { ...row, seen: began + 1500 } : row))
      assert.strictEqual((yield* readApart(rows, {})).held, 30)
    })
  )

  it.effect("rows that start together are tied, however they were created; others are not, in an order by start", () =>
    Effect.gen(function* () {
      // The first three show the order by start: the second one was created last.
      const inOrder = rowsAt(evenly(25)).map((row, i) => (i === 1 ? { ...row, created: row.created + hour } : row))
      const from = inOrder[6]?.start ?? 0
      const together = inOrder.map((row, i) => (i >= 6 && i < 10 ? { ...row, start: from } : row))
      assert.deepInclude(yield* read(together), { rows: 25, order: "start", tied: true })
      const queued = inOrder.map((row, i) => (i >= 6 && i < 10 ? { ...row, created: from } : row))
      assert.deepInclude(yield* read(queued), { rows: 25, order: "start", tied: false })
      // Where the order is not seen, they may be in that of their creation.
      const same = rowsAt(evenly(25)).map((row, i) => (i >= 6 && i < 10 ? { ...row, created: from } : row))
      assert.deepInclude(yield* read(same), { rows: 25, order: "unknown", tied: true })
    })
  )

  it("an order that was seen to be another one is no order by start, whatever the next page shows", () => {
    const shows = rowsAt(evenly(3)).map(({ created, id, start = 0 }, i): Rows.Row => ({
      ...control(id, start),
      item: { ...item(id, start), row: { id }, created: Instant.of(i === 1 ? created + hour : created) }
    }))
    assert.strictEqual(orderIn("unknown", shows), "start")
    assert.strictEqual(orderIn("other", shows), "other")
    assert.strictEqual(orderIn("start", shows.slice(0, 1)), "start")
    assert.strictEqual(orderIn("start", shows.toReversed()), "other")
  })

  it.effect("a later page that fails is no limit on the depth", () =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip(read(rowsAt(evenly(57)), { depth: { most: 1, cut: "failure" } }))
      assert.strictEqual(failed.reason._tag, "Unavailable")
      const refused = yield* Effect.flip(read(rowsAt(evenly(57)), { depth: { most: 0, cut: "error" } }))
      assert.strictEqual(refused.reason._tag, "InvalidRequest")
    })
  )

  it.effect("nothing is nothing also where the server repeats itself", () =>
    Effect.gen(function* () {
      const found = yield* read([], { beyond: "last" }, Infinity, true)
      assert.deepInclude(found, { count: 0, dense: false, moved: false })
    })
  )

  it.effect("a row that leaves or comes before what was read moves the seam", () =>
    Effect.gen(function* () {
      const rows = rowsAt(evenly(57))
      for (const change of [{ gone: began + 2500 }, { seen: began + 2500 }]) {
        const { moved } = yield* read(rows.map((row) => (row.id === "row-3" ? { ...row, ...change } : row)))
        assert.isTrue(moved)
      }
    })
  )

  it.effect("where a page that must have a row is empty or refused, the server does not go so deep", () =>
    Effect.gen(function* () {
      for (const cut of ["empty", "error"] as const) {
        const { count, deepest, dense, rows } = yield* read(rowsAt(evenly(57)), { offset: { most: 30, cut } })
        assert.isTrue(dense, cut)
        assert.isUndefined(count, cut)
        assert.isAtMost(deepest, rows, cut)
        assert.isAtMost(rows, 30, cut)
      }
    })
  )

  it.effect(
    "beyond a limit that brings the first or last page again nothing moved: the server does not go so deep",
    () =>
      Effect.gen(function* () {
        for (const cut of ["first", "last"] as const) {
          for (const most of [2, 3, 4, 5]) {
            const { count, deepest, dense, moved, rows } = yield* read(
              rowsAt(evenly(90)),
              { depth: { most, cut } },
              Infinity,
              true
            )
            const told = `${cut}, ${most} pages`
            assert.deepStrictEqual({ count, dense, moved }, { count: undefined, dense: true, moved: false }, told)
            assert.isAtMost(deepest, rows, told)
            assert.isAtMost(rows, 10 * most, told)
          }
        }
      })
  )

  it.effect("a page of rows that came, where some came or left meanwhile, is no limit on the depth", () =>
    Effect.gen(function* () {
      const came = (rows: number) =>
        rowsAt(evenly(57)).map((row, i) => (i < rows ? { ...row, seen: began + 1500 } : row))
      const left = (rows: number) =>
        rowsAt(evenly(57)).map((row, i) => (i > 0 && i <= rows ? { ...row, gone: began + 1500 } : row))
      for (const { repeats, rows } of [
        // All of its rows came, without the last one.
        { repeats: false, rows: came(8) },
        // And with it.
        { repeats: true, rows: came(6) },
        // Others came.
        { repeats: true, rows: left(3) },
        { repeats: true, rows: left(1) }
      ]) {
        const { deepest, dense, moved } = yield* read(rows, {}, Infinity, repeats)
        assert.deepStrictEqual({ deepest, dense, moved }, { deepest: Infinity, dense: false, moved: true })
      }
    })
  )

  it.effect("a last page counts nothing where the one before it has moved: it may be an earlier one again", () =>
    Effect.gen(function* () {
      // Ten, then seven: the second page begins behind them.
      const rows = rowsAt(evenly(11)).map((row, i): Adversary.Row =>
        i === 1 ? { ...row, seen: began + 1500 } : i > 1 && i < 6 ? { ...row, gone: began + 1500 } : row
      )
      const server = open(rows, { beyond: "last" }, 1000)
      const ask = askOf(server)
      const { moved } = yield* readPages(
        settingsOf(server, { repeats: Effect.succeed(true) }),
        ask,
        range,
        100,
        undefined
      )
      assert.deepStrictEqual([moved, [...ask.log.counts]], [true, []])
    })
  )

  it.effect("ends with more rows than a window should hold", () =>
    Effect.gen(function* () {
      const { count, dense, rows } = yield* read(rowsAt(evenly(200)), {}, 40)
      assert.deepStrictEqual([dense, count], [true, undefined])
      assert.isAtMost(rows, 50)
    })
  )

  it.effect("or more text than it should hold", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(evenly(57)))
      const settings = settingsOf(server, { maxCharacters: 15_000 })
      const { dense, held } = yield* readPages(settings, askOf(server), range, Infinity, undefined)
      assert.deepStrictEqual([dense, held.size() < 30], [true, true])
    })
  )

  it.effect("pages that bring nothing new end it, where it is unknown that the server repeats them", () =>
    Effect.gen(function* () {
      for (const cut of ["first", "last"] as const) {
        const { dense, requests } = yield* read(rowsAt(evenly(90)), { depth: { most: 3, cut } })
        assert.isTrue(dense, cut)
        assert.isAtMost(requests, 10, cut)
      }
    })
  )

  it.effect("a first page that came already is not asked for again", () =>
    Effect.gen(function* () {
      for (const rows of [7, 25]) {
        const { requests } = yield* read(rowsAt(evenly(rows)))
        const server = open(rowsAt(evenly(rows)))
        const ask = askOf(server)
        const first = yield* ask(1, Ask.boundsOf(range))
        const found = yield* readPages(settingsOf(server), ask, range, Infinity, first)
        assert.deepStrictEqual([found.count, server.requests()], [rows, requests])
      }
    })
  )

  it.effect("rows from elsewhere end it: the bounds are not understood", () =>
    Effect.gen(function* () {
      const server = open(rowsAt([range.to + hour, ...evenly(3)]))
      const { list } = server.client
      const ask = Ask.make(
        (query) => list({ ...query, startedAfter: undefined, startedBefore: undefined }),
        {},
        { size: 10, sort: { by: undefined, order: undefined } }
      )
      const { problem } = yield* readPages(settingsOf(server), ask, range, Infinity, undefined)
      assert.deepStrictEqual(problem, { _tag: "OutsideBounds" })
    })
  )

  it.effect("shows whether rows come by start: where they were created otherwise", () =>
    Effect.gen(function* () {
      const rows = rowsAt(evenly(30))
      const queued = rows.map((row, i) => (i % 3 === 0 ? { ...row, created: row.created - hour } : row))
      const orders = [yield* read(rows), yield* read(queued), yield* read(queued, { order: "created" })].map(
        ({ order }) => order
      )
      assert.deepStrictEqual(orders, ["unknown", "start", "other"])
    })
  )
})
