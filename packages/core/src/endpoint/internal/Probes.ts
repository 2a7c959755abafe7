/** Probes of an endpoint: the profile, and what else a walk has to see before it begins. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { EndpointProfile } from "../EndpointProfile.ts"
import * as Ask from "./Ask.ts"
import * as BoundsProbe from "./BoundsProbe.ts"
import * as FilterProbe from "./FilterProbe.ts"
import * as FirstPages from "./FirstPages.ts"
import * as Length from "./Length.ts"
import * as ListShape from "./ListShape.ts"
import type { Micros } from "./Micros.ts"
import * as NotedCounts from "./NotedCounts.ts"
import * as Observe from "./Observe.ts"
import * as Oldest from "./Oldest.ts"
import * as Probing from "./Probing.ts"
import * as ProfileOf from "./ProfileOf.ts"
import * as Rows from "./ListedRows.ts"

/** What probes saw: the profile, and what is asked for each time, such as the server's time and the ends of its history. */
export interface Seen {
  readonly profile: EndpointProfile
  readonly serverNow: Micros
  /** A start that no session is older than, when there are any. */
  readonly oldest: Micros | undefined
  /** Whether an answer showed that no call is older, or the list ends with it. */
  readonly isOldestSure: boolean
  /** Whether a limit cuts the list without bounds, and nothing shows where the calls begin. */
  readonly isListCut: boolean
  /** Pages there are in all, to the next power of two. */
  readonly pagesAtMost: number
  /** Pages as they came, without bounds. */
  readonly pages: ReadonlyArray<Observe.Numbered>
  /** Whether those came in the order of `sortBy`. */
  readonly sorted: boolean
  /** This machine's time when the probes began. */
  readonly localNow: Micros
  /** How many rows there are, as far as the first and the last ones show it, and how many a µs. */
  readonly about: number
  readonly rate: number
  /** Whether pages from deep within showed that number, too: then it is off by little. */
  readonly measured: boolean
  /** Whether a page beyond the end brings something: asked for when it has to be known. */
  readonly repeats: Effect.Effect<boolean, AgniError>
  /** Rows that were listed, by start. */
  readonly controls: ReadonlyArray<Rows.Dated>
  /** Whether the last control is the first row of the list, newest first, and whether nothing is older than the first one. */
  readonly ends: { readonly newest: boolean; readonly oldest: boolean }
  /** The oldest rows, where they could be asked for. */
  readonly oldRows: ReadonlyArray<Rows.Dated>
  /** What all answers showed. */
  readonly log: Ask.Log
  /** Whether a saved profile was used without probes: the first window shows whether it still holds. */
  readonly trusted: boolean
  /** How much text a page brings, in characters. */
  readonly charactersPerPage: number
}

/** What the caller saw a moment ago: it is not probed again. */
export const Probed: Context.Reference<Seen | undefined> = Context.Reference<Seen | undefined>(
  "@callstream/core/endpoint/Probed",
  { defaultValue: () => undefined }
)

/**
 * Sends a few dozen requests, most of them in parallel: they show the page size, the order, the number of pages, the oldest
 * call, and whether time bounds and the given filters work.
 */
export const probe = (options: Probing.Options = {}): Effect.Effect<Seen, AgniError, AgniClient> =>
  look(
    options,
    FilterProbe.kinds.filter((kind) => options.filters?.[kind] !== undefined)
  )

export const look = Effect.fnUntraced(function* (
  options: Probing.Options,
  tried: ReadonlyArray<FilterProbe.Kind>
): Effect.fn.Return<Seen, AgniError, AgniClient> {
  const probing = yield* Probing.make(options, tried)
  const { isDeep, known } = probing
  const firstPages = yield* FirstPages.read(probing)
  const { answer, clamped, ended, first, oldRows, page, size, sorted } = firstPages
  if (clamped) NotedCounts.forgetLarger(probing.log, size)
  if (probing.log.rounds) NotedCounts.forgetOthers(probing.log, size)
  const shape = yield* ListShape.find(probing, firstPages)
  const { needsDepth, newestFirst, newestRows, repeats, sortBy, trusted } = shape
  // Nobody should wait for it when it is needed.
  if (options.whole === true) yield* Effect.forkChild(Effect.ignore(repeats))
  const controls = ListShape.controlsOf(firstPages, shape)
  const old = ListShape.oldOf(firstPages, shape, controls)
  const { comesOldest } = old
  const best = Ask.make(probing.list, probing.filters, { size, sort: Observe.newest(sortBy) })
  const [{ at: oldest, isListCut, sure }, deepest, answers, boundsProblem, measured] = yield* Effect.all(
    [
      findOldest(probing, firstPages, shape, best, controls, comesOldest),
      Observe.halve(firstPages.ask, first, shape.depth),
      FilterProbe.filters(probing.unfiltered, tried, size),
      trusted ? Effect.undefined : tryBounds(firstPages, shape, best),
      comesOldest ? Length.measure(best, firstPages, shape, options.measureFrom) : Effect.undefined
    ],
    { concurrency: "unbounded" }
  )
  const atEnds = ProfileOf.rateOf(first, oldRows)
  const about = ProfileOf.aboutOf(probing, firstPages, shape, controls, { measured, oldest, rate: atEnds })
  const pagesAtMost = needsDepth ? deepest.pagesAtMost : ListShape.powerOfTwo(about / size)
  const newest = controls.at(-1)
  const lasts = newest === undefined || oldest === undefined ? 0 : newest.start - oldest
  const rate = measured === undefined || lasts <= 0 ? atEnds : measured / lasts
  return {
    profile: ProfileOf.make(probing, firstPages, shape, old, {
      pagesAtMost,
      repeatsBeyondEnd: isDeep ? yield* repeats : (known?.repeatsBeyondEnd ?? false),
      filters: answers,
      problem: ProfileOf.problemOf(probing, firstPages, controls, answers, boundsProblem)
    }),
    serverNow: answer.observedAt,
    localNow: probing.localNow,
    oldest,
    isOldestSure: sure,
    isListCut,
    pagesAtMost,
    about,
    rate,
    measured: measured !== undefined,
    repeats,
    pages: [{ page, rows: first }, ...deepest.pages],
    sorted: sorted !== undefined || sortBy === "none",
    controls,
    // A list that ends on its first page shows both ends, in any order.
    ends: {
      newest:
        (ended && first.length > 0) ||
        (newestFirst && newest !== undefined && newestRows.find(Rows.isDated)?.key === newest.key),
      oldest:
        (ended && first.length > 0) ||
        (oldest !== undefined &&
          controls[0] !== undefined &&
          ((comesOldest && oldest <= controls[0].start) || (sure && oldest === Ask.floorSecond(controls[0].start))))
    },
    oldRows: comesOldest ? oldRows : [],
    log: probing.log,
    trusted,
    charactersPerPage: (answer.characters / Math.max(1, first.length)) * size
  }
})

/** Where a range with a beginning is read, the oldest call that came is enough. */
const findOldest = (
  { isBounded, isDeep }: Probing.Probing,
  { answer, size }: FirstPages.FirstPages,
  { newestFirst, repeats }: ListShape.ListShape,
  best: Ask.Ask,
  [oldest]: ReadonlyArray<Rows.Dated>,
  comesOldest: boolean
): Effect.Effect<Oldest.Oldest, AgniError> => {
  const starts = oldest === undefined ? [] : [oldest.start]
  return isBounded && !isDeep
    ? Effect.succeed({
        at: starts[0] === undefined ? undefined : Ask.floorSecond(starts[0]),
        sure: comesOldest,
        isListCut: false
      })
    : Oldest.find(best, starts, comesOldest, answer.observedAt, { size, repeats, newestFirst })
}

/** One row from deep within is tried first: where it does not tell, rows at both ends and in the middle are. */
const tryBounds = (
  firstPages: FirstPages.FirstPages,
  shape: ListShape.ListShape,
  best: Ask.Ask
): Effect.Effect<CoverageReason | undefined, AgniError> => {
  const { ask, first, page, size, sorted } = firstPages
  const top = page === 1 && (sorted !== undefined || shape.sortBy === "none") ? first[0] : undefined
  return Effect.flatMap(BoundsProbe.quick(best, FirstPages.deepRow(firstPages, shape.depth.pages)), (well) =>
    well
      ? Effect.undefined
      : Effect.catchIf(
          BoundsProbe.bounds(best, ask, ListShape.endsOf(firstPages, shape), top, size),
          Ask.isRefusal,
          (): Effect.Effect<CoverageReason> => Effect.succeed({ _tag: "BoundsRefused" })
        )
  )
}

/** How many rows the list without bounds holds, where a page showed its end: a limit may have cut it. */
export const listed = ({ pages, profile: { clamped, pageSize, pageSizeAsked } }: Seen): number | undefined => {
  const [first] = pages
  if (first?.page === 1 && !clamped && first.rows.length < pageSizeAsked) return first.rows.length
  const last = pages.findLast(({ rows }) => rows.length > 0)
  return last === undefined || last.page === 1 || last.rows.length >= pageSize
    ? undefined
    : (last.page - 1) * pageSize + last.rows.length
}
