import { assert, describe, it } from "@effect/vitest"
import { Instant } from "@callstream/core"
import * as Proof from "../../src/render/Proof.ts"
import * as CoverageReport from "../../src/run/CoverageReport.ts"
import type { Report } from "../../src/run/CoverageReport.ts"

const asOf = "2026-11-28T21:19:30Z"
const stretch = (
  from: string,
  to: string,
  set: "proven" | "provisional" | "unprovable",
  reason: string | null
): Report["windows"][number] => ({ from, to, set, kind: null, reason, count: 1, requests: 1 })

const proven = stretch("2026-11-01T00:00:00Z", "2026-11-28T19:19:30Z", "proven", null)
const young = stretch("2026-11-28T19:19:30Z", asOf, "provisional", CoverageReport.tooRecent)
const report: Report = {
  set: "provisional",
  reasons: [CoverageReport.tooRecent],
  settled: 4000,
  of: 4000,
  undated: 0,
  undatedOutside: null,
  undatedUnassigned: null,
  limits: { days: null, calls: null },
  clocksApart: null,
  horizon: 7200,
  asOf,
  provenUntil: "2026-11-28T19:19:30Z",
  windows: [proven, young]
}
const assumed = "checked by count (assumed: every call was in at least one answer about its time)."

describe("the proof of a summary", () => {
  it("says up to when, and that later calls may be added", () => {
    assert.strictEqual(
      Proof.describe(report, undefined, 4000),
      `Complete up to 2026-11-28 19:19 UTC, ${assumed} Calls from the last 2 h may still be added. All 4,000 calls are final.`
    )
  })

  it("names what the API limits, and clocks that are apart", () => {
    const found = { ...report, limits: { days: 31, calls: 10_000 }, clocksApart: 420 }
    assert.include(
      Proof.describe(found, undefined, 4000),
      "All 4,000 calls are final. The API gives at most 31 days of one range and at most 10,000 calls of one range: it was read in parts. The clocks of the API and of this machine are 7 min apart: the earlier one decides what is proven."
    )
  })

  it("of an old range is complete without a reserve", () => {
    const old: Report = { ...report, set: "proven", reasons: [], settled: 1, of: 1, windows: [proven] }
    const complete = `Complete as of 2026-11-28 21:19 UTC, ${assumed} The one call is final.`
    assert.strictEqual(Proof.describe({ ...old, undatedOutside: 0, undatedUnassigned: 0 }, undefined, 1), complete)
    assert.strictEqual(
      Proof.describe({ ...old, undatedOutside: 1, undatedUnassigned: 0 }, undefined, 1),
      `${complete} 1 call without a start time was created outside this range.`
    )
    assert.strictEqual(
      Proof.describe({ ...old, undatedOutside: 0, undatedUnassigned: 2 }, undefined, 1),
      `${complete} 2 calls without a start time exist; this API does not tell which belong to this range: export without a range to have them.`
    )
  })

  it("says that its numbers are of calls read, where others were written", () => {
    const ofThree = (numbers: Pick<Report, "of" | "settled">) => Proof.describe({ ...report, ...numbers }, undefined, 3)
    assert.match(ofThree({ of: 646, settled: 641 }), / 641 of 646 calls read are final\.$/)
    assert.match(ofThree({ of: 646, settled: 646 }), / All 646 calls read are final\.$/)
    assert.match(ofThree({ of: 1, settled: 1 }), / The one call read is final\.$/)
    assert.match(ofThree({ of: 3, settled: 1 }), / 1 of 3 calls is final\.$/)
    assert.match(ofThree({ of: 3, settled: 3 }), / All 3 calls are final\.$/)
  })

  it("says which option makes a proof possible, with a value for it", () => {
    const because = (kind: Report["windows"][number]["kind"]) =>
      Proof.describe({ ...report, windows: [proven, { ...young, kind }] }, undefined, 4000)
    assert.match(
      because("Resumed"),
      / To have it proven, run it with an end, such as --until 2026-11-28, and under another --name\.$/
    )
    assert.match(because("NoBeginning"), / To have it proven, run it with a beginning, such as --since 2026-11-01\.$/)
    assert.notInclude(because("CallsMoved"), "To have it proven")
  })

  it("gives every other reason, also where the last hours are not proven either", () => {
    const moved = stretch("2026-11-20T00:00:00Z", "2026-11-28T19:19:30Z", "provisional", "moved")
    const until = Instant.format(Instant.parse("2026-11-20T00:00:00Z") ?? Instant.of(0))
    const both: Report = {
      ...report,
      reasons: ["moved", CoverageReport.tooRecent],
      provenUntil: until,
      windows: [moved, young]
    }
    assert.strictEqual(
      Proof.describe({ ...both, settled: 3999 }, undefined, 4000),
      `Complete up to 2026-11-20 00:00 UTC, ${assumed} Not proven after that: moved. Calls from the last 2 h may still be added. 3,999 of 4,000 calls are final.`
    )
    const empty = stretch(asOf, asOf, "provisional", "no call was found")
    const nothing: Report = { ...report, of: 0, settled: 0, provenUntil: null, windows: [empty] }
    assert.strictEqual(
      Proof.describe({ ...nothing, reasons: ["no call was found"] }, undefined, 0),
      "Not proven: no call was found."
    )
  })
})
