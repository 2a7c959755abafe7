/**
 * What was observed of an endpoint, as a value that can be printed, saved and passed in again.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import * as Ask from "./internal/Ask.ts"
import * as Examine from "./internal/Examine.ts"
import * as Facts from "./internal/Facts.ts"
import type { Fact } from "./internal/Facts.ts"
import * as Meter from "./internal/Meter.ts"
import * as Observe from "./internal/Observe.ts"
import * as Open from "./internal/Open.ts"
import * as Rows from "./internal/Rows.ts"
import * as Trial from "./internal/Trial.ts"

const unknown = "unknown"
const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const included = Schema.Literals(["included", "not included", unknown])
const sortAnswer = Schema.Literals(["understood", "ignored", "refused", unknown])
const filterAnswer = Schema.Literals(["understood", "ignored", "applied after paging", unknown])

/**
 * How an endpoint behaves, as far as it was seen: what could not be seen is `unknown`.
 *
 * A server that behaves otherwise than it did costs requests, not sessions: of what is passed in nothing is believed that a
 * verdict hangs on, and every window is counted all the same.
 *
 * @since 0.1.0
 * @category models
 */
export const Learned = Schema.Struct({
  version: Schema.Literal(1),
  /** Where it was observed, when whoever observed it wrote that down. */
  baseUrl: Schema.optionalKey(Schema.String),
  /** When, by the server's clock, in ISO 8601. */
  observedAt: Schema.String,
  edition: Schema.Literals(["camelCase", "snake_case", unknown]),
  /** Rows that were asked for in one request. */
  pageSizeAsked: size,
  /** Rows that a page really brings, at most as many as were asked for. */
  pageSize: size,
  /** Whether a page was seen to bring fewer rows than asked for although there are more. */
  clamped: Schema.Boolean,
  /** A page size that was refused. */
  pageSizeRefused: Schema.optionalKey(size),
  /** Which size the offset of a page is computed from: the one `asked` for, or the one that it `brought`. */
  offsets: Schema.Literals(["asked", "brought", unknown]),
  /** Whether a page beyond the last brings the last, or the first, again instead of nothing. */
  repeatsBeyondEnd: Schema.Boolean,
  /** Pages of `pageSize` that there are in all, to the next power of two; only where no filter was given. */
  pagesAtMost: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 30 }))),
  /** How answers come when no order is asked for, as far as the first page shows. */
  order: Schema.Literals(["start-desc", "start-asc", "created-desc", "created-asc", "other", unknown]),
  /** What becomes of `sort_by`. */
  sortFields: Schema.Struct({ started_at: sortAnswer, startedAt: sortAnswer }),
  /** What to sort by, so that answers come newest first: `none` when they do by themselves, or when nothing helps. */
  sortBy: Schema.Literals(["started_at", "startedAt", "none"]),
  /** Whether answers then come newest start first, as far as was seen. */
  newestFirst: Schema.Boolean,
  /** Whether a bound itself is within it, to which part of a second a bound is read, and in which zone. */
  bounds: Schema.Struct({
    after: included,
    before: included,
    precision: Schema.Literals(["microsecond", "millisecond", "second", "bounds with a fraction are ignored", unknown]),
    zone: Schema.Literals(["UTC", "another", unknown])
  }),
  filters: Schema.Struct({ agentId: filterAnswer, channel: filterAnswer, callerNumber: filterAnswer }),
  /** Absent when time bounds and the filters in use do what they should, otherwise what they did instead. */
  filterProblem: Schema.optionalKey(Schema.String),
  /** How far the server's clock is ahead of ours, in µs; its `Date` has whole seconds. */
  clockOffset: Schema.Int
})

/**
 * @since 0.1.0
 * @category models
 */
export type Learned = typeof Learned.Type

/**
 * What was learned as short sentences for people, in a fixed order.
 *
 * @since 0.1.0
 * @category formatting
 */
export const facts: (learned: Learned) => ReadonlyArray<Fact> = Facts.facts

export type { Fact }

/**
 * What learning saw besides, which is asked for each time: the server's time and the ends of its history.
 *
 * @since 0.1.0
 * @category models
 */
export interface Seen {
  readonly learned: Learned
  readonly serverNow: Instant.Instant
  /** A start that no session is older than, when there are any. */
  readonly oldest: Instant.Instant | undefined
  /** Pages there are in all, to the next power of two. */
  readonly pagesAtMost: number
  /** Pages as they came, without bounds. */
  readonly pages: ReadonlyArray<Observe.Numbered>
  /** Whether those came in the order of `sortBy`. */
  readonly sorted: boolean
  /** Keys of rows that were listed without a start, on any page. */
  readonly undated: ReadonlySet<string>
  /** Rows that came back for their own start. */
  readonly witnesses: ReadonlyArray<Rows.Dated>
  /** How much text a page brings, in characters. */
  readonly charactersPerPage: number
}

/**
 * How to learn.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The filters that will be in use: they are tried. @default none */
  readonly filters?: Ask.Filters | undefined
  /** Rows to ask for in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** What was learned before: it saves requests where one look shows that it still holds. @default none */
  readonly learned?: Learned | undefined
}

/**
 * Asks a few dozen questions, most of them side by side: how many rows a page brings, in which order, how many pages
 * there are, how old the oldest session is, and whether time bounds and the given filters do what they should.
 *
 * @since 0.1.0
 * @category constructors
 */
export const learn = (options: Options = {}): Effect.Effect<Seen, AgniError, AgniClient> =>
  look(
    options,
    Trial.kinds.filter((kind) => options.filters?.[kind] !== undefined)
  )

const look = Effect.fnUntraced(function* (
  options: Options,
  tried: ReadonlyArray<Trial.Kind>
): Effect.fn.Return<Seen, AgniError, AgniClient> {
  const { list: bare } = yield* AgniClient
  const { filters = {}, learned: known, pageSize: asked = 100 } = options
  const undated = new Set<string>()
  const list: typeof bare = (query, options) =>
    Effect.tap(bare(query, options), (page) =>
      Effect.sync(() => {
        if (query.startedAfter !== undefined || query.startedBefore !== undefined) return
        for (const { key, start } of Rows.ofPage(page)) if (start === undefined) undated.add(key)
      })
    )
  const filtered = Object.values(filters).some((value) => value !== undefined)
  const localNow = yield* Clock.currentTimeMillis
  const opening = yield* Open.open(list, filters, asked, known)
  const { clamped, page, size, sorted } = opening
  const { characters, edition, observedAt, rows: first } = opening.answer
  const ask = Ask.make(list, filters, { size, sort: Observe.newest(sorted?.sortBy ?? "none"), believeEmpty: 1 })
  const rowsAtMost =
    sorted === undefined || filtered || known?.pagesAtMost === undefined
      ? undefined
      : known.pagesAtMost * known.pageSize
  const guess = rowsAtMost === undefined ? undefined : 2 ** Math.ceil(Math.log2(Math.max(1, rowsAtMost / size)))

  const careful = Ask.make(list, filters, { size, sort: Observe.unsorted })
  const [{ newestFirst: atFirst, sortBy }, reached, repeatsBeyondEnd, oldestFirst] = yield* Effect.all(
    [
      sorted === undefined ? Observe.chooseSort(ask, first) : Effect.succeed(sorted),
      Observe.gallop(ask, first, guess),
      Observe.repeats(ask, first),
      Observe.oldestFirst(careful, "started_at")
    ],
    { concurrency: "unbounded" }
  )
  const best = Ask.make(list, filters, { size, sort: Observe.newest(sortBy) })
  const isUndated = ({ rows }: Observe.Numbered) => !rows.some(Rows.isDated)
  // Where sessions without a start fill the pages, the next look may be the first that shows another one.
  const near = [{ page, rows: first }, ...reached.pages].every(isUndated)
    ? yield* Observe.halve(ask, first, reached)
    : reached
  const pages = [{ page, rows: first }, ...near.pages]
  // Sessions without a start may fill the first page.
  const telling = pages.find(({ rows }) => Rows.distinctStarts(rows) > 1)?.rows ?? first
  const newestFirst = atFirst || (sortBy === "none" && Observe.comesNewestFirst(telling))
  // Without an order asked for, unless one that is known was.
  const plain = sortBy === "none" || sorted === undefined ? telling : undefined
  const samples = pages.flatMap(({ page, rows }) => rows.filter(Rows.isDated).map((row) => ({ page, row })))
  const byStart = samples.toSorted((a, b) => a.row.start - b.row.start)
  const ends = [...new Set([byStart[0], byStart[Math.floor(byStart.length / 2)], byStart.at(-1)])].flatMap(
    (sample) => sample ?? []
  )
  const ascending = Observe.sortAnswer(oldestFirst, plain ?? [])
  const starts = [byStart[0]?.row, ...(oldestFirst === "refused" ? [] : oldestFirst)].flatMap((row) => row?.start ?? [])
  const [oldest, deep, answers, boundsProblem] = yield* Effect.all(
    [
      Observe.findOldest(best, ask, starts, observedAt, size),
      Observe.halve(ask, first, near),
      Trial.filters(bare, tried, size),
      Trial.bounds(
        best,
        ask,
        ends,
        page === 1 && (sorted !== undefined || sortBy === "none") ? first[0] : undefined,
        size
      )
    ],
    { concurrency: "unbounded" }
  )
  const given = tried.filter((kind) => filters[kind] !== undefined)
  const problem =
    given.map((kind) => Trial.problemOf(kind, answers[kind])).find((problem) => problem !== undefined) ??
    boundsProblem ??
    (samples.length > 0
      ? undefined
      : first.length > 0
        ? "no session with a start was seen, so the time bounds could not be tried"
        : filters.status !== undefined || filters.search !== undefined
          ? "no session was found, so the filter could not be tried"
          : undefined)
  return {
    learned: {
      version: 1,
      observedAt: Instant.format(observedAt),
      edition: edition ?? unknown,
      pageSizeAsked: asked,
      pageSize: size,
      clamped,
      offsets: known?.offsets ?? unknown,
      repeatsBeyondEnd,
      ...(filtered ? {} : { pagesAtMost: deep.pagesAtMost }),
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
      clockOffset: Math.round(observedAt - localNow * 1000)
    },
    serverNow: observedAt,
    oldest,
    pagesAtMost: deep.pagesAtMost,
    pages: [{ page, rows: first }, ...deep.pages],
    sorted: sorted !== undefined || sortBy === "none",
    witnesses: samples.map(({ row }) => row),
    undated,
    charactersPerPage: (characters / Math.max(1, first.length)) * size
  }
})

/**
 * What an examination saw besides.
 *
 * @since 0.1.0
 * @category models
 */
export interface Examined extends Seen {
  /** Records that were looked at: those without a start, and those that could not be decoded, with the first reason. */
  readonly records: {
    readonly looked: number
    readonly undated: number
    readonly rejected: number
    readonly reason: string | undefined
  }
  /** The median time of a request that waited for no other one, in milliseconds, and how many there were. */
  readonly latency: { readonly millis: number; readonly of: number }
}

/**
 * Learns, and asks what a walk can do without: how offsets are computed, what a time bound means exactly, and what becomes
 * of each filter and sort field. It takes some sixty requests, or more where a filter is hard to see.
 *
 * @since 0.1.0
 * @category constructors
 */
export const examine = Effect.fnUntraced(function* (
  options: Pick<Options, "pageSize"> = {}
): Effect.fn.Return<Examined, AgniError, AgniClient> {
  const { pageSize = 1000 } = options
  const meter = Meter.make(yield* AgniClient)
  const lookAt = (pageSize: number) => Effect.provideService(look({ pageSize }, Trial.kinds), AgniClient, meter.client)
  const usual = Math.min(100, pageSize)
  const [seen, refused] = yield* Effect.map(lookAt(pageSize), (seen) => [seen, false] as const).pipe(
    Effect.catchReason("AgniError", "InvalidRequest", (_, error) =>
      // What was refused before any request is the caller's mistake.
      error.attempts === 0 || usual === pageSize
        ? Effect.fail(error)
        : Effect.map(lookAt(usual), (seen) => [seen, true] as const)
    )
  )
  const { learned, pages, witnesses } = seen
  const ask = Ask.make(
    meter.client.list,
    {},
    { size: learned.pageSize, sort: Observe.newest(learned.sortBy), believeEmpty: 1 }
  )
  const orUnknown = <A>(effect: Effect.Effect<A, AgniError>, otherwise: A) =>
    Ask.catchPoison(
      ask,
      Effect.catchReason(effect, "AgniError", "InvalidRequest", () => Effect.succeed(otherwise)),
      () => Effect.succeed(otherwise)
    )
  const offsets = learned.clamped ? yield* orUnknown(Examine.offsets(ask, learned.pageSize), unknown) : unknown
  const bounds = yield* orUnknown(Examine.bounds(ask, witnesses, learned.pageSize), Examine.unseen)
  const ignored = bounds === "ignored" ? { filterProblem: "sessions from outside the bounds came back" } : {}
  const startedAt =
    learned.sortFields.startedAt === unknown
      ? Observe.sortAnswer(yield* Observe.oldestFirst(ask, "startedAt"), pages[0]?.rows ?? [])
      : learned.sortFields.startedAt
  const rows = [...new Map(pages.flatMap(({ rows }) => rows.map((row) => [row.key, row] as const))).values()]
  const rejected = rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : []))
  return {
    ...seen,
    records: {
      looked: rows.length,
      undated: rows.filter(({ start }) => start === undefined).length,
      rejected: rejected.length,
      reason: rejected[0]?.reason
    },
    latency: { millis: meter.latency() ?? 0, of: meter.timed() },
    learned: {
      ...learned,
      ...(refused ? { pageSizeRefused: pageSize } : {}),
      ...ignored,
      offsets,
      bounds: bounds === "ignored" ? Examine.unseen : bounds,
      sortFields: { ...learned.sortFields, startedAt }
    }
  }
})
