import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Sampling from "../../../src/plan/internal/Sampling.ts"
import * as Histories from "../../torture/Histories.ts"
import { askOf, began, day, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"

const range = { from: began - 10 * day, to: began }

const sample = (starts: ReadonlyArray<number | undefined>, rest: Partial<Sampling.Options> = {}) =>
  Effect.gen(function* () {
    const rows = rowsAt(starts.map((start) => start ?? range.to)).map((row, i) =>
      starts[i] === undefined ? { ...row, start: undefined } : row
    )
    const server = open(rows, { beyond: rest.repeats === true ? "last" : "empty" })
    const sampling = yield* Sampling.make(askOf(server), {
      bounds: {},
      range,
      trim: false,
      size: 10,
      repeats: false,
      newestFirst: true,
      known: [],
      beyond: 1,
      left: () => 100 - server.requests(),
      perWindow: 4,
      ...rest
    })
    return { ...sampling, requests: server.requests() }
  })

describe("Sampling.make", () => {
  it.effect("counts the rows and finds those without a start time in front, whatever the guess was", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 80; seed++) {
        const { next, pick } = Histories.random(seed)
        const dated = Array.from(
          { length: Math.floor(next() * 700) },
          () => range.to - Math.floor(next() * 9 * day) - hour
        )
        const undated = Array.from({ length: pick(0, 0, 3, 10, 57) }, () => undefined)
        const found = yield* sample([...undated, ...dated], {
          beyond: pick(1, 7, 40, 3000),
          repeats: pick(true, false)
        })
        const all = undated.length + dated.length
        assert.deepInclude(found, { least: all, most: all, undatedInFront: undated.length }, `seed ${seed}`)
      }
    })
  )

  it.effect("nothing is behind the newest row", () =>
    Effect.gen(function* () {
      for (const [undated, later] of [
        [0, 0],
        [3, 0],
        [14, 0],
        [0, 2]
      ] as const) {
        const starts = Array.from({ length: 40 }, (_, i) => range.to - (i + 2) * hour)
        const others = [
          ...Array.from({ length: undated }, () => undefined),
          ...Array.from({ length: later }, () => range.to)
        ]
        const { points } = yield* sample([...others, ...starts], { trim: true })
        const newest = Math.max(...starts)
        const behind = points.filter(({ at }) => at > newest).map(({ rows }) => rows)
        assert.deepStrictEqual([...new Set(behind)], [40], `${undated} without a start time, ${later} later`)
        assert.strictEqual(points.find(({ at }) => at === newest)?.rows, 39)
      }
    })
  )

  it.effect("points ascend in time and in rows, and are right", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 500 }, (_, i) => range.to - (i + 1) * 0.3 * hour)
      const { points } = yield* sample(starts)
      assert.isAbove(points.length, 40)
      assert.deepStrictEqual(
        [points[0], points.at(-1)],
        [
          { at: range.from, rows: 0 },
          { at: range.to, rows: 500 }
        ]
      )
      for (const { at, rows } of points.slice(1, -1))
        assert.strictEqual(rows, starts.filter((start) => start < at).length)
    })
  )

  it.effect("says between which numbers the count lies when no request is left", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 700 }, (_, i) => range.to - (i + 1) * 0.1 * hour)
      const { least, most, requests } = yield* sample(starts, { left: () => 0 })
      assert.isBelow(least, most)
      assert.isAtMost(requests, 2)
    })
  )

  it.effect("rows of bounds that reach beyond the range are not counted", () =>
    Effect.gen(function* () {
      const starts = [range.to + hour, ...Array.from({ length: 25 }, (_, i) => range.to - (i + 1) * hour)]
      assert.strictEqual((yield* sample(starts, { trim: true })).least, 25)
      assert.strictEqual((yield* sample(starts)).least, 26)
    })
  )

  it.effect("nothing is nothing", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* sample([]), { least: 0, most: 0, requests: 1 })
    })
  )
})
