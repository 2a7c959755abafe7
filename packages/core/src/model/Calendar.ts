/**
 * Days and clock times of a time zone.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Instant from "./Instant.ts"

/**
 * A day of a calendar, as the half-open range `from <= instant < to`. It has 23 or 25 hours where clocks change.
 *
 * @since 0.1.0
 * @category models
 */
export interface Day {
  /** `2026-07-31`. */
  readonly date: string
  readonly from: Instant.Instant
  readonly to: Instant.Instant
}

/**
 * The days and clock times of one time zone. A clock time is the `Instant` at which a clock in UTC shows the same.
 *
 * @since 0.1.0
 * @category models
 */
export interface Calendar {
  readonly zone: DateTime.TimeZone
  /** What a clock in the zone shows at an instant. */
  readonly toLocal: (instant: Instant.Instant) => Instant.Instant
  /**
   * The instant at which a clock in the zone shows the time: the earlier one of a time that it shows twice; of a time that
   * it skips, the instant as long after the change as the time is after the beginning of the gap. This is what Temporal
   * calls `compatible`.
   */
  readonly fromLocal: (local: Instant.Instant) => Instant.Instant
  /** The day in which an instant is. */
  readonly day: (instant: Instant.Instant) => Day
  /** The day of a date, `undefined` for text that is no date. The day of a date that the zone skipped is empty. */
  readonly dayOf: (date: string) => Day | undefined
}

const microsPerHour = 3_600_000_000
const microsPerDay = 24 * microsPerHour

/** More than a few years of hours are not kept. */
const mostKept = 50_000

const dateOf = (day: number): string => Instant.format(Instant.of(day * microsPerDay)).slice(0, -10)

const dateShape = /^\d{4}-\d{2}-\d{2}$/

/**
 * The calendar of a zone. It keeps what it has computed, because calls of one window start on the same few days.
 *
 * ```ts
 * Calendar.make(DateTime.zoneMakeNamedUnsafe("Asia/Kolkata")).dayOf("2026-11-27")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (zone: DateTime.TimeZone): Calendar => {
  const offset = offsetsOf(zone)
  const toLocal = (instant: Instant.Instant) => Instant.of(instant + offset(instant))

  const fromLocal = (local: Instant.Instant): Instant.Instant => {
    const millis = Math.floor(local / 1000)
    const zoned = DateTime.makeZonedUnsafe(millis, {
      timeZone: zone,
      adjustForTimeZone: true,
      disambiguation: "compatible"
    })
    return Instant.of(DateTime.toEpochMillis(zoned) * 1000 + (local - millis * 1000))
  }

  const starts = new Map<number, Instant.Instant>()
  /** The first instant of a day: midnight or, where clocks skip midnight, the change itself. */
  const startOf = (day: number): Instant.Instant => {
    const known = starts.get(day)
    if (known !== undefined) return known
    const midnight = Instant.of(day * microsPerDay)
    let start = fromLocal(midnight)
    const skipped = toLocal(start) - midnight
    if (skipped > 0) {
      let before = start - skipped
      const after = offset(start)
      // To the second, as all changes of clocks are.
      while (start - before > 1_000_000) {
        const middle = Instant.of(before + Math.ceil((start - before) / 2_000_000) * 1_000_000)
        if (middle >= start) break
        if (offset(middle) === after) start = middle
        else before = middle
      }
    }
    if (starts.size >= mostKept) starts.clear()
    starts.set(day, start)
    return start
  }
  const dayAt = (day: number): Day => ({ date: dateOf(day), from: startOf(day), to: startOf(day + 1) })

  let last: Day | undefined
  return {
    zone,
    toLocal,
    fromLocal,
    day: (instant) => {
      if (last !== undefined && instant >= last.from && instant < last.to) return last
      let day = Math.floor(toLocal(instant) / microsPerDay)
      // Where clocks went back across midnight, a date comes again after its day.
      while (instant >= startOf(day + 1)) day++
      while (instant < startOf(day)) day--
      last = dayAt(day)
      return last
    },
    dayOf: (date) => {
      const midnight = dateShape.test(date) ? Instant.parse(date) : undefined
      return midnight === undefined ? undefined : dayAt(midnight / microsPerDay)
    }
  }
}

/** Microseconds east of UTC, by the instant. */
const offsetsOf = (zone: DateTime.TimeZone): ((instant: Instant.Instant) => number) => {
  if (zone._tag === "Offset") {
    const offset = zone.offset * 1000
    return () => offset
  }
  const compute = (instant: Instant.Instant): number =>
    DateTime.zonedOffset(DateTime.makeZonedUnsafe(Math.floor(instant / 1_000_000) * 1000, { timeZone: zone })) * 1000
  /** By the hour; `undefined` for one in which clocks change. */
  const known = new Map<number, number | undefined>()
  return (instant) => {
    const hour = Math.floor(instant / microsPerHour)
    let found = known.get(hour)
    if (found === undefined) {
      if (known.has(hour)) return compute(instant)
      const first = compute(Instant.of(hour * microsPerHour))
      found = compute(Instant.of((hour + 1) * microsPerHour)) === first ? first : undefined
      if (known.size >= mostKept) known.clear()
      known.set(hour, found)
      if (found === undefined) return compute(instant)
    }
    return found
  }
}

/**
 * The calendar of UTC.
 *
 * @since 0.1.0
 * @category constants
 */
export const utc: Calendar = make(DateTime.zoneMakeOffset(0))
