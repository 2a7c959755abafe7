/** Bounds that are read to the minute, hour or day; and a row from deep within that shows at once that they are not. */
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { NotFound } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as BoundsProbe from "../../../src/endpoint/internal/BoundsProbe.ts"
import { day, hour, rowsAt, second } from "../../history/internal/FakeServer.ts"
import { failing, given, type Given, notBack, poisoned, problemOf, refusal, starts } from "./BoundedList.ts"

const minute = 60 * second

describe("BoundsProbe.bounds, read to the minute, hour or day", () => {
  const cutTo =
    (unit: number): Given["instead"] =>
    (query) => {
      const cut = (bound: CallSessionQuery["startedAfter"]) =>
        typeof bound === "string"
          ? new Date(Math.floor((Date.parse(bound) * 1000) / unit) * (unit / 1000)).toISOString()
          : bound
      return { ...query, startedAfter: cut(query.startedAfter), startedBefore: cut(query.startedBefore) }
    }
  /** In the middle of its minute, hour and day. */
  const odd = starts.map((start) => start - 7 * hour - 30.5 * minute)

  it.effect("a row comes back for its own one, and not for its second", () =>
    Effect.gen(function* () {
      for (const [unit, width] of [
        ["minute", minute],
        ["hour", hour],
        ["day", day]
      ] as const) {
        const problem = yield* problemOf({ starts: odd, samples: [5], instead: cutTo(width) })
        assert.deepStrictEqual(problem, { _tag: "BoundsCoarse", unit })
      }
      assert.deepStrictEqual(yield* problemOf({ starts: odd, samples: [5], instead: cutTo(7 * day) }), notBack)
    })
  )

  it.effect("it is not said where the row comes for its second by then, or that cannot be seen", () =>
    Effect.gen(function* () {
      for (const then of ["comes", "fails", "is away"] as const) {
        let wide = 0
        const coarse = cutTo(minute)
        const problem = yield* problemOf({
          starts: odd,
          samples: [5],
          instead: (query, nth) => {
            const width = Date.parse(String(query.startedBefore)) - Date.parse(String(query.startedAfter))
            if (width === 60_000) wide++
            if (wide === 0 || width === 60_000) return coarse?.(query, nth)
            return then === "comes" ? undefined : then === "fails" ? poisoned : coarse?.(query, nth)
          }
        })
        assert.deepStrictEqual(problem, then === "is away" ? { _tag: "BoundsCoarse", unit: "minute" } : notBack, then)
      }
    })
  )

  it.effect("nor where rows from elsewhere come with it, or its minute is refused", () =>
    Effect.gen(function* () {
      const widthOf = ({ startedAfter, startedBefore }: CallSessionQuery) =>
        Date.parse(String(startedBefore)) - Date.parse(String(startedAfter))
      const coarse = cutTo(minute)
      const elsewhere = yield* problemOf({
        starts: odd,
        samples: [5],
        instead: (query, nth) =>
          widthOf(query) >= 60_000 ? { ...query, startedBefore: "2030-01-01T00:00:00Z" } : coarse?.(query, nth)
      })
      assert.deepStrictEqual(elsewhere, notBack)
      const refused = yield* problemOf({
        starts: odd,
        samples: [5],
        instead: (query, nth) => (widthOf(query) === 60_000 ? refusal : coarse?.(query, nth))
      })
      assert.deepStrictEqual(refused, { _tag: "BoundsCoarse", unit: "hour" })
    })
  )

  it.effect("rows up to the end of the next one may come, and none beyond", () =>
    Effect.gen(function* () {
      const own = Math.floor((odd[5] ?? 0) / minute) * minute
      const of = (other: number) =>
        problemOf({
          starts: [...odd.slice(0, 5), odd[5] ?? 0, other].sort((a, b) => b - a),
          samples: [other > (odd[5] ?? 0) ? 6 : 5],
          instead: (query, nth) => {
            const width = Date.parse(String(query.startedBefore)) - Date.parse(String(query.startedAfter))
            return width === 60_000
              ? { ...query, startedAfter: "2026-05-20T00:00:00Z", startedBefore: "2026-05-25T23:00:00Z" }
              : cutTo(minute)?.(query, nth)
          }
        })
      const coarse = { _tag: "BoundsCoarse", unit: "minute" } as const
      assert.deepStrictEqual(yield* of(own + 2 * minute), coarse)
      assert.deepStrictEqual(yield* of(own - second), coarse)
      assert.notDeepEqual(yield* of(own + 2 * minute + second + 1), coarse)
      assert.notDeepEqual(yield* of(own - second - 1), coarse)
    })
  )
})

describe("BoundsProbe.quick", () => {
  const quick = (one: Given) => {
    const { ask, asked, samples } = given({ samples: [35], ...one })
    return Effect.map(BoundsProbe.quick(ask, samples[0]?.row), (found) => [found, asked.length])
  }

  it.effect("a row that comes back, and nothing from elsewhere with it, is enough: one request", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quick({}), [true, 1])
      assert.deepStrictEqual(yield* quick({ samples: [] }), [false, 0])
    })
  )

  it.effect("it is not where the row does not come, or others do, or the answer cannot be had", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quick({ rows: rowsAt(starts.slice(0, 35)), samples: [99] }), [false, 1])
      assert.deepStrictEqual(yield* quick({ traits: { filterAfterPaging: true } }), [false, 1])
      for (const instead of [() => refusal, () => poisoned])
        assert.deepStrictEqual(yield* quick({ instead }), [false, 1])
      const error = yield* Effect.flip(quick({ instead: () => failing(new NotFound()) }))
      assert.strictEqual(error.reason._tag, "NotFound")
    })
  )

  it.effect("rows of a second before and two after are of its own instant", () =>
    Effect.gen(function* () {
      const at = starts[35] ?? 0
      const wide =
        (from: number, to: number): Given["instead"] =>
        (query) => ({
          ...query,
          startedAfter: Instant.format(Instant.of(from)),
          startedBefore: Instant.format(Instant.of(to))
        })
      for (const [other, found] of [
        [at - 2 * second, true],
        [at - 2 * second - 1, false],
        [at + 3 * second, true],
        [at + 3 * second + 1, false]
      ] as const) {
        const rows = [...rowsAt(starts), { id: "other", start: other, created: other }]
        const instead = wide(at - hour, at + hour)
        assert.deepStrictEqual(yield* quick({ rows, instead }), [found, 1], `${other - at}`)
      }
    })
  )
})
