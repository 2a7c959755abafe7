import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { chanceOf } from "../pipeline/Outside.ts"

const verdicts = ["proven", "provisional", "unprovable"] as const
const length = 24

const part = (verdict: CoverageSet.Verdict, count: number, asOf = 5): CoverageSet.Part => ({
  verdict,
  ...(verdict === "proven"
    ? {}
    : { reason: verdict === "provisional" ? ({ _tag: "CallsMoved" } as const) : ({ _tag: "NotBack" } as const) }),
  count,
  final: 0,
  requests: 1,
  asOf: Instant.of(asOf)
})
const rangeOf = (from: number, to: number) => ({ from: Instant.of(from), to: Instant.of(to) })
const entry = (from: number, to: number, verdict: CoverageSet.Verdict = "proven", count = to - from) => ({
  ...part(verdict, count),
  range: rangeOf(from, to)
})
const added = (...entries: ReadonlyArray<CoverageSet.Entry>) =>
  entries.reduce((set, one) => Result.getOrThrow(CoverageSet.add(set, one)), CoverageSet.empty)
const ranges = ({ entries }: CoverageSet.CoverageSet) =>
  entries.map(({ count, range }) => [range.from, range.to, count ?? "?"])

/** A model: what is known of each microsecond, and nothing else. */
type Model = ReadonlyArray<CoverageSet.Verdict | undefined>

const modelOf = ({ entries }: CoverageSet.CoverageSet): Model =>
  Array.from({ length }, (_, at) => {
    const found = entries.filter(({ range }) => range.from <= at && at < range.to)
    assert.isAtMost(found.length, 1)
    return found[0]?.verdict
  })
const put = (model: Model, { range, verdict }: CoverageSet.Entry): Model =>
  model.map((known, at) => (range.from <= at && at < range.to ? verdict : known))
const verdictOf = (model: Model, { from, to }: CoverageSet.Range): CoverageSet.Verdict =>
  model
    .slice(from, to)
    .reduce<CoverageSet.Verdict>((all, one) => CoverageSet.weaker(all, one ?? "unprovable"), "proven")

describe("CoverageSet", () => {
  it("merges neighbours of equal verdict and reason, and adds up what they had", () => {
    const all = added(entry(20, 30), entry(0, 10), entry(10, 20), entry(30, 40, "provisional"), entry(50, 60))
    assert.deepStrictEqual(ranges(all), [
      [0, 30, 30],
      [30, 40, 10],
      [50, 60, 10]
    ])
    assert.deepInclude(all.entries[0], { requests: 3, asOf: Instant.of(5) })
  })

  it("does not merge across a committed position until that is left behind", () => {
    const half = CoverageSet.commit(added(entry(0, 10)), [Position.of(10)])
    const all = Result.getOrThrow(CoverageSet.add(half, entry(10, 20)))
    assert.lengthOf(all.entries, 2)
    assert.deepStrictEqual(ranges(CoverageSet.rewind(all, Position.of(10))), [[0, 10, 10]])
    assert.deepStrictEqual(ranges(CoverageSet.commit(all, [Position.of(20)])), [[0, 20, 20]])
  })

  it("does not say how many calls a part of an entry has", () => {
    assert.deepStrictEqual(ranges(CoverageSet.rewind(added(entry(0, 10)), Position.of(4))), [[0, 4, "?"]])
    assert.deepStrictEqual(ranges(CoverageSet.replace(added(entry(0, 10)), entry(3, 5, "provisional"))), [
      [0, 3, "?"],
      [3, 5, 2],
      [5, 10, "?"]
    ])
  })

  it("keeps the sum of the calls of what is divided, and gives no part a count that is not its own", () => {
    const sumOf = ({ divided, entries }: CoverageSet.CoverageSet) =>
      entries.reduce((sum, { count = 0 }) => sum + count, divided?.count ?? 0)
    const doubt = (from: number, to: number) => ({
      range: { from: Instant.of(from), to: Instant.of(to) },
      verdict: "provisional" as const,
      reason: { _tag: "CallsMoved" as const }
    })
    const all = added(entry(0, 10), entry(10, 15, "provisional"), entry(15, 20))
    const inside = CoverageSet.weaken(all, doubt(4, 6))
    assert.deepStrictEqual(ranges(inside), [
      [0, 4, "?"],
      [4, 6, "?"],
      [6, 10, "?"],
      [10, 15, 5],
      [15, 20, 5]
    ])
    assert.strictEqual(sumOf(inside), 20)
    // What is weakened as a whole keeps its count; neighbours that become one with it do too.
    const across = CoverageSet.weaken(all, doubt(8, 20))
    const merged = CoverageSet.commit(CoverageSet.commit(across, [Position.of(3)]), [])
    assert.deepStrictEqual(ranges(merged), [
      [0, 8, "?"],
      [8, 20, "?"]
    ])
    for (const set of [across, merged]) assert.strictEqual(sumOf(set), 20)
    assert.strictEqual(
      merged.entries.reduce((sum, { requests }) => sum + requests, 0),
      3
    )
  })

  it("keeps calls without a start time apart, and their verdict counts", () => {
    const outside = { created: 7, unassigned: 0 }
    const all = CoverageSet.addWithoutStart(added(entry(0, 10)), part("provisional", 3), outside)
    assert.deepStrictEqual(ranges(all), [[0, 10, 10]])
    assert.deepInclude(all, { withoutStart: part("provisional", 3), outside })
    assert.deepStrictEqual(CoverageSet.verdict([all], rangeOf(0, 10)), Result.succeed("provisional" as const))
    const late = CoverageSet.addWithoutStart(all, { ...part("provisional", 4), dated: 3 }, outside)
    assert.deepInclude(late.withoutStart, { count: 7, dated: 3 })
    assert.deepInclude(CoverageSet.addWithoutStart(late, late.withoutStart, outside).withoutStart, {
      count: 14,
      dated: 6
    })
    const again = CoverageSet.rewind(all, Position.of(10))
    assert.deepStrictEqual(again, added(entry(0, 10)))
  })

  it("says whether calls without a start time were read", () => {
    const of = (known: CoverageSet.Part | undefined, created: number, unassigned: number) =>
      CoverageSet.hasWithoutStart(CoverageSet.addWithoutStart(CoverageSet.empty, known, { created, unassigned }))
    assert.isFalse(CoverageSet.hasWithoutStart(added(entry(0, 10))))
    assert.isTrue(CoverageSet.hasWithoutStart(CoverageSet.addWithoutStart(CoverageSet.empty, part("proven", 0))))
    assert.isTrue(of(part("proven", 0), 0, 0))
    assert.isTrue(of(part("proven", 0), 4, 1))
    assert.isFalse(of(undefined, 0, 3), "none of them could be assigned to the range")
    assert.isFalse(of(part("provisional", 1), 0, 3), "a call with a start that came late is none of them")
  })

  it("refuses to judge what two processes both speak of", () => {
    const range = rangeOf(0, 20)
    const both = CoverageSet.verdict([added(entry(0, 11)), added(entry(10, 20))], range)
    assert.isTrue(Result.isFailure(both) && both.failure.message.startsWith("[10, 20) overlaps [0, 11)"))
    const meeting = CoverageSet.verdict([added(entry(10, 20)), added(entry(0, 10))], range)
    assert.deepStrictEqual(meeting, Result.succeed("proven" as const))
  })

  it("is kept as JSON without a loss", () => {
    const all = CoverageSet.commit(
      CoverageSet.addWithoutStart(added(entry(0, 10, "unprovable"), entry(10, 20)), part("proven", 1), {
        created: 1,
        unassigned: 1
      }),
      [Position.of(10)]
    )
    const codec = Schema.fromJsonString(CoverageSet.CoverageSet)
    assert.deepStrictEqual(Schema.decodeSync(codec)(Schema.encodeSync(codec)(all)), all)
  })

  const first = Date.now() % 1_000_000_000
  it(`1000 sequences of steps from seed ${first}: what a model of single microseconds says`, () => {
    for (let seed = first; seed < first + 1000; seed++) {
      const chance = chanceOf(seed)
      const below = (count: number) => Math.floor(chance() * count)
      let set = CoverageSet.empty
      let model: Model = Array.from({ length }, () => undefined)
      for (let step = 0; step < 12; step++) {
        const from = below(length)
        const one = entry(from, from + below(length - from + 1), verdicts[below(3)])
        const where = `seed ${seed}, step ${step}`
        const which = below(4)
        if (which === 0) {
          const at = Position.of(below(length + 1))
          set = CoverageSet.rewind(set, at)
          model = model.map((known, place) => (place < at ? known : undefined))
        } else if (which === 1) {
          set = CoverageSet.replace(set, one)
          model = put(model, one)
        } else if (which === 2) {
          set = CoverageSet.commit(set, [Position.of(below(length)), Position.of(below(length))])
        } else {
          const result = CoverageSet.add(set, one)
          const free = model.slice(one.range.from, one.range.to).every((known) => known === undefined)
          assert.strictEqual(Result.isSuccess(result), free, where)
          if (Result.isSuccess(result)) {
            set = result.success
            model = put(model, one)
          }
        }
        assert.deepStrictEqual(modelOf(set), model, where)
        // As few entries as there can be, in order.
        for (const [at, one] of set.entries.entries()) {
          const next = set.entries[at + 1]
          if (next === undefined) continue
          assert.isAtMost(one.range.to, next.range.from, where)
        }
        const range = rangeOf(below(length), length)
        // Of two that share the entries, too.
        const cut = below(set.entries.length + 1)
        const parts = [set.entries.slice(0, cut), set.entries.slice(cut)].map((entries) => ({ entries, seams: [] }))
        for (const sets of [[set], parts]) {
          assert.deepStrictEqual(CoverageSet.verdict(sets, range), Result.succeed(verdictOf(model, range)), where)
        }
      }
    }
  })
})
