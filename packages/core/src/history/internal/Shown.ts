/** What the answers of a reading showed, and what of it was delivered: where both are compared. */
import type * as Coverage from "../Coverage.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Delivered from "./Delivered.ts"
import * as IdSet from "./IdSet.ts"
import type { Evidence } from "./Known.ts"
import type * as Windows from "./Windows.ts"

type Counted = Map<string, NotedCounts.Counted>

export interface Shown {
  /** The parts to read, ascending: an earlier run may have read what lies between two of them. */
  readonly parts: ReadonlyArray<Micros.Range>
  /** The parts that were delivered. */
  readonly reached: Array<Micros.Range>
  /** Of calls that were delivered. */
  readonly ids: IdSet.IdSet
  readonly delivered: Delivered.Delivered
  /** Shown in a part that was not delivered yet; the call may have been, with another start. */
  readonly awaited: Map<string, Micros.Micros>
  /** Shown when the window that they belong to was delivered. */
  readonly late: Map<string, Micros.Micros>
  /** Shown outside the range, near its ends. */
  readonly beside: Map<string, Micros.Micros>
  /** Shown outside the parts, wherever. */
  readonly elsewhere: Map<string, Micros.Micros>
  /** Listed without a start time. */
  readonly withoutStart: Set<string>
  /** When calls were created that were listed without a credible start. */
  readonly created: Map<string, Micros.Micros>
  /** The same of those that came for bounds in which they were created: counts of bounds have them. */
  readonly placed: Map<string, Micros.Micros>
  /** Seen with two starts. */
  readonly moved: Set<string>
  readonly counts: Counted
  /** Bounds, and the place of a row in them: no evidence where a page beyond the end brings other rows again. */
  readonly places: Counted
  /** Those of pages that are in their own place for sure: bounds hold as many rows at least. */
  readonly sure: Counted
  /** All three as they were before the first window was read: no call can have come before them and after its window. */
  readonly early: Readonly<Record<"counts" | "places" | "sure", Counted>>
  /** Pages by their length, the last and greatest of each. */
  readonly lengths: Map<string, NotedCounts.Paged>
  /** Between two rows, with those that fail: each of these must come, or fail again. */
  readonly failing: Counted
  readonly revisions: Array<Windows.Revision>
  /** Where the windows begin that are proven by one reading. */
  readonly readOnce: Set<Micros.Micros>
  /** Calls that start after the horizon: a replica that lags may still show them without a start time. */
  readonly recent: Set<string>
  /** Keys of what could not be placed: it may come for two windows that touch. */
  readonly unplaced: Set<string>
  lost: { readonly rows: number; readonly error: AgniError } | undefined
  /** Whether each window that is older than the horizon is proven. */
  proven: boolean
  /** Listed before the reading began. */
  readonly begun: Set<string>
  /** How many of the recent calls were not: they may have come since. */
  later: number
  /** Calls that came in some answers only, and their keys as far as those are known. */
  differing: number
  readonly doubted: Set<string>
  /** Calls that did not come back for their own seconds when windows beside them were read. */
  readonly gone: Map<string, Micros.Micros>
  /** A call was shown that is older than the first one. */
  older: boolean
}

/** Which ends of a range were given. */
export interface Ends {
  /** Neither: then any count is one of it. */
  readonly whole: boolean
  /** It begins where the calls do: none may be older. */
  readonly fromOldest: boolean
  /** The windows come from its end to its beginning. */
  readonly newestFirst: boolean
}

export const make = (parts: ReadonlyArray<Micros.Range>): Shown => {
  const ids = IdSet.make()
  return {
    parts,
    reached: [],
    ids,
    delivered: Delivered.make(ids),
    awaited: new Map(),
    late: new Map(),
    beside: new Map(),
    elsewhere: new Map(),
    withoutStart: new Set(),
    created: new Map(),
    placed: new Map(),
    moved: new Set(),
    counts: new Map(),
    places: new Map(),
    sure: new Map(),
    early: { counts: new Map(), places: new Map(), sure: new Map() },
    lengths: new Map(),
    failing: new Map(),
    revisions: [],
    readOnce: new Set(),
    recent: new Set(),
    unplaced: new Set(),
    lost: undefined,
    proven: true,
    begun: new Set(),
    later: 0,
    differing: 0,
    doubted: new Set(),
    gone: new Map(),
    older: false
  }
}

/** Bounds reach so far beyond a range. */
const near = 4 * Ask.second

const isIn = (ranges: ReadonlyArray<Micros.Range>, start: Micros.Micros): boolean => {
  for (const { from, to } of ranges) if (start >= from && start < to) return true
  return false
}

/** Whether it starts in what is read. */
export const isRead = ({ parts }: Shown, start: Micros.Micros): boolean => isIn(parts, start)

/** Ranges, ascending, of which those that touch are one. */
export const joined = (ranges: ReadonlyArray<Micros.Range>): ReadonlyArray<Micros.Range> => {
  const all: Array<Micros.Range> = []
  for (const range of ranges.toSorted((left, right) => left.from - right.from)) {
    const last = all.at(-1)
    if (last === undefined || last.to < range.from) all.push(range)
    else all[all.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
  }
  return all
}

/** From the first to the last of what was delivered. */
export const hull = ({ reached }: Shown): Micros.Range | undefined => {
  const [first] = reached
  return first === undefined ? undefined : { from: first.from, to: reached.at(-1)?.to ?? first.to }
}

/** Notes that everything of a range was delivered. */
export const reach = ({ reached }: Shown, range: Micros.Range): void => {
  reached.splice(0, reached.length, ...joined([...reached, range]))
}

/** A range is read again, because what has its calls lost them: they do not come twice. */
export const forget = ({ delivered, reached }: Shown, { from, to }: Micros.Range): void => {
  delivered.remove({ from, to })
  const others = reached.flatMap((one) => [
    { from: one.from, to: Math.min(one.to, from) },
    { from: Math.max(one.from, to), to: one.to }
  ])
  reached.splice(0, reached.length, ...joined(others.filter((one) => one.from < one.to)))
}

/** Notes that an answer listed a row. */
export const noteRow = (shown: Shown, { fromOldest }: Ends, key: string, start: Micros.Micros | undefined): void => {
  const { parts, reached } = shown
  if (start === undefined) shown.withoutStart.add(key)
  else if (!isIn(parts, start)) {
    if (fromOldest && start < (parts[0]?.from ?? Infinity)) shown.older = true
    shown.elsewhere.set(key, start)
    if (parts.some(({ from, to }) => start >= from - near && start < to + near)) shown.beside.set(key, start)
  } else if (!isIn(reached, start)) shown.awaited.set(key, start)
  else if (!shown.ids.has(key)) shown.late.set(key, start)
}

/** Notes that a call is in some answers only: once, however often it is looked for. */
export const doubt = (shown: Shown, key: string): void => {
  if (shown.doubted.has(key)) return
  shown.doubted.add(key)
  shown.differing++
}

/** Whether bounds reach no further than what is read: beyond it others are counted too. */
const isOfRange = ({ parts }: Shown, { whole }: Ends, { after, before }: NotedCounts.Counted): boolean =>
  (whole && parts.length === 1) || parts.some(({ from, to }) => after >= from - near && before <= to + near)

/** Notes the counts of an answer from before the first window was read. Without bounds calls without a start time are counted too. */
export const noteEarly = (shown: Shown, ends: Ends, log: Ask.Log): void => {
  for (const name of ["counts", "places", "sure"] as const)
    for (const counted of log[name].values())
      if (isOfRange(shown, ends, counted) && counted.before < Infinity)
        NotedCounts.noteCount(shown.early[name], counted, counted.rows)
}

/** Notes the calls without a start time that the server places by their creation, except those that came with a start. */
export const notePlaced = ({ ids, placed }: Shown, rows: Ask.Log["placed"]): void => {
  for (const [key, created] of rows) if (!ids.has(key)) placed.set(key, created)
}

/** Notes what the answers to one reader showed. */
export const note = (shown: Shown, ends: Ends, { log, once }: Pick<Evidence, "log" | "once">): void => {
  if (once !== undefined) shown.readOnce.add(once.from)
  for (const name of ["counts", "places", "sure", "failing"] as const)
    for (const counted of log[name].values())
      if (isOfRange(shown, ends, counted)) NotedCounts.noteCount(shown[name], counted, counted.rows)
  for (const page of log.lengths.values()) if (isOfRange(shown, ends, page)) NotedCounts.notePage(shown.lengths, page)
  for (const id of log.moved) shown.moved.add(id)
  for (const [key, start] of log.gone) shown.gone.set(key, start)
  for (const [key, at] of log.created) shown.created.set(key, at)
  notePlaced(shown, log.placed)
  log.shown.forEach((start, key) => noteRow(shown, ends, key, start))
}

/** Rows delivered that start between the bounds, and those that start at one of them besides. */
export const between = ({ beside, delivered, ids, placed }: Shown, bounds: Ask.Bounds): Delivered.Number => {
  const { after = -Infinity, before = Infinity } = bounds
  let { at, within } = delivered.between(bounds)
  const add = (start: Micros.Micros) => {
    if (start > after && start < before) within++
    else if (start === after || start === before) at++
  }
  for (const [id, start] of beside) if (!ids.has(id)) add(start)
  for (const created of placed.values()) add(created)
  return { within, at }
}

/** Rows delivered, as the server counts them within bounds: with those that it places by their creation. */
export const rowsOf = ({ delivered, placed }: Shown): number => delivered.rows() + placed.size

/** Whether a page may be the last one again of a list with so many rows, or the first one. A list of one page has no other. */
const mayRepeat = ({ isFirst, length, size }: NotedCounts.Paged, least: number, most: number): boolean => {
  for (let rows = Math.max(1, least); rows <= most; rows++)
    if ((rows > size && length === ((rows - 1) % size) + 1) || (isFirst && length === Math.min(rows, size))) return true
  return false
}

/**
 * By how many rows a list was shorter or longer at least, if a page is its last one again. Only the length of such a page says
 * something: its number is the one that was asked for, however far beyond the end.
 */
const differenceOf = (page: NotedCounts.Paged, least: number, most: number): number => {
  let difference = 0
  while (difference < page.size && !mayRepeat(page, least - difference, most + difference)) difference++
  return difference
}

/** Bounds hold so many rows, by a page of them. */
export interface Unrepeated extends NotedCounts.Counted {
  readonly page: NotedCounts.Paged
}

/**
 * Pages that are not another one again, which a server may answer beyond the end, with as many rows as they show at least. A limit cuts a
 * list to a shorter one: of bounds that were counted to hold fewer than came, it is that one which is repeated.
 */
export const unrepeated = (shown: Shown): Map<string, Unrepeated> => {
  const found = new Map<string, Unrepeated>()
  for (const [key, page] of shown.lengths) {
    const { after, before } = page
    const { at, within } = between(shown, page)
    const counted = NotedCounts.exactly(shown.counts, page) ?? Infinity
    const isCut = counted < within && mayRepeat(page, counted, counted)
    // What lies in front of the end is in its own place.
    const difference = isCut || page.rows <= within + at ? 0 : differenceOf(page, within, within + at)
    if (difference > 0) found.set(key, { after, before, rows: within + at + difference, page })
  }
  return found
}

/** Rows that came within the bounds: at most, and without those that may have come since the reading began. */
const came = (shown: Shown, others: Float64Array, bounds: Ask.Between, withoutStart: number) => {
  const all = bounds.after === -Infinity && bounds.before === Infinity
  const here = between(shown, bounds)
  const besides = Delivered.count(others, bounds)
  const most = here.within + here.at + besides.within + besides.at + (all ? withoutStart : 0)
  return { least: most - others.length - shown.later, most }
}

/**
 * Whether no count is greater than what came within its bounds, these besides, which are delivered at the end.
 *
 * @param repeats whether a page beyond the end brings other rows again: then it must be as long as the last page of what came.
 */
export const isExplained = (
  shown: Shown,
  repeats: boolean,
  { starts, withoutStart }: { readonly starts: ReadonlyArray<Micros.Micros>; readonly withoutStart: number }
): boolean => {
  const others = Float64Array.from(starts).sort()
  const isCame = (counted: NotedCounts.Counted) => counted.rows <= came(shown, others, counted, withoutStart).most
  const isPaged = (page: NotedCounts.Paged) => {
    const { least, most } = came(shown, others, page, withoutStart)
    // A limit cuts a list to a shorter one, of which the page may be.
    const isCut = (NotedCounts.exactly(shown.counts, page) ?? 0) < least
    return page.rows <= most || isCut || mayRepeat(page, least, most)
  }
  return (
    [shown.counts, shown.sure, shown.failing].every((counts) => [...counts.values()].every(isCame)) &&
    (repeats ? [...shown.lengths.values()].every(isPaged) : [...shown.places.values()].every(isCame))
  )
}

/** What of a range was shown and did not come. */
type Lacking = Micros.Range & { readonly calls: number }

/** Where rows failed that were not there any more when their window was read: it may be that these answers lacked them. */
export const vanished = (shown: Shown): ReadonlyArray<Lacking> =>
  [...shown.failing.values()].flatMap(({ after, before, rows }) => {
    const { at, within } = between(shown, { after, before })
    return rows <= within + at ? [] : [{ from: after, to: before + 1, calls: rows - within - at }]
  })

/** The range of a count that is greater than what came, as far as it is older than the horizon, and why it is not proven. */
export const unexplained = (
  shown: Shown,
  counts: Counted,
  horizon: Micros.Micros
): ReadonlyArray<Windows.Revision & Lacking> =>
  [...counts.values()].flatMap(({ after, before, rows }) => {
    // Calls that are younger may have come since their windows were read.
    if (before > horizon + near) return []
    const { at, within } = between(shown, { after, before })
    const coverage: Coverage.Coverage = {
      _tag: "Provisional",
      reason: { _tag: "CountDiffers", read: within + at, counted: rows }
    }
    const calls = rows - within - at
    // Bounds reach a little into the windows beside the one that they are of, and it is not known where the call lies.
    return calls <= 0 ? [] : [{ from: after, to: before + 1, calls, coverage }]
  })

/** The same of all counts of a kind. Of what was counted before the first window, nothing can have come since. */
export const lacking = (
  shown: Shown,
  kind: "counts" | "places" | "sure",
  horizon: Micros.Micros
): ReadonlyArray<Windows.Revision & Lacking> => [
  ...unexplained(shown, shown[kind], horizon),
  ...unexplained(shown, shown.early[kind], Infinity)
]

/** The count that is least of what came within its bounds, as far as those are older than the horizon. */
export const least = (shown: Shown, horizon: Micros.Micros): NotedCounts.Counted | undefined => {
  let least: NotedCounts.Counted | undefined
  let most = 0
  for (const counted of shown.counts.values()) {
    const lacks = counted.before > horizon ? 0 : between(shown, counted).within - counted.rows
    if (lacks <= most) continue
    most = lacks
    least = counted
  }
  return least
}
