/**
 * Adds fields that follow from others.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as CallSession from "../model/CallSession.ts"
import type { Column, Type } from "../model/Column.ts"
import type { Instant } from "../model/Instant.ts"
import { make, type Transform } from "./Transform.ts"

/**
 * What can be derived, each with its value for a record where it is known, `null` otherwise:
 *
 * - `direction`: `"inbound"` or `"outbound"`.
 * - `customerNumber`: the caller's number of an inbound call, the callee's of an outbound one.
 * - `startedDate`: the date of `startedAt` in the time zone, as `2026-07-31`.
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
  /** Whose dates `startedDate` has. @default UTC */
  readonly timeZone?: DateTime.TimeZone | undefined
}

/**
 * The names of what can be derived.
 *
 * @since 0.1.0
 * @category models
 */
export const names: ReadonlyArray<keyof Derived> = ["direction", "customerNumber", "startedDate", "cost", "analysis"]

const types: { readonly [K in keyof Derived]: Type } = {
  direction: "text",
  customerNumber: "text",
  startedDate: "date",
  cost: "number",
  analysis: "json"
}

/** Every zone's midnight since 2000 falls on one of these in UTC. */
const quarter = 15 * 60 * 1_000_000

/** A calendar costs microseconds, and the calls of one window start on the same few dates. */
const dateIn = (zone: DateTime.TimeZone): ((instant: Instant) => string) => {
  const known = new Map<number, string>()
  return (instant) => {
    const at = Math.floor(instant / quarter)
    const found = known.get(at)
    if (found !== undefined) return found
    if (known.size >= 4096) known.clear()
    const date = DateTime.formatIsoDate(DateTime.makeZonedUnsafe((at * quarter) / 1000, { timeZone: zone }))
    known.set(at, date)
    return date
  }
}

type Rules = { readonly [K in keyof Derived]: (session: CallSession.CallSession) => Derived[K] }

const rules = (zone: DateTime.TimeZone): Rules => {
  const date = dateIn(zone)
  return {
    direction: (session) => CallSession.direction(session) ?? null,
    customerNumber: (session) => CallSession.customerNumber(session) ?? null,
    startedDate: (session) => {
      const start = CallSession.startInstant(session)
      return start === undefined ? null : date(start)
    },
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
  const all = rules(zone)
  return make({
    label: `derive ${chosen.map((name) => (name === "startedDate" ? `${name}@${DateTime.zoneToString(zone)}` : name)).join(",")}`,
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
