/** Where a range is cut into stretches of about as many calls each. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import type { Seen } from "../../endpoint/internal/Probes.ts"
import { ask as askOf, type Settings } from "./Settings.ts"

/** Calls of a stretch: in several windows, so that few are cut short. */
export const perStretch = 20_000

/** The state of a run holds them all, and is written once a second. */
const most = 200

export interface Options {
  /** Stretches that are read at the same time. */
  readonly sideBySide: number
  /** Calls of a stretch at most, about. @default 20000 */
  readonly size?: number | undefined
}

/** The part of a range where calls are, and how many there are, about. */
const busyPart = ({ about, controls, rate }: Seen, { from, to }: Range) => {
  const low = Math.max(from, controls[0]?.start ?? -Infinity)
  const high = Math.min(to, controls.at(-1)?.start ?? Infinity)
  return low < high ? { low, high, calls: Math.min(about, rate * (high - low)) } : undefined
}

/** As many for each reader, none with less than two pages. */
const numberOf = (calls: number, pageSize: number, { sideBySide, size = perStretch }: Options): number => {
  const even = sideBySide * Math.max(1, Math.ceil(calls / (sideBySide * size)))
  return Math.min(even, Math.floor(calls / (2 * pageSize)), most)
}

/** A stretch, and how many calls it has, about, where pages showed that. */
export interface Stretch extends Range {
  readonly rows?: number | undefined
}

/** The start of the first call of pages as far apart as a stretch is long: newest first, so they descend. */
const byPages = Effect.fnUntraced(function* (
  settings: Settings,
  range: Range,
  whole: boolean,
  calls: number,
  number: number
) {
  const ask = askOf(settings)
  const bounds = whole ? {} : Ask.boundsOf(range)
  const look = (nth: number) =>
    Effect.map(
      Ask.orNothing(ask(1 + Math.floor((nth * calls) / (number * settings.size)), bounds)),
      (answer) => answer?.rows.find(({ start }) => start !== undefined)?.start
    )
  const edges = yield* Effect.forEach(
    Array.from({ length: number - 1 }, (_, i) => i + 1),
    look,
    { concurrency: "unbounded" }
  )
  // There may be more than it seemed.
  for (let nth = number + 1; nth < most; nth++) {
    const edge = yield* look(nth)
    if (edge === undefined || edges.includes(edge)) break
    edges.push(edge)
  }
  return edges
})

/** Stretches that tile the range, ascending: as many calls each where pages show it, as long each otherwise. */
export const cut = Effect.fnUntraced(function* (
  settings: Settings,
  seen: Seen,
  range: Range,
  whole: boolean,
  options: Options
): Effect.fn.Return<ReadonlyArray<Stretch>, AgniError> {
  const busy = busyPart(seen, range)
  const number = busy === undefined || options.sideBySide < 2 ? 1 : numberOf(busy.calls, settings.size, options)
  if (busy === undefined || number < 2) return [range]
  const { calls, high, low } = busy
  // Where a page beyond the end brings another one again, a page that is asked alone may be one of those. Then it shows no place in
  // the list, and calls before it that leave are not missed.
  if (seen.sorted && seen.profile.newestFirst && !(yield* settings.repeats)) {
    const stretches = tiles(range, yield* byPages(settings, range, whole, calls, number))
    // Before the oldest edge there may be fewer.
    return stretches.map((one, i) => (i === 0 ? one : { ...one, rows: calls / number }))
  }
  return tiles(
    range,
    Array.from({ length: number - 1 }, (_, i): Micros => low + ((i + 1) * (high - low)) / number)
  )
})

const tiles = (range: Range, edges: ReadonlyArray<Micros | undefined>): ReadonlyArray<Range> => {
  const inside = edges.flatMap((edge) => (edge === undefined ? [] : [Ask.floorSecond(edge)]))
  const ends = [...new Set(inside)].filter((edge) => edge > range.from && edge < range.to).sort((a, b) => a - b)
  return [...ends, range.to].map((to, i) => ({ from: ends[i - 1] ?? range.from, to }))
}
