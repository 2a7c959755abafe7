/** When the records start that make a page fail. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
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

/** Between the rows beside it no other row starts: so a range can be asked for with one page. */
const narrow = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  size: number,
  { from, to }: Range
): Effect.fn.Return<Range, AgniError> {
  let low = Ask.floorSecond(from)
  let high = Ask.ceilSecond(to)
  while (high - low > second) {
    const middle = Ask.floorSecond((low + high) / 2)
    const rows = yield* Ask.catchPoison(
      Effect.map(ask(1, { after: middle, before: high + second }, { how: Patience.once }), ({ rows }) => rows),
      () => Effect.undefined
    )
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
  return Ask.catchPoison(Effect.as(ask(page, aDay, { size: pageSize, sort, how: Patience.once }), true), () =>
    Effect.succeed(false)
  )
}

/**
 * The ranges, ascending, that hold the records for which a question of a reading fails. Nothing where rows come in no order of
 * time.
 */
export const locate = Effect.fnUntraced(function* (
  settings: Settings,
  query: CallSessionQuery
): Effect.fn.Return<ReadonlyArray<Range>, AgniError> {
  const ask = askOf(settings)
  const { bounds, lost, rows } = yield* place(ask, settings, query)
  const inOrder = rows.map(([, row]) => row)
  const descends = Rows.isNewestFirst(inOrder)
  if (!descends && !Rows.isNewestFirst(inOrder.toReversed())) return []
  const dated = rows.flatMap(([at, { start }]) => (start === undefined ? [] : [{ at, start }]))
  const found: Array<Range> = []
  for (const at of lost) {
    const before = dated.findLast((row) => row.at < at)?.start
    const after = dated.find((row) => row.at > at)?.start
    const from = (descends ? after : before) ?? bounds.after
    const to = (descends ? before : after) ?? bounds.before
    // Neighbours fail together.
    if (from === undefined || to === undefined || found.some((range) => range.from <= from && to <= range.to)) continue
    const { from: low, to: high } = yield* narrow(ask, settings.size, { from, to })
    found.push({ from: low - margin, to: high + margin })
  }
  return merge(found.toSorted((left, right) => left.from - right.from))
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
