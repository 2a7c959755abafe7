/** What a report shows, whatever its form: the report itself, and how it may be shown. */
import {
  type Bill,
  type Completeness,
  Distribution,
  type Instant,
  Outcome,
  type Report,
  Totals
} from "@callstream/core"
import type { Zone } from "../../option/Zone.ts"
import * as Format from "../Format.ts"
import * as Figures from "./Figures.ts"

/** What a report and a bill have in common. */
interface Common {
  readonly completeness: Completeness.Completeness
  readonly zone: Zone
  readonly unit: Figures.Unit
  readonly madeAt: Instant.Instant
  /** Rows that are no calls. */
  readonly unreadable: number
}

export interface Document extends Common {
  readonly report: Report.Report
  /** Whether numbers of customers are shown, and every error. */
  readonly personal: boolean
}

export interface BillDocument extends Common {
  readonly bill: Bill.Bill
  readonly by: string
  readonly from: Instant.Instant
  readonly to: Instant.Instant
}

/** What a reader should know of the completeness, and of rows that are not in the figures. */
export const remarksOf = (
  { completeness, unreadable }: Pick<Common, "completeness" | "unreadable">,
  { repeats, withoutTime }: Pick<Report.Report, "repeats" | "withoutTime">
): ReadonlyArray<string> => [
  ...completeness.notes,
  ...(withoutTime === 0
    ? []
    : [`${Format.counted(withoutTime, "call")} without any time ${withoutTime === 1 ? "is" : "are"} left out.`]),
  ...(repeats === 0 ? [] : [`${Format.counted(repeats, "row")} repeated an id and counted once.`]),
  ...(unreadable === 0 ? [] : [`${Format.counted(unreadable, "row")} could not be read as calls.`])
]

/** A point of the charts by time: a day, or a month of a long period. */
export interface Step {
  readonly label: string
  readonly title: string
  readonly totals: Totals.Totals
}

/** More days than this are shown as months. */
const mostDays = 184

/** Days, or months of a long period. */
export const stepsOf = ({ days }: Report.Report): ReadonlyArray<Step> => {
  if (days.length <= mostDays) {
    return days.map(({ date, partial, totals }) => ({
      label: Figures.shortDate(date),
      title: `${Figures.longDate(date)}${partial ? " (part of the day)" : ""}`,
      totals
    }))
  }
  const months = new Map<string, Array<Totals.Totals>>()
  for (const { date, totals } of days) {
    const key = date.slice(0, 7)
    months.set(key, [...(months.get(key) ?? []), totals])
  }
  return Array.from(months, ([month, all]) => ({
    label: Figures.monthOf(`${month}-01`),
    title: Figures.monthOf(`${month}-01`),
    totals: Totals.together(all)
  }))
}

export const isMonthly = ({ days }: Report.Report): boolean => days.length > mostDays

/** Outcomes that are shown: those that occur, and the two that everybody asks for. */
export const outcomesOf = ({ calls, outcomes }: Totals.Totals): ReadonlyArray<Outcome.Outcome> =>
  calls === 0
    ? []
    : Outcome.all.filter((outcome) => outcomes[outcome] > 0 || outcome === "completed" || outcome === "missed")

/** Agents that have a row of their own. */
const mostAgents = 15

export const agentsOf = ({
  agents
}: Report.Report): ReadonlyArray<{ readonly name: string; readonly totals: Totals.Totals }> => {
  const named = agents.map((agent) => ({ name: Figures.agentName(agent), totals: agent.totals }))
  if (named.length <= mostAgents + 1) return named
  const rest = named.slice(mostAgents)
  return [
    ...named.slice(0, mostAgents),
    { name: `${rest.length} others`, totals: Totals.together(rest.map(({ totals }) => totals)) }
  ]
}

/** Texts that have a row of their own. */
const mostTexts = 12

const capped = (all: ReadonlyArray<Report.Counted>): ReadonlyArray<Report.Counted> => {
  if (all.length <= mostTexts + 1) return all
  const rest = all.slice(mostTexts)
  const calls = rest.reduce((sum, { calls }) => sum + calls, 0)
  return [...all.slice(0, mostTexts), { text: `${rest.length} others`, calls }]
}

/** A text in the calls of fewer customers could be about one of them. */
const fewestCustomers = 3

/** Texts that say nothing of a single customer; the others are counted together. */
export const textsOf = (all: ReadonlyArray<Report.Shared>, personal: boolean): ReadonlyArray<Report.Counted> => {
  const shown = all.filter(({ customers }) => personal || customers >= fewestCustomers)
  const hidden = all.filter((one) => !shown.includes(one))
  const calls = hidden.reduce((sum, one) => sum + one.calls, 0)
  return [
    ...capped(shown),
    ...(calls === 0
      ? []
      : [
          {
            text: `${hidden.length === 1 ? "one text" : `${hidden.length} texts`} of fewer than ${fewestCustomers} customers, not shown`,
            calls
          }
        ])
  ]
}

/** Customers that are shown; JSON has more. */
const mostCallers = 10

/** Customers with several calls, with what may be shown of their numbers. */
export const callersOf = ({ personal, report, zone }: Document) =>
  report.callers.most.slice(0, mostCallers).map(({ calls, last, number }) => ({
    name: personal ? number : Figures.masked(number),
    calls,
    last: Figures.moment(last, zone.calendar)
  }))

/** Lengths of calls in seconds, nearly in a logarithmic order. */
export const durationEdges: ReadonlyArray<number> = [0, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600]

/** Bins up to the last one with a call. */
export const durationBins = (durations: Distribution.Distribution): ReadonlyArray<Distribution.Bin> => {
  const bins = Distribution.bins(durations, durationEdges)
  return bins.slice(0, bins.findLastIndex(({ count }) => count > 0) + 1)
}

export const percents = [50, 75, 90, 95, 99] as const

/** `22 Nov 2026 14:05 to 29 Nov 2026 14:05, Asia/Kolkata`. */
export const periodOf = ({ from, to }: Pick<Report.Report, "from" | "to">, zone: Zone): string =>
  `${Figures.moment(from, zone.calendar)} to ${Figures.moment(to, zone.calendar)} (${zone.name})`
