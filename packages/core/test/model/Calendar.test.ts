/// <reference lib="esnext.temporal" />
import * as Calendar from "@callstream/core/model/Calendar"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import { dice } from "../transform/Records.ts"

const named = (zone: string) => Calendar.make(DateTime.zoneMakeNamedUnsafe(zone))
const at = (text: string) => Instant.parse(text) ?? Number.NaN
const hour = 3_600_000_000

const hours = (zone: string, date: string) => {
  const day = named(zone).dayOf(date)
  return day === undefined ? undefined : (day.to - day.from) / hour
}

/** Temporal, which shares no code with the calendar, as its oracle. */
const micros = ({ epochNanoseconds }: Temporal.ZonedDateTime) => Number(epochNanoseconds / 1000n)
const instantOf = (instant: Instant.Instant) => Temporal.Instant.fromEpochNanoseconds(BigInt(instant) * 1000n)

describe("Calendar", () => {
  it("has days of 23, 24, 25 and 24.5 hours, and none at all where a date was skipped", () => {
    for (const [zone, date, length] of [
      ["UTC", "2026-03-29", 24],
      ["Asia/Kolkata", "2026-11-27", 24],
      ["Europe/Berlin", "2026-03-29", 23],
      ["Europe/Berlin", "2026-10-25", 25],
      ["Australia/Lord_Howe", "2026-04-05", 24.5],
      ["Australia/Lord_Howe", "2026-10-04", 23.5],
      ["Pacific/Apia", "2011-12-30", 0],
      ["Pacific/Apia", "2011-12-29", 24],
      // Midnight itself is skipped.
      ["America/Sao_Paulo", "2018-11-04", 23],
      // The change is at midnight, back into the day before.
      ["America/Nuuk", "2024-10-26", 25]
    ] as const) {
      assert.strictEqual(hours(zone, date), length, `${zone} ${date}`)
    }
    for (const text of ["2026-02-30", "2026-7-1", "today", "2026-07-01T00:00:00Z", ""]) {
      assert.isUndefined(Calendar.utc.dayOf(text), text)
    }
  })

  it("a time that is skipped is later, and of one that comes twice it is the first", () => {
    const berlin = named("Europe/Berlin")
    assert.strictEqual(berlin.fromLocal(Instant.of(at("2026-03-29T02:30:00Z"))), at("2026-03-29T01:30:00Z"))
    assert.strictEqual(
      berlin.fromLocal(Instant.of(at("2026-10-25T02:30:00.123456Z"))),
      at("2026-10-25T00:30:00.123456Z")
    )
    const lordHowe = named("Australia/Lord_Howe")
    assert.strictEqual(lordHowe.fromLocal(Instant.of(at("2026-10-04T02:15:00Z"))), at("2026-10-03T15:45:00Z"))
    assert.strictEqual(lordHowe.toLocal(Instant.of(at("2026-10-03T15:45:00Z"))), at("2026-10-04T02:45:00Z"))
  })

  it("is that of Temporal in every zone: clock times, gaps, overlaps and the first instant of a day", () => {
    const first = at("1970-01-03T00:00:00Z")
    const last = at("2040-01-01T00:00:00Z")
    for (const [place, zone] of Intl.supportedValuesOf("timeZone").entries()) {
      const seed = 7 * place + 1
      const random = dice(seed)
      const calendar = named(zone)
      const check = (instant: Instant.Instant) => {
        const told = `${zone} ${Instant.format(instant)} (seed ${seed})`
        const zoned = instantOf(instant).toZonedDateTimeISO(zone)
        const plain = zoned.toPlainDateTime().toString({ smallestUnit: "microsecond" })
        assert.strictEqual(calendar.toLocal(instant), at(`${plain}Z`), told)
        // Read as a clock time, which may be one of a gap.
        const local = new Temporal.PlainDateTime(1970, 1, 1).add({ microseconds: instant })
        const compatible = local.toZonedDateTime(zone, { disambiguation: "compatible" })
        assert.strictEqual(calendar.fromLocal(instant), micros(compatible), `${told} as a clock time`)
        const date = zoned.toPlainDate()
        const day = calendar.dayOf(date.toString())
        assert.strictEqual(day?.from, micros(date.toZonedDateTime(zone)), `${told}: day`)
        assert.strictEqual(day?.to, micros(date.add({ days: 1 }).toZonedDateTime(zone)), `${told}: next day`)
        const own = calendar.day(instant)
        assert.isTrue(own.from <= instant && instant < own.to, `${told}: its day`)
      }
      for (let round = 0; round < 6; round++) {
        const instant = first + Math.floor(((last - first) / 1e6) * (random.roll(1_000_000) - 1))
        check(Instant.of(instant))
        // The hours around a change of clocks are where it is difficult.
        const change = instantOf(Instant.of(instant)).toZonedDateTimeISO(zone).getTimeZoneTransition("next")
        if (change === null || micros(change) > last) continue
        for (let near = 0; near < 4; near++)
          check(Instant.of(micros(change) + (random.roll(7_200) - 3_600) * 1_500_000))
        check(Instant.of(micros(change)))
        check(Instant.of(micros(change) - 1))
        // A clock time inside of the gap or the overlap.
        check(Instant.of(micros(change) + Math.round(change.offsetNanoseconds / 1000) - 600_000_000))
      }
    }
  })
})
