/** Probes of an endpoint: the profile, and what else a walk has to see before it begins. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import type { EndpointProfile } from "../EndpointProfile.ts"
import * as Ask from "./Ask.ts"
import * as Examine from "./Examine.ts"
import type { Micros } from "./Micros.ts"
import * as Observe from "./Observe.ts"
import * as Oldest from "./Oldest.ts"
import * as Open from "./Open.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./Rows.ts"
import * as BoundsProbe from "./BoundsProbe.ts"

const unknown = "unknown"

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

export interface Options {
  /** The filters that will be in use: they are tried. @default none */
  readonly filters?: Ask.Filters | undefined
  /** Rows to ask for in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** A profile of before: it saves requests where one look shows that it still holds. @default none */
  readonly profile?: EndpointProfile | undefined
  /** Whether to find out how many pages there are. @default true */
  readonly deep?: boolean | undefined
  /** Whether a range with a beginning will be read: then nobody needs to know what is the oldest. @default false */
  readonly bounded?: boolean | undefined
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
export const probe = (options: Options = {}): Effect.Effect<Seen, AgniError, AgniClient> =>
  look(
    options,
    BoundsProbe.kinds.filter((kind) => options.filters?.[kind] !== undefined)
  )

export const look = Effect.fnUntraced(function* (
  options: Options,
  tried: ReadonlyArray<BoundsProbe.Kind>
): Effect.fn.Return<Seen, AgniError, AgniClient> {
  const bare = Patience.make((yield* AgniClient).list)
  const { deep: isDeep = true, filters = {}, profile: known, pageSize: asked = 100 } = options
  const log = Ask.makeLog()
  const list: typeof bare = (query, options) =>
    Effect.tap(bare(query, options), (page) =>
      Effect.sync(() => {
        const { age, observedAt } = page
        log.observedAt = Math.min(log.observedAt ?? Infinity, observedAt)
        log.latest = Math.max(log.latest ?? -Infinity, observedAt)
        log.cached ||= age > 0
        const rows = Rows.ofPage(page)
        Ask.note(log, rows)
        const { page: number = 1, pageSize = 20, startedAfter, startedBefore } = query
        const isOpen = startedAfter === undefined && startedBefore === undefined
        if (isOpen && number > 1 && rows.length > 0)
          Ask.noteCount(log.places, {}, (number - 1) * pageSize + rows.length)
      })
    )
  const filtered = Object.values(filters).some((value) => value !== undefined)
  const localNow = (yield* Clock.currentTimeMillis) * 1000
  const unsure = Ask.make(list, filters, { size: asked, sort: Observe.unsorted })
  const askOldest = known === undefined || options.bounded !== true || isDeep
  const [opening, oldestPage] = yield* Effect.all(
    [
      Open.open(list, filters, asked, known),
      askOldest ? Observe.oldestFirst(unsure, "started_at") : Effect.succeed("refused" as const)
    ],
    { concurrency: 2 }
  )
  const { clamped, fails, page, size, sorted } = opening
  const { characters, edition, observedAt, rows: first } = opening.answer
  const ask = Ask.make(list, filters, { size, sort: Observe.newest(sorted?.sortBy ?? "none") })
  // Where a record fails the first page, or that of the oldest, the others of it are had one by one.
  const front = page === 1 || first.length === 0 ? [] : yield* Observe.front(ask, Observe.unsorted, size)
  const inFront = [...front, ...first]
  const oldestFirst =
    oldestPage === "fails" && first.length > 0
      ? yield* Observe.front(ask, Observe.ascending("started_at"), size)
      : oldestPage
  const ended = page === 1 && !clamped && first.length < asked
  const oldRows = oldestFirst === "refused" || oldestFirst === "fails" ? [] : oldestFirst.filter(Rows.isDated)
  // The window that is read first shows whether a profile still holds.
  const trusted = known !== undefined && sorted !== undefined && !isDeep && options.bounded === true
  // Calls without a start time may fill the first page, or it has the oldest ones: then other pages are read.
  const needsDepth =
    isDeep || !first.some(Rows.isDated) || (!ended && !trusted && deepRow(inFront, [], oldRows) === undefined)
  const rowsAtMost =
    sorted === undefined || filtered || known?.pagesAtMost === undefined
      ? undefined
      : known.pagesAtMost * known.pageSize
  const guess = rowsAtMost === undefined ? undefined : 2 ** Math.ceil(Math.log2(Math.max(1, rowsAtMost / size)))
  const repeats = yield* Effect.cached(
    known === undefined ? Observe.repeats(ask, first) : Effect.succeed(known.repeatsBeyondEnd)
  )
  const [{ newestFirst: atFirst, sortBy }, reached] = yield* Effect.all(
    [
      sorted === undefined ? Observe.chooseSort(ask, first) : Effect.succeed(sorted),
      needsDepth ? Observe.gallop(ask, first, guess) : Effect.succeed({ pages: [], pagesAtMost: 0, unsure: false })
    ],
    { concurrency: "unbounded" }
  )
  const best = Ask.make(list, filters, { size, sort: Observe.newest(sortBy) })
  const isUndated = ({ rows }: Observe.Numbered) => !rows.some(Rows.isDated)
  // Where calls without a start time fill the pages, the next page may be the first with another call.
  const near =
    needsDepth && [{ page, rows: first }, ...reached.pages].every(isUndated)
      ? yield* Observe.halve(ask, first, reached)
      : reached
  const pages = [...(front.length > 0 ? [{ page: 1, rows: front }] : []), { page, rows: first }, ...near.pages]
  // Calls without a start time may fill the first page.
  const telling = pages.find(({ rows }) => Rows.distinctStarts(rows) > 1)?.rows ?? first
  const newestFirst = atFirst || (sortBy === "none" && Observe.comesNewestFirst(telling))
  // Without an order asked for, unless one that is known was.
  const plain = sortBy === "none" || sorted === undefined ? telling : undefined
  const samples = pages.flatMap(({ page, rows }) => rows.filter(Rows.isDated).map((row) => ({ page, row })))
  const bySample = samples.toSorted((a, b) => a.row.start - b.row.start)
  const ends = [...new Set([bySample[0], bySample[Math.floor(bySample.length / 2)], bySample.at(-1)])].flatMap(
    (sample) => sample ?? []
  )
  const ascending = askOldest ? Observe.sortAnswer(oldestFirst, plain ?? []) : unknown
  const controls = [
    ...new Map([...samples.map(({ row }) => row), ...oldRows].map((row) => [row.key, row])).values()
  ].sort((left, right) => left.start - right.start)
  const comesOldest = ascending !== "ignored" && oldRows.length > 0 && oldRows[0]?.key === controls[0]?.key
  const starts = controls[0] === undefined ? [] : [controls[0].start]
  const [{ at: oldest, isListCut, sure }, deepest, answers, boundsProblem] = yield* Effect.all(
    [
      options.bounded === true && !isDeep
        ? Effect.succeed({
            at: starts[0] === undefined ? undefined : Ask.floorSecond(starts[0]),
            sure: comesOldest,
            isListCut: false
          })
        : Oldest.find(best, starts, comesOldest, observedAt, { size, repeats }),
      needsDepth ? Observe.halve(ask, first, near) : Effect.succeed(reached),
      BoundsProbe.filters(bare, tried, size),
      trusted
        ? Effect.undefined
        : Effect.flatMap(BoundsProbe.quick(best, deepRow(inFront, near.pages, oldRows)), (well) =>
            well
              ? Effect.undefined
              : BoundsProbe.bounds(
                  best,
                  ask,
                  ends,
                  page === 1 && (sorted !== undefined || sortBy === "none") ? first[0] : undefined,
                  size
                ).pipe(Effect.catchIf(Ask.isRefusal, () => Effect.succeed({ _tag: "BoundsRefused" } as const)))
          )
    ],
    { concurrency: "unbounded" }
  )
  const given = tried.filter((kind) => filters[kind] !== undefined)
  const problem =
    given.map((kind) => BoundsProbe.problemOf(kind, answers[kind])).find((problem) => problem !== undefined) ??
    boundsProblem ??
    (controls.length > 0
      ? undefined
      : first.length > 0 || fails
        ? { _tag: "NoStartSeen" as const }
        : filters.status !== undefined || filters.search !== undefined
          ? { _tag: "FilterUntried" as const }
          : undefined)
  const rate = rateOf(first, oldRows)
  const newest = controls.at(-1)
  const about =
    ended && !clamped
      ? first.length
      : trusted && !filtered && known.calls !== undefined
        ? known.calls
        : Math.max(controls.length, newest === undefined || oldest === undefined ? 0 : rate * (newest.start - oldest))
  const pagesAtMost = needsDepth ? deepest.pagesAtMost : 2 ** Math.ceil(Math.log2(Math.max(1, about / size)))
  return {
    profile: {
      version: 1,
      observedAt: Instant.format(Instant.of(observedAt)),
      edition: edition ?? unknown,
      pageSizeAsked: asked,
      pageSize: size,
      clamped,
      offsets: known?.offsets ?? unknown,
      repeatsBeyondEnd: isDeep ? yield* repeats : (known?.repeatsBeyondEnd ?? false),
      ...(filtered || !isDeep ? {} : { pagesAtMost }),
      order: plain === undefined ? (known?.order ?? unknown) : Observe.orderOf(plain),
      sortFields: {
        started_at: sortBy === "started_at" ? "understood" : plain === undefined ? unknown : ascending,
        startedAt: sortBy === "startedAt" ? "understood" : unknown
      },
      sortBy,
      newestFirst,
      bounds: known?.bounds ?? Examine.unseen,
      filters: answers,
      ...(problem === undefined ? {} : { filterProblem: problem }),
      clockOffset: Math.round(observedAt - localNow)
    },
    serverNow: observedAt,
    localNow,
    oldest,
    isOldestSure: sure,
    isListCut,
    pagesAtMost,
    about,
    rate,
    repeats,
    pages: [{ page, rows: first }, ...deepest.pages],
    sorted: sorted !== undefined || sortBy === "none",
    controls,
    // A list that ends on its first page shows both ends, in any order.
    ends: {
      newest:
        (ended && first.length > 0) ||
        (newestFirst && newest !== undefined && (page === 1 ? first : front).find(Rows.isDated)?.key === newest.key),
      oldest:
        (ended && first.length > 0) || (comesOldest && oldest !== undefined && oldest <= (controls[0]?.start ?? 0))
    },
    oldRows: comesOldest ? oldRows : [],
    log,
    trusted,
    charactersPerPage: (characters / Math.max(1, first.length)) * size
  }
})

/** A row that cannot be on the first page of the list without bounds, nor on one of a replica that lags. */
const deepRow = (
  first: ReadonlyArray<Rows.Row>,
  pages: ReadonlyArray<Observe.Numbered>,
  oldRows: ReadonlyArray<Rows.Dated>
): Rows.Dated | undefined => {
  const keys = new Set(first.map(({ key }) => key))
  // Of many calls that start together, one may be here now and there then.
  const isApart = (row: Rows.Dated) =>
    first.every(({ start }) => start === undefined || Math.abs(start - row.start) > 4 * Ask.second)
  const deep = pages.filter(({ page }) => page >= 4).flatMap(({ rows }) => rows.filter(Rows.isDated))
  const old = oldRows.some(({ key }) => keys.has(key)) ? [] : oldRows
  const rows = (deep.length > 0 ? deep : old).filter((row) => !keys.has(row.key) && isApart(row))
  return rows[Math.floor(rows.length / 2)]
}

/** Rows a µs, where rows are known that follow one another. */
const rateOf = (...runs: ReadonlyArray<ReadonlyArray<Rows.Row>>): number => {
  const rates = runs.flatMap((rows) => {
    const starts = rows.flatMap(({ start }) => start ?? [])
    const spread = Math.max(...starts) - Math.min(...starts)
    return starts.length > 2 && spread > 0 ? [(starts.length - 1) / spread] : []
  })
  return rates.length === 0 ? 0 : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
}
