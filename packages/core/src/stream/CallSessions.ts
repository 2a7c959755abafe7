/**
 * Call sessions as streams.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { AgniClient } from "../client/AgniClient.ts"
import { AgniError, InvalidRequest } from "../model/AgniError.ts"
import * as CallSession from "../model/CallSession.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import * as Instant from "../model/Instant.ts"
import type { Page } from "../model/Page.ts"
import type { Rejected } from "../model/Rejected.ts"
import * as Seen from "./internal/Seen.ts"

/**
 * How a walk reads.
 *
 * @since 0.1.0
 * @category options
 */
export interface ReadOptions {
  /** Pages asked for ahead of the one that is delivered. The client's own limit holds as well. @default 4 */
  readonly concurrency?: number | undefined
}

/**
 * The plain walk over page numbers, from `query.page` (or 1) to the end, in the server's order.
 *
 * Each page comes without the records that an earlier page had. A page that arrived before an error is delivered before
 * the error. The end is two pages in a row that bring no new id (with filters four, or as many as are asked for ahead),
 * because a server may answer its last page, or its first, for ever, may filter after it took a page, or may once answer
 * an empty list when something went wrong: the first empty page is asked for twice. A page shorter than asked is not the
 * end.
 *
 * The first page is asked for alone. When the server cuts it, the next ones are asked for with what it brought: it may
 * still count pages by the size that was asked for.
 *
 * A walk over page numbers can miss a session: when sessions leave the set while it reads, or when the server orders equal
 * start times differently from one request to the next.
 *
 * @since 0.1.0
 * @category streams
 */
export const pages = (
  query: CallSessionQuery = {},
  options: ReadOptions = {}
): Stream.Stream<Page, AgniError, AgniClient> => {
  const { concurrency = 4 } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    return refuse("concurrency", "must be an integer of at least 1")
  }
  return Stream.unwrap(
    Effect.map(AgniClient, ({ list }) => {
      const seen = Seen.make()
      let withoutNew = 0
      const start = query.page ?? 1
      // A server that filters after paging may leave pages empty before the end: the pages asked for ahead tell.
      const enough = isFiltered(query) ? Math.max(4, concurrency) : 2
      // An outage can look like "no calls": the first empty page in a row is asked for twice.
      const confirm = (asked: CallSessionQuery, page: Page) =>
        isEmpty(page) && withoutNew === 0 ? list(asked) : Effect.succeed(page)
      const read = Effect.flatMap(list({ ...query, page: start }), (page) => confirm({ ...query, page: start }, page))
      const rest = (first: Page) =>
        Stream.unwrap(
          Effect.map(pageSizeOf(list, query, first), (pageSize) => {
            const asked = { ...query, pageSize }
            return Stream.range(start + 1, Number.MAX_SAFE_INTEGER).pipe(
              // With its exit as a value a failed page waits for its turn, instead of throwing away the pages before it.
              Stream.mapEffect((page) => Effect.exit(list({ ...asked, page })), { concurrency }),
              Stream.mapEffect((exit) => Effect.flatMap(exit, (page) => confirm({ ...asked, page: page.page }, page)))
            )
          })
        )
      return Stream.fromEffect(read).pipe(
        Stream.flatMap((first) => Stream.concat(Stream.make(first), rest(first))),
        Stream.map(seen.keepNew),
        Stream.takeUntil((page) => {
          withoutNew = isEmpty(page) ? withoutNew + 1 : 0
          return withoutNew === enough
        }),
        Stream.filter((page) => !isEmpty(page))
      )
    })
  )
}

const isFiltered = ({
  agentId,
  callerNumber,
  channel,
  search,
  startedAfter,
  startedBefore,
  status
}: CallSessionQuery) =>
  [agentId, callerNumber, channel, search, startedAfter, startedBefore, status].some((value) => value !== undefined)

/**
 * A page that brings fewer records than were asked for is all there is, was cut, or was filtered after it was taken. A cut
 * one brings as many again when so many are asked for: then so many are asked for from now on.
 */
const pageSizeOf = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  query: CallSessionQuery,
  first: Page
): Effect.fn.Return<number | undefined, AgniError> {
  const asked = query.pageSize
  const brought = first.sessions.length + first.rejected.length
  if (asked === undefined || brought === 0 || brought >= asked || first.page !== 1) return asked
  const again = yield* list({ ...query, page: 1, pageSize: brought })
  return again.sessions.length + again.rejected.length === brought ? brought : asked
})

const isEmpty = (page: Page): boolean => page.sessions.length === 0 && page.rejected.length === 0

/**
 * Which sessions: a range of start time and the endpoint's filters.
 *
 * @since 0.1.0
 * @category options
 */
export interface Selection
  extends ReadOptions, Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search"> {
  /** The earliest start, included. @default no bound */
  readonly from?: Instant.Input | undefined
  /** The start that is no longer included. @default no bound */
  readonly to?: Instant.Input | undefined
  /** Sessions asked for at once; the server may give fewer. @default 100 */
  readonly pageSize?: number | undefined
}

/**
 * The selected sessions a page at a time, with the records that could not be decoded.
 *
 * The bounds are asked for a second wider on both sides, because the endpoint does not say whether it includes them, and
 * applied here exactly: `from <= start < to`. A session without a start lies in no range, and comes only when neither
 * bound is given.
 *
 * @since 0.1.0
 * @category streams
 */
export const batches = (selection: Selection = {}): Stream.Stream<Page, AgniError, AgniClient> => {
  const { concurrency, from: fromInput, to: toInput, pageSize = 100, ...filters } = selection
  const from = fromInput === undefined ? -Infinity : Instant.fromInput(fromInput)
  const to = toInput === undefined ? Infinity : Instant.fromInput(toInput)
  if (from === undefined || to === undefined) {
    return refuse(from === undefined ? "from" : "to", "must be a time in ISO 8601, such as 2026-07-31T07:16:10Z")
  }
  if (from >= to) return refuse("from", "must be earlier than to")
  const walk = pages({ ...filters, pageSize, ...wider(from, to) }, { concurrency })
  return from === -Infinity && to === Infinity
    ? walk
    : walk.pipe(
        Stream.map((page) => within(page, from, to)),
        Stream.filter((page) => !isEmpty(page))
      )
}

/**
 * The selected sessions one by one.
 *
 * Records that could not be decoded are given to `onRejected`; without it their number and reasons are logged as a
 * warning. Sessions travel in arrays of a page: use `Stream.runForEachArray`, `Stream.mapArrayEffect` and the like, and
 * the work is done per page.
 *
 * @since 0.1.0
 * @category streams
 */
export const sessions = (
  selection: Selection & {
    readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => Effect.Effect<void>) | undefined
  } = {}
): Stream.Stream<CallSession.CallSession, AgniError, AgniClient> => {
  const { onRejected = warn, ...rest } = selection
  return batches(rest).pipe(
    Stream.mapEffect((page) =>
      page.rejected.length === 0 ? Effect.succeed(page.sessions) : Effect.as(onRejected(page.rejected), page.sessions)
    ),
    Stream.flattenIterable
  )
}

const warn = (rejected: ReadonlyArray<Rejected>) =>
  Effect.logWarning(
    `${rejected.length} record(s) could not be decoded and were left out: ` +
      [...new Set(rejected.map((record) => record.reason))].slice(0, 3).join("; ")
  )

const second = 1_000_000
const firstYear = Date.parse("0000-01-01T00:00:00Z") * 1000
const lastYear = Date.parse("9999-12-31T23:59:59Z") * 1000

/**
 * Whole seconds on the wire: fractions are where servers differ most. A bound that leaves the years of four digits, which
 * ISO 8601 has, is left out: nothing lies beyond it.
 */
const wider = (
  from: Instant.Instant,
  to: Instant.Instant
): Pick<CallSessionQuery, "startedAfter" | "startedBefore"> => {
  const after = (Math.floor(from / second) - 1) * second
  const before = (Math.ceil(to / second) + 1) * second
  return {
    ...(after < firstYear ? {} : { startedAfter: Instant.format(after) }),
    ...(before > lastYear ? {} : { startedBefore: Instant.format(before) })
  }
}

/** The page's sessions in `[from, to)`. A start that is text but no time is not dropped in silence. */
const within = (page: Page, from: Instant.Instant, to: Instant.Instant): Page => {
  const sessions: Array<CallSession.CallSession> = []
  const rejected = [...page.rejected]
  page.sessions.forEach((session, index) => {
    const start = CallSession.startInstant(session)
    if (start !== undefined) {
      if (start >= from && start < to) sessions.push(session)
      return
    }
    const text = session.startedAt?.trim()
    if (text !== undefined && text !== "" && Instant.parse(text) === undefined) {
      const reason = "startedAt is not a time that is understood, so the session cannot be placed in the range"
      rejected.push({ stage: "range", reason, raw: session, page: page.page, index, observedAt: page.observedAt })
    }
  })
  return { ...page, sessions, rejected }
}

const refuse = (parameter: string, what: string): Stream.Stream<never, AgniError> =>
  Stream.fail(
    new AgniError({
      reason: new InvalidRequest({ parameter, description: `${parameter} ${what}` }),
      request: "CallSessions",
      attempts: 0,
      elapsed: Duration.zero
    })
  )
