import { AgniClient } from "@callstream/core/client/AgniClient"
import * as Instant from "@callstream/core/model/Instant"
import * as HistorySource from "@callstream/core/source/HistorySource"
import * as PagesSource from "@callstream/core/source/PagesSource"
import * as CallSessions from "@callstream/core/CallSessions"
import * as History from "@callstream/core/history/History"
import * as Plan from "@callstream/core/plan/Plan"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const micros = (iso: string, extra = 0) => Date.parse(iso) * 1000 + extra

describe("Instant.parse", () => {
  it.each([
    ["2026-07-31T07:16:10Z", micros("2026-07-31T07:16:10Z")],
    ["2026-07-31t07:16:10z", micros("2026-07-31T07:16:10Z")],
    ["2026-07-31T07:16:10", micros("2026-07-31T07:16:10Z")],
    ["2026-07-31T07:16", micros("2026-07-31T07:16:00Z")],
    ["2026-07-31", micros("2026-07-31T00:00:00Z")],
    ["2026-07-31T07:16:10.1Z", micros("2026-07-31T07:16:10Z", 100_000)],
    ["2026-07-31T07:16:10.117Z", micros("2026-07-31T07:16:10Z", 117_000)],
    ["2026-07-31T07:16:10,117Z", micros("2026-07-31T07:16:10Z", 117_000)],
    ["2026-07-31T07:16:10.117605", micros("2026-07-31T07:16:10Z", 117_605)],
    ["2026-07-31T07:16:10.000001Z", micros("2026-07-31T07:16:10Z", 1)],
    ["2024-02-29T00:00:00Z", micros("2024-02-29T00:00:00Z")],
    ["2000-02-29T23:59:59Z", micros("2000-02-29T23:59:59Z")]
  ])("ISO 8601: %s", (text, expected) => {
    assert.strictEqual(Instant.parse(text), expected)
  })

  it.each([
    ["2026-07-31 07:16:10.117605 +0000 UTC", micros("2026-07-31T07:16:10Z", 117_605)],
    ["2026-07-31 07:16:10 +0000 UTC", micros("2026-07-31T07:16:10Z")],
    ["2026-07-31 07:16:10.117605999 +0000 UTC", micros("2026-07-31T07:16:10Z", 117_605)],
    ["2026-07-31 12:46:10.117605 +0530 IST", micros("2026-07-31T07:16:10Z", 117_605)],
    ["2026-07-31 03:16:10.5 -0400 EDT m=+0.01", micros("2026-07-31T07:16:10Z", 500_000)],
    ["2026-07-31 07:16:10.117605 +0000 UTC m=+0.000012345", micros("2026-07-31T07:16:10Z", 117_605)],
    ["2026-07-31 04:16:10 -0300 -03", micros("2026-07-31T07:16:10Z")],
    ["2026-07-31 12:46:10 +0530 +0530", micros("2026-07-31T07:16:10Z")],
    ["2026-07-31 07:16:10 UTC", micros("2026-07-31T07:16:10Z")]
  ])("Go: %s", (text, expected) => {
    assert.strictEqual(Instant.parse(text), expected)
  })

  it.each(["+05:30", "+0530", "-08:00", "-0800", "+14", "-12:45", "+00:00"])("the offset %s is subtracted", (zone) => {
    const signed = zone.startsWith("-") ? -1 : 1
    const digits = zone.replace(/\D/g, "").padEnd(4, "0")
    const minutes = signed * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)))
    assert.strictEqual(
      Instant.parse(`2026-07-31T07:16:10.117605${zone}`),
      micros("2026-07-31T07:16:10Z", 117_605) - minutes * 60_000_000
    )
  })

  it.each([
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+05:60"
  ])("impossible: %s", (text) => {
    assert.isUndefined(Instant.parse(text))
  })

  it.each([
    "",
    " ",
    "yesterday",
    "null",
    "1785482170",
    "1785482170000",
    "2026",
    "2026-07",
    "2026-7-1",
    "June 1 2025",
    "31/07/2026",
    "2026-07-31T",
    "2026-07-31T07",
    "2026-07-31T07:16:10.Z",
    "2026-07-31T07:16:10.1234567890Z",
    "2026-07-31T07:16:10Zjunk",
    "x2026-07-31T07:16:10Z",
    "2026-07-31T07:16:10Z\n",
    "+002026-07-31T07:16:10Z",
    "0x7e-07-31"
  ])("junk: %j", (text) => {
    assert.isUndefined(Instant.parse(text))
  })

  // A name alone tells no offset: to read it as UTC would be off by hours and nobody would see it.
  it.each(["2026-07-31 07:16:10 IST", "2026-07-31 07:16:10 PST", "2026-07-31 +0530", "2026-07-31 IST"])(
    "a zone that cannot be applied: %s",
    (text) => {
      assert.isUndefined(Instant.parse(text))
    }
  )

  it("reads the year 1, as Go writes a time that was never set", () => {
    const expected = micros("0001-01-01T00:00:00Z")
    assert.strictEqual(Instant.parse("0001-01-01T00:00:00Z"), expected)
    assert.strictEqual(Instant.parse("0001-01-01 00:00:00 +0000 UTC"), expected)
  })

  it("keeps apart what a millisecond holds together", () => {
    const first = Instant.parse("2026-07-31T07:16:10.117604Z")
    const second = Instant.parse("2026-07-31T07:16:10.117605Z")
    assert.strictEqual((second ?? NaN) - (first ?? NaN), 1)
  })
})

const year2255 = micros("2255-01-01T00:00:00Z")
const instants = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: year2255 }))

describe("Instant laws, 1970 to 2255", () => {
  it("are all safe integers", () => {
    assert.isTrue(Number.isSafeInteger(year2255))
  })

  it.prop(
    "parse after format is the identity",
    [instants],
    ([instant]) => {
      assert.strictEqual(Instant.parse(Instant.format(Instant.of(instant))), instant)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "and so it is when the neighbour of a second, a day and the epoch",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9_000_000 })), Schema.Literals([-1, 0, 1])],
    ([seconds, off]) => {
      const instant = seconds * 1_000_000_000 + off
      assert.strictEqual(Instant.parse(Instant.format(Instant.of(instant))), instant)
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop(
    "format keeps the order, given the same precision",
    [instants, instants],
    ([a, b]) => {
      const text = (i: number) => Instant.format(Instant.of(i)).replace(/:(\d\d)Z$/, ":$1.000000Z")
      assert.strictEqual(Math.sign(a - b), text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "Go's form and ISO 8601 in any zone are the same instant",
    [instants, Schema.Int.check(Schema.isBetween({ minimum: -14 * 60, maximum: 14 * 60 }))],
    ([instant, minutes]) => {
      const shifted = Instant.format(Instant.of(instant + minutes * 60_000_000))
      const size = Math.abs(minutes)
      const zone = (minutes < 0 ? "-" : "+") + String(Math.floor(size / 60)).padStart(2, "0")
      const rest = String(size % 60).padStart(2, "0")
      if (instant + minutes * 60_000_000 < 0) return
      assert.strictEqual(Instant.parse(shifted.replace("Z", `${zone}:${rest}`)), instant)
      assert.strictEqual(Instant.parse(`${shifted.replace("T", " ").replace("Z", "")} ${zone}${rest} XYZ`), instant)
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("Instant.format", () => {
  it.each([
    [0, "1970-01-01T00:00:00Z"],
    [1, "1970-01-01T00:00:00.000001Z"],
    [-1, "1969-12-31T23:59:59.999999Z"],
    [1_000_000, "1970-01-01T00:00:01Z"],
    [micros("2026-07-31T07:16:10Z", 117_605), "2026-07-31T07:16:10.117605Z"],
    [micros("2026-07-31T07:16:10Z", 100_000), "2026-07-31T07:16:10.100000Z"]
  ])("%d is %s", (instant, expected) => {
    assert.strictEqual(Instant.format(Instant.of(instant)), expected)
  })
})

describe("Instant.fromBound", () => {
  it("takes text, with white space around it", () => {
    assert.strictEqual(Instant.fromBound(" 2026-07-31T07:16:10Z\n"), micros("2026-07-31T07:16:10Z"))
    assert.isUndefined(Instant.fromBound("soon"))
  })

  it("takes a DateTime, whatever its zone, a Date and an instant", () => {
    const text = "2026-07-31T07:16:10.117Z"
    const bounds: ReadonlyArray<Instant.Bound> = [
      DateTime.makeUnsafe(text),
      DateTime.makeZonedUnsafe(text, { timeZone: "Asia/Kolkata" }),
      new Date(text),
      Instant.of(micros(text))
    ]
    for (const bound of bounds) assert.strictEqual(Instant.fromBound(bound), micros(text))
  })

  it("refuses a date and a number that are no time", () => {
    assert.isUndefined(Instant.fromBound(new Date("soon")))
    assert.isUndefined(Instant.fromBound(Instant.of(Number.NaN)))
    const untyped: ReadonlyArray<Instant.Bound> = JSON.parse("[null, {}, [], true]")
    for (const bound of untyped) assert.isUndefined(Instant.fromBound(bound))
  })
})

describe("a number that is no instant", () => {
  const from = Date.now() - 864e5

  it("compiles nowhere, because milliseconds would be read as microseconds", () => {
    const made: ReadonlyArray<unknown> = [
      // @ts-expect-error -- milliseconds
      History.windows({ from }),
      // @ts-expect-error -- milliseconds
      CallSessions.sessions({ from }),
      // @ts-expect-error -- milliseconds
      Plan.make({ from }),
      // @ts-expect-error -- milliseconds
      HistorySource.make({ from }),
      // @ts-expect-error -- milliseconds
      PagesSource.make({ to: from }),
      // @ts-expect-error -- milliseconds
      Instant.format(from),
      // @ts-expect-error -- milliseconds
      AgniClient.use((agni) => agni.list({ startedAfter: from }))
    ]
    assert.notInclude(made, undefined)
  })
})

describe("bounds that are no time", () => {
  it.effect.each([
    ["from", { from: "yesterday" }],
    ["to", { to: new Date("soon") }]
  ] as const)("%s is refused before any request", ([name, range]) =>
    Effect.gen(function* () {
      const client = AgniClient.of({ list: () => Effect.die(new Error("a request")) })
      const reads = [
        Stream.runDrain(History.windows(range)),
        Stream.runDrain(CallSessions.sessions(range)),
        Effect.asVoid(Plan.make(range)),
        Effect.asVoid(HistorySource.make(range).begin),
        Effect.asVoid(PagesSource.make(range).begin)
      ]
      for (const read of reads) {
        const error = yield* Effect.flip(Effect.provideService(read, AgniClient, client))
        assert.include(error.message, `${name} must be a time in ISO 8601`)
      }
    })
  )
})
