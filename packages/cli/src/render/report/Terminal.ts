/** A report in a terminal: figures, and bars. */
import { Distribution } from "@callstream/core"
import * as CliOutput from "effect/cli/CliOutput"
import * as Format from "../Format.ts"
import { toPrintable } from "../Screen.ts"
import { cut } from "../TextTable.ts"
import { wrapped } from "../Wrap.ts"
import * as CoverageWords from "./CoverageWords.ts"
import * as Document from "./Document.ts"
import * as Figures from "./Figures.ts"

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

/** A bar of so many eighths of a character; a value above 0 is visible. */
const bar = (value: number, most: number, width: number): string => {
  if (value <= 0 || most <= 0) return ""
  const eighth = Math.max(1, Math.round((value / most) * width * 8))
  return "█".repeat(Math.floor(eighth / 8)) + (eighths[eighth % 8] ?? "")
}

const widthOf = (text: string): number => CliOutput.displayWidth(text)

const pad = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)))

const padLeft = (text: string, width: number): string => " ".repeat(Math.max(0, width - widthOf(text))) + text

/** Longer names are cut. */
const widestName = 28

interface Row {
  readonly name: string
  readonly value: number
  /** Further columns, from the right. */
  readonly more?: ReadonlyArray<string>
}

const widthBars = 30

/** A line for each row: its name, a bar, its value. */
const bars = (title: string, rows: ReadonlyArray<Row>, columns: number): ReadonlyArray<string> => {
  if (rows.length === 0) return []
  const names = rows.map(({ name }) => cut(toPrintable(name), widestName))
  const name = Math.max(...names.map(widthOf))
  const values = rows.map(({ value }) => Format.count(value))
  const value = Math.max(...values.map(widthOf))
  const more = (rows[0]?.more ?? []).map((_, nth) => Math.max(...rows.map((row) => widthOf(row.more?.[nth] ?? ""))))
  const rest = more.reduce((sum, width) => sum + width + 2, 0)
  const room = Math.max(8, Math.min(widthBars, columns - name - value - rest - 6))
  const most = Math.max(...rows.map(({ value }) => value))
  return [
    "",
    title,
    ...rows.map((row, nth) =>
      [
        `  ${pad(names[nth] ?? "", name)}`,
        pad(bar(row.value, most, room), room),
        padLeft(values[nth] ?? "", value),
        ...more.map((width, nth) => padLeft(row.more?.[nth] ?? "", width))
      ]
        .join("  ")
        .trimEnd()
    )
  ]
}

const compared = (now: number, before: number | undefined, show: (value: number) => string = Format.count): string =>
  before === undefined ? "" : `, previous period ${Figures.previously(now, before, show)}`

const summary = ({ report, unit }: Document.Document): ReadonlyArray<string> => {
  const { before, totals } = report
  const { final, open } = totals
  const line = (name: string, text: string) => `  ${pad(name, 10)} ${text}`
  const outcomes = Document.outcomesOf(totals)
  const figures = outcomes.map((outcome) => Format.count(totals.outcomes[outcome]))
  const width = Math.max(0, ...figures.map(widthOf))
  return [
    line("calls", `${Format.count(totals.calls)}${compared(totals.calls, before?.calls)}`),
    line("minutes", `${Figures.minutes(totals.seconds)}${compared(totals.seconds, before?.seconds, Figures.minutes)}`),
    line(
      "cost",
      `${Figures.cost(final.cost, unit)} of ${Format.counted(final.calls, "final call")}${compared(
        Figures.toNumber(final.cost),
        before === undefined ? undefined : Figures.toNumber(before.final.cost),
        () => Figures.plainCost(before?.final.cost ?? final.cost)
      )}`
    ),
    ...(open.calls === 0
      ? []
      : [
          line(
            "",
            `${Figures.cost(open.cost, unit)} so far of ${Format.counted(open.calls, "call")} that may still change`
          )
        ]),
    ...outcomes.map((outcome, nth) =>
      line(
        nth === 0 ? "outcomes" : "",
        `${padLeft(figures[nth] ?? "", width)} ${outcome} (${Figures.share(totals.outcomes[outcome], totals.calls)})`
      )
    )
  ]
}

const shades = [" ", "░", "▒", "▓", "█"]

const heat = ({ report: { hours } }: Document.Document): ReadonlyArray<string> => {
  const most = Math.max(...hours.flat())
  if (most === 0) return []
  const shade = (calls: number) => (calls === 0 ? "·" : (shades[Math.ceil((calls / most) * 4)] ?? "█"))
  const scale = Array.from({ length: 8 }, (_, nth) => pad(String(nth * 3).padStart(2, "0"), 6)).join("")
  return [
    "",
    `hour and day of the week (█ is ${Format.counted(most, "call")})`,
    `       ${scale.trimEnd()}`,
    ...hours.map(
      (row, day) => `  ${Figures.weekdays[day] ?? ""}  ${row.map((calls) => shade(calls).repeat(2)).join("")}`
    )
  ]
}

const percentiles = (
  title: string,
  distribution: Distribution.Distribution,
  show: (value: number) => string
): ReadonlyArray<string> =>
  distribution.count === 0
    ? []
    : [
        "",
        `${title} of ${Format.counted(distribution.count, "call")}`,
        ...Document.percents.map(
          (percent) => `  ${percent} % within ${show(Distribution.percentile(distribution, percent) ?? 0)}`
        )
      ]

/** The completeness of the report, and rows that are not in it. */
export const coverage = (document: Document.Document): ReadonlyArray<string> => [
  CoverageWords.headline(document.completeness, document.zone),
  ...CoverageWords.doubts(document.completeness, document.zone).map((line) => `  ${line}`),
  ...Document.remarksOf(document, document.report)
]

/** Where there is no terminal lines are not broken, but bars have to end somewhere. */
const columnsElsewhere = 100

/** `columns` is the width of the terminal, if there is one. */
export const lines = (document: Document.Document, width: number | undefined): ReadonlyArray<string> => {
  const { personal, report, unit } = document
  const columns = width ?? columnsElsewhere
  const { callers, durations, latency } = report
  const texts = (title: string, all: Parameters<typeof Document.textsOf>[0]) =>
    bars(
      title,
      Document.textsOf(all, personal).map(({ calls, text }) => ({ name: text, value: calls })),
      columns
    )
  const shownCallers = Document.callersOf(document)
  const moreCallers = callers.repeated - shownCallers.length
  const all = [
    `Calls from ${Document.periodOf(report, document.zone)}`,
    ...summary(document),
    "",
    ...coverage(document),
    ...bars(
      `calls by ${Document.isMonthly(report) ? "month" : "day"}, with minutes and final cost in ${Figures.unitName(unit)}`,
      Document.stepsOf(report).map(({ label, totals }) => ({
        name: label,
        value: totals.calls,
        more: [Figures.minutes(totals.seconds), Figures.plainCost(totals.final.cost)]
      })),
      columns
    ),
    ...bars(
      `calls by agent, with minutes and final cost in ${Figures.unitName(unit)}`,
      Document.agentsOf(report).map(({ name, totals }) => ({
        name,
        value: totals.calls,
        more: [Figures.minutes(totals.seconds), Figures.plainCost(totals.final.cost)]
      })),
      columns
    ),
    ...heat(document),
    ...bars(
      "calls by duration",
      Document.durationBins(durations).map(({ count, from, to }) => ({
        name: to === undefined ? `${Figures.seconds(from)} or more` : `under ${Figures.seconds(to)}`,
        value: count
      })),
      columns
    ),
    ...percentiles("duration", durations, Figures.seconds),
    ...percentiles("latency", latency, Figures.millis),
    ...texts("disconnect reasons", report.reasons),
    ...texts("errors", report.errors),
    ...bars(
      `repeat callers: ${Format.count(callers.repeated)} of ${Format.counted(callers.known, "customer")} called twice or more`,
      shownCallers.map(({ calls, last, name }) => ({ name, value: calls, more: [`last ${last}`] })),
      columns
    ),
    ...(moreCallers > 0 ? [`  and ${Format.count(moreCallers)} more`] : []),
    ...(callers.repeated === 0 || personal ? [] : ["  Numbers are masked: --with-personal-data shows them."])
  ]
  return all.flatMap((line) => wrapped(line, width))
}
