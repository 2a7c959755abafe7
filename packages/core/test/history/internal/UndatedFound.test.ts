import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type { Item } from "@callstream/core/model/Item"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as Found from "../../../src/history/internal/UndatedFound.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { began, day, hour, item, known, open, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began + day }
const young = began - 2 * hour

const row = (key: string, start?: number): Rows.Row => ({
  key,
  start: start === undefined ? undefined : Instant.of(start),
  item: start === undefined ? withoutStart(key) : item(key, start),
  rejected: undefined
})

const withoutStart = (id: string): Item<CallSession> => ({
  id,
  start: undefined,
  created: undefined,
  version: undefined,
  row: { id },
  json: undefined
})

/** Two calls came with a window, one with a start, and one that could not be placed. */
const make = Effect.gen(function* () {
  const ledger = Deliveries.make(settingsOf(open([])), range, () => known(), {
    whole: true,
    fromOldest: true,
    newestFirst: false
  })
  const rejected = {
    stage: "decode",
    reason: "not a call",
    raw: { id: "unplaced" },
    page: 1,
    index: 0,
    observedAt: Version.of(Instant.of(began))
  } as const
  yield* ledger.deliver(
    Windows.make([item("came", young - hour)], {
      ...range,
      rejected: [rejected],
      coverage: { _tag: "Proven" },
      requests: 0,
      observedAt: began
    })
  )
  return Found.make(range, young, ledger)
})

const keysOf = ({ rows }: Rows.Held) => [...rows.keys()]

describe("the calls that no window holds", () => {
  it.effect("are those that did not come: without a start time, after the latest clock, or young", () =>
    Effect.gen(function* () {
      const found = yield* make
      Found.note(found, [
        row("undated"),
        row("unplaced"),
        row("came"),
        row("came", young),
        row("old", young - 1),
        row("young", young),
        row("last", range.to - 1),
        row("distant", range.to)
      ])
      assert.deepStrictEqual(keysOf(found.undated), ["undated"])
      assert.deepStrictEqual(keysOf(found.later), ["young", "last"])
      assert.deepStrictEqual(keysOf(found.distant), ["distant"])
      assert.strictEqual(Found.size(found), 4)
      // Two rows came with the window.
      assert.deepStrictEqual([Found.dated(found), Found.expected(found)], [4, 6])
      found.measured = 10
      assert.deepStrictEqual([Found.dated(found), Found.expected(found)], [10, 12])
    })
  )

  it.effect("a call that has a start by now is one row: as two it would hide another one", () =>
    Effect.gen(function* () {
      for (const start of [young, range.to]) {
        const found = yield* make
        // The server lists it twice on a page.
        Found.note(found, [row("connects"), row("connects"), row("undated")])
        assert.strictEqual(Found.expected(found), 2 + 3)
        Found.note(found, [row("connects", start)])
        assert.strictEqual(Found.expected(found), 2 + 2)
        const { dates, rows } = Found.rowsOf(found)
        assert.deepStrictEqual(
          dates.map(({ key }) => key),
          ["connects"]
        )
        assert.deepStrictEqual(
          rows.map(({ key, start }) => [key, start]),
          [
            ["undated", undefined],
            ["connects", Instant.of(start)]
          ]
        )
      }
      const found = yield* make
      Found.note(found, [row("moves", range.to)])
      Found.note(found, [row("moves", young)])
      assert.strictEqual(Found.expected(found), 2 + 1)
    })
  )

  it.effect("come by start, those without one first", () =>
    Effect.gen(function* () {
      const found = yield* make
      Found.note(found, [
        row("distant", range.to + hour),
        row("young", young + hour),
        row("first", young),
        row("undated")
      ])
      assert.deepStrictEqual(
        Found.rowsOf(found).rows.map(({ key }) => key),
        ["undated", "first", "young", "distant"]
      )
    })
  )

  it.effect("are on the last pages, or on any where others are behind them", () =>
    Effect.gen(function* () {
      const found = yield* make
      const pagesOf = (...pages: ReadonlyArray<ReadonlyArray<Rows.Row>>) => {
        const walk = Found.walk(found)
        for (const rows of pages) walk.add(rows)
        return walk.pages()
      }
      const [call, undated, distant] = [row("call", young), row("undated"), row("distant", range.to)]
      assert.deepStrictEqual(pagesOf([call], [call], [call, undated], [undated]), { first: 2, last: 4 })
      assert.deepStrictEqual(pagesOf([call], [call], [call, distant]), { first: 2, last: 3 })
      assert.deepStrictEqual(pagesOf([undated], [undated]), { first: 1, last: 2 })
      assert.deepStrictEqual(pagesOf([call], [call], [undated, call]), { first: 1, last: 3 })
      assert.deepStrictEqual(pagesOf([call], [call], [undated], [call]), { first: 1, last: 4 })
      const none = pagesOf([call], [call])
      assert.isAbove(none.first, none.last)
    })
  )

  it.effect("are lacking where pages have more places for them", () =>
    Effect.gen(function* () {
      const [call, came, one, other] = [row("call", young), row("came"), row("one"), row("other")]
      const distant = row("distant", range.to)
      const lacks = (total: number | undefined, ...pages: ReadonlyArray<ReadonlyArray<Rows.Row>>) =>
        Effect.map(make, (found) => {
          Found.noteWalk(found, pages)(total)
          return Found.lacks(found)
        })
      assert.isTrue(yield* lacks(5, [call, call], [one, other], [one]))
      assert.isTrue(yield* lacks(4, [one, other], [other, call]))
      assert.isTrue(yield* lacks(4, [distant, one], [one, call]))
      assert.isFalse(yield* lacks(5, [call, call], [call, one], [other]))
      // Others that came with a window have no place among them.
      assert.isFalse(yield* lacks(4, [came, one], [came, other]))
      // Equal rows of both kinds may change places.
      assert.isFalse(yield* lacks(4, [one, call], [one, call]))
      // A page behind all rows is another one again.
      assert.isFalse(yield* lacks(4, [call, call], [one, other], [one, other]))
      assert.isTrue(yield* lacks(5, [call, call], [one, other], [one, other]))
      assert.isFalse(yield* lacks(undefined, [one, other], [one, other]))
    })
  )
})
