/** What a reading by windows will take, by going through the same cuts with rows that are only counted. */
import type { Instant } from "../../model/Instant.ts"
import type { Range } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as Tile from "./Tile.ts"

/** How many rows start before an instant, as known from some points, evenly between them. */
export interface Spread {
  readonly rowsBefore: (at: Instant) => number
  /** When the row with so many before it starts. */
  readonly startOf: (rows: number) => Instant
}

/** @param points ascend in both: the first is the beginning of the range, with no rows before it. */
export const spread = (points: ReadonlyArray<{ readonly at: Instant; readonly rows: number }>): Spread => {
  const between = (value: number, x: "at" | "rows", y: "at" | "rows"): number => {
    let low = 0
    let high = points.length - 1
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((points[middle]?.[x] ?? 0) <= value) low = middle
      else high = middle
    }
    const a = points[low]
    const b = points[high]
    if (a === undefined || b === undefined) return 0
    const share = b[x] === a[x] ? 0 : (value - a[x]) / (b[x] - a[x])
    return a[y] + Math.max(0, Math.min(1, share)) * (b[y] - a[y])
  }
  return { rowsBefore: (at) => between(at, "at", "rows"), startOf: (rows) => between(rows, "rows", "at") }
}

/** What the cost of a window depends on. */
export interface Shape {
  readonly spread: Spread
  readonly size: number
  /** A window with more is read in parts. */
  readonly maxRows: number
  readonly concurrency: number
  readonly filtered: boolean
  /** Whether a page beyond the last brings another one again. */
  readonly repeats: boolean
  /** `start` when the order was seen to be by start, `unknown` when it could be another one, `other` when it is. */
  readonly order: "start" | "unknown" | "other"
}

export interface Stretch extends Range {
  readonly rows: number
  readonly requests: number
}

/** What an empty answer costs: it must come three times. */
const emptied = 3

/** Requests behind the last page: nothing, or what came already, and two more to be sure of that, the next and one far away. */
const behind = ({ repeats }: Shape): number => (repeats ? 3 : emptied)

/** Pages walked down by start: each begins a second or two above the end of the one before it. */
const steps = (shape: Shape, rows: number, range: Range): number => {
  const { size } = shape
  const overlap = 1 + (1.5 * rows * Ask.second) / Math.max(Ask.second, range.to - range.from)
  return rows < size ? 1 : 2 + Math.floor((rows - size) / Math.max(1, size - overlap))
}

const costOf = (shape: Shape, rows: number, range: Range): number => {
  const { filtered, order, repeats, size } = shape
  const control = 1
  if (rows < 0.5) return emptied + control + emptied
  const pages = Math.ceil(rows / size)
  if (order === "other" && pages > 1) {
    // The count says that there is more; then two passes over the pages, of two sizes.
    const passes = pages + behind(shape) + Math.ceil(pages / 0.7) + behind(shape)
    return 1 + 1 + control + passes + control
  }
  const walked = steps(shape, rows, range)
  if (walked === 1) return 1 + behind(shape) + control
  const count = 1 + (repeats ? 1 : 0) + (filtered ? behind(shape) : 0)
  return walked * (order === "start" ? 1 : 2) + count + control
}

/** The windows of a range, in its order, and what each takes; a part that was read in vain counts with the next one. */
export const windows = (
  shape: Shape,
  range: Range,
  edges: ReadonlyArray<Instant>,
  width: Tile.Width,
  density: Tile.Density
): ReadonlyArray<Stretch> => {
  const { concurrency, maxRows: most, size, spread } = shape
  const { second } = Ask
  const done: Array<Stretch> = []
  let wasted = 0
  const read = (part: Range, depth: number): void => {
    const low = spread.rowsBefore(part.from - second)
    const rows = spread.rowsBefore(part.to + second) - low
    const reached = Ask.ceilSecond(spread.startOf(low + rows - most))
    const divisible = reached > part.from + 2 * second && reached < part.to - 2 * second
    if (rows > most + size && divisible && depth < 50 && shape.order !== "other") {
      wasted += steps(shape, most, { from: reached, to: part.to })
      density.dense()
      const middle = Ask.floorSecond(spread.startOf(low + rows - most / 2))
      const cuts = [reached, ...(middle > reached && middle < part.to ? [middle] : []), part.to]
      let from = part.from
      for (const to of cuts) {
        read({ from, to }, depth + 1)
        from = to
      }
      return
    }
    const own = spread.rowsBefore(part.to) - spread.rowsBefore(part.from)
    done.push({ ...part, rows: own, requests: costOf(shape, rows, part) + wasted })
    wasted = 0
    density.observe(part, own)
  }
  // What is under way was cut before it could be learned from.
  const underWay: Array<Range> = []
  let at = range.from
  for (;;) {
    const part = Tile.next(at, edges, width)
    if (part === undefined) break
    at = part.to
    underWay.push(part)
    if (underWay.length === concurrency) {
      const first = underWay.shift()
      if (first !== undefined) read(first, 0)
    }
  }
  for (const part of underWay) read(part, 0)
  return done
}

/** What the sessions without a start take: looked for in front, twice, between counts, and everywhere when they are not there. */
export const undated = (
  shape: Shape,
  rows: { readonly dated: number; readonly inFront: number; readonly elsewhere: boolean }
): number => {
  // Each of its eight questions is answered by nothing.
  if (rows.dated + rows.inFront === 0) return 8 * emptied
  const front = Math.ceil((rows.inFront + 1) / shape.size)
  const count = 1 + (shape.repeats ? 1 : 0) + behind(shape)
  const everywhere = rows.elsewhere ? Math.ceil(rows.dated / shape.size) + behind(shape) + count - front : 0
  return 2 * front + 3 * count + everywhere
}

/** Requests that follow one another when so many windows are read side by side: within one, only the last two do not. */
export const inARow = (requests: ReadonlyArray<number>, concurrency: number): number => {
  const readers = Array.from({ length: concurrency }, () => 0)
  for (const each of requests) {
    const free = readers.indexOf(Math.min(...readers))
    readers[free] = (readers[free] ?? 0) + each - 1
  }
  return Math.max(...readers)
}
