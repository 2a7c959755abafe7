/** A report or a bill as one page of HTML that needs no network: a policy forbids everything but its own style and script. */
import { Instant } from "@callstream/core"
import { createHash } from "node:crypto"
import * as BillSections from "./BillSections.ts"
import * as Document from "./Document.ts"
import * as Distributions from "./Distributions.ts"
import * as Figures from "./Figures.ts"
import { markup, type Markup, trusted } from "./Markup.ts"
import * as Sections from "./Sections.ts"
import { script, style } from "./Style.ts"

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  // The empty icon: a browser would ask the server for one.
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'"
].join("; ")

const hatch = (id: string, size: number, angle: number): Markup =>
  markup`<pattern id="${id}" patternUnits="userSpaceOnUse" width="${size}" height="${size}" patternTransform="rotate(${angle})"><rect class="p-back" width="${size}" height="${size}" /><line class="p-${id}" x1="0" x2="0" y1="0" y2="${size}" /></pattern>`

const patterns = markup`<svg class="defs" aria-hidden="true"><defs>${[hatch("doubt", 9, 45), hatch("gap", 7, -45), hatch("unknown", 7, 0), hatch("open", 7, 45)]}</defs></svg>`

/** The parts of a page, around which everything is the same. */
interface Page {
  readonly title: string
  readonly period: string
  readonly body: ReadonlyArray<Markup>
  /** Sentences for the end. */
  readonly foot: ReadonlyArray<string>
}

const render = ({ body, foot, period, title }: Page): string =>
  markup`<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><title>${title}, ${period}</title><style>${trusted(style)}</style></head>\n<body>${patterns}<header><h1>${title}</h1><p class="period">${period}</p></header>\n<main>${body}</main>\n<footer>${foot.map((text) => markup`<p>${text}</p>`)}</footer><div id="tip" role="status" hidden></div>\n<script>${trusted(script)}</script></body></html>\n`
    .html

const madeOn = ({ madeAt, zone }: Pick<Document.Document, "madeAt" | "zone">): string =>
  `Made by callstream on ${Figures.moment(madeAt, zone.calendar)} (${zone.name}). Days and hours are those of this zone.`

const counting =
  "A call counts at its start, one that never connected at its creation. Costs are exact sums. A call is final when its record is not expected to change any more."

const previousPeriod = ({ report: { before, from, to }, zone }: Document.Document): string =>
  before === undefined
    ? ""
    : ` The previous period is ${Figures.moment(Instant.of(2 * from - to), zone.calendar)} to ${Figures.moment(from, zone.calendar)}.`

export const page = (document: Document.Document): string => {
  const { personal, report, zone } = document
  return render({
    title: "Calls",
    period: Document.periodOf(report, zone),
    body: [
      Sections.coverage(report, document, Document.remarksOf(document, report)),
      Sections.tiles(document),
      ...Sections.byTime(document),
      Sections.agents(document),
      Sections.hours(document),
      Sections.outcomes(document),
      Distributions.durations(document),
      Distributions.reasons(document),
      Distributions.latency(document),
      Distributions.errors(document),
      Distributions.callers(document)
    ],
    foot: [
      `${madeOn(document)}${previousPeriod(document)}`,
      `${counting}${personal ? "" : " This page has no phone numbers, names or addresses of customers."}`
    ]
  })
}

export const billPage = (document: Document.BillDocument): string =>
  render({
    title: "Bill",
    period: Document.periodOf(document, document.zone),
    body: [
      Sections.coverage(document, document, Document.remarksOf(document, document.bill)),
      BillSections.tiles(document),
      BillSections.groups(document),
      BillSections.open(document)
    ],
    foot: [madeOn(document), counting]
  })
