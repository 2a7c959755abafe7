/** Where a range is cut into stretches of about as many calls each. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import type { Seen } from "../../endpoint/internal/Probes.ts"
import { ask as askOf, type Settings } from "./Settings.ts"

/** Calls of a stretch: in several windows, so that few are cut short. */
export const perStretch = 20_000

/** The state of a run in one process holds them all, and is written once a second. */
const most = 200

/** The smallest one, by what is left for its reader. */
const smaller = 1 / 4

/** Smaller ones are not worth what their beginning costs. */
const least = perStretch / 20

export interface Options {
  /** Stretches that are read at the same time. */
  readonly sideBySide: number
  /** Calls of a stretch at most, about. @default 20000 */
  readonly size?: number | undefined
  /** Stretches at most. @default 200 */
  readonly most?: number | undefined
  /** Whether the last ones are smaller, so that readers that are done with the others end together. @default false */
  readonly descending?: boolean | undefined
}

/** The part of a range where calls are, and how many there are, about. */
const busyPart = ({ about, controls, rate }: Seen, { from, to }: Range) => {
  const low = Math.max(from, controls[0]?.start ?? -Infinity)
  const high = Math.min(to, controls.at(-1)?.start ?? Infinity)
  return low < high ? { low, high, calls: Math.min(about, rate * (high - low)) } : undefined
}

/** As many for each reader, none with less than two pages. */
const evenly = (calls: number, pageSize: number, { most: limit = most, sideBySide, size = perStretch }: Options) => {
  const even = sideBySide * Math.max(1, Math.ceil(calls / (sideBySide * size)))
  const number = Math.max(1, Math.min(even, Math.floor(calls / (2 * pageSize)), limit))
  return Array.from({ length: number }, () => calls / number)
}

/**
 * Each reader gets whole stretches, and of what is left a larger one and a smaller one: they shrink evenly, so that those of the
 * readers end one after another, and what they hold is not all written at once. Who ends first gets the largest one next: the
 * readers end together.
 */
const descending = (calls: number, { most: limit = most, sideBySide, size = perStretch }: Options) => {
  const largest = Math.max(size, (2 * calls) / limit)
  const sizes: Array<number> = []
  let share = calls / sideBySide
  for (; share > largest / (1 - smaller); share -= largest)
    for (let nth = 0; nth < sideBySide; nth++) sizes.push(largest)
  const steps = 2 * sideBySide - 1
  for (let nth = 0; nth <= steps; nth++) sizes.push(share * (1 - smaller - ((1 - 2 * smaller) * nth) / steps))
  return sizes
}

/** How many calls each stretch has, from the oldest to the newest. They come to all. */
export const sizesOf = (calls: number, pageSize: number, options: Options): ReadonlyArray<number> => {
  const { sideBySide, size = perStretch } = options
  const isLarge = smaller * calls > sideBySide * Math.min(least, smaller * size)
  return options.descending === true && isLarge ? descending(calls, options) : evenly(calls, pageSize, options)
}

/** Where one stretch ends and the next one begins: how many calls are before it. */
const edgesOf = (sizes: ReadonlyArray<number>): ReadonlyArray<number> => {
  let before = 0
  return sizes.slice(0, -1).map((size) => (before += size))
}

/**
 * A stretch, and how many calls it has, about, where pages showed that. The oldest one has what the others leave of the whole, which
 * was counted less exactly.
 */
export interface Stretch extends Range {
  readonly rows?: number | undefined
}

/** The start of the first call behind so many, newest first. */
type Look = (behind: number) => Effect.Effect<Micros | undefined, AgniError>

/**
 * A count that is off by less is good enough: in parts of a stretch, and in pages. The oldest stretch gets what it is off by. Where
 * stretches descend, that one is read first, and its reader reads fewer of the others.
 */
const tolerance = { part: 0.1, descending: 0.25, pages: 4 }

const tolerated = (calls: number, pageSize: number, options: Options): number => {
  const [size = calls] = sizesOf(calls, pageSize, options)
  const part = options.descending === true ? tolerance.descending : tolerance.part
  return Math.max(tolerance.pages * pageSize, part * size)
}

/** Where the list may end, by what the probes saw: closer together where that is likely. */
const likely = [0.6, 0.83, 0.94, 1.05, 1.18, 1.5, 2.2]

/** Pages that are asked for at the same time: a turn more costs more than some requests. */
const looks = 8

/** Without those that would show no more than the one before. */
const apart = (places: ReadonlyArray<number>, least: number): ReadonlyArray<number> =>
  places.reduce<ReadonlyArray<number>>(
    (kept, place) => (place < (kept.at(-1) ?? 0) + least ? kept : [...kept, place]),
    []
  )

/** Pages that are asked for at most so often in turn. A list that never ends would be asked for ever. */
const mostRounds = 8

/**
 * How many calls there are. What is known of them comes from both ends of the range, and calls are dense by day and rare by
 * night: it may be off by several times. The oldest stretch gets what the count is off by, and all would wait for a long one.
 */
const counted = Effect.fnUntraced(function* (look: Look, about: number, pageSize: number, options: Options) {
  let low = 0
  let high = Infinity
  // A page beyond the end may bring others again: those are not older than what is known to be there.
  let oldest = Infinity
  let next = apart(
    likely.map((part) => part * about),
    tolerated(about, pageSize, options)
  )
  for (let round = 0; round < mostRounds; round++) {
    const starts = yield* Effect.forEach(next, look, { concurrency: "unbounded" })
    for (const [i, start] of starts.entries()) {
      const at = next[i] ?? high
      if (start === undefined || start >= oldest) {
        high = at
        break
      }
      low = at
      oldest = start
    }
    const enough = tolerated(low, pageSize, options)
    if (high - low <= enough) break
    const [from, to] = [low, high]
    const gaps = Math.min(looks + 1, Math.ceil((to - from) / enough))
    next =
      to === Infinity
        ? [2 * from, 4 * from, 8 * from]
        : Array.from({ length: gaps - 1 }, (_, nth) => from + ((nth + 1) * (to - from)) / gaps)
  }
  return high === Infinity ? low : (low + high) / 2
})

/** By the starts of calls as far apart as a stretch is long. */
const byPages = Effect.fnUntraced(function* (
  settings: Settings,
  range: Range,
  look: Look,
  calls: number,
  options: Options
): Effect.fn.Return<ReadonlyArray<Stretch>, AgniError> {
  const sizes = sizesOf(calls, settings.size, options)
  const edges = yield* Effect.forEach(edgesOf(sizes), (before) => look(calls - before), { concurrency: "unbounded" })
  const stretches = tiles(range, edges)
  // With an edge missing, the sizes are those of other stretches.
  return stretches.length === sizes.length ? stretches.map((one, i) => ({ ...one, rows: sizes[i] })) : stretches
})

const boundsOf = (range: Range, whole: boolean): Ask.Bounds => (whole ? {} : Ask.boundsOf(range))

const lookOf = (settings: Settings, range: Range, whole: boolean): Look => {
  const ask = askOf(settings)
  const bounds = boundsOf(range, whole)
  return (behind) =>
    Effect.map(
      Ask.orNothing(ask(1 + Math.floor(behind / settings.size), bounds)),
      (answer) => answer?.rows.find(({ start }) => start !== undefined)?.start
    )
}

/** A guess that is off by less is not worth a limit on pages or results, which may have cut the count. */
const mostOff = 4

/** How many calls there are: a rate that a burst made up leads to thousands of stretches in which nothing is. */
const countThem = Effect.fnUntraced(function* (settings: Settings, bounds: Ask.Bounds, calls: number) {
  const options = { expected: calls, size: settings.size, repeats: yield* settings.repeats }
  const counted = (yield* Count.rows(askOf(settings), bounds, options)) ?? calls
  return mostOff * counted < calls ? counted : calls
})

/** Stretches that tile the range, ascending: as many calls each as is said where pages show it, in proportion otherwise. */
export const cut = Effect.fnUntraced(function* (
  settings: Settings,
  seen: Seen,
  range: Range,
  whole: boolean,
  options: Options
): Effect.fn.Return<ReadonlyArray<Stretch>, AgniError> {
  const busy = busyPart(seen, range)
  if (busy === undefined || options.sideBySide < 2) return [range]
  const { calls, high, low } = busy
  if (calls < 4 * settings.size) return [range]
  if (seen.sorted && seen.profile.newestFirst) {
    const look = lookOf(settings, range, whole)
    const counting = yield* Effect.forkChild(counted(look, calls, settings.size, options))
    // Where a page beyond the end brings another one again, a page that is asked alone may be one of those. Then it shows no place in
    // the list, and calls before it that leave are not missed. Few do, so the count does not wait for that.
    if (!(yield* settings.repeats)) return yield* byPages(settings, range, look, yield* Fiber.join(counting), options)
    yield* Fiber.interrupt(counting)
  }
  const there = yield* countThem(settings, boundsOf(range, whole), calls)
  if (there < 4 * settings.size) return [range]
  const edges = edgesOf(sizesOf(there, settings.size, options))
  return tiles(
    range,
    edges.map((before): Micros => low + (before * (high - low)) / there)
  )
})

const tiles = (range: Range, edges: ReadonlyArray<Micros | undefined>): ReadonlyArray<Range> => {
  const inside = edges.flatMap((edge) => (edge === undefined ? [] : [Ask.floorSecond(edge)]))
  const ends = [...new Set(inside)].filter((edge) => edge > range.from && edge < range.to).sort((a, b) => a - b)
  return [...ends, range.to].map((to, i) => ({ from: ends[i - 1] ?? range.from, to }))
}
