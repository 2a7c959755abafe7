/** How many rows there are, and where in time they lie, from a few pages by their numbers. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { pageBeyondAll } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import type { Numbered } from "../../endpoint/internal/Observe.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"

export interface Sampling {
  /** Rows of the range; for the whole history with those without a start time. Equal if they were counted. */
  readonly least: number
  readonly most: number
  readonly undatedInFront: number
  readonly undatedElsewhere: boolean
  /** Rows that start before an instant, where pages show it: ascending, the ends of the range included. */
  readonly points: ReadonlyArray<{ readonly at: Micros; readonly rows: number }>
  /** Whether a page shows that the order is by start. */
  readonly orderShown: boolean
}

export interface Options {
  readonly bounds: Ask.Bounds
  readonly range: Range
  /** Whether rows outside the range are not meant: bounds reach a little beyond it. */
  readonly trim: boolean
  readonly size: number
  readonly repeats: boolean
  readonly newestFirst: boolean
  /** Pages that are known already. */
  readonly known: ReadonlyArray<Numbered>
  /** About so many pages there are. */
  readonly beyond: number
  /** Requests that may still be made. */
  readonly left: () => number
  /** Pages between two looks that are near enough. */
  readonly perWindow: number
}

/** Looks that are left for where the rows lie, once they are counted. */
const looks = 10

export const make = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  options: Options
): Effect.fn.Return<Sampling, AgniError> {
  const { bounds, left, newestFirst, perWindow, range, repeats, size } = options
  const seen = new Map(options.known.map(({ page, rows }) => [page, rows]))
  const look = (page: number): Effect.Effect<ReadonlyArray<Rows.Row>, AgniError> =>
    Effect.suspend(() => {
      const rows = seen.get(page)
      return rows === undefined
        ? Effect.map(ask(page, bounds), ({ rows }) => {
            seen.set(page, rows)
            return rows
          })
        : Effect.succeed(rows)
    })

  const first = yield* look(1)
  if (first.length === 0) {
    const points = [range.from, range.to].map((at) => ({ at, rows: 0 }))
    return { least: 0, most: 0, undatedInFront: 0, undatedElsewhere: false, points, orderShown: false }
  }
  const far = repeats ? (yield* ask(pageBeyondAll, bounds)).rows : []
  const repeatsFirst = repeats && Rows.alike(far, first)
  const isBeyond = (page: number, rows: ReadonlyArray<Rows.Row>) =>
    page > 1 && (rows.length === 0 || (repeats && Rows.alike(rows, far)))

  // The last page that is within, and the first one that is beyond.
  let within = 1
  let beyond = Infinity
  const note = (page: number, rows: ReadonlyArray<Rows.Row>) => {
    if (isBeyond(page, rows)) beyond = Math.min(beyond, page)
    else within = Math.max(within, page)
  }
  for (const [page, rows] of seen) note(page, rows)
  if (first.length < size && within === 1) beyond = 2
  // Starts that are made up may say that there are any number of calls.
  const guess = Math.min(options.beyond, pageBeyondAll)
  // Around the guess first, then further and further away from it.
  for (
    let factor = 1.02, page = Math.max(2, guess);
    beyond === Infinity && page <= pageBeyondAll && left() > 1;
    factor = factor ** 2
  ) {
    note(page, yield* look(page))
    page = Math.ceil(page * factor) + 1
  }
  for (
    let factor = 0.98, page = guess;
    within * 1.2 < beyond && within < 0.9 * guess && left() > 1;
    factor = factor ** 2
  ) {
    page = Math.floor(page * factor) - 1
    if (page <= within) break
    note(page, yield* look(page))
  }
  if (beyond === Infinity) beyond = 2 * within
  while (beyond - within > 1 && left() > 1) {
    const middle = Math.floor((within + beyond) / 2)
    if (isBeyond(middle, yield* look(middle))) beyond = middle
    else within = middle
  }
  // A server that repeats its last page shows that one, and then the same.
  const lastIsFar = repeats && !repeatsFirst && beyond > 1
  const last = lastIsFar ? beyond : within
  const lastRows = lastIsFar ? far : yield* look(last)
  const outside = ({ start }: Rows.Row) => start !== undefined && (start < range.from || start >= range.to)
  const strange = !options.trim ? 0 : new Set([...first, ...lastRows].filter(outside).map(({ key }) => key)).size
  const counted = beyond - within <= 1
  const least = counted ? (last - 1) * size + lastRows.length - strange : within * size - strange
  const most = counted ? least : beyond * size - strange
  const total = Math.round((least + most) / 2)

  // The pages at the front with only rows without a start time.
  let undatedInFront = 0
  if (first.some(({ start }) => start === undefined)) {
    let low = 0
    let high = last
    const allUndated = (rows: ReadonlyArray<Rows.Row>) => rows.every(({ start }) => start === undefined)
    for (const [page, rows] of seen) {
      if (rows.length === 0 || page > last) continue
      if (allUndated(rows)) low = Math.max(low, page)
      else high = Math.min(high, page)
    }
    while (high - low > 1 && left() > 0) {
      const middle = (low + high) >>> 1
      if (allUndated(yield* look(middle))) low = middle
      else high = middle
    }
    // No more than there are: a server that repeats itself shows the same ones on each page.
    undatedInFront = Math.min(most, low * size + (yield* look(high)).filter(({ start }) => start === undefined).length)
  }
  const undatedElsewhere = lastRows.some(({ start }) => start === undefined) && last > Math.ceil(undatedInFront / size)
  const dated = Math.max(0, total - undatedInFront)

  if (newestFirst) {
    // The widest gaps first, until they are as narrow as a window or nothing is left to spend.
    const pages = [...seen.keys()].filter((page) => page <= last)
    if (!pages.includes(last)) pages.push(last)
    const wanted: Array<number> = []
    const spend = Math.min(looks, left())
    while (wanted.length < spend) {
      pages.sort((a, b) => a - b)
      let at = 0
      for (let i = 1; i + 1 < pages.length; i++) if (gap(pages, i) > gap(pages, at)) at = i
      if (pages.length < 2 || gap(pages, at) <= Math.max(2, perWindow)) break
      const middle = ((pages[at] ?? 0) + (pages[at + 1] ?? 0)) >>> 1
      pages.push(middle)
      wanted.push(middle)
    }
    yield* Effect.forEach(wanted, look, { concurrency: "unbounded", discard: true })
  }
  const points = new Map<Micros, number>()
  let orderShown = false
  for (const [page, rows] of seen) {
    orderShown ||= Rows.showsOrderByStart(rows)
    if (!newestFirst || page > last) continue
    for (const [i, { start }] of rows.entries()) {
      if (start === undefined || start < range.from || start >= range.to) continue
      // So many are newer.
      points.set(start, dated - ((page - 1) * size + i + 1 - undatedInFront))
    }
  }
  const inner = [...points].map(([at, rows]) => ({ at, rows: Math.max(0, Math.min(dated, rows)) }))
  return {
    least,
    most,
    undatedInFront,
    undatedElsewhere,
    points: [{ at: range.from, rows: 0 }, ...inner.sort((a, b) => a.at - b.at), { at: range.to, rows: dated }],
    orderShown
  }
})

const gap = (pages: ReadonlyArray<number>, at: number): number => (pages[at + 1] ?? 0) - (pages[at] ?? 0)
