/** A moment on the command line: a time, a date, or an age. */
import { Instant } from "@callstream/core"
import * as Duration from "effect/Duration"

/** `age` counts back from the moment at which the command runs, in milliseconds. */
export type When =
  | { readonly _tag: "At"; readonly instant: Instant.Instant }
  | { readonly _tag: "Ago"; readonly millis: number }

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

const age = /^(\d{1,6})([smhdw])$/

export const parse = (text: string): When | undefined => {
  const match = age.exec(text.trim())
  const unit = units[match?.[2] ?? ""]
  if (match !== null && unit !== undefined) return { _tag: "Ago", millis: Number(match[1]) * unit }
  const instant = Instant.parse(text.trim())
  return instant === undefined ? undefined : { _tag: "At", instant }
}

export const expected =
  "a time (2026-07-31T07:16:10Z), a date (2026-07-31, its midnight in UTC) or an age (90m, 12h, 7d, 2w)"

export const resolve = (when: When, nowMillis: number): Instant.Instant =>
  when._tag === "At" ? when.instant : (nowMillis - when.millis) * 1000

/** As it may be typed again. */
export const format = (when: When): string => {
  if (when._tag === "At") return Instant.format(when.instant)
  const unit = ["w", "d", "h", "m", "s"].find((name) => when.millis % (units[name] ?? 1) === 0) ?? "s"
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
