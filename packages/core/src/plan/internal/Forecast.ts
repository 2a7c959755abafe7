/** What a reading by windows will take, by going through the same cuts with rows that are only counted. */
import * as Ask from "../../endpoint/internal/Ask.ts"
import { leastWidth } from "../../history/internal/Known.ts"
import type { Task } from "../../history/internal/Task.ts"
import * as Step from "../../history/internal/Step.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** How many rows start before an instant, as known from some points, evenly between them. */
export interface Spread {
  readonly rowsBefore: (at: Micros) => number
  /** When the row with so many before it starts. */
  readonly startOf: (rows: number) => Micros
}

/** @param points ascend in both: the first is the beginning of the range, with no rows before it. */
export const spread = (points: ReadonlyArray<{ readonly at: Micros; readonly rows: number }>): Spread => {
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
  /** Rows that a window should hold. */
  readonly perWindow: number
  readonly concurrency: number
  /** Whether a page beyond the last brings another one again. */
  readonly repeats: boolean
  /** Whether rows come newest start first. */
  readonly newestFirst: boolean
  /** The newest row that is known: its window needs no control. */
  readonly newest: Micros | undefined
}

export interface Stretch extends Range {
  readonly rows: number
  readonly requests: number
}

/** So many pages are read so that they overlap; more are walked down by start, between two counts. */
const mostOverlapping = 12

/** Pages of fixed bounds that overlap, until all rows came. */
const overlapping = (rows: number, size: number): number => {
  let pages = 1
  let read = Math.min(size, Math.floor(rows) + 1)
  while (read <= rows) {
    const step = Step.overlapping(read, size, 2)
    if (step === undefined) return pages * 2
    read = step.skip + step.size
    pages++
  }
  return pages
}

/** Pages walked down by start: each begins a second or two above the end of the one before it. */
const steps = (size: number, rows: number, range: Range): number => {
  const overlap = 1 + (1.5 * rows * Ask.second) / Math.max(Ask.second, range.to - range.from)
  return rows < size ? 1 : 2 + Math.floor((rows - size) / Math.max(1, size - overlap))
}

const costOf = (
  { newest, newestFirst, perWindow, repeats, size, spread }: Shape,
  rows: number,
  range: Range
): number => {
  // Nothing, and then the nearest control rows with nothing between them; behind the newest one it comes itself.
  if (rows < 0.5) return newest !== undefined && newest < range.from + 2 * Ask.second ? 1 : 2
  // Of a small history all rows are known from the first page.
  const isKnown =
    spread.rowsBefore(Infinity) <= size || (newest !== undefined && newest >= range.from && newest < range.to)
  const control = isKnown ? 0 : 1
  if (rows <= mostOverlapping * size || !newestFirst) {
    return overlapping(rows, size) + control
  }
  const count = repeats ? 4 : 1
  const walked = steps(size, rows, range) + 2 * count + control
  return rows > 1.5 * perWindow ? walked + count : walked
}

/** The windows of tasks, in order, and what each takes; what cutting one takes counts with its first part. */
export const windows = (shape: Shape, tasks: ReadonlyArray<Task>): ReadonlyArray<Stretch> => {
  const { perWindow, repeats, spread } = shape
  const { second } = Ask
  return tasks.flatMap((task): ReadonlyArray<Stretch> => {
    const low = spread.rowsBefore(task.from - second)
    const rows = spread.rowsBefore(task.to + second) - low
    const own = (range: Range) => spread.rowsBefore(range.to) - spread.rowsBefore(range.from)
    const small = rows <= 1.5 * perWindow
    // Of a range whose ends are no control rows not all of the width is seen: it is read in two.
    const { newest = -Infinity } = shape
    const wide = rows >= 1 && task.to - task.from > leastWidth && Math.abs(task.to - newest) > 2 * second
    if (small && !wide) return [{ ...task, rows: own(task), requests: costOf(shape, rows, task) }]
    const parts = small ? 2 : Math.max(2, Math.ceil(rows / perWindow))
    const edges = Array.from({ length: parts - 1 }, (_, i) =>
      Ask.floorSecond(spread.startOf(low + ((i + 1) * rows) / parts))
    ).filter((edge) => edge > task.from && edge < task.to)
    const cutting = small ? 4 : (repeats ? 4 : 2) + edges.length
    return [...edges, task.to].map((to, i) => {
      const range = { from: i === 0 ? task.from : (edges[i - 1] ?? task.from), to }
      return { ...range, rows: own(range), requests: costOf(shape, rows / parts, range) + (i === 0 ? cutting : 0) }
    })
  })
}

/** Requests for calls without a start time: read at the front, twice, between counts, and everywhere if they are not there. */
export const undated = (
  shape: Shape,
  rows: { readonly dated: number; readonly inFront: number; readonly elsewhere: boolean }
): number => {
  if (rows.dated + rows.inFront === 0) return 4
  const front = Math.ceil((rows.inFront + 1) / shape.size)
  const pages = Math.ceil((rows.dated + rows.inFront) / shape.size)
  const count = shape.repeats ? 4 : (rows.dated + rows.inFront) % shape.size === 0 ? 2 : 1
  const everywhere = rows.elsewhere ? pages + 1 + 3 * count - front : 0
  return (rows.inFront > 0 || rows.elsewhere ? 2 * front + 3 * count : front + 2 * count) + everywhere
}

/** Requests for the sum of a range, and for the existence of calls without a start time: each is counted twice. */
export const ofRange = ({ repeats }: Shape, windows: number): number => (repeats ? 20 : 8) + (windows > 1 ? 2 : 0)

/** Sequential requests when so many windows are read in parallel: within one, only the last two are not sequential. */
export const inARow = (requests: ReadonlyArray<number>, concurrency: number): number => {
  const readers = Array.from({ length: concurrency }, () => 0)
  for (const each of requests) {
    const free = readers.indexOf(Math.min(...readers))
    readers[free] = (readers[free] ?? 0) + each - 1
  }
  return Math.max(...readers)
}
