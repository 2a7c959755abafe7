/** The parts of a page, each a card. */
import { type Instant, Money, Outcome, type Report, type Totals } from "@callstream/core"
import * as Format from "../Format.ts"
import * as Charts from "./Charts.ts"
import * as CoverageWords from "./CoverageWords.ts"
import * as Document from "./Document.ts"
import * as Figures from "./Figures.ts"
import { card, details, markup, type Markup, none, percent } from "./Markup.ts"

const colors: Readonly<Record<Outcome.Outcome, string>> = {
  completed: "c-completed",
  missed: "c-missed",
  busy: "c-busy",
  voicemail: "c-voicemail",
  failed: "c-failed",
  "in progress": "c-progress",
  other: "c-other"
}

/** The completeness comes first: it says how far the figures can be relied on. */
export const coverage = (
  { from, to }: Pick<Report.Report, "from" | "to">,
  { completeness, zone }: Pick<Document.Document, "completeness" | "zone">,
  notes: ReadonlyArray<string>
): Markup => {
  const at = (instant: Instant.Instant) => (to === from ? 0 : ((instant - from) / (to - from)) * 100)
  const rects = completeness.stretches.map(({ from, to, verdict }) => {
    // A stretch of minutes in a period of months is still to be seen.
    const width = Math.max(0.6, at(to) - at(from))
    return markup`<rect class="s-${verdict}" x="${percent(Math.min(at(from), 100 - width))}" width="${percent(width)}" height="100%" />`
  })
  const verdicts = [...new Set(completeness.stretches.map(({ verdict }) => verdict))]
  const remarks = [...CoverageWords.doubts(completeness, zone), ...notes]
  return card(
    "Proven complete",
    markup`${CoverageWords.headline(completeness, zone)}`,
    markup`<svg class="strip" aria-hidden="true">${rects}</svg><p class="ends"><span>${Figures.moment(from, zone.calendar)}</span><span>${Figures.moment(to, zone.calendar)}</span></p>${Charts.legend(verdicts.map((verdict) => ({ name: CoverageWords.names[verdict], color: `s-${verdict}` })))}${
      remarks.length === 0 ? none : markup`<ul>${remarks.map((line) => markup`<li>${line}</li>`)}</ul>`
    }`,
    true
  )
}

export const tile = (name: string, value: string | Markup, ...below: ReadonlyArray<string>): Markup =>
  markup`<div class="tile"><dt>${name}</dt><dd>${value}</dd>${below.map((line) => markup`<dd>${line}</dd>`)}</div>`

export const tileList = (all: ReadonlyArray<Markup>): Markup => markup`<dl class="tiles">${all}</dl>\n`

const than = (
  now: number,
  before: number | undefined,
  show: (value: number) => string = Format.count
): ReadonlyArray<string> => (before === undefined ? [] : [`previous: ${Figures.previously(now, before, show)}`])

export const tiles = ({ report, unit }: Document.Document): Markup => {
  const { before, totals } = report
  const { completed, missed } = totals.outcomes
  const rest = totals.open.calls
  const all = [
    tile("Calls", Format.count(totals.calls), ...than(totals.calls, before?.calls)),
    tile("Minutes", Figures.minutes(totals.seconds), ...than(totals.seconds, before?.seconds, Figures.minutes)),
    tile(
      "Cost of final calls",
      markup`${Figures.plainCost(totals.final.cost)} <small>${Figures.unitName(unit)}</small>`,
      ...than(
        Figures.toNumber(totals.final.cost),
        before === undefined ? undefined : Figures.toNumber(before.final.cost),
        () => Figures.plainCost(before?.final.cost ?? Money.zero)
      ),
      rest === 0
        ? "All calls are final."
        : `and ${Figures.plainCost(totals.open.cost)} so far of ${Format.counted(rest, "call")} that may still change`
    ),
    tile(
      "Completed",
      Figures.share(completed, totals.calls),
      `${Format.count(completed)} of ${Format.count(totals.calls)}, ${Format.count(missed)} missed`,
      ...(before === undefined ? [] : [`previous: ${Figures.share(before.outcomes.completed, before.calls)}`])
    )
  ]
  return tileList(all)
}

const outcomeText = ({ calls, outcomes }: Totals.Totals): string =>
  [
    Format.counted(calls, "call"),
    ...Outcome.all.flatMap((outcome) =>
      outcomes[outcome] === 0 ? [] : [`${Format.count(outcomes[outcome])} ${outcome}`]
    )
  ].join("\n")

/** Calls, minutes and cost by day, with one table. */
export const byTime = ({ report, unit }: Document.Document): ReadonlyArray<Markup> => {
  const steps = Document.stepsOf(report)
  const word = Document.isMonthly(report) ? "month" : "day"
  const used = Outcome.all.filter((outcome) => report.totals.outcomes[outcome] > 0)
  const calls = Charts.stacked(
    `Calls by ${word}`,
    used.map((outcome) => ({ name: outcome, color: colors[outcome] })),
    steps.map(({ label, title, totals }) => ({
      label,
      text: `${title}: ${outcomeText(totals)}`,
      values: used.map((outcome) => totals.outcomes[outcome])
    }))
  )
  const minutes = Charts.stacked(
    `Minutes by ${word}`,
    [{ name: "minutes", color: "c-accent" }],
    steps.map(({ label, title, totals }) => ({
      label,
      text: `${title}: ${Figures.minutes(totals.seconds)} minutes`,
      values: [totals.seconds / 60]
    }))
  )
  const hasOpen = report.totals.open.calls > 0
  const most = Math.max(
    0,
    ...steps.map(({ totals }) => Figures.toNumber(totals.final.cost) + Figures.toNumber(totals.open.cost))
  )
  const cost = Charts.stacked(
    `Cost by ${word}`,
    [{ name: "final", color: "c-accent" }, ...(hasOpen ? [{ name: "may still change", color: "c-open" }] : [])],
    steps.map(({ label, title, totals: { final, open } }) => ({
      label,
      text: `${title}: ${Figures.cost(final.cost, unit)} final${open.calls === 0 ? "" : `\n${Figures.cost(open.cost, unit)} so far of ${Format.counted(open.calls, "call")} that may still change`}`,
      values: [Figures.toNumber(final.cost), ...(hasOpen ? [Figures.toNumber(open.cost)] : [])]
    })),
    (value) => (most < 8 ? (Math.round(value * 100) / 100).toString() : Format.count(value))
  )
  const table = details(
    `by ${word}`,
    [
      { name: word === "day" ? "Day" : "Month", isText: true },
      ...["Calls", ...used.map((outcome) => outcome), "Minutes", "Final cost", "Open calls", "Cost so far"].map(
        (name) => ({ name })
      )
    ],
    steps.map(({ title, totals }) => [
      title,
      Format.count(totals.calls),
      ...used.map((outcome) => Format.count(totals.outcomes[outcome])),
      Figures.minutes(totals.seconds),
      Figures.plainCost(totals.final.cost),
      Format.count(totals.open.calls),
      Figures.plainCost(totals.open.cost)
    ])
  )
  return [
    card(`Calls by ${word}`, markup`By what became of them.`, markup`${calls}${table}`, true),
    card(`Minutes by ${word}`, undefined, minutes),
    card(
      `Cost by ${word}`,
      markup`In ${Figures.unitName(unit)}. ${hasOpen ? "Hatched: so far, of calls that may still change." : "All calls are final."}`,
      cost
    )
  ]
}

/** Rows with a bar, which are chart and table at once. */
export const bars = (
  caption: string,
  names: readonly [string, ...ReadonlyArray<string>],
  rows: ReadonlyArray<{ readonly name: string; readonly bar: Markup; readonly cells: ReadonlyArray<string> }>,
  optional?: number
): Markup => {
  const [first, ...others] = names
  const kind = (nth: number) => (nth === optional ? "n opt" : "n")
  const head = markup`<th scope="col">${first}</th><td class="bar"></td>${others.map((name, nth) => markup`<th scope="col" class="${kind(nth)}">${name}</th>`)}`
  const body = rows.map(
    ({ bar, cells, name }) =>
      markup`<tr><th scope="row">${name}</th><td class="bar">${bar}</td>${cells.map((cell, nth) => markup`<td class="${kind(nth)}">${cell}</td>`)}</tr>\n`
  )
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

const nothing = (text: string): Markup => markup`<p class="lead">${text}</p>`

export const outcomes = ({ report }: Document.Document): Markup => {
  const { statuses, totals } = report
  const used = Document.outcomesOf(totals)
  const most = Math.max(0, ...used.map((outcome) => totals.outcomes[outcome]))
  const rows = used.map((outcome) => ({
    name: outcome,
    bar: Charts.inline([{ value: totals.outcomes[outcome], color: colors[outcome] }], most),
    cells: [Format.count(totals.outcomes[outcome]), Figures.share(totals.outcomes[outcome], totals.calls)]
  }))
  const table = details(
    "statuses of the API",
    [{ name: "Status", isText: true }, { name: "Outcome", isText: true }, { name: "Calls" }],
    statuses.map(({ calls, outcome, text }) => [text === "" ? "(none)" : text, outcome, Format.count(calls)])
  )
  return card(
    "Outcomes",
    report.directions.length === 0
      ? undefined
      : markup`Direction: ${report.directions.map(({ direction, totals }) => `${Format.count(totals.calls)} ${direction}`).join(", ")}.`,
    rows.length === 0 ? nothing("No calls.") : markup`${bars("Outcomes", ["Outcome", "Calls", "Share"], rows)}${table}`
  )
}

export const agents = ({ report, unit }: Document.Document): Markup => {
  const all = Document.agentsOf(report)
  const most = Math.max(0, ...all.map(({ totals }) => totals.calls))
  const rows = all.map(({ name, totals }) => ({
    name,
    bar: Charts.inline(
      Outcome.all.map((outcome) => ({ value: totals.outcomes[outcome], color: colors[outcome] })),
      most
    ),
    cells: [
      Format.count(totals.calls),
      Figures.share(totals.outcomes.completed, totals.calls),
      Figures.minutes(totals.seconds),
      Figures.plainCost(totals.final.cost)
    ]
  }))
  const lead = markup`${Format.counted(report.agents.length, "agent")}; the bar is by outcome, the cost of final calls in ${Figures.unitName(unit)}.`
  return card(
    "By agent",
    lead,
    rows.length === 0
      ? nothing("No calls.")
      : bars("Calls by agent", ["Agent", "Calls", "Completed", "Minutes", "Cost"], rows, 1),
    true
  )
}

export const hours = ({ report, zone }: Document.Document): Markup => {
  const table = details(
    "calls by hour and day of the week",
    [{ name: "Hour", isText: true }, ...Figures.weekdays.map((name) => ({ name }))],
    Array.from({ length: 24 }, (_, hour) => [
      `${String(hour).padStart(2, "0")}:00`,
      ...report.hours.map((row) => Format.count(row[hour] ?? 0))
    ])
  )
  const name = "Calls by hour and day of the week"
  return card(
    name,
    markup`In ${zone.name}.`,
    markup`${Charts.heat(name, Figures.weekdays, report.hours)}${table}`,
    true
  )
}
