/**
 * Fields that can be derived from those of a call.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as CallSession from "../model/CallSession.ts"

/**
 * The days of the week, in their order.
 *
 * @since 0.1.0
 * @category models
 */
export const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const

/**
 * A day of the week.
 *
 * @since 0.1.0
 * @category models
 */
export type Weekday = (typeof weekdays)[number]

/**
 * Each derived field, with its value for a record; `null` if it is unknown:
 *
 * - `direction`: `"inbound"` or `"outbound"`.
 * - `customerNumber`: the caller's number of an inbound call, the callee's of an outbound one.
 * - `startedDate`: the date of `startedAt` in the time zone, as `2026-07-31`.
 * - `startedTime`: what a clock in the time zone showed then, as `07:16:10`; `startedHour`: its hour, from 0 to 23.
 * - `weekday`: the day of the week of that date, from `monday` to `sunday`.
 * - `cost`: `costTotal` as a number. Sums of such numbers are not exact; `costTotal` itself is.
 * - `analysis`: the values of `postCallAnalysisResult` without the wrapping `{ type, value }`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Derived {
  readonly direction: CallSession.Direction | null
  readonly customerNumber: string | null
  readonly startedDate: string | null
  readonly startedTime: string | null
  readonly startedHour: number | null
  readonly weekday: Weekday | null
  readonly cost: number | null
  readonly analysis: Readonly<Record<string, unknown>> | null
}

/**
 * How to derive.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Whose dates and clock times `startedDate`, `startedTime`, `startedHour` and `weekday` have. @default UTC */
  readonly timeZone?: DateTime.TimeZone | undefined
}

/**
 * The names of what can be derived.
 *
 * @since 0.1.0
 * @category models
 */
export const names: ReadonlyArray<keyof Derived> = [
  "direction",
  "customerNumber",
  "startedDate",
  "startedTime",
  "startedHour",
  "weekday",
  "cost",
  "analysis"
]

const zoned: ReadonlySet<string> = new Set<keyof Derived>(["startedDate", "startedTime", "startedHour", "weekday"])

/**
 * Whether the time zone changes what is derived under this name.
 *
 * @since 0.1.0
 * @category reading
 */
export const isZoned = (name: string): boolean => zoned.has(name)
