import type { Coverage } from "@callstream/core/history/Coverage"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as Found from "../../../src/history/internal/UndatedFound.ts"
import * as UndatedVerdict from "../../../src/history/internal/UndatedVerdict.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { began, day, hour, item, known, open, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began + day }
const young = began - 2 * hour

/** Five calls came with a start, and two more were found without one. */
const five = Effect.gen(function* () {
  const ends = { whole: true, fromOldest: true, newestFirst: false }
  const ledger = Deliveries.make(settingsOf(open([])), range, () => known(), ends)
  const items = Array.from({ length: 5 }, (_, i) => item(`row-${i}`, young - (5 - i) * hour))
  const about = { rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: began } as const
  yield* ledger.deliver(Windows.make(items, { ...about, ...range }))
  const found = Found.make(range, young, ledger)
  Found.note(found, [row("undated-0"), row("undated-1")])
  return found
})

const row = (key: string, start?: number) => ({
  key,
  start: start === undefined ? undefined : Instant.of(start),
  item: undefined,
  rejected: undefined
})

const right = { total: 7, after: 7, still: true, isDatedRight: true, old: false }

const tooDeep: Coverage = { _tag: "Provisional", reason: { _tag: "TooDeepToCount" } }
const fromCache: Coverage = { _tag: "Provisional", reason: { _tag: "FromCache" } }
const moved: Coverage = { _tag: "Provisional", reason: { _tag: "CallsMoved" } }
const resumed: Coverage = { _tag: "Provisional", reason: { _tag: "Resumed" } }
const differs = (read: number, counted: number): Coverage => ({
  _tag: "Unprovable",
  reason: { _tag: "CountDiffers", read, counted }
})

const why = (
  found: Found.Found,
  counts: Partial<UndatedVerdict.Counts> = {},
  facts: Parameters<typeof known>[0] = {},
  isResumed = false
) => UndatedVerdict.whyNot(found, { ...right, ...counts }, known(facts), isResumed)

describe("UndatedVerdict.whyNot", () => {
  it.effect("the server counts more than came, each time: they cannot be had", () =>
    Effect.gen(function* () {
      const found = yield* five
      assert.deepStrictEqual(why(found, { total: 9, after: 9 }), differs(7, 9))
      assert.deepStrictEqual(why(found, { total: 8, after: 8 }), differs(7, 8))
      // What is wrong besides changes nothing of it.
      assert.deepStrictEqual(why(found, { total: 8, after: 8, old: true, isDatedRight: false }), differs(7, 8))
    })
  )

  it.effect("calls move where counts differ, agree, are lower, or what was found was not there again", () =>
    Effect.gen(function* () {
      const found = yield* five
      for (const counts of [
        {},
        { isDatedRight: false },
        { total: 6, after: 6 },
        { total: 8 },
        { after: 8 },
        { total: 8, after: 9 },
        { total: 8, after: undefined },
        { total: 8, after: 8, still: false }
      ])
        assert.deepStrictEqual(why(found, counts), moved, JSON.stringify(counts))
    })
  )

  it.effect("calls that began since their window was read are counted too", () =>
    Effect.gen(function* () {
      const found = yield* five
      Found.note(found, [row("later", young)])
      assert.deepStrictEqual(why(found, { total: 9, after: 9 }), moved)
    })
  )

  it.effect("without a count it is too deep", () =>
    Effect.gen(function* () {
      const found = yield* five
      for (const after of [undefined, 7, 9])
        for (const old of [false, true])
          assert.deepStrictEqual(why(found, { total: undefined, after, old }), tooDeep, JSON.stringify({ after, old }))
      assert.deepStrictEqual(why(found, { total: undefined, after: undefined }, {}, true), tooDeep)
    })
  )

  it.effect("where a limit cuts lists, fewer counted than came with a start are those of the limit", () =>
    Effect.gen(function* () {
      const found = yield* five
      for (const facts of [{ cut: true }, { deepest: 4 }]) {
        assert.deepStrictEqual(why(found, { total: 4, after: 4 }, facts), tooDeep)
        assert.deepStrictEqual(why(found, { total: 4, after: 4, old: true }, facts), tooDeep)
        assert.deepStrictEqual(why(found, { total: undefined, after: undefined }, facts), tooDeep)
        // As many as came: it was not cut.
        assert.deepStrictEqual(why(found, { total: 5, after: 5 }, facts), moved)
        assert.deepStrictEqual(why(found, { total: 9, after: 9 }, facts), differs(7, 9))
      }
      for (const facts of [{}, { cut: false }]) assert.deepStrictEqual(why(found, { total: 4, after: 4 }, facts), moved)
    })
  )

  it.effect("an answer of a cache is the reason where it is no other", () =>
    Effect.gen(function* () {
      const found = yield* five
      assert.deepStrictEqual(why(found, { old: true }), fromCache)
      assert.deepStrictEqual(why(found, { old: true }, {}, true), fromCache)
    })
  )

  it.effect("what an earlier run read is in the count, unless it was measured", () =>
    Effect.gen(function* () {
      const found = yield* five
      assert.deepStrictEqual(why(found, {}, {}, true), resumed)
      assert.deepStrictEqual(why(found, { total: 90, after: 90 }, {}, true), resumed)
      found.measured = 50
      assert.deepStrictEqual(why(found, { total: 90, after: 90 }, {}, true), differs(52, 90))
      assert.deepStrictEqual(why(found, { total: 52, after: 52 }, {}, true), resumed)
      assert.deepStrictEqual(why(found, { total: 90, after: 90 }), differs(52, 90))
    })
  )
})
