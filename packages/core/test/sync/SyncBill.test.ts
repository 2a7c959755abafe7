import * as SyncBill from "@callstream/core/sync/SyncBill"
import { assert, describe, it } from "@effect/vitest"

const bill = (callsADay: number, every: "1 hour" | "1 minute" | "1 day", audits = 3) =>
  SyncBill.requestsADay({ callsADay, pageSize: 100, every, audits })

describe("SyncBill", () => {
  it("is near what was measured", () => {
    // Measured by the bench, a day each.
    for (const [callsADay, measured] of [
      [2000, 233],
      [20_000, 1827]
    ] as const) {
      assert.approximately(bill(callsADay, "1 hour"), measured, 0.15 * measured)
    }
    assert.approximately(bill(20_000, "1 minute"), 9587, 0.15 * 9587)
  })

  it("rises with calls, passes and audits, and is never nothing", () => {
    assert.isAbove(bill(0, "1 hour"), 24)
    assert.isAbove(bill(3000, "1 hour"), bill(2000, "1 hour"))
    assert.isAbove(bill(2000, "1 hour"), bill(2000, "1 day"))
    assert.isAbove(bill(2000, "1 minute"), bill(2000, "1 hour"))
    assert.isAbove(bill(2000, "1 hour"), bill(2000, "1 hour", 1))
  })
})
