import { type CoverageReason, CoverageSet, Instant } from "@callstream/core"
import * as CoverageReport from "../../src/run/CoverageReport.ts"
import * as Proof from "../../src/render/Proof.ts"
import { assert, describe, it } from "@effect/vitest"

const hour = 3_600_000_000

const entry = (at: number, reason: CoverageReason.CoverageReason | undefined): CoverageSet.Entry => ({
  range: { from: Instant.of(at * hour), to: Instant.of((at + 1) * hour) },
  verdict: reason === undefined ? "proven" : "unprovable",
  ...(reason === undefined ? {} : { reason }),
  count: 2,
  final: 1,
  requests: 1,
  asOf: Instant.of(100 * hour)
})
const doubt = (read: number): CoverageReason.CoverageReason => ({ _tag: "Incomplete", read, counted: 9 })
const reportOf = (...entries: ReadonlyArray<CoverageSet.Entry>) =>
  CoverageReport.make(entries.reduce(CoverageSet.replace, CoverageSet.empty), 0, undefined)

describe("CoverageReport", () => {
  it("is in the order of time, however it was read, and proven up to the first that is not", () => {
    const { of, provenUntil, settled, windows } = reportOf(
      ...[8, 9, 2, 3, 4].map((at) => entry(at, at === 4 || at === 9 ? doubt(1) : undefined))
    )
    assert.strictEqual(provenUntil, "1970-01-01T04:00:00Z")
    assert.deepStrictEqual(
      windows.map(({ count, from, to }) => [from.slice(11, 13), to.slice(11, 13), count]),
      [
        ["02", "04", 4],
        ["04", "05", 2],
        ["08", "09", 2],
        ["09", "10", 2]
      ]
    )
    assert.deepStrictEqual([of, settled], [10, 5])
  })

  it("names three reasons in its line, and all in the file", () => {
    const report = reportOf(...Array.from({ length: 6 }, (_, at) => entry(at, at === 0 ? undefined : doubt(at))))
    assert.lengthOf(report.reasons, 5)
    assert.strictEqual(
      Proof.describe(report, undefined, 12),
      "NOT proven complete: 1 of 9 calls were read; 2 of 9 calls were read; 3 of 9 calls were read; and 2 more reasons, in the coverage report. 6 of 12 calls are final."
    )
  })

  it("names the greatest number of calls that came in some answers only: there may be more", () => {
    const differ = (calls: number): CoverageReason.CoverageReason => ({ _tag: "AnswersDiffer", calls })
    const { reasons } = reportOf(entry(1, differ(2)), entry(2, differ(3)), entry(5, differ(1)), entry(7, doubt(1)))
    assert.deepStrictEqual(reasons, [
      "answers differ: at least 3 calls came in some of them only",
      "1 of 9 calls were read"
    ])
  })

  it("says where a gap is, and that nothing is known where nothing was read", () => {
    const gap = reportOf(entry(1, { _tag: "Unreadable", problem: "it answers 500" }))
    assert.match(gap.reasons.join(), /^1970-01-01 01:00.* could not all be read: it answers 500$/)
    assert.deepInclude(reportOf(), { set: "provisional", reasons: ["nothing was read"], asOf: null, windows: [] })
    assert.strictEqual(reportOf(entry(1, undefined), entry(3, undefined)).set, "unprovable")
  })

  it("has calls without a start time as a last entry with an empty range", () => {
    const part: CoverageSet.Part = {
      verdict: "provisional",
      count: 5,
      dated: 2,
      final: 0,
      requests: 2,
      asOf: Instant.of(50 * hour)
    }
    const outside = { created: 4, unassigned: 1 }
    const set = CoverageSet.addWithoutStart(CoverageSet.replace(CoverageSet.empty, entry(1, undefined)), part, outside)
    const report = CoverageReport.make(set, 0, undefined)
    assert.deepInclude(report, {
      set: "provisional",
      of: 7,
      undated: 3,
      undatedOutside: 4,
      undatedUnassigned: 1,
      asOf: "1970-01-03T02:00:00Z"
    })
    assert.deepInclude(report.windows.at(-1), { from: "1970-01-01T02:00:00Z", to: "1970-01-01T02:00:00Z", count: 5 })
  })
})
