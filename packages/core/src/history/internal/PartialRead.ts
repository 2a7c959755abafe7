/** Reads all rows except those that cannot be rendered. */
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import type { Page } from "../../model/Page.ts"
import * as CallRows from "../../model/Rows.ts"
import { type Window } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Blocks from "../../endpoint/internal/Blocks.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { ask as askOf, type Settings } from "./Settings.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Windows from "./Windows.ts"

/** Stands for a row that cannot be rendered, so that pages keep their length. */
const isLost = ({ item, rejected }: Rows.Row): boolean => item === undefined && rejected === undefined

const lostRow = (place: number): Rows.Row => ({
  key: `lost ${place}`,
  start: undefined,
  item: undefined,
  rejected: undefined
})

/** An ask whose pages that fail are asked for in parts, down to single rows. */
const asking = (settings: Pick<Settings, "list" | "filters" | "size" | "sort">, log?: Ask.Log): Ask.Ask => {
  const plain = Ask.make(settings.list, settings.filters, settings, log)
  const readers = new Map<string, ReturnType<typeof Blocks.make>>()
  /** What one page shows of the end of a list holds for the next one. */
  const readerOf = (bounds: Ask.Bounds, sort: Ask.Sort) => {
    const list = JSON.stringify([bounds, sort])
    const reader = readers.get(list) ?? Blocks.make(plain, bounds, sort, Patience.soon)
    readers.set(list, reader)
    return reader
  }
  const inParts = Effect.fnUntraced(function* (page: number, bounds: Ask.Bounds, size: number, sort: Ask.Sort) {
    const blocks = readerOf(bounds, sort)
    const width = Blocks.largest(size)
    const first = (page - 1) * size
    const rows: Array<Rows.Row> = []
    for (let at = first - (first % width), ended = false; at < first + size && !ended; at += width) {
      // Smaller pages lie deeper: so deep the server may not go.
      const block: Blocks.Block = yield* Effect.catchIf(blocks.part(at, width), Ask.isRefusal, () =>
        Effect.succeed({ rows: Array.from({ length: width }, () => undefined), ended: false })
      )
      for (const [i, row] of block.rows.entries()) {
        if (at + i >= first && at + i < first + size) rows.push(row ?? lostRow(at + i))
      }
      ended = block.ended
    }
    return { rows, observedAt: plain.log.observedAt ?? 0, edition: undefined, characters: 0 }
  })
  return Object.assign(
    (page: number, bounds: Ask.Bounds, options: NonNullable<Parameters<Ask.Ask>[2]> = {}) => {
      const { size = settings.size, sort = settings.sort } = options
      return Ask.catchPoison(plain(page, bounds, { ...options, how: Patience.soon }), () =>
        inParts(page, bounds, size, sort)
      )
    },
    { log: plain.log }
  )
}

type Found = Pick<Page, "page" | "rows" | "rejected" | "observedAt">

/** A page without bounds that failed, in parts: those of its records that can be rendered. */
export const page = (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  number: number,
  size: number
): Effect.Effect<Found, AgniError> => {
  const ask = asking({ list, filters, size, sort: { by: undefined, order: undefined } })
  return Effect.map(ask(number, {}), ({ observedAt: at, rows }) => {
    const observedAt = Instant.of(at)
    return {
      page: number,
      rows: CallRows.make(
        rows.flatMap(({ item }) => item ?? []),
        observedAt
      ),
      rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
      observedAt
    }
  })
}

/** A stretch that cannot be read, or not all of it. */
const gap = (range: Micros.Range, error: AgniError): Window =>
  Windows.make([], {
    ...range,
    rejected: [],
    coverage: { _tag: "Gap", reason: { _tag: "Unreadable", problem: error.reason.message }, error },
    requests: 0,
    observedAt: 0
  })

const holding = (empty: Window, rows: ReadonlyArray<Rows.Row>, { log }: Ask.Ask): Window => {
  return Windows.make(
    rows.flatMap(({ item }) => item ?? []),
    {
      ...empty,
      rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
      requests: log.requests,
      observedAt: log.observedAt ?? 0
    }
  )
}

/** A walk over broken pages of fixed bounds ends with this at the latest. */
const mostRows = 50_000

/**
 * The rows of a stretch of seconds that can be rendered, as a gap, and how many cannot: each of those is tried with all patience. A
 * few rows are expected, so that blocks of one, two, four … are asked for.
 */
export const read = Effect.fnUntraced(function* (settings: Settings, range: Micros.Range, error: AgniError) {
  const ask = askOf(settings)
  const bounds = { after: Ask.floorSecond(range.from) - Ask.second, before: Ask.ceilSecond(range.to) + Ask.second }
  const extent = { most: mostRows, size: Blocks.largest(settings.size) }
  const blocks = Blocks.make(ask, bounds, settings.sort, Patience.once)
  const { held, lost } = yield* Blocks.patiently(blocks, extent, Patience.last)
  const unplaced = [...held.rows.values()].filter((row) => Rows.isUnplaced(row))
  const rows = [...Rows.within(held, range), ...unplaced]
  return { window: { ...holding(gap(range, error), rows, ask), extra: lost.length }, lost: lost.length }
})

/** So many pages in a row that bring nothing new lie beyond the end. */
const mostIdle = 5

/** The calls that earlier windows delivered, and the keys of calls without a start time that they know. */
interface Delivered {
  /** Those included that cannot be had: so many the server counts. */
  readonly rows: number
  readonly lost: number
  readonly isKnown: (key: string) => boolean
  readonly isDistant: (row: Rows.Row) => boolean
}

/** How many rows there are, from single rows about where the end should be: one that fails is there. */
const countAround = (
  settings: Settings,
  log: Ask.Log,
  bounds: Ask.Bounds,
  expected: number,
  repeats: boolean
): Effect.Effect<number | undefined, AgniError> => {
  const { filters, list } = settings
  const plain = Ask.make(list, filters, settings, log)
  if (repeats) return Blocks.make(plain, bounds, settings.sort).count(expected)
  const single = (page: number, bounds: Ask.Bounds) =>
    Ask.catchPoison(plain(page, bounds, { size: 1, how: Patience.soon }), () =>
      Effect.succeed({ rows: [lostRow(page)], observedAt: log.observedAt ?? 0, edition: undefined, characters: 0 })
    )
  return Count.rows(Object.assign(single, { log }), bounds, { expected, size: 1, repeats })
}

/** Nothing where the server does not go so deep. */
const orRefused = <A>(answer: Effect.Effect<A, AgniError>): Effect.Effect<A | undefined, AgniError> =>
  Effect.catchIf(answer, Ask.isRefusal, () => Effect.undefined)

/**
 * The calls that no window holds, where some cannot be rendered: at the front, or on all pages if the count is higher than
 * that. They are a gap unless all came; then it is the windows that some are missing from.
 */
export const undated = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  starts: Ask.Between,
  { isDistant, isKnown, lost, rows: delivered }: Delivered,
  error: AgniError
): Effect.fn.Return<Window, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const plain = askOf(settings)
  const ask = asking(settings, plain.log)
  // The page of such a record comes again and again beyond the end: nothing has an end.
  const isEndless = repeats && (yield* Ask.failsAsWhole(plain, {}))
  const count = (bounds: Ask.Bounds, expected: number) =>
    isEndless ? Effect.undefined : orRefused(countAround(settings, ask.log, bounds, expected, repeats))
  const dated = yield* count(starts, delivered)
  const all = yield* count({}, dated ?? delivered)
  const expected = all === undefined || dated === undefined ? Infinity : all - dated
  const seen = new Set<string>()
  const held = Rows.makeHeld()
  const distant = Rows.makeHeld()
  let first: ReadonlyArray<Rows.Row> = []
  let before: ReadonlyArray<Rows.Row> = []
  let behind = false
  let idle = 0
  // Calls that come meanwhile push the end away.
  const most = all === undefined ? Infinity : 50 + all / size
  for (let page = 1; page <= most && idle < (isEndless ? 1 : mostIdle); page++) {
    const answer = yield* orRefused(ask(page, {}))
    if (answer === undefined) break
    const { rows } = answer
    const end = Ask.isEnd(ask, {}, page, rows, page === 1 ? [] : [before, first], { repeats })
    if ((yield* orRefused(end)) !== false) break
    if (page === 1) first = rows
    before = rows
    held.add(rows.filter((row) => row.start === undefined && !isLost(row) && !isKnown(row.key)))
    distant.add(rows.filter(isDistant))
    const fresh = rows.filter((row) => !isLost(row) && !seen.has(row.key))
    for (const { key } of fresh) seen.add(key)
    idle = fresh.length === 0 ? idle + 1 : 0
    behind ||=
      rows.some(Rows.isDated) && rows.every((row) => isLost(row) || (Rows.isDated(row) && row.start < range.to))
    if (behind && held.rows.size >= expected) break
  }
  const rows = [...held.rows.values(), ...distant.rows.values()]
  const window = holding(gap({ from: range.to, to: range.to }, error), rows, ask)
  const sum = delivered - lost + rows.length
  return all !== undefined && held.rows.size >= expected && all > sum
    ? {
        ...window,
        coverage: { _tag: "Unprovable", reason: { _tag: "CountDiffers", read: sum, counted: all } }
      }
    : window
})
