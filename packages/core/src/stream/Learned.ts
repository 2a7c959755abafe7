/**
 * What was observed of an endpoint, as a value that can be printed, saved and passed in again.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type * as Instant from "../model/Instant.ts"
import type { Edition } from "../model/Page.ts"
import * as Ask from "./internal/Ask.ts"
import * as Rows from "./internal/Rows.ts"
import * as Trial from "./internal/Trial.ts"

/**
 * How an endpoint behaves. A server that behaves otherwise than it did costs requests, not sessions: every window is
 * counted all the same.
 *
 * @since 0.1.0
 * @category models
 */
export interface Learned {
  /** Rows that a page really brings, at most as many as were asked for. */
  readonly pageSize: number
  /** What to sort by, so that answers come newest first: nothing when they do by themselves, or when nothing helps. */
  readonly sort: { readonly by: string | undefined; readonly order: "asc" | "desc" | undefined }
  /** Whether answers then come newest start first, as far as was seen. */
  readonly newestFirst: boolean
  /** `undefined` when time bounds and filters do what they should, otherwise what they did instead. */
  readonly filterProblem: string | undefined
  readonly edition: Edition | undefined
  /** Whether a page beyond the last brings the last, or the first, again instead of nothing. */
  readonly repeatsBeyondEnd: boolean
  /** How far the server's clock is ahead of ours, in µs; its `Date` has whole seconds. */
  readonly clockOffset: number
  /** Pages there are in all, to the next power of two. */
  readonly pagesAtMost: number
}

/** What learning saw besides: the server's time and the ends of its history. */
export interface Seen {
  readonly learned: Learned
  readonly serverNow: Instant.Instant
  /** A start that no session is older than, when there are any. */
  readonly oldest: Instant.Instant | undefined
  /** Rows that came back for their own start. */
  readonly witnesses: ReadonlyArray<Rows.Dated>
}

const sorts: ReadonlyArray<Ask.Sort> = [
  { by: "started_at", order: "desc" },
  { by: "startedAt", order: "desc" }
]

const unsorted: Ask.Sort = { by: undefined, order: undefined }

const nothing: Ask.Answer = { rows: [], observedAt: 0, edition: undefined }

/** A server may refuse a sort field with a 400; then it is not one. A row that it cannot render teaches nothing. */
const orEmpty = (ask: Ask.Ask, answer: Effect.Effect<Ask.Answer, AgniError>): Effect.Effect<Ask.Answer, AgniError> =>
  Ask.catchPoison(ask, orUnasked(answer), () => Effect.succeed(nothing))

const orUnasked = (answer: Effect.Effect<Ask.Answer, AgniError>): Effect.Effect<Ask.Answer, AgniError> =>
  Effect.catchReason(answer, "AgniError", "InvalidRequest", () => Effect.succeed(nothing))

const comesNewestFirst = (rows: ReadonlyArray<Rows.Row>) => Rows.isNewestFirst(rows) && Rows.distinctStarts(rows) > 1

/**
 * Asks a few dozen questions, most of them side by side: how many rows a page brings, in which order, how many pages
 * there are, how old the oldest session is, and whether time bounds and the given filters do what they should.
 *
 * @since 0.1.0
 * @category constructors
 */
export const learn = Effect.fnUntraced(function* (options: {
  readonly filters: Ask.Filters
  readonly pageSize: number
}): Effect.fn.Return<Seen, AgniError, AgniClient> {
  const { list } = yield* AgniClient
  const { filters } = options
  const localNow = yield* Clock.currentTimeMillis
  const unclamped = Ask.make(list, filters, { size: options.pageSize, sort: unsorted })
  const { answer: opening, page, size: asked } = yield* firstAnswer(unclamped, options.pageSize)
  const first = opening.rows
  const size = pageSize(first, asked)
  const ask = Ask.make(list, filters, { size, sort: unsorted, believeEmpty: 1 })

  const [sorted, deep, repeatsBeyondEnd] = yield* Effect.all(
    [chooseSort(ask, first), gallop(ask, first), repeats(unclamped, first)],
    { concurrency: 3 }
  )
  const best = Ask.make(list, filters, { size, sort: sorted.sort })
  const known = [...first.map((row) => ({ row, page })), ...deep.rows].flatMap(({ page, row }) =>
    Rows.isDated(row) ? [{ page, row }] : []
  )
  const byStart = known.toSorted((a, b) => a.row.start - b.row.start)
  const samples = [...new Set([byStart[0], byStart[Math.floor(byStart.length / 2)], byStart.at(-1)])].flatMap(
    (sample) => sample ?? []
  )
  const [oldest, ...problems] = yield* Effect.all(
    [
      findOldest(best, byStart[0]?.row.start, opening.observedAt, size),
      Trial.filters(list, filters, size),
      Trial.bounds(best, ask, samples, size)
    ],
    { concurrency: "unbounded" }
  )
  const problem = problems.find((problem) => problem !== undefined)
  return {
    learned: {
      pageSize: size,
      sort: sorted.sort,
      newestFirst: sorted.newestFirst,
      filterProblem:
        problem ??
        (known.length > 0
          ? undefined
          : first.length > 0
            ? "no session with a start was seen, so the time bounds could not be tried"
            : filters.status !== undefined || filters.search !== undefined
              ? "no session was found, so the filter could not be tried"
              : undefined),
      edition: opening.edition,
      repeatsBeyondEnd,
      clockOffset: opening.observedAt - localNow * 1000,
      pagesAtMost: deep.pagesAtMost
    },
    serverNow: opening.observedAt,
    oldest,
    witnesses: known.map(({ row }) => row)
  }
})

/** The first page, as large as the server can render it. */
const firstAnswer = Effect.fnUntraced(function* (ask: Ask.Ask, asked: number) {
  for (let size = asked; size > 1; size = Math.floor(size / 2)) {
    const answer = yield* Ask.catchPoison(ask, ask(1, {}, { size }), () => Effect.undefined)
    if (answer !== undefined) return { answer, page: 1, size }
  }
  for (let page = 1; page < 8; page++) {
    const answer = yield* Ask.catchPoison(ask, ask(page, {}, { size: 1 }), () => Effect.undefined)
    if (answer !== undefined && answer.rows.length > 0) return { answer, page, size: 1 }
  }
  return { answer: yield* ask(1, {}), page: 1, size: 1 }
})

/**
 * A short first page is all there is, or all that a page brings. More is never asked for than was seen to come: a server
 * that cuts pages may count their places by the size that was asked for, and one more call would never be shown.
 */
const pageSize = (first: ReadonlyArray<Rows.Row>, asked: number): number =>
  first.length === 0 ? asked : Math.min(asked, Math.max(2, first.length))

/** Whether a page that lies far beyond any end brings something; what cannot be rendered is there. */
const repeats = (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) =>
  first.length === 0
    ? Effect.succeed(true)
    : Ask.catchPoison(
        ask,
        Effect.map(orUnasked(ask(90_000_001, {})), ({ rows }) => rows.length > 0),
        () => Effect.succeed(true)
      )

const chooseSort = Effect.fnUntraced(function* (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) {
  if (comesNewestFirst(first) || first.length < 2) return { sort: unsorted, newestFirst: comesNewestFirst(first) }
  const answers = yield* Effect.all(
    sorts.map((sort) => orEmpty(ask, ask(1, {}, { sort }))),
    { concurrency: "unbounded" }
  )
  const found = sorts.find((_, i) => comesNewestFirst(answers[i]?.rows ?? []))
  return { sort: found ?? unsorted, newestFirst: found !== undefined }
})

/** Pages 2, 4, 8 … until one is beyond the end: empty, or what another one was. */
const gallop = Effect.fnUntraced(function* (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) {
  const rows: Array<{ readonly row: Rows.Row; readonly page: number }> = []
  let before = first
  if (first.length === 0) return { rows, pagesAtMost: 0 }
  for (let exponent = 1; exponent < 30; exponent += 5) {
    const pages = Array.from({ length: 5 }, (_, i) => 2 ** (exponent + i))
    const answers = yield* Effect.all(
      pages.map((page) => orEmpty(ask, ask(page, {}))),
      { concurrency: "unbounded" }
    )
    // Those beyond the end too: they may be all that is known.
    for (const [i, answer] of answers.entries()) {
      rows.push(...answer.rows.map((row) => ({ row, page: pages[i] ?? 2 })))
    }
    for (const [i, answer] of answers.entries()) {
      // Pages that share most rows are beyond the end.
      if (answer.rows.length === 0 || Rows.alike(answer.rows, first) || Rows.alike(answer.rows, before)) {
        return { rows, pagesAtMost: pages[i] ?? 2 }
      }
      before = answer.rows
    }
  }
  return { rows, pagesAtMost: 2 ** 30 }
})

/** Nothing is older than the answer: the sort's first row, when nothing lies before it, or a stretch found empty. */
const findOldest = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  known: Instant.Instant | undefined,
  now: Instant.Instant,
  size: number
) {
  const earliest = Date.UTC(2000, 0, 1) * 1000
  // A full page at the bound itself could hide what lies before it.
  const nothingBefore = (before: Instant.Instant) =>
    Ask.catchPoison(
      ask,
      Effect.map(
        ask(1, { after: earliest, before }),
        ({ rows }) =>
          rows.length < size && rows.every((row) => (Rows.isDated(row) ? row.start >= before : !Rows.isUnplaced(row)))
      ),
      () => Effect.succeed(false)
    )
  const ascending = yield* orEmpty(ask, ask(1, {}, { sort: { by: "started_at", order: "asc" } }))
  const starts = [known, ...ascending.rows.map(({ start }) => start)].filter((start) => start !== undefined)
  const guess = Ask.floorSecond(Math.min(...starts))
  if (starts.length > 0 && (yield* nothingBefore(guess))) return guess
  const day = 86_400 * Ask.second
  const edges = Array.from({ length: 14 }, (_, i) => Math.max(earliest, Ask.floorSecond(now - 2 ** i * day)))
  const empty = yield* Effect.all(edges.map(nothingBefore), { concurrency: "unbounded" })
  const found = edges.find((_, i) => empty[i] === true)
  return starts.length === 0 && found === edges[0] ? undefined : (found ?? earliest)
})
