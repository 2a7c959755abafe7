/** Reads all rows except those that cannot be rendered. */
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import type { Page } from "../../model/Page.ts"
import * as CallRows from "../../model/Rows.ts"
import { type Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as LastPage from "./LastPage.ts"
import * as Rows from "./Rows.ts"
import { ask as askOf, type Settings } from "./Settings.ts"
import * as Micros from "./Micros.ts"

/** What failed with all its tries is looked for with few, because each smaller part meets it again. */
export const hasty = (settings: Settings): Settings => ({
  ...settings,
  list: (query) => settings.list(query, { tries: 2 })
})

/** Stands for a row that cannot be rendered, so that pages keep their length. */
const isLost = ({ item, rejected }: Rows.Row): boolean => item === undefined && rejected === undefined

const lostRow = (page: number): Rows.Row => ({
  key: `lost ${page}`,
  start: undefined,
  item: undefined,
  rejected: undefined
})

const largestPart = (size: number): number => {
  for (let parts = 2; parts * parts <= size; parts++) if (size % parts === 0) return size / parts
  return 1
}

/** An ask whose pages that fail are asked for in parts, down to single rows. */
const asking = (settings: Settings): Ask.Ask => {
  const plain = askOf(hasty(settings))
  const inParts = (
    page: number,
    bounds: Ask.Bounds,
    size: number,
    sort: Ask.Sort | undefined
  ): Effect.Effect<Ask.Answer, AgniError> =>
    Ask.catchPoison(plain, plain(page, bounds, { size, ...(sort === undefined ? {} : { sort }) }), () => {
      if (size === 1) {
        const { observedAt = 0 } = plain.log
        return Effect.succeed({ rows: [lostRow(page)], observedAt, edition: undefined, characters: 0 })
      }
      const part = largestPart(size)
      const first = (page - 1) * (size / part) + 1
      return Effect.map(
        Effect.forEach(Array.from({ length: size / part }), (_, i) => inParts(first + i, bounds, part, sort)),
        (answers): Ask.Answer => ({
          rows: answers.flatMap(({ rows }) => rows),
          observedAt: Math.min(...answers.map(({ observedAt }) => observedAt)),
          edition: answers.find(({ edition }) => edition !== undefined)?.edition,
          characters: answers.reduce((sum, { characters }) => sum + characters, 0)
        })
      )
    })
  return Object.assign(
    (page: number, bounds: Ask.Bounds, options: { readonly size?: number; readonly sort?: Ask.Sort } = {}) =>
      inParts(page, bounds, options.size ?? settings.size, options.sort),
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
  const ask = Ask.make(list, filters, { size, sort: { by: undefined, order: undefined } })
  const inParts = (number: number, size: number): Effect.Effect<ReadonlyArray<Found>, AgniError> =>
    Ask.catchPoison(
      ask,
      Effect.map(list({ ...filters, page: number, pageSize: size }, { tries: 2 }), (found) => [found]),
      () => {
        if (size === 1) return Effect.succeed([])
        const part = largestPart(size)
        const first = (number - 1) * (size / part) + 1
        return Effect.map(
          Effect.forEach(Array.from({ length: size / part }), (_, i) => inParts(first + i, part)),
          (parts) => parts.flat()
        )
      }
    )
  return Effect.map(inParts(number, size), (parts) => {
    const times = parts.map(({ observedAt }) => observedAt)
    const observedAt = Instant.of(Math.min(...times, ask.log.observedAt ?? Infinity))
    return {
      page: number,
      rows: CallRows.make(
        parts.flatMap(({ rows }) => CallRows.items(rows)),
        observedAt
      ),
      rejected: parts.flatMap(({ rejected }) => rejected),
      observedAt
    }
  })
}

/** A stretch that cannot be read, or not all of it. */
const gap = (range: Micros.Range, error: AgniError): Window =>
  Micros.window([], {
    ...range,
    rejected: [],
    coverage: { _tag: "Gap", reason: { _tag: "Unreadable", problem: error.reason.message }, error },
    requests: 0,
    observedAt: 0
  })

const holding = (empty: Window, rows: ReadonlyArray<Rows.Row>, { log }: Ask.Ask): Window => {
  return Micros.window(
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
const mostPages = 500

/** So many pages in a row that bring nothing new lie beyond the end. */
const mostIdle = 5

/** The rows of a stretch that can be rendered, as a gap. */
export const read = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  error: AgniError
): Effect.fn.Return<Window, AgniError> {
  const repeats = yield* settings.repeats
  const ask = asking(settings)
  const bounds = { after: Ask.floorSecond(range.from) - Ask.second, before: Ask.ceilSecond(range.to) + Ask.second }
  const held = Rows.makeHeld()
  let first: ReadonlyArray<Rows.Row> = []
  let before: ReadonlyArray<Rows.Row> = []
  let idle = 0
  for (let page = 1; page <= mostPages && idle < mostIdle; page++) {
    const { rows } = yield* ask(page, bounds)
    if (yield* Ask.isEnd(ask, bounds, page, rows, page === 1 ? [] : [before, first], { repeats })) break
    if (page === 1) first = rows
    before = rows
    idle = held.add(rows.filter((row) => !isLost(row))) === 0 ? idle + 1 : 0
    if (rows.length < settings.size) break
  }
  const unplaced = [...held.rows.values()].filter((row) => Rows.isUnplaced(row))
  return holding(gap(range, error), [...Rows.within(held, range), ...unplaced], ask)
})

/** The calls that earlier windows delivered, and the keys of calls without a start time that they know. */
interface Delivered {
  readonly rows: number
  readonly isKnown: (key: string) => boolean
  readonly isDistant: (row: Rows.Row) => boolean
}

/**
 * The calls that no window holds, where some cannot be rendered: at the front, or on all pages if the count is higher than
 * that. They are a gap unless all came; then it is the windows that some are missing from.
 */
export const undated = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  starts: Ask.Between,
  { isDistant, isKnown, rows: delivered }: Delivered,
  error: AgniError
): Effect.fn.Return<Window, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const ask = asking(settings)
  const [all, dated] = yield* Effect.all(
    [LastPage.count(ask, {}, { size, repeats }), LastPage.count(ask, starts, { size, repeats })],
    { concurrency: 2 }
  )
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
  for (let page = 1; page <= most && idle < mostIdle; page++) {
    const { rows } = yield* ask(page, {})
    if (yield* Ask.isEnd(ask, {}, page, rows, page === 1 ? [] : [before, first], { repeats })) break
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
  const sum = delivered + rows.length
  return all !== undefined && held.rows.size >= expected && all > sum
    ? {
        ...window,
        coverage: { _tag: "Unprovable", reason: { _tag: "CountDiffers", read: sum, counted: all } }
      }
    : window
})
