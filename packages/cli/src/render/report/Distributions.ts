/** The parts of a page about lengths, latency, texts and customers. */
import { Distribution } from "@callstream/core"
import type { Counted } from "@callstream/core/report/Report"
import * as Format from "../Format.ts"
import * as Charts from "./Charts.ts"
import * as Document from "./Document.ts"
import * as Figures from "./Figures.ts"
import { card, details, markup, type Markup, table } from "./Markup.ts"

const nothing = (text: string): Markup => markup`<p class="lead">${text}</p>`

/** A figure and its unit stay on one line. */
const together = (text: string): string => text.replaceAll(" ", "\u00a0")

const percentileList = (distribution: Distribution.Distribution, show: (value: number) => string): string =>
  Document.percents
    .map((percent) => together(`${percent} % within ${show(Distribution.percentile(distribution, percent) ?? 0)}`))
    .join(", ")

export const durations = ({ report: { durations } }: Document.Document): Markup => {
  if (durations.count === 0) return card("Durations", undefined, nothing("No call had a length."))
  const bins = Document.durationBins(durations)
  const rangeOf = ({ from, to }: Distribution.Bin) =>
    to === undefined ? `${Figures.seconds(from)} or more` : `${Figures.seconds(from)} to ${Figures.seconds(to)}`
  const chart = Charts.stacked(
    "Calls by duration",
    [{ name: "calls", color: "c-accent" }],
    bins.map((bin) => ({
      label: bin.to === undefined ? "more" : `< ${Figures.seconds(bin.to)}`,
      text: `${rangeOf(bin)}: ${Format.counted(bin.count, "call")}`,
      values: [bin.count]
    }))
  )
  const list = details(
    "calls by duration",
    [{ name: "Duration", isText: true }, { name: "Calls" }, { name: "Share" }],
    bins.map((bin) => [rangeOf(bin), Format.count(bin.count), Figures.share(bin.count, durations.count)])
  )
  const lead = markup`${Format.counted(durations.count, "call")} longer than 0 s: ${percentileList(durations, Figures.seconds)}.`
  return card("Durations", lead, markup`${chart}${list}`)
}

/** The points of the curve. */
const curvePercents = [1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99]

export const latency = ({ report: { latency } }: Document.Document): Markup => {
  if (latency.count === 0) return card("Latency", undefined, nothing("No call had a latency."))
  const at = (percent: number) => Distribution.percentile(latency, percent) ?? 0
  const chart = Charts.curve(
    "Latency by percentile",
    curvePercents.map((percent) => ({
      at: percent,
      value: at(percent),
      text: `${percent} % of calls: ${Figures.millis(at(percent))} or less`
    })),
    Figures.millis
  )
  const list = details(
    "latency by percentile",
    [{ name: "Calls", isText: true }, { name: "Latency at most" }],
    [...Document.percents, 100].map((percent) => [`${percent} %`, Figures.millis(at(percent))])
  )
  return card(
    "Latency",
    markup`${Format.counted(latency.count, "call")}: ${percentileList(latency, Figures.millis)}.`,
    markup`${chart}${list}`
  )
}

const texts = (title: string, name: string, all: ReadonlyArray<Counted>, empty: string): Markup => {
  if (all.length === 0) return card(title, undefined, nothing(empty))
  const most = Math.max(...all.map(({ calls }) => calls))
  const rows = all.map(
    ({ calls, text }) =>
      markup`<tr><th scope="row">${text}</th><td class="bar">${Charts.inline([{ value: calls, color: "c-accent" }], most)}</td><td class="n">${Format.count(calls)}</td></tr>\n`
  )
  return card(
    title,
    undefined,
    markup`<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><caption>${title}</caption><thead><tr><th scope="col">${name}</th><td class="bar"></td><th scope="col" class="n">Calls</th></tr></thead><tbody>${rows}</tbody></table></div>`
  )
}

export const reasons = ({ personal, report }: Document.Document): Markup =>
  texts(
    "Why calls ended",
    "Disconnect reason",
    Document.textsOf(report.reasons, personal),
    "No call says why it ended."
  )

export const errors = ({ personal, report }: Document.Document): Markup =>
  texts("Errors", "Error", Document.textsOf(report.errors, personal), "No call has an error.")

export const callers = (document: Document.Document): Markup => {
  const { known, repeated } = document.report.callers
  const rows = Document.callersOf(document)
  const lead = markup`${Format.count(repeated)} of ${Format.counted(known, "customer")} with a known number had two calls or more.${repeated > rows.length ? ` These are the ${rows.length} with the most calls.` : ""}${document.personal || rows.length === 0 ? "" : " Their numbers are masked."}`
  return card(
    "Repeat callers",
    lead,
    rows.length === 0
      ? markup``
      : table(
          "Customers with the most calls",
          [{ name: "Customer", isText: true }, { name: "Calls" }, { name: "Last call" }],
          rows.map(({ calls, last, name }) => [name, Format.count(calls), last])
        )
  )
}
