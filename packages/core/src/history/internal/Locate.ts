/** When the records start that make a page fail. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import * as Blocks from "../../endpoint/internal/Blocks.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { ask as askOf, type Settings } from "./Settings.ts"

const { second } = Ask

/** Other ranges are asked for up to two seconds beyond their ends: they must not meet the record. */
const margin = 3 * second

const instantOf = (input: CallSessionQuery["startedAfter"]): Micros | undefined =>
  input === undefined ? undefined : Instant.fromBound(input)

/** The rows of the page that fails, by their places, and those that cannot be had. */
const place = Effect.fnUntraced(function* (ask: Ask.Ask, settings: Settings, query: CallSessionQuery) {
  const { page = 1, pageSize = settings.size, sortBy, sortOrder } = query
  const bounds = { after: instantOf(query.startedAfter), before: instantOf(query.startedBefore) }
  const sort = { by: sortBy, order: sortOrder }
  const blocks = Blocks.make(ask, bounds, sort)
  const size = Blocks.largest(Math.min(settings.size, pageSize))
  const first = (page - 1) * pageSize
  const rows = new Map<number, Rows.Row>()
  const lost: Array<number> = []
  for (let at = first - (first % size), ended = false; at < first + pageSize && !ended; at += size) {
    const isLast = at + size >= first + pageSize
    const block: Blocks.Block = yield* blocks.part(at, size, isLast && lost.length === 0)
    for (const [i, row] of block.rows.entries()) {
      if (row === undefined) lost.push(at + i)
      else rows.set(at + i, row)
    }
    ended = block.ended
  }
  // A record at the edge has its neighbour on another page.
  for (const beside of [Math.min(...lost) - 1, Math.max(...lost) + 1]) {
    if (lost.length === 0 || beside < 0 || rows.has(beside)) continue
    const [row] = (yield* blocks.part(beside, 1)).rows
    if (row !== undefined) rows.set(beside, row)
  }
  const sorted = [...rows].toSorted(([a], [b]) => a - b)
  return { bounds, lost, rows: sorted }
})

/** Where a record may start. An end that is no row, but a bound of the question, may be far away from it. */
interface Stretch extends Range {
  readonly fromRow: boolean
  readonly toRow: boolean
}

/** The second at which what is left is cut: in the middle, or by the distance to the only row, because the record is likely near. */
const cutOf = ({ from, fromRow, to, toRow }: Stretch, low: Micros, high: Micros): Micros => {
  const between = (near: number, far: number) => Math.sqrt(Math.max(second, near) * far)
  const middle =
    fromRow === toRow
      ? (low + high) / 2
      : fromRow
        ? Ask.floorSecond(from) + between(low - Ask.floorSecond(from), high - Ask.floorSecond(from))
        : Ask.ceilSecond(to) - between(Ask.ceilSecond(to) - high, Ask.ceilSecond(to) - low)
  return Ask.floorSecond(Math.min(Math.max(middle, low + second), high - second))
}

/** What starts in a part of a stretch: nothing where it holds a record that fails. Behind its end may lie another one. */
const look = (ask: Ask.Ask, { to, toRow }: Stretch, low: Micros, high: Micros) =>
  Ask.catchPoison(
    Effect.map(
      ask(1, { after: low, before: toRow ? high + second : Math.min(high + second, to) }, { how: Patience.once }),
      ({ rows }) => rows
    ),
    () => Effect.undefined
  )

/** Between the rows beside it no other row starts: so a range can be asked for with one page. */
const narrow = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  size: number,
  stretch: Stretch
): Effect.fn.Return<Range, AgniError> {
  let low = Ask.floorSecond(stretch.from)
  let high = Ask.ceilSecond(stretch.to)
  while (high - low > second) {
    const middle = cutOf(stretch, low, high)
    const rows = yield* look(ask, stretch, middle, high)
    if (rows !== undefined && rows.length >= size) break
    // A row at the bound itself may be within it, or not.
    const next = rows === undefined ? { low: middle, high } : { low, high: middle + second }
    if (next.low === low && next.high === high) break
    low = next.low
    high = next.high
  }
  return { from: low, to: high }
})

/**
 * Whether a question fails for the time that it asks about: where bounds are applied after paging, it fails for any time, and
 * cutting the range is in vain.
 */
export const isOfTime = (
  settings: Settings,
  { page = 1, pageSize = settings.size, sortBy, sortOrder }: CallSessionQuery
) => {
  const ask = askOf(settings)
  const sort = { by: sortBy, order: sortOrder }
  const aDay = { after: earliestStart, before: earliestStart + 86_400 * second }
  return Effect.as(ask(page, aDay, { size: pageSize, sort, how: Patience.once }), true).pipe(
    // A page behind the last one may be refused.
    Effect.catchIf(Ask.isRefusal, () => Effect.succeed(true)),
    Effect.catchIf(Ask.isPoison, () => Effect.succeed(false))
  )
}

/** Whether a question fails for its bounds, and not for a record. */
export const isOfBounds = (settings: Settings, { sortBy: by, sortOrder: order, ...query }: CallSessionQuery) =>
  Ask.failsAsWhole(
    askOf(settings),
    { after: instantOf(query.startedAfter), before: instantOf(query.startedBefore) },
    { by, order }
  )

/**
 * The ranges, ascending, that hold the records for which a question of a reading fails. Nothing where rows come in no order of
 * time, or the server refuses smaller pages.
 */
export const locate = Effect.fnUntraced(function* (
  settings: Settings,
  query: CallSessionQuery
): Effect.fn.Return<ReadonlyArray<Range>, AgniError> {
  const ask = askOf(settings)
  // Smaller pages lie deeper: so deep the server may not go.
  const placed = yield* Effect.catchIf(place(ask, settings, query), Ask.isRefusal, () => Effect.undefined)
  if (placed === undefined) return []
  const { bounds, lost, rows } = placed
  const inOrder = rows.map(([, row]) => row)
  const descends = Rows.isNewestFirst(inOrder)
  const isInOrder = descends || Rows.isNewestFirst(inOrder.toReversed())
  const inside = insideOf(lost, rows)
  if (!isInOrder) {
    noteFailing(ask.log, rows, bounds, inside.length)
    return []
  }
  for (const { from, lost, to } of runsOf(inside, rows, bounds, descends))
    noteFailing(ask.log, rows, { after: from, before: to }, lost)
  const found: Array<Range> = []
  for (const run of runsOf(lost, rows, bounds, descends)) found.push(...(yield* within(ask, settings.size, run)))
  return merge(found.toSorted((left, right) => left.from - right.from))
})

/**
 * The places of rows that fail for sure: behind each comes a row that came at no place before it. Behind the end of a list there
 * is none, or another one again.
 */
const insideOf = (
  lost: ReadonlyArray<number>,
  rows: ReadonlyArray<readonly [number, Rows.Row]>
): ReadonlyArray<number> => {
  const keys = new Set<string>()
  let last = -1
  for (const [at, { key }] of rows) {
    if (!keys.has(key)) last = at
    keys.add(key)
  }
  return lost.filter((at) => at < last)
}

/** A failure shows a row as a page does: it must come, or fail again, when its window is read. */
const noteFailing = (
  log: Ask.Log,
  rows: ReadonlyArray<readonly [number, Rows.Row]>,
  bounds: Ask.Bounds,
  lost: number
): void => {
  const { after = -Infinity, before = Infinity } = bounds
  const keys = new Set(rows.flatMap(([, { key, start = NaN }]) => (start >= after && start <= before ? [key] : [])))
  if (lost > 0) NotedCounts.noteCount(log.failing, bounds, keys.size + lost)
}

/** Between the same neighbours. */
interface Run extends Stretch {
  /** So many cannot be had. */
  readonly lost: number
}

/** Where rows that cannot be had lie, between those that can. */
const runsOf = (
  lost: ReadonlyArray<number>,
  rows: ReadonlyArray<readonly [number, Rows.Row]>,
  bounds: Ask.Bounds,
  descends: boolean
): ReadonlyArray<Run> => {
  const dated = rows.flatMap(([at, { start }]) => (start === undefined ? [] : [{ at, start }]))
  const runs = new Map<string, Run>()
  for (const at of lost) {
    const before = dated.findLast((row) => row.at < at)?.start
    const after = dated.find((row) => row.at > at)?.start
    const fromRow = descends ? after : before
    const toRow = descends ? before : after
    const from = fromRow ?? bounds.after
    const to = toRow ?? bounds.before
    if (from === undefined || to === undefined) continue
    const key = `${from} ${to}`
    const known = runs.get(key)?.lost ?? 0
    runs.set(key, { from, to, fromRow: fromRow !== undefined, toRow: toRow !== undefined, lost: known + 1 })
  }
  return [...runs.values()]
}

/** Of more between the same neighbours the rest is located when their range is read again. */
const mostInRun = 4

/** The ranges that hold them, the newest first. */
const within = Effect.fnUntraced(function* (ask: Ask.Ask, size: number, run: Run) {
  const found: Array<Range> = []
  let stretch: Stretch = run
  for (let left = Math.min(run.lost, mostInRun); left > 0; left--) {
    if (found.length > 0 && (yield* look(ask, stretch, stretch.from, stretch.to)) !== undefined) break
    const { from, to } = yield* narrow(ask, size, stretch)
    found.push({ from: from - margin, to: to + margin })
    stretch = { ...stretch, to: from - margin, toRow: false }
    if (stretch.to <= stretch.from) break
  }
  return found
})

const merge = (ranges: ReadonlyArray<Range>): ReadonlyArray<Range> => {
  const merged: Array<Range> = []
  for (const range of ranges) {
    const last = merged.at(-1)
    if (last !== undefined && range.from <= last.to)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    else merged.push(range)
  }
  return merged
}
