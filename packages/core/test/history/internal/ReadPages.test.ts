import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import { readPages } from "../../../src/history/internal/ReadPages.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, day, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

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

  it.effect("where sizes are rounded one page follows another, which proves nothing", () =>
    Effect.gen(function* () {
      for (const count of [9, 10, 25, 30]) {
        const server = open(rowsAt(evenly(count)), { sizes: { of: [5, 10], round: "down" } })
        const ask = askOf(server)
        ask.log.rounds = true
        const { held, way } = yield* readPages(settingsOf(server), ask, range, Infinity, undefined)
        assert.deepStrictEqual({ held: held.size(), way }, { held: count, way: "apart" })
      }
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
      const server = open(rowsAt(evenly(7)))
      const ask = askOf(server)
      const first = yield* ask(1, Ask.boundsOf(range))
      const found = yield* readPages(settingsOf(server), ask, range, Infinity, first)
      assert.deepStrictEqual([found.count, server.requests()], [7, 1])
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
