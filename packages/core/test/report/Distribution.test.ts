import * as Distribution from "@callstream/core/report/Distribution"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const Values = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(60)
)
const Percent = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))

const of = (values: ReadonlyArray<number>) => {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return Distribution.make(counts)
}

describe("Distribution", () => {
  it.prop(
    "a percentile is the value at the nearest rank of all values in order",
    [Values, Percent],
    ([values, percent]) => {
      const sorted = values.toSorted((left, right) => left - right)
      const expected = sorted[Math.ceil((sorted.length * percent) / 100) - 1]
      assert.strictEqual(Distribution.percentile(of(values), percent), expected)
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop(
    "bins hold each value from the first edge on once",
    [Values],
    ([values]) => {
      const bins = Distribution.bins(of(values), [3, 10, 30])
      const within = (from: number, to: number) => values.filter((value) => value >= from && value < to).length
      assert.deepStrictEqual(bins, [
        { from: 3, to: 10, count: within(3, 10) },
        { from: 10, to: 30, count: within(10, 30) },
        { from: 30, to: undefined, count: within(30, Infinity) }
      ])
    },
    { arbitrary: { runs: 100 } }
  )

  it("of nothing there is no percentile", () => {
    assert.isUndefined(Distribution.percentile(of([]), 50))
  })
})
