import type { Totals } from "@callstream/core/pipeline/RunEvent"
import { assert, describe, it } from "@effect/vitest"
import * as RunState from "../../src/pipeline/internal/RunState.ts"
import * as StretchTotals from "../../src/pipeline/internal/StretchTotals.ts"

const of = (some: Partial<Totals>): Totals => ({ ...RunState.nothing, ...some })

describe("the totals of stretches", () => {
  it("add up what their sinks took, have saved, and may have", () => {
    const all = [
      of({ written: 40, safe: 30, inFlight: 5, stage: "finished" }),
      of({ written: 20, safe: 20, inFlight: 0, stage: "written" })
    ]
    const sum = StretchTotals.sum(all, { latest: RunState.nothing, committed: undefined, ending: undefined })
    assert.deepInclude(sum, { written: 60, safe: 50, inFlight: 5, committed: undefined, stage: "reading" })
  })

  it("are finished when what comes after all stretches is", () => {
    for (const stage of ["reading", "written", "finished"] as const) {
      const ending = of({ stage })
      const whole = { latest: ending, committed: undefined, ending }
      assert.strictEqual(StretchTotals.sum([of({ stage: "finished" }), ending], whole).stage, stage)
    }
  })
})
