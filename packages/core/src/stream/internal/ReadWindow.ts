import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as CallSession from "../../model/CallSession.ts"
import type { Instant } from "../../model/Instant.ts"
import type { Coverage, Range, Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as Leaf from "./Leaf.ts"
import * as Rows from "./Rows.ts"

/** What all windows of one reading share. */
export interface Reading {
  readonly list: AgniClient["Service"]["list"]
  readonly filters: Ask.Filters
  /** Rows that a page really brings. */
  readonly size: number
  readonly sort: Ask.Sort
  /** Whether an answer was seen whose rows stand by start although they were created in another order. */
  byStart: boolean
  /** What is younger than this may still become visible. */
  readonly horizon: Instant
  /** Why no window of this reading can be proven, whatever its count says. */
  readonly doubt: Coverage | undefined
  /** A window with more rows is read in parts. */
  readonly maxRows: number
}

/** A window, or the news that it holds too many rows, and how to cut it: ascending, the first part still unread. */
export type Outcome =
  | { readonly _tag: "Read"; readonly windows: ReadonlyArray<Window> }
  | { readonly _tag: "Dense"; readonly parts: ReadonlyArray<Range> }

interface Walked {
  readonly held: Rows.Held
  readonly first: ReadonlyArray<Rows.Row>
  readonly steps: number
  readonly moved: boolean
  readonly problem: string | undefined
  /** Where the walk stood when there were too many rows. */
  readonly denseAt: Instant | undefined
}

/** Steps down from the newest row by start: the oldest row of an answer is the next answer's upper bound. */
const walk = Effect.fnUntraced(function* (
  reading: Reading,
  ask: Ask.Ask,
  a: Instant,
  b: Instant
): Effect.fn.Return<Walked, AgniError> {
  const { second } = Ask
  const held = Rows.makeHeld()
  let first: ReadonlyArray<Rows.Row> = []
  let seam: string | undefined
  let cur = b
  let moved = false
  let steps = 0
  for (;;) {
    steps++
    const { rows } = yield* ask(1, { after: a, before: cur })
    if (steps === 1) first = rows
    const problem = misplaced(rows, a - second, cur + second)
    if (problem !== undefined) return { held, first, steps, moved, problem, denseAt: undefined }
    if (seam !== undefined && !rows.some(({ key }) => key === seam)) moved = true
    held.add(rows)
    reading.byStart ||= Rows.showsOrderByStart(rows)
    if (rows.length < reading.size || !Rows.isNewestFirst(rows)) break
    const divisible = Ask.ceilSecond(cur) > a + 2 * second && Ask.ceilSecond(cur) < b - 2 * second
    if (held.size() > reading.maxRows && divisible)
      return { held, first, steps, moved, problem: undefined, denseAt: cur }
    const oldest = rows[rows.length - 1]
    const start = oldest?.start ?? cur
    if (Ask.ceilSecond(start) + second < cur) {
      cur = Ask.ceilSecond(start) + second
      seam = oldest?.key
      continue
    }
    // More rows in a second or two than a page holds: they are read by pages, and the walk goes on below them.
    const floor = Ask.floorSecond(start)
    const wall = Rows.makeHeld()
    yield* Leaf.read(ask, { after: Math.max(a, floor - 2 * second), before: cur }, wall, reading)
    held.merge(wall)
    // A row may start at the bound itself: down by a second at least.
    cur = Math.min(floor, cur - second)
    if (cur <= a) break
    seam = undefined
  }
  return { held, first, steps, moved, problem: undefined, denseAt: undefined }
})

const misplaced = (rows: ReadonlyArray<Rows.Row>, least: Instant, most: Instant): string | undefined => {
  for (const { start } of rows) {
    if (start === undefined) return "a record without a start came back for a range of time"
    if (start < least || start > most) return "sessions from outside the bounds came back"
  }
  return undefined
}

/** Reads one window to its verdict, in parts when it has to be. */
export const readWindow = Effect.fnUntraced(function* (
  reading: Reading,
  range: Range
): Effect.fn.Return<Outcome, AgniError> {
  const { second } = Ask
  const ask = Ask.make(reading.list, reading.filters, reading)
  const bounds = { after: Ask.floorSecond(range.from) - second, before: Ask.ceilSecond(range.to) + second }
  const { denseAt, first, held, moved, problem, steps } = yield* walk(reading, ask, bounds.after, bounds.before)
  if (denseAt !== undefined) {
    return { _tag: "Dense", parts: cut(range, held, denseAt) }
  }
  const done = (coverage: Coverage): Outcome => ({
    _tag: "Read",
    windows: [deliver(reading, ask, range, held, coverage)]
  })
  if (problem !== undefined) return done({ _tag: "Unprovable", reason: problem })

  const sample = middle(held, range)
  const [counted, failed] = yield* Effect.all(
    [
      Ask.count(ask, bounds, {
        expected: held.size(),
        size: reading.size,
        first,
        // A window that one answer held whole was counted by that answer.
        snapshot: steps === 1,
        sure: held.size() < reading.size || Object.values(reading.filters).some((value) => value !== undefined)
      }),
      sample === undefined ? Effect.undefined : Ask.control(ask, sample, reading.size)
    ],
    { concurrency: 2 }
  )
  const agrees = counted._tag === "Exactly" && counted.rows === held.size()
  if (agrees && !moved && failed === undefined) return done({ _tag: "Proven" })

  // Something was missed, came or went. Smaller windows pass more quickly; the smallest are read by pages.
  const small = held.size() <= 20 * reading.size
  const at = Ask.floorSecond(sample?.start ?? (range.from + range.to) / 2)
  const canHalve = range.to - range.from > 4 * second && at > range.from && at < range.to
  if (canHalve && !(small && !reading.byStart)) {
    return {
      _tag: "Dense",
      parts: [
        { from: range.from, to: at },
        { from: at, to: range.to }
      ]
    }
  }
  const leaf = yield* Leaf.read(ask, bounds, held, reading)
  const misplacedAfter = misplaced([...held.rows.values()], bounds.after - second, bounds.before + second)
  if (misplacedAfter !== undefined) return done({ _tag: "Unprovable", reason: misplacedAfter })
  switch (leaf._tag) {
    case "Moved":
      return done({ _tag: "Provisional", reason: "sessions came or went while it was read" })
    case "Incomplete":
      return done({ _tag: "Unprovable", reason: `${leaf.held} of ${leaf.of} rows seen` })
    case "Complete": {
      const again = middle(held, range)
      const wrong = again === undefined ? undefined : yield* Ask.control(ask, again, reading.size)
      return done(wrong === undefined ? { _tag: "Proven" } : { _tag: "Unprovable", reason: wrong })
    }
  }
})

/** What was not reached, and what was, in halves: each about as large as a window should be. */
const cut = (range: Range, held: Rows.Held, reached: Instant): ReadonlyArray<Range> => {
  const known = within(held, range).sort(byStart)
  const edges = [Ask.ceilSecond(reached), Ask.floorSecond(known[Math.floor(known.length / 2)]?.start ?? reached)]
  const inside = [...new Set(edges)].filter((edge) => edge > range.from && edge < range.to).sort((a, b) => a - b)
  const ends = [...inside, range.to]
  return ends.map((to, i) => ({ from: i === 0 ? range.from : (ends[i - 1] ?? range.from), to }))
}

type Dated = Rows.Row & { readonly start: Instant }

const isDated = (row: Rows.Row): row is Dated => row.start !== undefined

const within = (held: Rows.Held, { from, to }: Range): Array<Dated> =>
  [...held.rows.values()].filter(isDated).filter(({ start }) => start >= from && start < to)

const byStart = (left: Dated, right: Dated): number =>
  left.start - right.start || (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)

/** The row in the middle of what is held of the range. */
const middle = (held: Rows.Held, range: Range): Dated | undefined => {
  const rows = within(held, range).sort(byStart)
  return rows[Math.floor(rows.length / 2)]
}

const deliver = (reading: Reading, ask: Ask.Ask, range: Range, held: Rows.Held, coverage: Coverage): Window => {
  const rows = within(held, range).sort(byStart)
  const sessions = rows.flatMap(({ session }) => session ?? [])
  return {
    ...range,
    sessions,
    rejected: rows.flatMap(({ rejected }) => rejected ?? []),
    coverage: temper(reading, ask, range, coverage),
    settled: sessions.filter(CallSession.isSettled).length,
    requests: ask.log.requests,
    observedAt: ask.log.observedAt ?? 0
  }
}

/** A count that agrees is not yet a proof when what it counts may still change. */
const temper = (reading: Reading, ask: Ask.Ask, range: Range, coverage: Coverage): Coverage => {
  if (coverage._tag !== "Proven") return coverage
  if (reading.doubt !== undefined) return reading.doubt
  if (ask.log.cached) return { _tag: "Provisional", reason: "a cache answered in the server's place" }
  return range.to > reading.horizon
    ? { _tag: "Provisional", reason: "younger than the horizon: sessions may still become visible" }
    : coverage
}
