import { Calendar, Instant } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Format from "../../src/render/Format.ts"
import * as ShownTime from "../../src/option/ShownTime.ts"

describe("Format", () => {
  it("counts with the right number", () => {
    assert.deepStrictEqual(
      [0, 1, 2, 1_234_567].map((value) => Format.counted(value, "session")),
      ["0 sessions", "1 session", "2 sessions", "1,234,567 sessions"]
    )
    assert.strictEqual(Format.counted(2, "try", "tries"), "2 tries")
    assert.strictEqual(Format.count(12.6), "13")
  })

  it("says lengths of time in two units at most, never 60 of one", () => {
    for (const [millis, text] of [
      [0, "0 ms"],
      [999.4, "999 ms"],
      [1000, "1.0 s"],
      [59_940, "59.9 s"],
      [59_960, "1 min"],
      [119_600, "2 min"],
      [3_599_999, "1 h"],
      [5_400_000, "1 h 30 min"],
      [90_000_000, "1 d 1 h"]
    ] as const) {
      assert.strictEqual(Format.duration(millis), text)
    }
  })

  it("says times to the second, in UTC or by the clock of a zone", () => {
    const at = Instant.parse("2026-07-31T07:16:10.999999Z") ?? NaN
    const clock = Calendar.make(DateTime.zoneMakeNamedUnsafe("Asia/Kolkata"))
    assert.strictEqual(ShownTime.time(Instant.of(at), undefined), "2026-07-31 07:16:10 UTC")
    assert.strictEqual(ShownTime.time(Instant.of(at), clock), "2026-07-31 12:46:10")
    assert.strictEqual(ShownTime.minute(Instant.of(at), undefined), "2026-07-31 07:16 UTC")
    assert.strictEqual(ShownTime.minute(Instant.of(at), clock), "2026-07-31 12:46")
    assert.strictEqual(
      ShownTime.times(Instant.of(at), "and", Instant.of(at + 1_000_000), undefined),
      "2026-07-31 07:16:10 and 2026-07-31 07:16:11 UTC"
    )
    assert.strictEqual(
      ShownTime.times(Instant.of(at), "to", Instant.of(at), clock),
      "2026-07-31 12:46:10 to 2026-07-31 12:46:10"
    )
  })
})
