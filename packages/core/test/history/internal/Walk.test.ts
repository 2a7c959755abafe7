import { assert, describe, it } from "@effect/vitest"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import type { Range } from "../../../src/endpoint/internal/Micros.ts"
import * as Walk from "../../../src/history/internal/Walk.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import * as Histories from "../../torture/Histories.ts"
import { askOf, began, day, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const minute = 60 * second
const range = { from: began - 10 * day, to: began - 3 * hour }

const evenly = (rows: number) => Array.from({ length: rows }, (_, i) => range.to - (i + 1) * minute)

const walk = (
  rows: ReadonlyArray<Adversary.Row>,
  {
    maxCharacters = Infinity,
    most = Infinity,
    of = range,
    share
  }: {
    readonly maxCharacters?: number
    readonly most?: number
    readonly of?: Range
    readonly share?: Walk.Share
  } = {},
  traits: Partial<Adversary.Traits> = {}
) =>
  Effect.gen(function* () {
    const server = open(rows, traits, 1000)
    const read = yield* Walk.walk(settingsOf(server, { maxCharacters }), askOf(server), of, most, share)
    return { ...read, keys: [...read.held.rows.keys()].toSorted(), requests: server.requests() }
  })

const idsOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ id }) => id).toSorted()

describe("Walk.walk", () => {
  it.effect("brings every row of the range, wherever calls start together, and counts none", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 60; seed++) {
        const { next, pick } = Histories.random(seed)
        const width = pick(20 * second, hour, 9 * day)
        const starts = Array.from({ length: Math.floor(next() * 120) }, () => {
          const start = range.to - Math.floor(next() * width) - 3 * second
          return pick(start, Math.floor(start / second) * second, range.to - 9 * second)
        })
        const rows = rowsAt(starts)
        const { count, dense, keys, moved, problem, way } = yield* walk(rows)
        assert.deepStrictEqual(keys, idsOf(rows), `seed ${seed}`)
        assert.deepStrictEqual(
          { count, dense, moved, problem, way },
          { count: undefined, dense: false, moved: false, problem: undefined, way: "walk" },
          `seed ${seed}`
        )
      }
    })
  )

  it.effect("the oldest row of an answer is the bound of the next one: a page brings at least all but one", () =>
    Effect.gen(function* () {
      const { requests } = yield* walk(rowsAt(evenly(100)))
      // Bounds reach beyond the row by a second or two, in which no other one starts.
      assert.isAtMost(requests, Math.ceil(100 / 9) + 1)
    })
  )

  it.effect("a row that leaves when it should come again is a seam that is lost", () =>
    Effect.gen(function* () {
      // The tenth is the last of the first answer, which takes a millisecond.
      const rows = rowsAt(evenly(40)).map((row) => (row.id === "row-9" ? { ...row, gone: began + 1500 } : row))
      assert.isTrue((yield* walk(rows)).moved)
      assert.isFalse((yield* walk(rowsAt(evenly(40)))).moved)
    })
  )

  it.effect(
    "more calls of one second than a page, of which the server does not show all, are a seam that is lost",
    () =>
      Effect.gen(function* () {
        const rows = rowsAt([...evenly(30), ...Array.from({ length: 35 }, () => range.to - 40 * minute)])
        const whole = yield* walk(rows)
        assert.deepStrictEqual([whole.moved, whole.keys.length], [false, 65])
        const { dense, moved } = yield* walk(rows, {}, { depth: { most: 2, cut: "error" } })
        assert.deepStrictEqual({ dense, moved }, { dense: true, moved: true })
      })
  )

  it.effect("a second with more calls than a page is read whole, whichever bounds the server includes", () =>
    Effect.gen(function* () {
      const rows = rowsAt([...evenly(30), ...Array.from({ length: 35 }, () => range.to - 40 * minute)])
      for (const after of [true, false])
        for (const before of [true, false]) {
          const { keys, moved } = yield* walk(rows, {}, { includes: { after, before } })
          assert.deepStrictEqual(
            { keys, moved },
            { keys: idsOf(rows), moved: false },
            JSON.stringify({ after, before })
          )
        }
    })
  )

  it.effect("such a second is read by itself, and not with all that lies below it", () =>
    Effect.gen(function* () {
      const burst = Array.from({ length: 25 }, () => range.to - second)
      const { requests } = yield* walk(rowsAt([...burst, ...evenly(200).map((start) => start - minute)]))
      assert.isAtMost(requests, 34)
    })
  )

  it.effect("more calls than a page at the bound itself do not stop it", () =>
    Effect.gen(function* () {
      const { before } = Ask.boundsOf(range)
      const rows = rowsAt([...Array.from({ length: 12 }, () => before), ...evenly(5)])
      const { keys } = yield* walk(rows, {}, { includes: { after: true, before: true } })
      assert.deepStrictEqual(keys, idsOf(rows))
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
      const { problem } = yield* Walk.walk(settingsOf(server), ask, range, Infinity, undefined)
      assert.deepStrictEqual(problem, { _tag: "OutsideBounds" })
    })
  )

  it.effect("with more rows than a window should hold it does not end where nothing is left to cut off", () =>
    Effect.gen(function* () {
      const short = { from: range.from, to: range.from + second }
      const together = rowsAt(Array.from({ length: 30 }, () => range.from))
      // Bounds reach so far beyond the range.
      const below = rowsAt([...evenly(8), ...Array.from({ length: 40 }, () => range.from - second)])
      for (const one of [
        { rows: together, of: short, most: 5 },
        { rows: below, of: range, most: 12 }
      ]) {
        const { dense, keys } = yield* walk(one.rows, one)
        assert.deepStrictEqual({ dense, keys }, { dense: false, keys: idsOf(one.rows) })
      }
    })
  )

  it.effect("ends where rows come in another order: a step down would pass some by", () =>
    Effect.gen(function* () {
      const { order, requests } = yield* walk(rowsAt(evenly(40)), {}, { newestFirst: false })
      assert.deepStrictEqual({ order, requests }, { order: "other", requests: 1 })
    })
  )

  it.effect("ends with more rows than a window should hold", () =>
    Effect.gen(function* () {
      const { dense, keys } = yield* walk(rowsAt(evenly(200)), { most: 50 })
      assert.isTrue(dense)
      assert.isAtMost(keys.length, 60)
    })
  )

  it.effect("or more text than it should hold", () =>
    Effect.gen(function* () {
      const { dense, keys } = yield* walk(rowsAt(evenly(200)), { maxCharacters: 25_000 })
      assert.deepStrictEqual([dense, keys.length < 40], [true, true])
    })
  )

  it.effect("a first answer that came already is not asked for again, nor taken for the next one", () =>
    Effect.gen(function* () {
      const rows = rowsAt(evenly(40))
      const { requests } = yield* walk(rows)
      const server = open(rows)
      const ask = askOf(server)
      const first = yield* ask(1, Ask.boundsOf(range))
      const { held, moved } = yield* Walk.walk(settingsOf(server), ask, range, Infinity, undefined, first)
      assert.deepStrictEqual([held.size(), moved, server.requests()], [40, false, requests])
    })
  )

  it.effect("a page of records without a place in time leads nowhere", () =>
    Effect.gen(function* () {
      const server = open([])
      const rejected = { stage: "range", reason: "it is broken", raw: {}, page: 1, index: 0 } as const
      const observedAt = Version.of(Instant.of(began))
      const rows = Array.from({ length: 10 }, (_, i): Rows.Row => ({
        key: `${i}`,
        start: undefined,
        item: undefined,
        rejected: { ...rejected, observedAt }
      }))
      const answer = { rows, observedAt: began, edition: undefined, characters: 0 }
      const ask: Ask.Ask = Object.assign(() => Effect.succeed(answer), { log: Ask.makeLog() })
      const { dense, held, moved } = yield* Walk.walk(settingsOf(server), ask, range, Infinity, undefined)
      assert.deepStrictEqual([held.size(), dense, moved], [10, false, false])
    })
  )

  it.effect("such a second at the end of the range is the end of it, and nothing below it is read", () =>
    Effect.gen(function* () {
      const { after } = Ask.boundsOf(range)
      const burst = Array.from({ length: 25 }, () => after)
      const below = rowsAt([...burst, after - second]).map((row) => ({ ...row, id: `low-${row.id}` }))
      const { keys, requests } = yield* walk([...rowsAt(evenly(5)), ...below])
      assert.notInclude(keys, "low-row-25")
      assert.lengthOf(keys, 30)
      assert.isAtMost(requests, 11)
    })
  )

  it.effect("reads no further than what it handed over, and hands over nothing while the order is unknown", () =>
    Effect.gen(function* () {
      const starts = evenly(400)
      const of = { from: range.to - 401 * minute, to: range.to }
      const given: Array<number> = []
      const share: Walk.Share = (from, to) =>
        Effect.sync(() => {
          given.push(from)
          return given.length !== 2 ? undefined : Math.floor((from + to) / 2 / second) * second
        })
      const same = yield* walk(rowsAt(starts), { of, share })
      assert.deepStrictEqual([given.length, same.range], [0, of])
      // Calls that were queued show that the order is by start.
      const queued = rowsAt(starts).map((row, i) => (i % 3 === 0 ? { ...row, created: row.created - hour } : row))
      const { held, keys, range: read } = yield* walk(queued, { of, share })
      assert.strictEqual(given[0], of.from)
      assert.isAbove(read.from, of.from + 100 * minute)
      const mine = queued.filter(({ start = 0 }) => start >= read.from)
      assert.deepStrictEqual(Rows.within(held, read).length, mine.length)
      assert.includeMembers(keys, idsOf(mine))
      // The bounds of the last answer reach a little beyond, and no page is larger.
      assert.isAtMost(keys.length, mine.length + 10)
      assert.lengthOf((yield* walk(queued, { of })).keys, 400)
    })
  )

  it.effect("hands over nothing where little is left", () =>
    Effect.gen(function* () {
      const given: Array<number> = []
      const share: Walk.Share = (from, _, rows) =>
        Effect.sync(() => {
          given.push(rows)
          return from + second
        })
      const queued = rowsAt(evenly(250)).map((row, i) => (i % 3 === 0 ? { ...row, created: row.created - hour } : row))
      const { keys } = yield* walk(queued, { of: { from: range.to - 251 * minute, to: range.to }, share })
      assert.deepStrictEqual([keys.length, given], [250, []])
    })
  )
})
