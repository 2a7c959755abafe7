/**
 * Adds fields that follow from others.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Calendar from "../model/Calendar.ts"
import * as CallSession from "../model/CallSession.ts"
import type { Column, Type } from "../model/Column.ts"
import * as Instant from "../model/Instant.ts"
import { make, type Transform } from "./Transform.ts"

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
 * What can be derived, each with its value for a record where it is known, `null` otherwise:
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

const types: { readonly [K in keyof Derived]: Type } = {
  direction: "text",
  customerNumber: "text",
  startedDate: "date",
  startedTime: "text",
  startedHour: "integer",
  weekday: "text",
  cost: "number",
  analysis: "json"
}

const microsPerHour = 3_600_000_000

type Rules = { readonly [K in keyof Derived]: (session: CallSession.CallSession) => Derived[K] }

const rules = ({ toLocal }: Calendar.Calendar): Rules => {
  /** Of what a clock showed at the start. */
  const started =
    <A>(read: (local: Instant.Instant) => A) =>
    (session: CallSession.CallSession): A | null => {
      const start = CallSession.startInstant(session)
      return start === undefined ? null : read(toLocal(start))
    }
  return {
    direction: (session) => CallSession.direction(session) ?? null,
    customerNumber: (session) => CallSession.customerNumber(session) ?? null,
    startedDate: started((local) => Instant.format(local).slice(0, 10)),
    startedTime: started((local) => Instant.format(local).slice(11, 19)),
    startedHour: started((local) => Math.floor(local / microsPerHour) - 24 * Math.floor(local / (24 * microsPerHour))),
    weekday: started(weekdayOf),
    cost: (session) => {
      const { costTotal } = session
      return CallSession.cost(session) === undefined || costTotal === undefined ? null : Number(costTotal)
    },
    analysis: (session) =>
      session.postCallAnalysisResult === undefined || session.postCallAnalysisResult === null
        ? null
        : CallSession.analysisValues(session)
  }
}

/** The first day of 1970 was a Thursday. */
const weekdayOf = (local: Instant.Instant): Weekday | null => {
  const day = Math.floor(local / (24 * microsPerHour)) + 3
  return weekdays[day - 7 * Math.floor(day / 7)] ?? null
}

/**
 * The record with the named values added, in the order of `names`. Their columns are there whether or not a record has a
 * value, so that a table knows them before the first one. A field of the record that already has such a name gives way.
 *
 * ```ts
 * Derive.derive(["direction", "startedDate"], { timeZone: DateTime.zoneMakeNamedUnsafe("Europe/Berlin") })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const derive = <const K extends keyof Derived>(
  wanted: ReadonlyArray<K>,
  options: Options = {}
): Transform<CallSession.CallSession, CallSession.CallSession & Pick<Derived, K>> => {
  const zone = options.timeZone ?? DateTime.zoneMakeOffset(0)
  const chosen = names.filter((name): name is K => wanted.some((other) => other === name))
  const all = rules(Calendar.make(zone))
  return make({
    label: `derive ${chosen.map((name) => (isZoned(name) ? `${name}@${DateTime.zoneToString(zone)}` : name)).join(",")}`,
    columns: (columns) => [
      ...columns.filter((column) => !chosen.some((name) => name === column.name)),
      ...chosen.map((name): Column => ({ name, type: types[name] }))
    ],
    apply: (session) => {
      const derived: { -readonly [K in keyof Derived]?: unknown } = {}
      for (const name of chosen) derived[name] = all[name](session)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each name was given its own rule's value
      return Object.assign({}, session, derived) as CallSession.CallSession & Pick<Derived, K>
    }
  })
}
