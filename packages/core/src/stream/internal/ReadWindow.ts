import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Instant } from "../../model/Instant.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import { type Coverage, make as makeWindow, type Range, type Window } from "../Coverage.ts"
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
  /** Whether a page beyond the last brings the last or the first again. */
  readonly repeats: boolean
  /**
   * By start, once an answer was seen whose rows stand newest start first although they were created in another order;
   * another one, once an answer stood otherwise.
   */
  order: "unknown" | "start" | "other"
  /** Known rows, for windows that hold none: does the server find those? */
  readonly witnesses: ReadonlyArray<Rows.Dated>
  /** Keys of rows without a start that were seen before the reading began. */
  readonly undated: ReadonlySet<string>
  /** What rows are until their window is delivered. */
  readonly hold: (rows: ReadonlyArray<Rows.Row>) => ReadonlyArray<Rows.Row>
  /** What is younger than this may still become visible. */
  readonly horizon: Instant
  /** The server's time when the reading began: a range may end long before it. */
  readonly now: Instant
  /** Why no window of this reading can be proven, whatever its count says. */
  readonly doubt: Coverage | undefined
  /** A window with more rows, or more characters, is read in parts. */
  readonly maxRows: number
  readonly maxCharacters: number
  /** How often the server lists delivered rows besides the first time: they stand in its counts. */
  readonly repeated: Map<string, number>
}

/** A set filtered by what changes with time is another one at each request. */
export const doubtOf = (status: string | undefined, search: string | undefined): Coverage | undefined =>
  status === undefined && search === undefined
    ? undefined
    : {
        _tag: "Provisional",
        reason: `${status === undefined ? "what search finds" : "the status"} of a session changes with time: filter here instead to have it proven`
      }

/**
 * A window (in parts, and perhaps only those before a part that fails), or the news that it holds too many rows, and how
 * to cut it: ascending, the first part still unread; or what others read of it, ascending too, and the rest of it last.
 */
export type Outcome =
  | { readonly _tag: "Read"; readonly windows: ReadonlyArray<Window>; readonly failure?: AgniError }
  | { readonly _tag: "Dense"; readonly parts: ReadonlyArray<Range> }
  | { readonly _tag: "Shared"; readonly outcomes: ReadonlyArray<Outcome> }

/** Pages for which it is worth that another one reads half of them: each half is counted on its own. */
const worthSharing = 12

interface Walked {
  /** Less than it was asked for when others read the rest. */
  readonly range: Range
  readonly bounds: ReturnType<typeof boundsOf>
  readonly held: Rows.Held
  readonly first: ReadonlyArray<Rows.Row>
  readonly steps: number
  readonly moved: boolean
  readonly problem: string | undefined
  /** Where the walk stood when there were too many rows. */
  readonly denseAt: Instant | undefined
}

/** Hands over what lies below the middle, if it can: then that is where the rest begins. */
export type Share = (from: Instant, to: Instant) => Effect.Effect<Instant | undefined>

/**
 * A second for bounds that are cut to seconds and not included, and one because a clock that is a second off finds known rows
 * all the same.
 */
const boundsOf = ({ from, to }: Range): { readonly after: Instant; readonly before: Instant } => ({
  after: Ask.floorSecond(from) - 2 * Ask.second,
  before: Ask.ceilSecond(to) + 2 * Ask.second
})

/** Steps down from the newest row by start: the oldest row of an answer is the next answer's upper bound. */
const walk = Effect.fnUntraced(function* (
  reading: Reading,
  ask: Ask.Ask,
  whole: Range,
  size: number,
  share?: Share
): Effect.fn.Return<Walked, AgniError> {
  const { second } = Ask
  let range = whole
  let bounds = boundsOf(range)
  const { before: b } = bounds
  const held = Rows.makeHeld()
  let first: ReadonlyArray<Rows.Row> = []
  let seam: string | undefined
  let cur = b
  let moved = false
  let steps = 0
  let characters = 0
  // Here, so that nothing of the answer stays alive while the next one is waited for.
  const look = ({ characters, rows }: Ask.Answer) => {
    if (!Rows.isNewestFirst(rows)) reading.order = "other"
    else if (reading.order === "unknown" && Rows.showsOrderByStart(rows)) reading.order = "start"
    return { characters, rows: reading.hold(rows) }
  }
  for (;;) {
    steps++
    const { characters: more, rows } = yield* Effect.map(ask(1, { after: bounds.after, before: cur }, { size }), look)
    characters += more
    if (steps === 1) first = rows
    const problem = Ask.misplaced(rows, bounds.after - second, cur + second)
    if (problem !== undefined) return { range, bounds, held, first, steps, moved, problem, denseAt: undefined }
    if (seam !== undefined && !rows.some(({ key }) => key === seam)) moved = true
    held.add(rows)
    if (rows.length < size || !Rows.isNewestFirst(rows)) break
    const divisible = Ask.ceilSecond(cur) > bounds.after + 2 * second && Ask.ceilSecond(cur) < b - 2 * second
    const dense = held.size() > reading.maxRows || characters > reading.maxCharacters
    if (dense && divisible) return { range, bounds, held, first, steps, moved, problem: undefined, denseAt: cur }
    const oldest = rows.findLast(Rows.isDated)
    // Rows that cannot be placed lead nowhere: the count decides.
    if (oldest === undefined) break
    const { start } = oldest
    if (Ask.ceilSecond(start) + second < cur) {
      cur = Ask.ceilSecond(start) + second
      seam = oldest.key
      const left = ((cur - range.from) / (b - cur)) * held.size()
      const from = share !== undefined && left >= worthSharing * size ? yield* share(range.from, cur) : undefined
      if (from !== undefined) {
        range = { from, to: range.to }
        bounds = boundsOf(range)
      }
      continue
    }
    // More rows in a second or two than a page holds: they are read by pages, and the walk goes on below them.
    const floor = Ask.floorSecond(start)
    const wall = Rows.makeHeld()
    const leaf = yield* Leaf.read(
      ask,
      { after: Math.max(bounds.after, floor - 2 * second), before: cur },
      wall,
      reading
    )
    if (leaf._tag !== "Complete") moved = true
    held.merge(wall)
    // A row may start at the bound itself: down by a second at least.
    cur = Math.min(floor, cur - second)
    if (cur <= bounds.after) break
    seam = undefined
  }
  return { range, bounds, held, first, steps, moved, problem: undefined, denseAt: undefined }
})

/** Reads one window to its verdict, in parts when it has to be. */
export const readWindow = Effect.fnUntraced(function* (
  reading: Reading,
  whole: Range,
  share?: Share
): Effect.fn.Return<Outcome, AgniError> {
  const { second } = Ask
  const { repeats, size } = reading
  const ask = Ask.make(reading.list, reading.filters, reading)
  const walked = yield* walk(reading, ask, whole, size, share)
  const { bounds, denseAt, held, moved, problem, range, steps } = walked
  if (denseAt !== undefined) {
    return { _tag: "Dense", parts: cut(range, held, denseAt) }
  }
  let rows = within(held, range)
  const done = (coverage: Coverage): Outcome => ({
    _tag: "Read",
    windows: [deliver(reading, ask, range, held, rows, coverage)]
  })
  if (problem !== undefined) return done({ _tag: "Unprovable", reason: problem })
  if (held.size() === 0) return done(yield* confirmEmpty(reading, ask, range, bounds))

  // Of other bounds, when others read a part, it may be another page, and a server that repeats itself is known by it.
  const first = repeats && range.from > whole.from ? (yield* ask(1, bounds)).rows : walked.first
  const countAll = (snapshot: boolean) =>
    Ask.count(ask, bounds, {
      expected: held.size(),
      size,
      first,
      // A window that one answer held whole was counted by that answer.
      snapshot,
      sure: held.size() < size || Object.values(reading.filters).some((value) => value !== undefined),
      repeats
    })
  const sample = middleOf(rows)
  const [counted, failed] = yield* Effect.all(
    [countAll(steps === 1), sample === undefined ? Effect.undefined : Ask.control(ask, sample, size)],
    { concurrency: 2 }
  )
  const agrees = counted._tag === "Exactly" && counted.rows === held.size()
  if (agrees && !moved && failed === undefined) {
    const atOnce = steps === 1 && first.length < size
    if (atOnce || reading.order === "start" || (yield* Leaf.isStillThere(ask, bounds, held, reading))) {
      return done({ _tag: "Proven" })
    }
  }

  // Something was missed, came or went. Smaller windows pass more quickly; the smallest are read by pages.
  const small = held.size() <= 20 * size
  const at = Ask.floorSecond(sample?.start ?? (range.from + range.to) / 2)
  const canHalve = range.to - range.from > 4 * second && at > range.from && at < range.to
  if (canHalve && !(small && reading.order !== "start")) {
    return {
      _tag: "Dense",
      parts: [
        { from: range.from, to: at },
        { from: at, to: range.to }
      ]
    }
  }
  const leaf = yield* Leaf.read(ask, bounds, held, reading)
  rows = within(held, range)
  const misplacedAfter = Ask.misplaced([...held.rows.values()], bounds.after - second, bounds.before + second)
  if (misplacedAfter !== undefined) return done({ _tag: "Unprovable", reason: misplacedAfter })
  switch (leaf._tag) {
    case "Moved":
      return done({ _tag: "Provisional", reason: "sessions came or went while it was read" })
    case "Incomplete":
      return done({ _tag: "Unprovable", reason: `${leaf.held} of ${leaf.of} rows seen` })
    case "Complete": {
      const again = middleOf(rows)
      const wrong = again === undefined ? undefined : yield* Ask.control(ask, again, size)
      return done(wrong === undefined ? { _tag: "Proven" } : { _tag: "Unprovable", reason: wrong })
    }
  }
})

/** Nothing came. A server that finds a known row, and then nothing once more, has nothing there. */
const confirmEmpty = Effect.fnUntraced(function* (
  reading: Reading,
  ask: Ask.Ask,
  range: Range,
  bounds: Ask.Bounds
): Effect.fn.Return<Coverage, AgniError> {
  const distance = ({ start }: Rows.Dated) => Math.abs(start - (range.from + range.to) / 2)
  const witnesses = reading.witnesses.toSorted((left, right) => distance(left) - distance(right))
  for (const witness of witnesses.slice(0, 3)) {
    // It may have left, or have a neighbour that cannot be rendered; another one will do.
    const failed = yield* Effect.catchIf(Ask.control(ask, witness, reading.size), Ask.isPoison, () =>
      Effect.succeed(Ask.notBack)
    )
    if (failed === Ask.notBack || failed === Ask.hidden) continue
    if (failed !== undefined) return { _tag: "Unprovable", reason: failed }
    const { rows } = yield* ask(1, bounds, { expectNothing: true })
    return rows.length === 0
      ? { _tag: "Proven" }
      : { _tag: "Provisional", reason: "sessions came or went while it was read" }
  }
  return witnesses.length === 0 ? nothingKnown : { _tag: "Unprovable", reason: Ask.notBack }
})

/** What was not reached, and what was, in halves: each about as large as a window should be. */
const cut = (range: Range, held: Rows.Held, reached: Instant): ReadonlyArray<Range> => {
  const edges = [Ask.ceilSecond(reached), Ask.floorSecond(middleOf(within(held, range))?.start ?? reached)]
  const inside = [...new Set(edges)].filter((edge) => edge > range.from && edge < range.to).sort((a, b) => a - b)
  const ends = [...inside, range.to]
  return ends.map((to, i) => ({ from: i === 0 ? range.from : (ends[i - 1] ?? range.from), to }))
}

/** What is held of the range, by start. Walks go from the newest to the oldest, so most of it is turned round already. */
export const within = (held: Rows.Held, { from, to }: Range): ReadonlyArray<Rows.Dated> => {
  const rows: Array<Rows.Dated> = []
  for (const row of held.rows.values()) if (Rows.isDated(row) && row.start >= from && row.start < to) rows.push(row)
  return rows.reverse().sort(byStart)
}

const byStart = (left: Rows.Dated, right: Rows.Dated): number =>
  left.start - right.start || (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)

const middleOf = (rows: ReadonlyArray<Rows.Dated>): Rows.Dated | undefined => rows[Math.floor(rows.length / 2)]

const deliver = (
  reading: Reading,
  ask: Ask.Ask,
  range: Range,
  held: Rows.Held,
  rows: ReadonlyArray<Rows.Dated>,
  coverage: Coverage
): Window => {
  const items: Array<Item<CallSession>> = []
  const rejected: Array<Rejected> = []
  for (const row of rows) {
    if (row.item !== undefined) items.push(row.item)
    if (row.rejected !== undefined) rejected.push(row.rejected)
  }
  for (const row of held.rows.values()) {
    if (row.rejected !== undefined && Rows.isUnplaced(row)) rejected.push(row.rejected)
  }
  if (held.repeats.size > 0) {
    for (const { key } of rows) {
      const times = held.repeats.get(key)
      if (times !== undefined) reading.repeated.set(key, times)
    }
  }
  return makeWindow(items, {
    ...range,
    rejected,
    coverage: temper(reading, ask, range, coverage),
    requests: ask.log.requests,
    observedAt: ask.log.observedAt ?? 0
  })
}

/** An outage may answer so too: neither pages nor bounds were tried. */
const nothingKnown: Coverage = { _tag: "Provisional", reason: "no session was there when the reading began" }

/** A count that agrees is not yet a proof when what it counts may still change. */
export const temper = (reading: Reading, ask: Ask.Ask, range: Range, coverage: Coverage): Coverage => {
  if (coverage._tag !== "Proven") return coverage
  if (reading.witnesses.length === 0) return nothingKnown
  if (reading.doubt !== undefined) return reading.doubt
  if (ask.log.cached) return { _tag: "Provisional", reason: "a cache answered in the server's place" }
  return range.to > reading.horizon
    ? { _tag: "Provisional", reason: "younger than the horizon: sessions may still become visible" }
    : coverage
}
