/**
 * What was observed of an endpoint, as a value that can be printed, saved and passed in again.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import { type CallSession, startInstant } from "../model/CallSession.ts"
import * as Instant from "../model/Instant.ts"
import type { Edition, Page } from "../model/Page.ts"
import * as Ask from "./internal/Ask.ts"
import * as Rows from "./internal/Rows.ts"

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
  readonly first: ReadonlyArray<Rows.Row>
}

const sorts: ReadonlyArray<Ask.Sort> = [
  { by: "started_at", order: "desc" },
  { by: "startedAt", order: "desc" }
]

const unsorted: Ask.Sort = { by: undefined, order: undefined }

/** A server may refuse a sort field with a 400; then it is not one. */
const orEmpty = (answer: Effect.Effect<Ask.Answer, AgniError>): Effect.Effect<Ask.Answer, AgniError> =>
  Effect.catchReason(answer, "AgniError", "InvalidRequest", () => Effect.succeed({ rows: [], observedAt: 0 }))

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
  const asked = options.pageSize
  const localNow = yield* Clock.currentTimeMillis
  const page: Page = yield* list({ ...options.filters, page: 1, pageSize: asked })
  const first = Rows.ofPage(page)
  const unclamped = Ask.make(list, options.filters, { size: asked, sort: unsorted })
  const size = yield* pageSize(unclamped, first, asked)
  const ask = Ask.make(list, options.filters, { size, sort: unsorted })

  const [sorted, deep] = yield* Effect.all([chooseSort(ask, first), gallop(ask, first)], { concurrency: 2 })
  const best = Ask.make(list, options.filters, { size, sort: sorted.sort })
  const known = [...first, ...deep.rows].filter(
    (row): row is Rows.Row & { readonly start: Instant.Instant } => row.start !== undefined
  )
  const byStart = known.toSorted((a, b) => a.start - b.start)
  const samples = new Set([byStart[0], byStart[Math.floor(byStart.length / 2)], byStart.at(-1)])
  const [oldest, ...problems] = yield* Effect.all(
    [
      findOldest(best, byStart[0]?.start, page.observedAt),
      filterProblem(list, options.filters, size),
      ...[...samples].flatMap((row) => (row === undefined ? [] : [Ask.control(best, row, size)]))
    ],
    { concurrency: "unbounded" }
  )
  return {
    learned: {
      pageSize: size,
      sort: sorted.sort,
      newestFirst: sorted.newestFirst,
      filterProblem:
        problems.find((problem) => problem !== undefined) ??
        (first.length > 0 && known.length === 0
          ? "no session with a start was seen, so the time bounds could not be tried"
          : undefined),
      edition: page.edition,
      clockOffset: page.observedAt - localNow * 1000,
      pagesAtMost: deep.pagesAtMost
    },
    serverNow: page.observedAt,
    oldest,
    first
  }
})

/** A short first page is all there is, or all that a page brings: the second one tells. */
const pageSize = Effect.fnUntraced(function* (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>, asked: number) {
  if (first.length === 0 || first.length >= asked) return asked
  const { rows } = yield* ask(2, {}, { size: first.length })
  return rows.length === 0 || Rows.sameRows(rows, first) ? asked : first.length
})

const chooseSort = Effect.fnUntraced(function* (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) {
  if (comesNewestFirst(first) || first.length < 2) return { sort: unsorted, newestFirst: comesNewestFirst(first) }
  const answers = yield* Effect.all(
    sorts.map((sort) => orEmpty(ask(1, {}, { sort }))),
    { concurrency: "unbounded" }
  )
  const found = sorts.find((_, i) => comesNewestFirst(answers[i]?.rows ?? []))
  return { sort: found ?? unsorted, newestFirst: found !== undefined }
})

/** Pages 2, 4, 8 … until one is beyond the end: empty, or what another one was. */
const gallop = Effect.fnUntraced(function* (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) {
  const rows: Array<Rows.Row> = []
  let before = first
  if (first.length === 0) return { rows, pagesAtMost: 0 }
  for (let exponent = 1; exponent < 30; exponent += 5) {
    const pages = Array.from({ length: 5 }, (_, i) => 2 ** (exponent + i))
    const answers = yield* Effect.all(
      pages.map((page) => orEmpty(ask(page, {}))),
      { concurrency: "unbounded" }
    )
    for (const [i, answer] of answers.entries()) {
      // Pages that share most rows are beyond the end.
      if (answer.rows.length === 0 || Rows.alike(answer.rows, first) || Rows.alike(answer.rows, before)) {
        return { rows, pagesAtMost: pages[i] ?? 2 }
      }
      rows.push(...answer.rows)
      before = answer.rows
    }
  }
  return { rows, pagesAtMost: 2 ** 30 }
})

/** Nothing is older than the answer: the sort's first row, when nothing lies before it, or a stretch found empty. */
const findOldest = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  known: Instant.Instant | undefined,
  now: Instant.Instant
) {
  const earliest = Date.UTC(2000, 0, 1) * 1000
  const nothingBefore = (before: Instant.Instant) =>
    Effect.map(ask(1, { after: earliest, before }), ({ rows }) =>
      rows.every(({ start }) => start === undefined || start >= before)
    )
  const ascending = yield* orEmpty(ask(1, {}, { sort: { by: "started_at", order: "asc" } }))
  const starts = [known, ...ascending.rows.map(({ start }) => start)].filter((start) => start !== undefined)
  const guess = Ask.floorSecond(Math.min(...starts))
  if (starts.length > 0 && (yield* nothingBefore(guess))) return guess
  const day = 86_400 * Ask.second
  const edges = Array.from({ length: 14 }, (_, i) => Math.max(earliest, Ask.floorSecond(now - 2 ** i * day)))
  const empty = yield* Effect.all(edges.map(nothingBefore), { concurrency: "unbounded" })
  const found = edges.find((_, i) => empty[i] === true)
  return starts.length === 0 && found === edges[0] ? undefined : (found ?? earliest)
})

const filterKinds = ["agentId", "channel", "callerNumber"] as const

/**
 * A filter must leave out what does not match, and must do so before pages are taken: when the first row of some bounds
 * does not match a value that another row there has, the first row of a first page of one must be that other row. The
 * bounds lie in the older half of a page, so that a call that comes meanwhile does not take the first place.
 */
const filterProblem = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  filters: Ask.Filters,
  size: number
): Effect.fn.Return<string | undefined, AgniError> {
  const given = filterKinds.filter((kind) => filters[kind] !== undefined)
  if (given.length === 0) return undefined
  const page = yield* list({ page: 1, pageSize: size })
  const starts = page.sessions.flatMap((session) => startInstant(session) ?? []).toSorted((a, b) => a - b)
  const [oldest] = starts
  const middle = starts[Math.floor(starts.length / 2)]
  if (oldest === undefined || middle === undefined)
    return "whether filters work could not be seen: no session has a start"
  const bounds = {
    startedAfter: Instant.format(Ask.floorSecond(oldest) - Ask.second),
    startedBefore: Instant.format(Ask.ceilSecond(middle) + Ask.second)
  }
  const { sessions } = yield* list({ page: 1, pageSize: size, ...bounds })
  const problems = yield* Effect.forEach(
    given,
    Effect.fnUntraced(function* (kind) {
      const top = sessions[0]
      const valueOf = (session: CallSession) => session[kind] ?? undefined
      const other = sessions.find((session) => {
        const value = valueOf(session)
        return value !== undefined && value !== "" && value !== (top && valueOf(top))
      })
      const value = other === undefined ? undefined : valueOf(other)
      if (value === undefined) return `whether the filter by ${kind} works could not be seen`
      const found = (yield* list({ page: 1, pageSize: 1, ...bounds, [kind]: value })).sessions
      if (found.length === 0) return `the filter by ${kind} is applied after paging`
      return found.every((session) => valueOf(session) === value) ? undefined : `the filter by ${kind} is ignored`
    }),
    { concurrency: "unbounded" }
  )
  return problems.find((problem) => problem !== undefined)
})
