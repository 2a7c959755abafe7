/** A report and a bill for machines: JSON with exact amounts as text, and one table as CSV. */
import { type Bill, type Completeness, Csv, Distribution, Instant, Money, Outcome, type Totals } from "@callstream/core"
import * as Figures from "./Figures.ts"
import * as Document from "./Document.ts"

const outcomesOf = ({ outcomes }: Totals.Totals) =>
  Object.fromEntries(Outcome.all.map((outcome) => [outcome, outcomes[outcome]]))

const totalsOf = (totals: Totals.Totals) => ({
  calls: totals.calls,
  seconds: totals.seconds,
  finalCalls: totals.final.calls,
  finalCost: Money.format(totals.final.cost),
  openCalls: totals.open.calls,
  openCost: Money.format(totals.open.cost),
  outcomes: outcomesOf(totals)
})

const ofCompleteness = ({ notes, provenUntil, stretches, verdict, withoutStart }: Completeness.Completeness) => ({
  verdict,
  withoutStart,
  provenUntil: provenUntil === undefined ? null : Instant.format(provenUntil),
  stretches: stretches.map(({ from, reason, to, verdict }) => ({
    from: Instant.format(from),
    to: Instant.format(to),
    verdict,
    reason: reason ?? null
  })),
  notes
})

const percentilesOf = (distribution: Distribution.Distribution) => ({
  count: distribution.count,
  ...Object.fromEntries(
    Document.percents.map((percent) => [`p${percent}`, Distribution.percentile(distribution, percent) ?? null])
  ),
  max: distribution.values.at(-1)?.[0] ?? null
})

export const ofReport = (document: Document.Document) => {
  const { completeness, personal, report, unit, unreadable, zone } = document
  return {
    from: Instant.format(report.from),
    to: Instant.format(report.to),
    zone: zone.name,
    unit: Figures.unitName(unit),
    coverage: ofCompleteness(completeness),
    totals: totalsOf(report.totals),
    before: report.before === undefined ? null : totalsOf(report.before),
    days: report.days.map(({ date, partial, totals }) => ({ date, partial, ...totalsOf(totals) })),
    statuses: report.statuses.map(({ calls, outcome, text }) => ({ outcome, status: text, calls })),
    directions: report.directions.map(({ direction, totals }) => ({ direction, ...totalsOf(totals) })),
    agents: report.agents.map(({ id, name, totals }) => ({ id, name, ...totalsOf(totals) })),
    hours: report.hours,
    durations: {
      ...percentilesOf(report.durations),
      bins: Distribution.bins(report.durations, Document.durationEdges).map(({ count, from, to }) => ({
        from,
        to: to ?? null,
        calls: count
      }))
    },
    latency: percentilesOf(report.latency),
    disconnectReasons: Document.textsOf(report.reasons, personal),
    errors: Document.textsOf(report.errors, personal),
    repeatCallers: {
      callers: report.callers.known,
      repeated: report.callers.repeated,
      calls: report.callers.calls,
      most: report.callers.most.map(({ calls, last, number }) => ({
        number: personal ? number : Figures.masked(number),
        calls,
        last: Instant.format(last)
      }))
    },
    withoutTime: report.withoutTime,
    repeats: report.repeats,
    unreadable
  }
}

export const ofBill = ({ bill, by, completeness, from, to, unit, unreadable, zone }: Document.BillDocument) => ({
  from: Instant.format(from),
  to: Instant.format(to),
  zone: zone.name,
  by,
  unit: Figures.unitName(unit),
  coverage: ofCompleteness(completeness),
  total: { ...bill.total, cost: Money.format(bill.total.cost) },
  groups: bill.groups.map((group) => ({ ...group, cost: Money.format(group.cost) })),
  open: bill.open.map(({ cost, time, ...call }) => ({
    ...call,
    time: Instant.format(time),
    cost: cost === undefined ? null : Money.format(cost)
  })),
  withoutTime: bill.withoutTime,
  repeats: bill.repeats,
  unreadable
})

type Cells = readonly [
  table: string,
  group: string,
  calls: number | null,
  seconds: number | null,
  finalCost: string | null,
  openCost: string | null,
  value: number | null
]

const columns = [
  { name: "table", type: "text" },
  { name: "group", type: "text" },
  { name: "calls", type: "integer" },
  { name: "seconds", type: "number" },
  { name: "finalCost", type: "decimal" },
  { name: "openCost", type: "decimal" },
  { name: "value", type: "number" }
] as const

const row = (table: string, group: string, { calls, final, open, seconds }: Totals.Totals): Cells => [
  table,
  group,
  calls,
  seconds,
  Money.format(final.cost),
  Money.format(open.cost),
  null
]

const counted = (table: string, group: string, calls: number): Cells => [table, group, calls, null, null, null, null]

/** People open it in a spreadsheet, and Excel takes text without this mark for another encoding. */
const byteOrderMark = "\ufeff"

/** The line feed that ends the last line is added where it is printed. */
const csv = (rows: ReadonlyArray<Cells>): string => {
  const lines = [Csv.header(columns), ...rows.map((cells) => Csv.record(columns, cells))]
  return `${byteOrderMark}${lines.join(Csv.lineEnd)}\r`
}

/** Every table of the report in one: the first column says which. */
export const csvOfReport = (document: Document.Document): string => {
  const { report } = document
  const json = ofReport(document)
  return csv([
    row("total", "", report.totals),
    ...(report.before === undefined ? [] : [row("before", "", report.before)]),
    ...report.days.map(({ date, totals }) => row("day", date, totals)),
    ...Outcome.all.map((outcome) => counted("outcome", outcome, report.totals.outcomes[outcome])),
    ...report.directions.map(({ direction, totals }) => row("direction", direction, totals)),
    ...report.agents.map((agent) => row("agent", Figures.agentName(agent), agent.totals)),
    ...report.hours.flatMap((hours, day) =>
      hours.map((calls, hour) => counted("hour", `${Figures.weekdays[day]} ${String(hour).padStart(2, "0")}`, calls))
    ),
    ...json.durations.bins.map(({ calls, from }) => counted("duration from seconds", String(from), calls)),
    ...Document.percents.map((percent): Cells => [
      "latency ms",
      `p${percent}`,
      null,
      null,
      null,
      null,
      Distribution.percentile(report.latency, percent) ?? null
    ]),
    ...json.disconnectReasons.map(({ calls, text }) => counted("disconnect reason", text, calls)),
    ...json.errors.map(({ calls, text }) => counted("error", text, calls)),
    ...json.repeatCallers.most.map(({ calls, number }) => counted("repeat caller", number, calls))
  ])
}

/** The groups of a bill by their names, and the calls that are not in it. Groups of one name have their id too. */
export const csvOfBill = ({ groups, open }: Bill.Bill): string => {
  const times = new Map<string, number>()
  for (const { name } of groups) times.set(name, (times.get(name) ?? 0) + 1)
  const names = new Map(
    groups.map(({ group, name }) => [group, times.get(name) === 1 || name === group ? name : `${name} (${group})`])
  )
  return csv([
    ...groups.map(({ calls, cost, group, seconds }): Cells => [
      "bill",
      names.get(group) ?? group,
      calls,
      seconds,
      Money.format(cost),
      null,
      null
    ]),
    ...open.map(({ cost, group, id }): Cells => [
      `open call ${id}`,
      names.get(group) ?? group,
      1,
      null,
      null,
      cost === undefined ? null : Money.format(cost),
      null
    ])
  ])
}
