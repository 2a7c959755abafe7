import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as StretchProof from "@callstream/core/coverage/StretchProof"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { random } from "../torture/Histories.ts"

const range = (from: number, to: number): CoverageSet.Range => ({ from: Instant.of(from), to: Instant.of(to) })

const entry = (
  from: number,
  to: number,
  rest: Partial<CoverageSet.Entry> & Pick<CoverageSet.Part, "verdict"> = { verdict: "proven" }
): CoverageSet.Entry => ({
  count: to - from,
  final: 0,
  requests: 1,
  asOf: Instant.of(1000 + from),
  ...rest,
  range: range(from, to)
})

const setOf = (...entries: ReadonlyArray<CoverageSet.Entry>): CoverageSet.CoverageSet =>
  entries.reduce(CoverageSet.replace, CoverageSet.empty)

const proof = (from: number, to: number, ...entries: ReadonlyArray<CoverageSet.Entry>): StretchProof.StretchProof => ({
  range: range(from, to),
  coverage: setOf(...(entries.length === 0 ? [entry(from, to)] : entries))
})

const folded = (from: number, to: number, ...proofs: ReadonlyArray<StretchProof.StretchProof>) =>
  Result.getOrThrow(StretchProof.fold(range(from, to), proofs))

describe("StretchProof.fold", () => {
  it("adds up stretches that meet, in any order: one entry, the sum of the counts, the earliest time", () => {
    const { entries } = folded(0, 30, proof(20, 30), proof(0, 10), proof(10, 20))
    assert.deepStrictEqual(entries, [
      { verdict: "proven", count: 30, final: 0, requests: 3, asOf: Instant.of(1000), range: range(0, 30) }
    ])
  })

  it("a part that nobody read is unprovable: between two stretches, before the first and after the last", () => {
    const { entries } = folded(0, 50, proof(10, 20), proof(30, 40))
    assert.deepStrictEqual(
      entries.map(({ range: { from, to }, reason, verdict }) => `${from}-${to} ${reason?._tag ?? verdict}`),
      ["0-10 NotRead", "10-20 proven", "20-30 NotRead", "30-40 proven", "40-50 NotRead"]
    )
  })

  it("two stretches that speak of one part are an error", () => {
    const overlap = StretchProof.fold(range(0, 30), [proof(0, 20), proof(19, 30)])
    assert.isTrue(Result.isFailure(overlap))
    const within = StretchProof.fold(range(0, 30), [proof(0, 10, entry(0, 11)), proof(10, 30)])
    assert.isTrue(Result.isFailure(within))
  })

  it("the rest of a stretch that failed is a gap, with its reason", () => {
    const failed: StretchProof.StretchProof = {
      ...proof(10, 30, entry(10, 15)),
      failed: { _tag: "Unreadable", problem: "500" }
    }
    const { entries } = folded(0, 30, proof(0, 10), failed)
    assert.deepStrictEqual(
      entries.map(({ range, reason, verdict }) => ({ range, reason, verdict })),
      [
        { range: range(0, 15), reason: undefined, verdict: "proven" },
        { range: range(15, 30), reason: { _tag: "Unreadable", problem: "500" }, verdict: "unprovable" }
      ]
    )
  })

  it("1000 ranges in stretches, shuffled, some of them gone: the weakest verdict of what is there, and all counts", () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const { next, pick } = random(seed)
      const edges = [...new Set([0, 100, ...Array.from({ length: 6 }, () => Math.floor(next() * 101))])].sort(
        (a, b) => a - b
      )
      const proofs = edges.slice(1).map((to, i): StretchProof.StretchProof => {
        const from = edges[i] ?? 0
        const middle = from + Math.floor(next() * (to - from + 1))
        const verdict = pick<CoverageSet.Verdict>("proven", "proven", "provisional", "unprovable")
        const reason = verdict === "proven" ? {} : { reason: { _tag: "TooRecent" } as const }
        return proof(from, to, entry(from, middle), entry(middle, to, { verdict, ...reason }))
      })
      const kept = proofs.filter(() => next() < 0.9)
      const all = folded(0, 100, ...kept.toSorted(() => next() - 0.5))
      const told = `seed ${seed}`
      // It tiles the whole.
      assert.deepStrictEqual(
        [all.entries[0]?.range.from, all.entries.at(-1)?.range.to],
        [Instant.of(0), Instant.of(100)],
        told
      )
      for (const [i, { range }] of all.entries.entries())
        if (i > 0) assert.strictEqual(all.entries[i - 1]?.range.to, range.from, told)
      const known = CoverageSet.verdict(
        kept.map(({ coverage }) => coverage),
        range(0, 100)
      )
      const weakest = all.entries.reduce<CoverageSet.Verdict>(
        (sum, { verdict }) => CoverageSet.weaker(sum, verdict),
        "proven"
      )
      assert.deepStrictEqual(Result.succeed(weakest), known, told)
      const counts = (sets: ReadonlyArray<CoverageSet.CoverageSet>) =>
        sets.flatMap(({ entries }) => entries).reduce((sum, { count = 0 }) => sum + count, 0)
      assert.strictEqual(counts([all]) + (all.divided?.count ?? 0), counts(kept.map(({ coverage }) => coverage)), told)
    }
  })
})
