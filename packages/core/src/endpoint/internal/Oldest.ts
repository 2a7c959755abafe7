/** Where the calls of an endpoint begin. */
import * as Effect from "effect/Effect"
import type { ListOptions } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Ask from "./Ask.ts"
import * as LastPage from "./LastPage.ts"
import type { Micros } from "./Micros.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

export interface Oldest {
  /** No call that was seen starts earlier; nothing where no call was seen. */
  readonly at: Micros | undefined
  /** An answer showed that nothing is older, or the list ends with it. */
  readonly sure: boolean
  /** The list without bounds ends before the oldest call, because of a limit: its end shows nothing. */
  readonly isListCut: boolean
}

interface Options {
  readonly size: number
  /** Whether the list comes newest first: then its end is the oldest call. */
  readonly newestFirst: boolean
  readonly repeats: Effect.Effect<boolean, AgniError>
}

const isOlder = (edge: Micros) => (row: Rows.Row) => (Rows.isDated(row) ? row.start < edge : Rows.isUnplaced(row))

const startsFrom = (rows: ReadonlyArray<Rows.Row>, edge: Micros): boolean =>
  rows.some(({ start }) => start !== undefined && start >= edge)

/**
 * What lies before an edge, and a little after it: a full page at the bound itself could hide what lies before it. Nothing where the
 * server refuses so wide a range, or fails for it.
 */
const before = (ask: Ask.Ask, edge: Micros, after: Micros = earliestStart) => {
  const bounds = { after, before: edge + 2 * Ask.second }
  const look = (how: ListOptions) => Effect.catchIf(ask(1, bounds, { how }), Ask.isRefusal, () => Effect.undefined)
  return Ask.catchPoison(look(Patience.soon), () =>
    Effect.flatMap(Ask.failsAsWhole(ask, bounds), (asWhole) =>
      asWhole ? Effect.undefined : Ask.catchPoison(look(again), () => Effect.succeed("fails" as const))
    )
  )
}

/** For a question that failed: by chance, or for a record. */
const again: ListOptions = { tries: 5, shortWaits: true }

/**
 * Nothing is older than the answer: the least of what is known, when nothing lies before it, or a stretch found empty.
 *
 * @param listed whether the list without bounds ends with the least of what is known.
 */
export const find = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  starts: ReadonlyArray<Micros>,
  listed: boolean,
  now: Micros,
  options: Options
): Effect.fn.Return<Oldest, AgniError> {
  const { size } = options
  const guess = Ask.floorSecond(Math.min(...starts))
  let fails = false
  if (starts.length > 0) {
    const found = yield* before(ask, guess)
    fails = found === "fails"
    const answer = found === "fails" ? undefined : found
    // A limit on the width of a range hides what lies before: then the list itself must do.
    const back = answer !== undefined && startsFrom(answer.rows, guess)
    if (back && answer.rows.length < size && !answer.rows.some(isOlder(guess)))
      return { at: guess, sure: true, isListCut: false }
    // Even the oldest that is known is hidden by bounds so wide: only the list itself may tell what is older. A record that
    // fails is there, and may be.
    const isOldest = !fails && answer?.rows.some(isOlder(guess)) !== true
    if (!back && isOldest) {
      const last = listed ? { at: guess, isFull: false, isOrdered: true } : yield* lastOf(ask, {}, guess, options)
      return yield* olderThan(ask, last, listed, options)
    }
  }
  // Older calls likely start near those that are known.
  const edges = fails ? edgesOf(guess, 8, 4) : edgesOf(starts.length === 0 ? now : guess, 86_400, 2)
  const at = edges[(yield* furthest(ask, edges, size)) + 1] ?? earliestStart
  return { at: starts.length === 0 && at === edges[0] ? undefined : at, sure: true, isListCut: false }
})

/** So many seconds before a time, then so many times further away each, back to any beginning. */
const edgesOf = (at: Micros, seconds: number, factor: number): ReadonlyArray<Micros> => {
  const edges: Array<Micros> = []
  for (let distance = seconds * Ask.second; at - distance > earliestStart; distance *= factor)
    edges.push(Ask.floorSecond(at - distance))
  return edges
}

/** Whether nothing came from before an edge; nothing is known where no answer came. */
const isEmptyBefore = (ask: Ask.Ask, edge: Micros, size: number, how: ListOptions) =>
  Effect.map(
    Ask.orNothing(ask(1, { after: earliestStart, before: edge }, { how })),
    (answer) => answer && answer.rows.length < size && !answer.rows.some(isOlder(edge))
  )

/**
 * The last of the edges before which calls may lie. A limit on the width of a range may hide what lies far before an edge, and not what
 * lies before another one. Of those without an answer the last ones are asked again: if they failed by chance, years that hold nothing
 * would be read.
 */
const furthest = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  edges: ReadonlyArray<Micros>,
  size: number
): Effect.fn.Return<number, AgniError> {
  const empty = yield* Effect.forEach(edges, (edge) => isEmptyBefore(ask, edge, size, Patience.once), {
    concurrency: "unbounded"
  })
  for (let last = edges.length - 1; last >= 0; last--) {
    const edge = edges[last]
    if (edge === undefined || (empty[last] ?? (yield* isEmptyBefore(ask, edge, size, again))) === true) continue
    return last
  }
  return -1
})

/** Each halves what is unknown of a width, or finds calls that are older still. */
const mostTurns = 1000

const minute = 60 * Ask.second

/**
 * The list without bounds may be cut by the same limit that hid what lies before its last call. So narrower ranges before that
 * one are asked for: where calls come the oldest of them is the next to begin with, and where only that one comes back, older
 * ones lie between this width and the one for which nothing came. A range that reaches back to any beginning ends it.
 */
const olderThan = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  last: Last,
  listed: boolean,
  options: Options
): Effect.fn.Return<Oldest, AgniError> {
  let { at } = last
  /** Only the oldest known call came for the one width, and nothing for the other. */
  let [alone, nothing] = [0, Infinity]
  let isListCut = false
  let width = Math.sqrt(minute * (at - earliestStart))
  for (let turn = 0; turn < mostTurns && nothing - Math.max(alone, minute) > minute; turn++) {
    const whole = at - earliestStart
    const after = width >= whole ? earliestStart : Ask.floorSecond(at - width)
    const answer = yield* before(ask, at, after)
    const rows = answer === undefined || answer === "fails" ? [] : answer.rows
    const bounds = { after, before: at + 2 * Ask.second }
    // A full page may be of one second, and hide what is older than that.
    const least =
      rows.length < options.size
        ? Ask.floorSecond(leastOf(rows, at))
        : (yield* lastOf(ask, bounds, leastOf(rows, at), options)).at
    if (least < at) {
      at = least
      isListCut = options.newestFirst && last.isOrdered
      alone = 0
      nothing = Infinity
      width *= 4
    } else if (startsFrom(rows, at)) {
      if (width >= whole || (listed && !isListCut)) return { at, sure: true, isListCut: false }
      alone = width
      width = nothing === Infinity ? whole : Math.sqrt(alone * nothing)
    } else {
      nothing = width
      width = Math.sqrt(Math.max(alone, minute) * nothing)
    }
  }
  // No range reaches far enough to show whether a limit cut the list at the end of a page.
  return { at, sure: listed && !isListCut, isListCut: isListCut || last.isFull }
})

const leastOf = (rows: Iterable<Rows.Row>, known: Micros): Micros => {
  let least = known
  for (const { start } of rows) if (start !== undefined && start < least) least = start
  return least
}

interface Last {
  readonly at: Micros
  /** Whether a limit on pages may have cut the list: its last page is full, or was not found. */
  readonly isFull: boolean
  /** Whether no later one of its pages shows a newer call: only then its end is where calls begin. */
  readonly isOrdered: boolean
}

/** The oldest call that the pages of a list show when its last page is looked for. */
const lastOf = (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  known: Micros,
  { repeats, size }: Options
): Effect.Effect<Last, AgniError> => {
  const pages = new Map<number, ReadonlyArray<Rows.Row>>()
  const noting = Object.assign(
    (...asked: Parameters<Ask.Ask>) =>
      Effect.tap(ask(...asked), ({ rows }) => Effect.sync(() => pages.set(asked[0], rows))),
    { log: ask.log }
  )
  const count = Effect.flatMap(repeats, (repeats) => LastPage.count(noting, bounds, { size, repeats }))
  return Effect.gen(function* () {
    const rows = yield* Ask.orNothing(count)
    const end = rows === undefined ? Infinity : Math.ceil(rows / size)
    if (rows !== undefined) yield* Ask.orNothing(turnTo(noting, bounds, pages, end))
    const at = Ask.floorSecond(leastOf([...pages.values()].flat(), known))
    return { at, isFull: rows === undefined || rows % size === 0, isOrdered: areOrdered(startsOf(pages, end)) }
  })
}

type Pages = ReadonlyMap<number, ReadonlyArray<Rows.Row>>

/** Starts of each page up to the last one: beyond it a server may repeat another one. */
const startsOf = (pages: Pages, end: number): ReadonlyArray<readonly [number, ReadonlyArray<Micros>]> =>
  [...pages]
    .filter(([page]) => page <= end)
    .sort(([left], [right]) => left - right)
    .map(([page, rows]) => [page, rows.flatMap(({ start }) => start ?? [])])

const areOrdered = (pages: ReadonlyArray<readonly [number, ReadonlyArray<Micros>]>): boolean => {
  const starts = pages.flatMap(([, starts]) => starts)
  return starts.every((start, i) => start <= (starts[i - 1] ?? Infinity))
}

/** The last pages of a list may hold calls without a start time only: then the oldest call is on the last page before those. */
const turnTo = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  pages: Pages,
  end: number
): Effect.fn.Return<void, AgniError> {
  for (;;) {
    const known = startsOf(pages, end)
    const last = known.findLastIndex(([, starts]) => starts.length > 0)
    const [[dated] = [end], [undated] = [end]] = last < 0 ? [] : [known[last], known[last + 1]]
    if (undated - dated < 2) return
    yield* ask((dated + undated) >>> 1, bounds)
  }
})
