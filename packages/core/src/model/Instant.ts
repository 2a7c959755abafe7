/**
 * An instant as microseconds since the Unix epoch.
 *
 * The wire's timestamps carry microseconds, which decide the order of calls that start in the same millisecond. As a
 * number they stay a safe integer until the year 2255 and compare with `<`.
 *
 * @since 0.1.0
 */
import * as Brand from "effect/Brand"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * Microseconds since the Unix epoch, a safe integer. It has a brand, because milliseconds would be mistaken for
 * microseconds: no number is an instant by itself.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Instant = Schema.Int.pipe(Schema.brand("Instant"))

/**
 * @since 0.1.0
 * @category models
 */
export type Instant = typeof Instant.Type

/**
 * A point in time that a function takes: an `Instant`, a `Date`, a `DateTime`, or ISO 8601 text. Text without a zone is
 * read as UTC, and a date alone is its midnight in UTC. No other number is one.
 *
 * @since 0.1.0
 * @category models
 */
export type Bound = Instant | Date | DateTime.DateTime | string

/**
 * A number of microseconds since the epoch as an instant.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = Brand.nominal<Instant>()

/**
 * This machine's time, by the `Clock`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const now: Effect.Effect<Instant> = Effect.map(Clock.currentTimeMillis, (millis) =>
  // A clock of tests has fractions of a millisecond.
  of(Math.floor(millis * 1000))
)

// ISO 8601 and Go's `time.String()`: date, optional time, optional fraction, optional zone, Go's zone name and
// monotonic reading ignored. A name without an offset says nothing, unless it is that of UTC.
const shape =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?([Zz]|[+-]\d{2}(?::?\d{2})?)(?: [A-Z][A-Za-z]{1,5}| [+-]\d{2,4})?| UTC| GMT)?(?: m=[+-][\d.]+)?)?$/

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Reads a timestamp of the wire: ISO 8601 with or without fraction and zone, or Go's
 * `2026-07-31 07:16:10.117605 +0000 UTC`. `undefined` for anything else, impossible dates included.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (text: string): Instant | undefined => parseUtc(text) ?? parseAny(text)

const parseAny = (text: string): Instant | undefined => {
  const match = shape.exec(text)
  if (match === null) return undefined
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  const hour = Number(match[4] ?? 0)
  const minute = Number(match[5] ?? 0)
  const second = Number(match[6] ?? 0)
  if (month < 1 || month > 12 || day < 1 || day > (daysInMonth[month - 1] ?? 0)) return undefined
  if (month === 2 && day === 29 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const offset = parseOffset(match[8])
  if (offset === undefined) return undefined
  const midnight = year < 100 ? new Date(0).setUTCFullYear(year, month - 1, day) : Date.UTC(year, month - 1, day)
  const millis = midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000
  const fraction = match[7]
  return of(millis * 1000 + (fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, "0"))))
}

const zero = 48
const digitAt = (text: string, index: number): number => {
  const digit = text.charCodeAt(index) - zero
  return digit >= 0 && digit <= 9 ? digit : Number.NaN
}
const twoAt = (text: string, index: number): number => 10 * digitAt(text, index) + digitAt(text, index + 1)

let lastDate = ""
let lastMidnight: Instant | undefined

/** The midnight of a `YYYY-MM-DD`: neighbours in a history mostly share it. */
const midnightOf = (date: string): Instant | undefined => {
  if (date !== lastDate) {
    lastMidnight = parseAny(date)
    lastDate = date
  }
  return lastMidnight
}

/**
 * `2026-07-31T07:16:10.117605Z`, which is nearly every timestamp, at a quarter of what the general reading costs: each
 * record of a history has two. `undefined` is left to the general reading.
 */
const parseUtc = (text: string): Instant | undefined => {
  const end = text.length - 1
  if (end < 19 || text[10] !== "T" || text[13] !== ":" || text[16] !== ":" || text[end] !== "Z") return undefined
  const midnight = midnightOf(text.slice(0, 10))
  const hour = twoAt(text, 11)
  const minute = twoAt(text, 14)
  const second = twoAt(text, 17)
  if (midnight === undefined || !(hour < 24 && minute < 60 && second < 60)) return undefined
  let micros = 0
  if (end > 19) {
    if (text[19] !== "." || end === 20 || end > 26) return undefined
    for (let index = 20; index < 26; index++) micros = 10 * micros + (index < end ? digitAt(text, index) : 0)
  }
  const instant = midnight + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
  return Number.isNaN(instant) ? undefined : of(instant)
}

/** Minutes east of UTC. */
const parseOffset = (zone: string | undefined): number | undefined => {
  if (zone === undefined || zone === "Z" || zone === "z") return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes)
}

/**
 * Reads a bound; `undefined` for text that is not ISO 8601, for a date or number that is no time, and for anything else.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBound = (bound: Bound): Instant | undefined => {
  if (typeof bound === "string") return parse(bound.trim())
  if (typeof bound === "number") return Number.isFinite(bound) ? bound : undefined
  const millis =
    bound instanceof Date ? bound.getTime() : DateTime.isDateTime(bound) ? DateTime.toEpochMillis(bound) : NaN
  return Number.isNaN(millis) ? undefined : of(millis * 1000)
}

/**
 * The earlier one.
 *
 * @since 0.1.0
 * @category combining
 */
export const min = (left: Instant, right: Instant): Instant => (right < left ? right : left)

/**
 * The later one.
 *
 * @since 0.1.0
 * @category combining
 */
export const max = (left: Instant, right: Instant): Instant => (right > left ? right : left)

/**
 * ISO 8601 in UTC: whole seconds as `2026-07-31T07:16:10Z`, otherwise with six digits of fraction.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = (instant: Instant): string => {
  const day = Math.floor(instant / microsPerDay)
  if (day !== lastDay) {
    lastDayText = new Date(day * (microsPerDay / 1000)).toISOString().slice(0, -14)
    lastDay = day
  }
  let rest = instant - day * microsPerDay
  const micros = rest % 1_000_000
  rest = (rest - micros) / 1_000_000
  const second = rest % 60
  const minute = ((rest - second) / 60) % 60
  const hour = (rest - second - 60 * minute) / 3600
  const text = `${lastDayText}T${two(hour)}:${two(minute)}:${two(second)}`
  return micros === 0 ? `${text}Z` : `${text}.${String(micros).padStart(6, "0")}Z`
}

const microsPerDay = 86_400_000_000

/** Neighbours mostly share their day, and a calendar costs several times what the rest does. */
let lastDay = Number.NaN
let lastDayText = ""

const twos = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"))
const two = (number: number): string => twos[number] ?? String(number)
