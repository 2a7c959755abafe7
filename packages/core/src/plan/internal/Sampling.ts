/** How many rows there are, and where in time they lie, from a few pages by their numbers. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { pageBeyondAll } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import type { Numbered } from "../../endpoint/internal/Observe.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"

export interface Sampling {
  /** Rows of the range; for the whole history with those without a start time. Equal if they were counted. */
  readonly least: number
  readonly most: number
  readonly undatedInFront: number
  readonly undatedElsewhere: boolean
  /** Rows that start before an instant, where pages show it: ascending, the ends of the range included. */
  readonly points: ReadonlyArray<{ readonly at: Micros; readonly rows: number }>
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

/** The pages of a list, each of which is asked for once. */
interface Pages {
  readonly options: Options
  readonly seen: Map<number, ReadonlyArray<Rows.Row>>
  readonly ask: (page: number) => Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>
}

const makePages = (ask: Ask.Ask, options: Options): Pages => ({
  options,
  seen: new Map(options.known.map(({ page, rows }) => [page, rows])),
  ask: (page) => Effect.map(ask(page, options.bounds), ({ rows }) => rows)
})

const look = ({ ask, seen }: Pages, page: number): Effect.Effect<ReadonlyArray<Rows.Row>, AgniError> =>
  Effect.suspend(() => {
    const rows = seen.get(page)
    return rows === undefined
      ? Effect.tap(ask(page), (rows) => Effect.sync(() => seen.set(page, rows)))
      : Effect.succeed(rows)
  })

/** Where no call is. */
const nothing = ({ range }: Options): Sampling => ({
  least: 0,
  most: 0,
  undatedInFront: 0,
  undatedElsewhere: false,
  points: [range.from, range.to].map((at) => ({ at, rows: 0 }))
})

export const make = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  options: Options
): Effect.fn.Return<Sampling, AgniError> {
  const { size } = options
  const pages = makePages(ask, options)
  const first = yield* look(pages, 1)
  if (first.length === 0) return nothing(options)
  const end = yield* findEnd(pages, first)
  const { last, lastRows, least, most } = countOf(end, first, options)
  const undatedInFront = yield* findUndated(pages, first, last, most)
  const dated = Math.max(0, Math.round((least + most) / 2) - undatedInFront)
  if (options.newestFirst) yield* lookBetween(pages, last)
  return {
    least,
    most,
    undatedInFront,
    undatedElsewhere: lastRows.some(({ start }) => start === undefined) && last > Math.ceil(undatedInFront / size),
    points: pointsOf(pages, last, dated, undatedInFront)
  }
})

/** The end of a list. */
interface End {
  /** The last page that is within, as far as it was looked for, and the first one that is beyond. */
  readonly within: number
  readonly beyond: number
  readonly last: number
  readonly lastRows: ReadonlyArray<Rows.Row>
}

/** Between the last page that is within and the first one that is beyond. */
interface Span {
  within: number
  beyond: number
}

const findEnd = Effect.fnUntraced(function* (
  pages: Pages,
  first: ReadonlyArray<Rows.Row>
): Effect.fn.Return<End, AgniError> {
  const { left, repeats, size } = pages.options
  const far = repeats ? yield* pages.ask(pageBeyondAll) : []
  const repeatsFirst = repeats && Rows.alike(far, first)
  const isBeyond = (page: number, rows: ReadonlyArray<Rows.Row>) =>
    page > 1 && (rows.length === 0 || (repeats && Rows.alike(rows, far)))
  const span: Span = { within: 1, beyond: Infinity }
  const note = (page: number, rows: ReadonlyArray<Rows.Row>) => {
    if (isBeyond(page, rows)) span.beyond = Math.min(span.beyond, page)
    else span.within = Math.max(span.within, page)
  }
  for (const [page, rows] of pages.seen) note(page, rows)
  if (first.length < size && span.within === 1) span.beyond = 2
  yield* narrow(pages, span, note)
  // It was not seen: at least two pages further, so that nothing looks counted.
  if (span.beyond === Infinity) span.beyond = Math.max(3, 2 * span.within)
  while (span.beyond - span.within > 1 && left() > 1) {
    const middle = Math.floor((span.within + span.beyond) / 2)
    if (isBeyond(middle, yield* look(pages, middle))) span.beyond = middle
    else span.within = middle
  }
  const { beyond, within } = span
  // A server that repeats its last page shows that one, and then the same.
  return repeats && !repeatsFirst && beyond > 1
    ? { within, beyond, last: beyond, lastRows: far }
    : { within, beyond, last: within, lastRows: yield* look(pages, within) }
})

/** Looks around the guess first, then further and further away from it. */
const narrow = Effect.fnUntraced(function* (
  pages: Pages,
  span: Span,
  note: (page: number, rows: ReadonlyArray<Rows.Row>) => void
): Effect.fn.Return<void, AgniError> {
  const { beyond, left } = pages.options
  // Starts that are made up may say that there are any number of calls.
  const guess = Math.min(beyond, pageBeyondAll)
  for (
    let factor = 1.02, page = Math.max(2, guess);
    span.beyond === Infinity && page <= pageBeyondAll && left() > 1;
    factor = factor ** 2
  ) {
    note(page, yield* look(pages, page))
    page = Math.ceil(page * factor) + 1
  }
  for (
    let factor = 0.98, page = guess;
    span.within * 1.2 < span.beyond && span.within < 0.9 * guess && left() > 1;
    factor = factor ** 2
  ) {
    page = Math.floor(page * factor) - 1
    if (page <= span.within) break
    note(page, yield* look(pages, page))
  }
})

/** How many rows there are at least and at most: bounds reach a little beyond the range, and those rows are not meant. */
const countOf = (
  { beyond, last, lastRows, within }: End,
  first: ReadonlyArray<Rows.Row>,
  { range, size, trim }: Options
) => {
  const isOutside = ({ start }: Rows.Row) => start !== undefined && (start < range.from || start >= range.to)
  const strange = !trim ? 0 : new Set([...first, ...lastRows].filter(isOutside).map(({ key }) => key)).size
  const counted = beyond - within <= 1
  const least = counted ? (last - 1) * size + lastRows.length - strange : within * size - strange
  return { last, lastRows, least, most: counted ? least : beyond * size - strange }
}

const isUndated = ({ start }: Rows.Row) => start === undefined

/** How many rows without a start time are in front: some pages have no others. */
const findUndated = Effect.fnUntraced(function* (
  pages: Pages,
  first: ReadonlyArray<Rows.Row>,
  last: number,
  most: number
): Effect.fn.Return<number, AgniError> {
  const { left, size } = pages.options
  if (!first.some(isUndated)) return 0
  let low = 0
  let high = last
  for (const [page, rows] of pages.seen) {
    if (rows.length === 0 || page > last) continue
    if (rows.every(isUndated)) low = Math.max(low, page)
    else high = Math.min(high, page)
  }
  while (high - low > 1 && left() > 0) {
    const middle = (low + high) >>> 1
    if ((yield* look(pages, middle)).every(isUndated)) low = middle
    else high = middle
  }
  // No more than there are: a server that repeats itself shows the same ones on each page.
  return Math.min(most, low * size + (yield* look(pages, high)).filter(isUndated).length)
})

/** Looks into the widest gaps first, until they are as narrow as a window or nothing is left to spend. */
const lookBetween = (pages: Pages, last: number): Effect.Effect<void, AgniError> => {
  const { left, perWindow } = pages.options
  const known = [...pages.seen.keys()].filter((page) => page <= last)
  if (!known.includes(last)) known.push(last)
  const wanted: Array<number> = []
  const spend = Math.min(looks, left())
  while (wanted.length < spend) {
    known.sort((a, b) => a - b)
    let at = 0
    for (let i = 1; i + 1 < known.length; i++) if (gap(known, i) > gap(known, at)) at = i
    if (known.length < 2 || gap(known, at) <= Math.max(2, perWindow)) break
    const middle = ((known[at] ?? 0) + (known[at + 1] ?? 0)) >>> 1
    known.push(middle)
    wanted.push(middle)
  }
  return Effect.forEach(wanted, (page) => look(pages, page), { concurrency: "unbounded", discard: true })
}

/** Where in time the rows lie. */
const pointsOf = (
  { options: { newestFirst, range, size }, seen }: Pages,
  last: number,
  dated: number,
  undatedInFront: number
): Sampling["points"] => {
  const points = new Map<Micros, number>()
  const all = [...seen].flatMap(([page, rows]) => (page > last ? [] : rows))
  // Bounds reach a little beyond the range.
  const inFront = undatedInFront + all.filter(({ start = range.from }) => start >= range.to).length
  for (const [page, rows] of seen) {
    if (!newestFirst || page > last) continue
    for (const [i, { start }] of rows.entries()) {
      if (start === undefined || start < range.from || start >= range.to) continue
      const newer = (page - 1) * size + i - inFront
      points.set(start, dated - newer - 1)
      // Nothing lies behind the newest row: it is not spread over the rest of the range.
      if (newer === 0) points.set(start + 1, dated)
    }
  }
  const inner = [...points].map(([at, rows]) => ({ at, rows: Math.max(0, Math.min(dated, rows)) }))
  return [{ at: range.from, rows: 0 }, ...inner.sort((a, b) => a.at - b.at), { at: range.to, rows: dated }]
}

const gap = (pages: ReadonlyArray<number>, at: number): number => (pages[at + 1] ?? 0) - (pages[at] ?? 0)
