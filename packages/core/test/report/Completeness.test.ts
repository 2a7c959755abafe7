import * as Instant from "@callstream/core/model/Instant"
import * as Completeness from "@callstream/core/report/Completeness"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const at = (value: number) => Instant.of(value)
const stretch = (from: number, to: number, verdict: Completeness.Known, reason?: string): Completeness.Stretch => ({
  from: at(from),
  to: at(to),
  verdict,
  ...(reason === undefined ? {} : { reason })
})

const verdicts = ["proven", "provisional", "unprovable"] as const
const Ranges = Schema.Array(
  Schema.Struct({
    from: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
    length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
    verdict: Schema.Literals(verdicts)
  })
).check(Schema.isMaxLength(8))

describe("Completeness", () => {
  it.prop(
    "what was added last counts, at each moment, and the rest of the period is unknown",
    [Ranges],
    ([ranges]) => {
      const known = ranges
        .map(({ from, length, verdict }) => stretch(from, from + length, verdict))
        .reduce<ReadonlyArray<Completeness.Stretch>>((all, one) => Completeness.overlay(all, [one]), [])
      const period = { from: at(5), to: at(35) }
      const { provenUntil, stretches, verdict } = Completeness.make(known, period)
      const model = Array.from({ length: 30 }, (_, nth) => {
        const last = ranges.findLast(({ from, length }) => nth + 5 >= from && nth + 5 < from + length)
        return last?.verdict ?? "unknown"
      })
      const told = stretches.flatMap(({ from, to, verdict }) => Array.from({ length: to - from }, () => verdict))
      assert.deepStrictEqual(told, model)
      assert.strictEqual(stretches[0]?.from, period.from)
      assert.strictEqual(verdict, model.reduce(Completeness.weaker))
      const end = model.findIndex((one) => one !== "proven")
      assert.strictEqual(provenUntil, end === 0 ? undefined : end < 0 ? period.to : at(5 + end))
      // Neighbours with the same verdict are one.
      assert.isTrue(stretches.every((one, nth) => nth === 0 || stretches[nth - 1]?.verdict !== one.verdict))
    },
    { arbitrary: { runs: 300 } }
  )

  it("keeps reasons apart, and knows nothing of an empty period", () => {
    const known = [stretch(0, 10, "provisional", "a"), stretch(10, 20, "provisional", "b")]
    assert.deepStrictEqual(Completeness.make(known, { from: at(5), to: at(15) }).stretches, [
      stretch(5, 10, "provisional", "a"),
      stretch(10, 15, "provisional", "b")
    ])
    const none = Completeness.make(known, { from: at(5), to: at(5) })
    assert.deepStrictEqual(none, {
      verdict: "unknown",
      stretches: [],
      provenUntil: undefined,
      withoutStart: "proven",
      notes: []
    })
  })

  it("is not proven where the calls that never connected are not", () => {
    const known = [stretch(0, 10, "proven")]
    const { provenUntil, verdict } = Completeness.make(
      known,
      { from: at(0), to: at(10) },
      { withoutStart: "provisional" }
    )
    assert.deepStrictEqual([verdict, provenUntil], ["provisional", at(10)])
  })
})
