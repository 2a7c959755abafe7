import { Instant } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as When from "../../src/flag/When.ts"

const day = 86_400_000

describe("When", () => {
  it("reads times and dates as instants, without a zone in UTC", () => {
    for (const [text, same] of [
      ["2026-07-31", "2026-07-31T00:00:00Z"],
      ["2026-07-31T07:16:10", "2026-07-31T07:16:10Z"],
      ["2026-07-31T09:16:10.117605+02:00", "2026-07-31T07:16:10.117605Z"],
      [" 2026-07-31T07:16:10Z ", "2026-07-31T07:16:10Z"]
    ] as const) {
      assert.deepStrictEqual(When.parse(text), { _tag: "At", instant: Instant.parse(same) ?? NaN }, text)
    }
  })

  it("is written as it may be typed again", () => {
    for (const text of ["45s", "90m", "12h", "6d", "2w", "2026-07-31T07:16:10Z", "2026-07-31T07:16:10.117605Z"]) {
      const when = When.parse(text)
      assert.strictEqual(when === undefined ? "" : When.format(when), text)
    }
  })

  it("reads ages in five units", () => {
    for (const [text, millis] of [
      ["0s", 0],
      ["45s", 45_000],
      ["90m", 5_400_000],
      ["12h", 43_200_000],
      ["7d", 7 * day],
      [" 2w ", 14 * day]
    ] as const) {
      assert.deepStrictEqual(When.parse(text), { _tag: "Ago", millis }, text)
    }
  })

  it("reads nothing else", () => {
    for (const text of [
      "",
      "7",
      "d",
      "7 d",
      "-7d",
      "7D",
      "1.5h",
      "7y",
      "1234567d",
      "today",
      "2026-02-30",
      "2026-7-1",
      "25:00"
    ]) {
      assert.isUndefined(When.parse(text), text)
    }
  })

  it("counts an age back from now, and leaves an instant", () => {
    assert.strictEqual(When.resolve({ _tag: "Ago", millis: day }, 3 * day), 2 * day * 1000)
    assert.strictEqual(When.resolve({ _tag: "At", instant: 5 }, 3 * day), 5)
  })
})
