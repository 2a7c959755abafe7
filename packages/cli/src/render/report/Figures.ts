/** Figures of a report as people read them. */
import { type Calendar, Instant, Money, type Report } from "@callstream/core"
import * as BigDecimal from "effect/BigDecimal"
import * as Format from "../Format.ts"

/** `1234.5` as `1,234.5`, whatever its size. */
export const grouped = (text: string): string => {
  const [whole = "0", fraction] = text.split(".")
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ",")
  return fraction === undefined ? digits : `${digits}.${fraction}`
}

/** The unit of costs: that of the API, or a currency that the user named. */
export interface Unit {
  readonly currency: string | undefined
}

const withUnit = (digits: string, { currency }: Unit): string =>
  currency === undefined ? `${digits} credits` : `${currency} ${digits}`

/** More digits before the point than this leave no room for anything else: JSON has them. */
const mostDigits = 24

/** Rounded to hundredths, without the unit: for tables. */
export const plainCost = (amount: BigDecimal.BigDecimal): string => {
  const text = Money.toFixed(amount, 2)
  const [sign = "", whole = ""] = /^(-?)(\d+)/.exec(text)?.slice(1) ?? []
  return whole.length <= mostDigits
    ? grouped(text)
    : `${sign}${whole.slice(0, 1)}.${whole.slice(1, 3)}e${whole.length - 1}`
}

/** For the length of a bar, and for a percentage. */
export const toNumber = (amount: BigDecimal.BigDecimal): number => BigDecimal.toNumberUnsafe(amount)

/** Rounded to hundredths, with the unit. */
export const cost = (amount: BigDecimal.BigDecimal, unit: Unit): string => withUnit(plainCost(amount), unit)

/** With all digits, and so many at least. */
export const exactCost = (amount: BigDecimal.BigDecimal, least = 2): string => {
  const [whole = "0", fraction = ""] = Money.format(amount).split(".")
  return grouped(`${whole}.${fraction.padEnd(least, "0")}`)
}

export const unitName = ({ currency }: Unit): string => currency ?? "credits"

/** Minutes of a sum of seconds, to a tenth. */
export const minutes = (seconds: number): string => grouped((Math.round(seconds / 6) / 10).toFixed(1))

export const share = (part: number, of: number): string => {
  if (of === 0) return "–"
  const percent = (part / of) * 100
  return part > 0 && percent < 1 ? "< 1 %" : `${Math.round(percent)} %`
}

/** A larger change is that of a small number, and its percentage says nothing. */
const mostPercent = 1000

/** The value of the previous period, with the change since: `258 (−13 %)`. */
export const previously = (now: number, before: number, show: (value: number) => string): string => {
  const percent = before === 0 ? Infinity : Math.round(((now - before) / before) * 100)
  if (now === before || Math.abs(percent) > mostPercent) return show(before)
  const sign = percent === 0 ? "±" : percent > 0 ? "+" : "−"
  return `${show(before)} (${sign}${Format.count(Math.abs(percent))} %)`
}

/** A length in seconds: `45 s`, `2 min`, `1 h 5 min`. */
export const seconds = (value: number): string => {
  if (value < 60) return `${Math.round(value * 10) / 10} s`
  const whole = Math.round(value)
  if (whole < 3600) return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`
  const rest = Math.round((whole % 3600) / 60)
  return rest === 0 ? `${Math.floor(whole / 3600)} h` : `${Math.floor(whole / 3600)} h ${rest} min`
}

export const millis = (value: number): string =>
  value < 1000 ? `${Math.round(value)} ms` : `${(Math.round(value / 10) / 100).toString()} s`

/** All but the last two digits of a number. */
export const masked = (number: string): string => `••• ${number.slice(-2)}`

const monthNames = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")
const dayNames = "Mon Tue Wed Thu Fri Sat Sun".split(" ")

export const weekdays: ReadonlyArray<string> = dayNames

const partsOf = (date: string) => {
  const [year = "", month = "", day = ""] = date.split("-")
  return { year, month: monthNames[Number(month) - 1] ?? "", day: String(Number(day)) }
}

/** `22 Nov`, of `2026-11-22`. */
export const shortDate = (date: string): string => {
  const { day, month } = partsOf(date)
  return `${day} ${month}`
}

/** `Sun 22 Nov 2026`. */
export const longDate = (date: string): string => {
  const { day, month, year } = partsOf(date)
  const weekday = dayNames[(new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7] ?? ""
  return `${weekday} ${day} ${month} ${year}`
}

/** `Nov 2026`. */
export const monthOf = (date: string): string => {
  const { month, year } = partsOf(date)
  return `${month} ${year}`
}

/** `22 Nov 2026 14:05`, by the clock of the zone. */
export const moment = (instant: Instant.Instant, { toLocal }: Calendar.Calendar): string => {
  const text = Instant.format(toLocal(instant))
  const { day, month, year } = partsOf(text.slice(0, 10))
  return `${day} ${month} ${year} ${text.slice(11, 16)}`
}

/** The name of an agent; its id, where it has none. */
export const agentName = ({ id, name }: Pick<Report.Agent, "id" | "name">): string =>
  name === "" ? (id === "" ? "(no agent)" : id) : name
