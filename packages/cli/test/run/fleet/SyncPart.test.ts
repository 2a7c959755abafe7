import { CoverageSet, Instant, type Verdict } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as SyncPart from "../../../src/run/fleet/SyncPart.ts"

const at = (hours: number) => Instant.of(hours * 3_600_000_000)

/** A ledger from hour 1 to 10, after a pass at hour 12. */
const verdict: Verdict.Verdict = {
  from: at(1),
  watermark: at(10),
  completeUpTo: at(10),
  isFirstPass: false,
  horizon: 2 * 3_600_000_000,
  holes: [],
  calls: 30,
  awaited: { calls: 4, oldest: at(9) },
  withoutStart: { by: undefined, hidden: 0 },
  lateness: { calls: 0, late: 0, longest: 0 },
  stopped: undefined,
  audited: { looked: 0, changed: 0 },
  requests: { sent: 9, most: undefined, waiting: [] },
  consumers: {}
}

const parts = (verdict: Verdict.Verdict) =>
  SyncPart.coverageOf(verdict, at(12)).entries.map(({ range, reason, verdict }) => [
    range.from / 3_600_000_000,
    range.to / 3_600_000_000,
    verdict,
    reason?._tag
  ])

describe("run/fleet/SyncPart", () => {
  it("shows the range of a ledger as the coverage of a run: proven up to the watermark, except for holes", () => {
    assert.deepStrictEqual(parts(verdict), [
      [1, 10, "proven", undefined],
      [10, 12, "provisional", "TooRecent"]
    ])
    const holes = [
      { from: at(3), to: at(4), reason: { _tag: "CallsMoved" } as const },
      { from: at(6), to: at(7), reason: undefined }
    ]
    assert.deepStrictEqual(parts({ ...verdict, holes }), [
      [1, 3, "proven", undefined],
      [3, 4, "provisional", "CallsMoved"],
      [4, 6, "proven", undefined],
      [6, 7, "provisional", "NotRead"],
      [7, 10, "proven", undefined],
      [10, 12, "provisional", "TooRecent"]
    ])
    // A first pass that is not finished: calls without a start time are read last.
    assert.deepStrictEqual(parts({ ...verdict, completeUpTo: undefined })[0], [1, 10, "provisional", "NotRead"])
  })

  it("counts the calls that the ledger knows, and those that are final", () => {
    const [whole] = SyncPart.coverageOf(verdict, at(12)).entries
    assert.deepInclude(whole, { count: 30, final: 26 })
    assert.strictEqual(
      CoverageSet.verdict([SyncPart.coverageOf(verdict, at(12))], { from: at(1), to: at(10) })._tag,
      "Success"
    )
  })
})
