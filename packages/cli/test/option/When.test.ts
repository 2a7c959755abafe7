import { Calendar, Instant } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as When from "../../src/option/When.ts"

const day = 86_400_000
const at = (text: string) => Instant.parse(text) ?? Number.NaN
const named = (zone: string) => Calendar.make(DateTime.zoneMakeNamedUnsafe(zone))

const resolved = (text: string, zone = "UTC", now = "2026-11-28T20:00:00Z") => {
  const when = When.parse(text)
  return when === undefined
    ? undefined
    : Instant.format(When.resolve(when, { millis: Date.parse(now), calendar: named(zone) }))
}

const range = (text: string, zone: string, now: string) => {
  const when = When.parseDay(text)
  if (when === undefined) return undefined
  const { from, to } = When.resolveDay(when, { millis: Date.parse(now), calendar: named(zone) })
  return [Instant.format(from), Instant.format(to)]
}

describe("When", () => {
  it("reads a time with an offset as that instant, in every zone", () => {
    for (const zone of ["UTC", "Asia/Kolkata"]) {
      for (const [text, same] of [
        ["2026-07-31T07:16:10Z", "2026-07-31T07:16:10Z"],
        ["2026-07-31T09:16:10.117605+02:00", "2026-07-31T07:16:10.117605Z"],
        [" 2026-07-31T07:16Z ", "2026-07-31T07:16:00Z"],
        ["2026-07-31 07:16:10.117605 +0000 UTC", "2026-07-31T07:16:10.117605Z"]
      ] as const) {
        assert.strictEqual(resolved(text, zone), same, text)
      }
    }
  })

  it("reads a time without an offset by the clock of the zone, as Temporal's compatible", () => {
    for (const [text, zone, same] of [
      ["2026-11-27 14:00", "UTC", "2026-11-27T14:00:00Z"],
      ["2026-11-27 14:00", "Asia/Kolkata", "2026-11-27T08:30:00Z"],
      ["2026-11-27T14:00:00.123456", "Asia/Kolkata", "2026-11-27T08:30:00.123456Z"],
      ["2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:30:00Z"],
      ["2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"],
      ["2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00Z"],
      ["2026-11-27", "Asia/Kolkata", "2026-11-26T18:30:00Z"],
      ["2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"],
      ["2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"]
    ] as const) {
      assert.strictEqual(resolved(text, zone), same, `${text} ${zone}`)
    }
  })

  it("knows days by their names: a Monday is its own last Monday", () => {
    // In India it is Sunday already.
    const now = "2026-11-28T20:00:00Z"
    for (const [text, zone, date] of [
      ["today", "UTC", "2026-11-28T00:00:00Z"],
      ["Yesterday", "UTC", "2026-11-27T00:00:00Z"],
      ["saturday", "UTC", "2026-11-28T00:00:00Z"],
      ["sunday", "UTC", "2026-11-22T00:00:00Z"],
      ["monday", "UTC", "2026-11-23T00:00:00Z"],
      ["today", "Asia/Kolkata", "2026-11-28T18:30:00Z"],
      ["yesterday", "Asia/Kolkata", "2026-11-27T18:30:00Z"],
      ["sunday", "Asia/Kolkata", "2026-11-28T18:30:00Z"],
      ["saturday", "Asia/Kolkata", "2026-11-27T18:30:00Z"]
    ] as const) {
      assert.strictEqual(resolved(text, zone, now), date, `${text} ${zone}`)
    }
  })

  it("has whole days, of 23 and 25 hours too, from now back to the first of a month", () => {
    const now = "2026-11-01T12:00:00Z"
    assert.deepStrictEqual(range("yesterday", "UTC", now), ["2026-10-31T00:00:00Z", "2026-11-01T00:00:00Z"])
    assert.deepStrictEqual(range("2026-03-29", "Europe/Berlin", now), ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"])
    assert.deepStrictEqual(range("sunday", "Europe/Berlin", "2026-10-26T12:00:00Z"), [
      "2026-10-24T22:00:00Z",
      "2026-10-25T23:00:00Z"
    ])
    assert.deepStrictEqual(range("2011-12-30", "Pacific/Apia", now), ["2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"])
    for (const text of ["7d", "2026-11-27 14:00", "2026-11-27T14:00:00Z", "2026-02-30", "someday"]) {
      assert.isUndefined(range(text, "UTC", now), text)
    }
  })

  it("has one form for what is the same moment", () => {
    const kolkata = named("Asia/Kolkata")
    for (const [text, form] of [
      ["45s", "45s"],
      ["7d", "7d"],
      ["1w", "7d"],
      ["6d", "6d"],
      ["Monday", "monday"],
      ["2026-07-31T09:16:10+02:00", "2026-07-31T07:16:10Z"],
      ["2026-07-31 12:46:10", "2026-07-31T07:16:10Z"],
      ["2026-07-31", "2026-07-30T18:30:00Z"]
    ] as const) {
      const when = When.parse(text)
      assert.strictEqual(when === undefined ? "" : When.format(when, kolkata), form)
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
    // Of 24 hours each, whatever clocks did in between.
    assert.strictEqual(resolved("1d", "Europe/Berlin", "2026-03-29T22:00:00Z"), "2026-03-28T22:00:00Z")
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
      "lately",
      "mon",
      "2026-02-30",
      "2026-02-30 14:00",
      "2026-11-27 24:00",
      "2026-7-1",
      "25:00"
    ]) {
      assert.isUndefined(When.parse(text), text)
    }
  })

  it("leaves an instant as it is", () => {
    assert.strictEqual(
      When.resolve({ _tag: "At", instant: Instant.of(at("2026-07-31")) }, { millis: 0, calendar: Calendar.utc }),
      at("2026-07-31")
    )
  })
})
