/** A moment on the command line: a time, a day, or an age. */
import { type Calendar, Derive, Instant } from "@callstream/core"
import * as Duration from "effect/Duration"

/** A day by its date, or as people call it: that of the last Monday is `monday`, also on a Monday. */
type DayName = "today" | "yesterday" | Derive.Weekday

/** `age` counts back from the moment at which the command runs, in milliseconds. */
export type When =
  | { readonly _tag: "At"; readonly instant: Instant.Instant }
  /** What a clock in the zone shows. */
  | { readonly _tag: "Local"; readonly local: Instant.Instant }
  | { readonly _tag: "Date"; readonly date: string }
  | { readonly _tag: "Day"; readonly name: DayName }
  | { readonly _tag: "Ago"; readonly millis: number }

/** A whole day. */
export type OnDay = Extract<When, { readonly _tag: "Date" | "Day" }>

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

const age = /^(\d{1,6})([smhdw])$/
const date = /^\d{4}-\d{2}-\d{2}$/
const clockTime = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?$/

const dayNames: ReadonlyArray<DayName> = ["today", "yesterday", ...Derive.weekdays]

export const parse = (given: string): When | undefined => {
  const text = given.trim()
  const match = age.exec(text)
  const unit = units[match?.[2] ?? ""]
  if (match !== null && unit !== undefined) return { _tag: "Ago", millis: Number(match[1]) * unit }
  const name = dayNames.find((one) => one === text.toLowerCase())
  if (name !== undefined) return { _tag: "Day", name }
  const instant = Instant.parse(text)
  if (instant === undefined) return undefined
  if (date.test(text)) return { _tag: "Date", date: text }
  return clockTime.test(text) ? { _tag: "Local", local: instant } : { _tag: "At", instant }
}

export const parseDay = (text: string): OnDay | undefined => {
  const when = parse(text)
  return when?._tag === "Date" || when?._tag === "Day" ? when : undefined
}

export const expectedDay = "a day: today, yesterday, monday, or a date such as 2026-07-31"

export const expected =
  'a time (2026-07-31T07:16:10Z; without an offset, as in "2026-07-31 07:16", in the time zone of the run), the beginning of a day (2026-07-31, today, yesterday, monday) or an age (90m, 12h, 7d, 2w)'

/** What moments depend on. */
export interface Now {
  readonly millis: number
  readonly calendar: Calendar.Calendar
}

const microsPerDay = 86_400_000_000

const dateOf = (when: OnDay, { calendar, millis }: Now): string => {
  if (when._tag === "Date") return when.date
  const today = calendar.toLocal(Instant.of(millis * 1000))
  // The first day of 1970 was a Thursday.
  const weekday = (Math.floor(today / microsPerDay) + 3) % 7
  const { name } = when
  const back = name === "today" ? 0 : name === "yesterday" ? 1 : (weekday - Derive.weekdays.indexOf(name) + 7) % 7
  return Instant.format(Instant.of(today - back * microsPerDay)).slice(0, 10)
}

/** The whole day; an empty one where clocks skipped it. */
export const resolveDay = (when: OnDay, now: Now): Calendar.Day => {
  const day = dateOf(when, now)
  return now.calendar.dayOf(day) ?? { date: day, from: Instant.of(0), to: Instant.of(0) }
}

export const resolve = (when: When, now: Now): Instant.Instant => {
  switch (when._tag) {
    case "At":
      return when.instant
    case "Local":
      return now.calendar.fromLocal(when.local)
    case "Date":
    case "Day":
      return resolveDay(when, now).from
    case "Ago":
      return Instant.of((now.millis - when.millis) * 1000)
  }
}

/** In one form, so that what is the same moment has the same text whenever it is resolved: ages and names of days stay. */
export const format = (when: When, calendar: Calendar.Calendar): string => {
  if (when._tag === "Day") return when.name
  if (when._tag !== "Ago") return Instant.format(resolve(when, { millis: 0, calendar }))
  const unit = ["d", "h", "m", "s"].find((name) => when.millis % (units[name] ?? 1) === 0) ?? "s"
  return `${when.millis / (units[unit] ?? 1)}${unit}`
}

const length = /^(\d{1,9})(ms|s|m|h|d|w)$/

/** A length of time in milliseconds: an age, or so many `ms`. */
export const parseDuration = (text: string): number | undefined => {
  const match = length.exec(text.trim())
  return match === null ? undefined : Number(match[1]) * (units[match[2] ?? ""] ?? 1)
}

/** As it may be typed again. */
export const formatDuration = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  const unit = ["h", "m", "s"].find((name) => millis > 0 && millis % (units[name] ?? 1) === 0)
  return unit === undefined ? `${millis}ms` : `${millis / (units[unit] ?? 1)}${unit}`
}
