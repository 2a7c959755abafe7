import { Instant, type Verdict } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as SyncStatus from "../../src/render/SyncStatus.ts"
import * as SyncSummary from "../../src/render/SyncSummary.ts"

const hour = 3_600_000_000
const at = (text: string) => Instant.fromBound(text) ?? assert.fail(text)

const verdict: Verdict.Verdict = {
  from: at("2026-07-01T00:00:00Z"),
  watermark: at("2026-07-31T14:00:00Z"),
  horizon: 2 * hour,
  holes: [],
  calls: 412_308,
  stopped: undefined,
  awaited: { calls: 0, oldest: undefined },
  withoutStart: { by: undefined, hidden: 0 },
  lateness: { calls: 412_308, late: 3, longest: 9.2 * hour },
  audited: { looked: 0, changed: 0 },
  requests: {
    sent: 1998,
    most: 2000,
    waiting: [
      { work: "audits", since: at("2026-07-31T10:00:00Z") },
      { work: "passes", since: at("2026-07-31T13:30:00Z") }
    ]
  },
  completeUpTo: at("2026-07-31T14:00:00Z"),
  isFirstPass: false,
  consumers: {}
}

describe("SyncSummary", () => {
  it("says how many calls appeared late, which horizon would have held them, and what waits", () => {
    assert.deepStrictEqual(SyncSummary.state(verdict, [], undefined).slice(1), [
      "3 of 412,308 calls appeared later than the 2 h horizon (longest 9 h 12 min): --horizon 12h would have held all.",
      "Late, because of 1,998 of 2,000 requests in the last 24 h: audits (since 2026-07-31 10:00 UTC), whole passes (since 2026-07-31 13:30 UTC)."
    ])
    const { lateness, requestsADay } = SyncSummary.verdictJson(verdict, [])
    assert.deepStrictEqual(lateness, { calls: 412_308, late: 3, longest: 33_120, horizon: "12h" })
    assert.deepInclude(requestsADay, { sent: 1998, most: 2000 })
  })

  it("proposes the horizon that people would type", () => {
    for (const [hours, expected] of [
      [2.1, "3h"],
      [12, "12h"],
      [12.01, "18h"],
      [47, "48h"],
      [49, "3d"],
      [200, "9d"]
    ] as const) {
      assert.strictEqual(SyncSummary.horizonFor(hours * hour), expected)
    }
  })

  it("says where calls without a start time are found, and how many are not", () => {
    const linesOf = (withoutStart: Verdict.Verdict["withoutStart"]) =>
      SyncStatus.lines("calls", { ...verdict, withoutStart }, [], undefined).filter((line) =>
        line.includes("without a start time")
      )
    assert.deepStrictEqual(linesOf({ by: undefined, hidden: 0 }), [])
    for (const [by, where] of [
      ["creation", "among all others, in the order of creation"],
      ["front", "in front of the list"],
      ["end", "at the end of the list"]
    ] as const) {
      assert.deepStrictEqual(linesOf({ by, hidden: 0 }), [`  callstream finds calls without a start time ${where}.`])
    }
    assert.deepStrictEqual(linesOf({ by: undefined, hidden: 1200 }), [
      "  1,200 calls without a start time exist that this API does not let a sync find."
    ])
    assert.deepStrictEqual(linesOf({ by: undefined, hidden: 1 }), [
      "  1 call without a start time exists that this API does not let a sync find."
    ])
    const { withoutStart } = SyncSummary.verdictJson({ ...verdict, withoutStart: { by: "end", hidden: 2 } }, [])
    assert.deepStrictEqual(withoutStart, { by: "end", hidden: 2 })
  })

  it("says that a clock has stopped, and that nothing was listed", () => {
    const stopped = { ...verdict, stopped: at("2026-07-31T16:00:00Z") }
    const lines = SyncSummary.state(stopped, [], undefined)
    assert.include(lines[1], "The API's clock has stopped at 2026-07-31 16:00:00 UTC")
    const empty: Verdict.Verdict = {
      ...verdict,
      calls: 0,
      holes: [{ from: verdict.from, to: verdict.watermark, reason: { _tag: "NothingSeen" } }]
    }
    const [first = "", ...rest] = SyncSummary.state(empty, [], undefined)
    assert.match(first, /^The API listed no call\. /)
    assert.isFalse(rest.some((line) => line.startsWith("Not proven")))
  })

  it("says what a pass delivered that did not finish", () => {
    const changes = { created: 1200, updated: 3, left: 0, removed: 1 }
    assert.strictEqual(
      SyncSummary.rest({ title: undefined }, changes),
      "The pass did not finish. It delivered: 1,200 new, 3 changed, 1 removed."
    )
    assert.match(SyncSummary.rest({ title: "calls" }, changes) ?? "", /^calls: The pass/)
  })

  it("is silent about what did not happen", () => {
    assert.isUndefined(SyncSummary.rest({ title: undefined }, SyncSummary.noChanges))
    const quiet = {
      ...verdict,
      lateness: { calls: 9, late: 0, longest: 0 },
      requests: { sent: 9, most: undefined, waiting: [] }
    }
    assert.strictEqual(SyncSummary.state(quiet, [], undefined).length, 1)
  })
})
