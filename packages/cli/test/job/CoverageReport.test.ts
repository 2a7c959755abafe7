import * as CoverageReport from "../../src/job/CoverageReport.ts"
import * as Proof from "../../src/render/Proof.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

const hour = 3_600_000_000
const window = (at: number, reason: string | undefined) => ({
  from: at * hour,
  to: (at + 1) * hour,
  sessions: [],
  rejected: [],
  coverage: reason === undefined ? ({ _tag: "Proven" } as const) : ({ _tag: "Unprovable", reason } as const),
  settled: 0,
  requests: 1,
  observedAt: 100 * hour
})

describe("CoverageReport", () => {
  it.effect("is in the order of time, however it was read, and proven up to the first that is not", () =>
    Effect.sync(() => {
      const collector = CoverageReport.make(0, undefined)
      for (const at of [8, 9, 2, 3, 4]) collector.add(window(at, at === 4 || at === 9 ? "young" : undefined))
      const { provenUntil, windows } = collector.report()
      assert.strictEqual(provenUntil, "1970-01-01T04:00:00Z")
      assert.deepStrictEqual(
        windows.map(({ from }) => from.slice(11, 13)),
        ["02", "03", "04", "08", "09"]
      )
    })
  )

  it.effect("names three reasons in its line, and all in the file", () =>
    Effect.sync(() => {
      const collector = CoverageReport.make(0, undefined)
      for (let at = 0; at < 6; at++) collector.add(window(at, at === 0 ? undefined : `${at} of 9 rows seen`))
      const report = collector.report()
      assert.lengthOf(report.reasons, 5)
      assert.strictEqual(
        Proof.describe(report, undefined),
        "NOT proven complete: 1 of 9 rows seen; 2 of 9 rows seen; 3 of 9 rows seen; and 2 more reasons, in the file of --coverage."
      )
    })
  )
})
