/** The order of the list without bounds, its pages, and what they show. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { EndpointProfile } from "../EndpointProfile.ts"
import { deepRow, type FirstPages } from "./FirstPages.ts"
import * as Ask from "./Ask.ts"
import * as Observe from "./Observe.ts"
import type { Probing } from "./Probing.ts"
import * as Rows from "./ListedRows.ts"

export interface ListShape {
  readonly sortBy: EndpointProfile["sortBy"]
  readonly newestFirst: boolean
  /** The first rows in that order, where they come newest first. */
  readonly newestRows: ReadonlyArray<Rows.Row>
  /** Whether a saved profile is used without probes: the window that is read first shows whether it still holds. */
  readonly trusted: boolean
  /** Whether the number of pages had to be found. */
  readonly needsDepth: boolean
  readonly depth: Observe.Depth
  /** Whether a page beyond the end brings something: asked for when it has to be known. */
  readonly repeats: Effect.Effect<boolean, AgniError>
  /** Rows in the order in which they come without an order, unless one that is known was asked for. */
  readonly plain: ReadonlyArray<Rows.Row> | undefined
  /** All rows with a start, and the page that each is on. */
  readonly samples: ReadonlyArray<{ readonly page: number; readonly row: Rows.Dated }>
}

/** Calls without a start time may fill the first page, or it has the oldest ones: then other pages are read. */
const isDepthNeeded = ({ isDeep }: Probing, firstPages: FirstPages, trusted: boolean): boolean =>
  isDeep ||
  !firstPages.first.some(Rows.isDated) ||
  (!firstPages.ended && !trusted && deepRow(firstPages, []) === undefined)

/** How many pages there are by a saved profile, to the next power of two. */
const guessOf = ({ isFiltered, known }: Probing, { size, sorted }: FirstPages): number | undefined =>
  sorted === undefined || isFiltered || known?.pagesAtMost === undefined
    ? undefined
    : powerOfTwo((known.pagesAtMost * known.pageSize) / size)

/** The next power of two. */
export const powerOfTwo = (pages: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, pages)))

/** Whether bounds can be tried by rows with these starts: what is elsewhere must not come. */
const areApart = (starts: ReadonlyArray<number>): boolean => Math.max(...starts) - Math.min(...starts) > 6 * Ask.second

/** So many pages are read until one brings a call that starts at another time. */
const mostFurther = 12

/**
 * Where calls without a start time fill the pages that were read, or all calls on them start together, another page may have
 * one that says more.
 */
const lookFurther = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  first: Observe.Numbered,
  reached: Observe.Depth
): Effect.fn.Return<Observe.Depth, AgniError> {
  const tells = ({ pages }: Observe.Depth) =>
    areApart([first, ...pages].flatMap(({ rows }) => rows.flatMap(({ start }) => start ?? [])))
  if (tells(reached)) return reached
  const depth = yield* Observe.halve(ask, first.rows, reached)
  if (tells(depth)) return depth
  const known = new Set([first, ...depth.pages].map(({ page }) => page))
  const numbers = Array.from({ length: mostFurther }, (_, i) => i + 2).filter(
    (page) => page < depth.pagesAtMost && !known.has(page)
  )
  const pages = [...depth.pages, ...(yield* Observe.look(ask, numbers))]
  return { ...depth, pages: pages.toSorted((left, right) => left.page - right.page) }
})

export const find = Effect.fnUntraced(function* (
  probing: Probing,
  firstPages: FirstPages
): Effect.fn.Return<ListShape, AgniError> {
  const { isBounded, isDeep, known } = probing
  const { ask, first, front, page, sorted } = firstPages
  // One whose bounds meant nothing is probed again: windows between such bounds would not come.
  const isUsable = known !== undefined && known.filterProblem === undefined
  const trusted = isUsable && sorted !== undefined && !isDeep && isBounded
  const needsDepth = isDepthNeeded(probing, firstPages, trusted)
  const guess = guessOf(probing, firstPages)
  const repeats = yield* Effect.cached(
    known === undefined ? Observe.repeats(ask, first) : Effect.succeed(known.repeatsBeyondEnd)
  )
  const [{ newestFirst, rows: chosen, sortBy }, reached] = yield* Effect.all(
    [
      sorted === undefined ? Observe.chooseSort(ask, first) : Effect.succeed({ ...sorted, rows: first }),
      needsDepth ? Observe.gallop(ask, first, guess) : Effect.succeed({ pages: [], pagesAtMost: 0, unsure: false })
    ],
    { concurrency: "unbounded" }
  )
  const depth = yield* lookFurther(ask, { page, rows: first }, reached)
  const pages = [{ page: 1, rows: front }, { page, rows: first }, ...depth.pages]
  // Calls without a start time may fill the first page.
  const telling = pages.find(({ rows }) => Rows.distinctStarts(rows) > 1)?.rows ?? first
  return {
    sortBy,
    newestFirst: newestFirst || (sortBy === "none" && Observe.comesNewestFirst(telling)),
    newestRows: page === 1 || chosen !== first ? chosen : front,
    trusted,
    needsDepth,
    depth,
    repeats,
    plain: sortBy === "none" || sorted === undefined ? telling : undefined,
    samples: pages.flatMap(({ page, rows }) => rows.filter(Rows.isDated).map((row) => ({ page, row })))
  }
})

/** The samples at both ends and in the middle; the oldest call, where all of them start together. */
export const endsOf = ({ oldRows: [oldest] }: FirstPages, { samples }: ListShape): ListShape["samples"] => {
  const byStart = samples.toSorted((left, right) => left.row.start - right.row.start)
  const isTogether = oldest !== undefined && !areApart(byStart.map(({ row }) => row.start))
  const first = isTogether ? { page: 1, row: oldest } : byStart[0]
  const ends = [first, byStart[Math.floor(byStart.length / 2)], byStart.at(-1)]
  return [...new Set(ends)].flatMap((sample) => sample ?? [])
}

/** Each row that was listed, by start. */
export const controlsOf = ({ oldRows }: FirstPages, { newestRows, samples }: ListShape): ReadonlyArray<Rows.Dated> => {
  const rows = [...samples.map(({ row }) => row), ...oldRows, ...newestRows.filter(Rows.isDated)]
  return [...new Map(rows.map((row) => [row.key, row])).values()].sort((left, right) => left.start - right.start)
}

/** What asking for the oldest first showed. */
export interface Old {
  readonly ascending: ReturnType<typeof Observe.sortAnswer>
  /** Whether the list without bounds ends with the first of the controls. */
  readonly comesOldest: boolean
}

export const oldOf = (
  { askedOldest, oldestFirst, oldRows }: FirstPages,
  { plain = [] }: ListShape,
  controls: ReadonlyArray<Rows.Dated>
): Old => {
  const ascending = askedOldest ? Observe.sortAnswer(oldestFirst, plain) : "unknown"
  const comesOldest = ascending !== "ignored" && oldRows.length > 0 && oldRows[0]?.key === controls[0]?.key
  return { ascending, comesOldest }
}
