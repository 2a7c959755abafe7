/** Charts as SVG. Coordinates are shares of the width and height, so that text keeps its size on every screen. */
import { scaleBand, scaleLinear } from "d3-scale"
import { curveMonotoneX, line, stack } from "d3-shape"
import * as Format from "../Format.ts"
import { markup, type Markup, none, percent } from "./Markup.ts"

/** The words of a mark, for the tooltip. */
interface Described {
  readonly label: string
  readonly text: string
}

export interface Series {
  readonly name: string
  /** The class that colours it. */
  readonly color: string
}

export interface Stacked extends Described {
  /** One for each series. */
  readonly values: ReadonlyArray<number>
}

/** As many labels fit below a chart on a phone. */
const mostLabels = 6

const axis = (ticks: ReadonlyArray<number>, y: (value: number) => number, show: (value: number) => string): Markup =>
  markup`<svg class="axis" aria-hidden="true">${ticks.map((tick) => markup`<text x="100%" y="${percent(y(tick))}" dy="4" text-anchor="end">${show(tick)}</text>`)}</svg>`

const grid = (ticks: ReadonlyArray<number>, y: (value: number) => number): ReadonlyArray<Markup> =>
  ticks.map((tick) => markup`<line class="grid" x1="0" x2="100%" y1="${percent(y(tick))}" y2="${percent(y(tick))}" />`)

/** The frame: figures at the left, the drawing, labels below, and one stop of the keyboard. */
const plot = (name: string, kind: string, left: Markup, drawing: Markup, below: Markup, row?: number): Markup =>
  markup`<div class="plot ${kind}" tabindex="0" role="group" aria-label="${name}. Arrow keys read the values; the table below has all of them."${row === undefined ? none : markup` data-row="${row}"`}>${left}<svg class="area" aria-hidden="true">${drawing}</svg><svg class="below" aria-hidden="true">${below}</svg></div>`

export const legend = (series: ReadonlyArray<Series>): Markup =>
  series.length < 2
    ? none
    : markup`<ul class="legend">${series.map(
        ({ color, name }) =>
          markup`<li><svg aria-hidden="true"><rect class="${color}" width="100%" height="100%" /></svg>${name}</li>`
      )}</ul>`

const labels = (bars: ReadonlyArray<Described>, middle: (nth: number) => number): Markup => {
  const step = Math.max(1, Math.ceil(bars.length / mostLabels))
  const shown = bars.flatMap(({ label }, nth) => (nth % step === 0 ? [{ label, at: middle(nth) }] : []))
  return markup`${shown.map(({ at, label }) => markup`<text x="${percent(at)}" y="14" text-anchor="${at > 95 ? "end" : "middle"}">${label}</text>`)}`
}

const whole = (value: number): string => Format.count(value)

/** A bar for each step of time, each of several parts. */
export const stacked = (
  name: string,
  series: ReadonlyArray<Series>,
  bars: ReadonlyArray<Stacked>,
  show: (value: number) => string = whole
): Markup => {
  const most = Math.max(0, ...bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0)))
  const scale = scaleLinear()
    .domain([0, most === 0 ? 1 : most])
    .range([100, 4])
    .nice(4)
  const ticks = scale.ticks(4).filter((tick) => show(tick) !== show(tick - 1) || Number.isInteger(tick))
  const band = scaleBand<number>()
    .domain(bars.map((_, nth) => nth))
    .range([0, 100])
    .paddingInner(0.2)
    .paddingOuter(0.1)
  const keys = series.map((_, nth) => nth)
  const layers = stack<Stacked, number>()
    .keys(keys)
    .value(({ values }, nth) => values[nth] ?? 0)([...bars])
  const parts = layers.flatMap((layer, at) =>
    layer.flatMap(([bottom, top], nth) =>
      top > bottom
        ? [
            markup`<rect class="${series[at]?.color ?? ""}" x="${percent(band(nth) ?? 0)}" y="${percent(scale(top))}" width="${percent(band.bandwidth())}" height="${percent(scale(bottom) - scale(top))}" />`
          ]
        : []
    )
  )
  const width = bars.length === 0 ? 0 : 100 / bars.length
  const hits = bars.map(
    ({ text }, nth) =>
      markup`<rect class="hit" x="${percent(nth * width)}" y="0" width="${percent(width)}" height="100%" data-t="${text}" />`
  )
  return markup`${legend(series)}${plot(
    name,
    "bars",
    axis(ticks, scale, show),
    markup`${grid(ticks, scale)}${parts}${hits}`,
    labels(bars, (nth) => (band(nth) ?? 0) + band.bandwidth() / 2)
  )}`
}

const heatSteps = 8

/** Hours by day of the week, in nine steps of one colour. */
export const heat = (
  name: string,
  rows: ReadonlyArray<string>,
  values: ReadonlyArray<ReadonlyArray<number>>
): Markup => {
  const most = Math.max(0, ...values.flat())
  const height = 100 / rows.length
  const step = (value: number) => (value === 0 ? 0 : Math.max(1, Math.ceil((value / most) * heatSteps)))
  const hour = (nth: number) => `${String(nth).padStart(2, "0")}:00`
  const cells = values.flatMap((row, day) =>
    row.map(
      (value, at) =>
        markup`<rect class="h${step(value)} cell" x="${percent((at * 100) / 24)}" y="${percent(day * height)}" width="${percent(100 / 24)}" height="${percent(height)}" data-t="${`${rows[day] ?? ""} ${hour(at)} to ${hour(at + 1)}: ${Format.counted(value, "call")}`}" />`
    )
  )
  const left = markup`<svg class="axis" aria-hidden="true">${rows.map((row, day) => markup`<text x="100%" y="${percent((day + 0.5) * height)}" dy="4" text-anchor="end">${row}</text>`)}</svg>`
  const below = markup`${[0, 6, 12, 18].map((at) => markup`<text x="${percent((at * 100) / 24)}" y="14">${hour(at)}</text>`)}<text class="opt" x="100%" y="14" text-anchor="end">24:00</text>`
  const scale = markup`<p class="steps" aria-hidden="true"><span>0</span>${Array.from({ length: heatSteps + 1 }, (_, nth) => markup`<svg><rect class="h${nth}" width="100%" height="100%" /></svg>`)}<span>${Format.counted(most, "call")}</span></p>`
  return markup`${plot(name, "heat", left, markup`${cells}`, below, 24)}${scale}`
}

/** A curve of percentiles: the value that so many percent do not exceed. */
export const curve = (
  name: string,
  points: ReadonlyArray<{ readonly at: number; readonly value: number; readonly text: string }>,
  show: (value: number) => string
): Markup => {
  const most = Math.max(0, ...points.map(({ value }) => value))
  const y = scaleLinear()
    .domain([0, most === 0 ? 1 : most])
    .range([100, 4])
    .nice(4)
  const ticks = y.ticks(4)
  const path = line<(typeof points)[number]>()
    .x(({ at }) => at)
    .y(({ value }) => y(value))
    .curve(curveMonotoneX)
    .digits(2)([...points])
  const marks = [50, 90, 95, 99].map(
    (at) => markup`<line class="mark" x1="${percent(at)}" x2="${percent(at)}" y1="0" y2="100%" />`
  )
  const width = 100 / points.length
  const hits = points.map(
    ({ at, text }) =>
      markup`<rect class="hit" x="${percent(Math.max(0, at - width))}" y="0" width="${percent(width)}" height="100%" data-t="${text}" />`
  )
  const drawing = markup`${grid(ticks, y)}${marks}<svg viewBox="0 0 100 100" preserveAspectRatio="none"><path class="curve" d="${path ?? ""}" /></svg>${hits}`
  const below = markup`${[0, 25, 50, 75].map((at) => markup`<text x="${percent(at)}" y="14"${at === 0 ? none : markup` text-anchor="middle"`}>${at} %</text>`)}<text x="100%" y="14" text-anchor="end">100 %</text>`
  return plot(name, "bars", axis(ticks, y, show), drawing, below)
}

/** A bar in a row of a table. */
export const inline = (
  parts: ReadonlyArray<{ readonly value: number; readonly color: string }>,
  most: number
): Markup => {
  const rects: Array<Markup> = []
  let x = 0
  for (const { color, value } of parts) {
    const width = most === 0 ? 0 : (value / most) * 100
    if (width > 0)
      rects.push(markup`<rect class="${color}" x="${percent(x)}" width="${percent(width)}" height="100%" />`)
    x += width
  }
  return markup`<svg class="inline" aria-hidden="true">${rects}</svg>`
}
