/** A range to read, and how it is cut. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Instant from "../../model/Instant.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Settings } from "./Settings.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** A range, and how many rows it is expected to hold. */
export interface Task extends Range {
  readonly expected: number
  /** Whether that was counted. */
  readonly counted?: boolean | undefined
  /** Key of the row at which it was cut from what lies above: it must come, so nothing was cut off there by the server. */
  readonly top?: string | undefined
  /** The same for what lies below. */
  readonly bottom?: string | undefined
  /**
   * What it is a part of brought nothing, although a row of it is known: a limit on results answers so. It is cut so many
   * times before nothing is assumed.
   */
  readonly hides?: number | undefined
  /** The nearest rows on both sides that were shown when what it is a part of was read: an empty range is tried on them. */
  readonly beside?: Beside | undefined
  /** So many rows were counted in what it is a part of, where others were seen too: it must hold fewer. */
  readonly below?: number | undefined
}

/** The nearest rows outside a range. */
export interface Beside {
  readonly below: Rows.Dated | undefined
  readonly above: Rows.Dated | undefined
}

/** The nearest of these rows on both sides, if they are nearer than those that are known. */
export const besides = (
  { from, to }: Range,
  rows: ReadonlyMap<string, Micros | undefined>,
  { above, below }: Beside = { above: undefined, below: undefined }
): Beside => {
  let least = below?.start ?? -Infinity
  let most = above?.start ?? Infinity
  let nearest: string | undefined
  let next: string | undefined
  rows.forEach((start, key) => {
    if (start === undefined) return
    if (start < from && start > least) {
      least = start
      nearest = key
    } else if (start >= to && start < most) {
      most = start
      next = key
    }
  })
  return {
    below: nearest === undefined ? below : rowOf(nearest, least),
    above: next === undefined ? above : rowOf(next, most)
  }
}

const rowOf = (key: string, start: Micros): Rows.Dated => ({
  key,
  start: Instant.of(start),
  item: undefined,
  rejected: undefined
})

/** Parts, none wider than is trusted. */
export const byWidth = ({ expected, from, to }: Task, width: number): ReadonlyArray<Task> => {
  const parts = Math.ceil((to - from) / (0.9 * width))
  const each = (to - from) / parts
  const edges = Array.from({ length: parts - 1 }, (_, i) => Ask.floorSecond(from + (i + 1) * each))
  const ends = [...new Set(edges)].filter((edge) => edge > from && edge < to)
  return [...ends, to].map((end, i) => ({
    from: i === 0 ? from : (ends[i - 1] ?? from),
    to: end,
    expected: expected / parts
  }))
}

/**
 * Parts cut at the ends of gaps between rows that are wider than is trusted: the rows beside a gap prove it as a whole. Nothing where
 * there is no such gap.
 */
export const atGaps = (
  { from, to }: Range,
  starts: ReadonlyArray<Micros>,
  width: number
): ReadonlyArray<Task> | undefined => {
  const inside = starts.filter((start) => start >= from && start < to).sort((a, b) => a - b)
  const edges = new Set<Micros>()
  for (const [i, start] of [...inside, to].entries()) {
    const before = inside[i - 1]
    if (start - (before ?? from) <= width) continue
    if (before !== undefined) edges.add(Ask.floorSecond(before) + Ask.second)
    if (start < to) edges.add(Ask.floorSecond(start))
  }
  const ends = [...edges].filter((edge) => edge > from && edge < to)
  if (inside.length === 0 || ends.length === 0) return undefined
  return [...ends, to].map((end, i): Task => {
    const begin = ends[i - 1] ?? from
    return { from: begin, to: end, expected: inside.filter((start) => start >= begin && start < end).length }
  })
}

/** Whether a row was shown in a range, and outside of one of its parts. */
export const isElsewhere = (shown: Ask.Log["shown"], { from, to }: Range, part: Range): boolean => {
  const { after, before } = Ask.boundsOf(part)
  for (const start of shown.values()) {
    if (start === undefined || start < from || start >= to) continue
    if (start < after - Ask.second || start > before + Ask.second) return true
  }
  return false
}

/** An empty range is cut into so many parts at most, each of which takes a few requests. */
export const mostEmpty = 1000

/** Each costs a request before anything is read: what is longer still is cut again. */
export const mostParts = 32

/**
 * So many parts that all readers finish at the same time, where that makes the windows at most a quarter larger: one part more
 * than there are readers would be waited for by all of them.
 */
const partsOf = (windows: number, concurrency: number): number => {
  const even = Math.round(windows / concurrency) * concurrency
  const most = Math.ceil(mostParts / concurrency) * concurrency
  return Math.min(most, Math.max(2, even * 1.25 >= windows ? even : Math.ceil(windows)))
}

/**
 * Parts of a range whose rows were counted, cut at the rows in the middle of pages: so that the last page of each is half full. One part,
 * where it is a burst of a few seconds.
 */
export const byCount = Effect.fnUntraced(function* (
  { concurrency, size, sort }: Settings,
  ask: Ask.Ask,
  range: Range,
  rows: number,
  perWindow: number
): Effect.fn.Return<ReadonlyArray<Task>, AgniError> {
  const parts = partsOf(rows / Math.max(size, perWindow), concurrency)
  const pages = Math.max(0, Math.ceil(rows / parts / size - 0.5))
  const each = pages === 0 ? Math.ceil(rows / parts) : pages * size + Math.floor(size / 2)
  const ranks = Array.from({ length: parts - 1 }, (_, i) => (i + 1) * each).filter((rank) => rank < rows)
  const bounds = Ask.boundsOf(range)
  const cuts = yield* Effect.forEach(
    ranks,
    (rank) =>
      Effect.map(Ask.orNothing(ask(Math.floor(rank / size) + 1, bounds, { sort })), (answer) => {
        const rows = answer?.rows ?? []
        return { cut: rows[Math.min(rank % size, rows.length - 1)], isBurst: isOneSecond(rows) }
      }),
    { concurrency: "unbounded" }
  )
  const keys = new Map<Micros, string>()
  const beyond = cuts.findIndex(({ cut }) => cut?.start === undefined)
  // Behind the end of the list, where there are fewer than was thought.
  const reached = beyond === -1 ? cuts.length : beyond
  const found: Array<Micros> = []
  const besideRange: Array<Micros> = []
  for (const { cut, isBurst } of cuts) {
    if (cut?.start === undefined) continue
    const edge = Ask.floorSecond(cut.start)
    if (edge <= range.from || edge >= range.to) {
      // Bounds reach a little further than the range: a burst beside it would be in those of each part that ends there.
      if (isBurst) besideRange.push(...outside(edge, edge))
      continue
    }
    keys.set(edge, cut.key)
    found.push(edge, ...(isBurst ? [edge] : []))
  }
  const middle = Ask.floorSecond((range.from + range.to) / 2)
  const inOrder = found.toSorted((a, b) => a - b)
  const isBeside = besideRange.length > 0
  const edges =
    found.length === 0 && !isBeside
      ? [middle]
      : [...new Set([...besideBursts(range, inOrder), ...besideRange])]
          .filter((edge) => edge > range.from && edge < range.to)
          .sort((a, b) => a - b)
  const isCut = !isBeside && keys.size === reached && reached > 0 && edges.every((edge) => keys.has(edge))
  const isAll = reached === ranks.length
  const rest = isAll ? Math.max(1, rows - each * reached) : each / 2
  return tasksOf(range, edges, rows).map((task, i): Task => ({
    ...task,
    expected: !isCut ? task.expected : i === 0 ? rest : each,
    counted: isCut && (isAll || i > 0),
    top: keys.get(task.to),
    bottom: keys.get(task.from)
  }))
})

/** Whether a page holds nothing else. */
const isOneSecond = (rows: ReadonlyArray<Rows.Row>): boolean => {
  const [first] = rows
  const at = first?.start === undefined ? undefined : Ask.floorSecond(first.start)
  return rows.length > 2 && rows.every(({ start }) => start !== undefined && Ask.floorSecond(start) === at)
}

const tasksOf = ({ from, to }: Range, edges: ReadonlyArray<Micros>, rows: number): ReadonlyArray<Task> =>
  [...edges, to].map((end, i) => ({
    from: i === 0 ? from : (edges[i - 1] ?? from),
    to: end,
    expected: rows / (edges.length + 1)
  }))

/** Bounds reach two seconds further than a range, and a bound itself may be included: this far from a row they do not. */
const apart = 3 * Ask.second

/**
 * Edges that lie a few seconds apart, or in the same second, are in a burst of calls, which the bounds of each part between them would hold as a whole: it is cut
 * in front of it and behind it.
 */
const besideBursts = (range: Range, edges: ReadonlyArray<Micros>): ReadonlyArray<Micros> => {
  const bursts: Array<{ readonly first: Micros; last: Micros; edges: number }> = []
  for (const edge of edges) {
    const burst = bursts.at(-1)
    if (burst === undefined || edge - burst.last > 2 * apart) {
      bursts.push({ first: edge, last: edge, edges: 1 })
      continue
    }
    burst.last = edge
    burst.edges++
  }
  return bursts
    .flatMap(({ edges, first, last }) => (edges === 1 ? [first] : outside(first, last)))
    .filter((edge) => edge > range.from && edge < range.to)
}

/** The edges of a burst: its seconds lie within the bounds of no other part. */
const outside = (first: Micros, last: Micros): ReadonlyArray<Micros> => [first - apart, last + Ask.second + apart]

/** The parts around a second that holds more rows than a page, whose order may be another one on each: it is read by itself. */
const around = (range: Range, held: ReadonlyArray<Rows.Dated>, size: number): ReadonlyArray<Micros> => {
  const perSecond = new Map<Micros, number>()
  for (const { start } of held) {
    const at = Ask.floorSecond(start)
    const count = (perSecond.get(at) ?? 0) + 1
    perSecond.set(at, count)
    if (count > size) return outside(at, at).filter((edge) => edge > range.from && edge < range.to)
  }
  return []
}

/** The parts around what starts between these instants; nothing where none of the range lies beside it. */
export const beside = (range: Range, first: Micros, last: Micros, rows: number): ReadonlyArray<Task> | undefined => {
  const edges = outside(Ask.floorSecond(first), Ask.floorSecond(last)).filter(
    (edge) => edge > range.from && edge < range.to
  )
  return edges.length > 0 ? tasksOf(range, edges, rows) : undefined
}

/** A burst is not longer. */
const longest = 16 * Ask.second

/**
 * Parts in front of the burst in the middle of what is held, around it, and behind it; nothing where the range is that burst. `halves`,
 * where calls follow one another for longer than a burst.
 */
export const besideBurst = (
  range: Range,
  held: Rows.Held,
  rows: number,
  halves: ReadonlyArray<Task>
): ReadonlyArray<Task> | undefined => {
  const starts = [...held.rows.values()].flatMap(({ start }) => start ?? []).sort((a, b) => a - b)
  const middle = Math.floor(starts.length / 2)
  const isNext = (i: number) => (starts[i + 1] ?? Infinity) - (starts[i] ?? -Infinity) <= 2 * apart
  let [first, last] = [middle, middle]
  while (first > 0 && isNext(first - 1)) first--
  while (last < starts.length - 1 && isNext(last)) last++
  const [from = range.from, to = range.to] = [starts[first], starts[last]]
  if (to - from > longest) return halves
  const parts = beside(range, from, to, rows)
  if (parts !== undefined) return parts
  const isBurst = range.from >= from - longest && range.to <= to + longest
  return isBurst ? undefined : halves
}

/** Two halves, cut at the middle of what is held, or parts around where most of it is. */
export const halve = (range: Range, held: Rows.Held, rows: number, size: number): ReadonlyArray<Task> => {
  const inside = Rows.within(held, range)
  const edges = around(range, inside, size)
  if (edges.length > 0) return tasksOf(range, edges, rows)
  const row = Rows.middleOf(inside)
  const at = Ask.floorSecond(row?.start ?? 0)
  const isCut = at > range.from && at < range.to
  const middle = isCut ? at : Ask.floorSecond((range.from + range.to) / 2)
  const parts = tasksOf(range, middle > range.from && middle < range.to ? [middle] : [], rows)
  return isCut ? parts.map((part, i) => ({ ...part, [i === 0 ? "top" : "bottom"]: row?.key })) : parts
}
