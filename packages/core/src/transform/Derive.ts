/**
 * Fields that can be derived from those of a call.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as CallSession from "../model/CallSession.ts"
import type { Outcome } from "../model/Outcome.ts"

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
 * - `outcome`: what became of the call, as one word, such as `"completed"` or `"missed"`.
 * - `direction`: `"inbound"`, `"outbound"` or `"unknown"`.
 * - `customerNumber`: the caller's number of an inbound call, the callee's of an outbound one.
 * - `startedDate`: the date of `startedAt` in the time zone, as `2026-07-31`.
 * - `startedTime`: what a clock in the time zone showed then, as `07:16:10`; `startedHour`: its hour, from 0 to 23.
 * - `weekday`: the day of the week of that date, from `monday` to `sunday`.
 * - `minutes`: `durationSec` divided by 60, not rounded.
 * - `cost`: `costTotal` as a number. Sums of such numbers are not exact; `costTotal` itself is.
 * - `finalCost`: `costTotal`, exact, of a call that is not expected to change any more.
 * - `analysis`: the values of `postCallAnalysisResult` without the wrapping `{ type, value }`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Derived {
  readonly outcome: Outcome
  readonly direction: CallSession.Direction
  readonly customerNumber: string | null
  readonly startedDate: string | null
  readonly startedTime: string | null
  readonly startedHour: number | null
  readonly weekday: Weekday | null
  readonly minutes: number | null
  readonly cost: number | null
  readonly finalCost: string | null
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
  "outcome",
  "direction",
  "customerNumber",
  "startedDate",
  "startedTime",
  "startedHour",
  "weekday",
  "minutes",
  "cost",
  "finalCost",
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
