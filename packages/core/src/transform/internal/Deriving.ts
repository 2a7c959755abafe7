/** Adds fields that follow from others. */
import * as DateTime from "effect/DateTime"
import * as Calendar from "../../model/Calendar.ts"
import * as CallSession from "../../model/CallSession.ts"
import type { Column, Type } from "../../model/Column.ts"
import * as Instant from "../../model/Instant.ts"
import { type Derived, isZoned, names, type Options, type Weekday, weekdays } from "../Derive.ts"
import { make, type Pure } from "../TransformContract.ts"

const types: { readonly [K in keyof Derived]: Type } = {
  outcome: "text",
  direction: "text",
  customerNumber: "text",
  startedDate: "date",
  startedTime: "text",
  startedHour: "integer",
  weekday: "text",
  minutes: "number",
  cost: "number",
  finalCost: "decimal",
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
    outcome: CallSession.outcome,
    direction: CallSession.direction,
    customerNumber: (session) => CallSession.customerNumber(session) ?? null,
    startedDate: started((local) => Instant.format(local).slice(0, 10)),
    startedTime: started((local) => Instant.format(local).slice(11, 19)),
    startedHour: started((local) => Math.floor(local / microsPerHour) - 24 * Math.floor(local / (24 * microsPerHour))),
    weekday: started(weekdayOf),
    minutes: (session) => CallSession.minutes(session) ?? null,
    cost: (session) => {
      const { costTotal } = session
      const cost = CallSession.cost(session) === undefined ? Number.NaN : Number(costTotal)
      // A double may be too small for a decimal.
      return Number.isFinite(cost) ? cost : null
    },
    finalCost: (session) => (CallSession.finalCost(session) === undefined ? null : (session.costTotal?.trim() ?? null)),
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

export const derive = <B extends CallSession.CallSession, const K extends keyof Derived>(
  wanted: ReadonlyArray<K>,
  options: Options = {}
): Pure<B, B & Pick<Derived, K>> => {
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
      return Object.assign({}, session, derived) as B & Pick<Derived, K>
    }
  })
}
