/**
 * The plain walk over page numbers.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import * as Instant from "../model/Instant.ts"
import * as CallRows from "../model/Rows.ts"
import type { Page } from "../model/Page.ts"
import type { Micros } from "../endpoint/internal/Micros.ts"
import * as Asked from "./internal/Asked.ts"
import { refuse } from "./internal/Refuse.ts"
import * as Rows from "../endpoint/internal/ListedRows.ts"
import * as Seen from "./internal/Seen.ts"
import * as Steady from "../endpoint/internal/Steady.ts"

/**
 * Options of a walk over pages.
 *
 * @since 0.1.0
 * @category options
 */
export interface ReadOptions {
  /** Pages asked for ahead of the one that is delivered. The client's own limit holds as well. @default 4 */
  readonly concurrency?: number | undefined
}

/**
 * A selection of calls: a range of start time and the endpoint's filters.
 *
 * @since 0.1.0
 * @category options
 */
export interface Selection extends Pick<
  CallSessionQuery,
  "agentId" | "status" | "channel" | "callerNumber" | "search"
> {
  /** The earliest start, included. @default no bound */
  readonly from?: Instant.Bound | undefined
  /** The start that is no longer included. @default no bound */
  readonly to?: Instant.Bound | undefined
  /** Calls in one request; the server may send fewer. @default 100 */
  readonly pageSize?: number | undefined
  /** Requests at the same time. The client's own limit applies too. @default 4 */
  readonly concurrency?: number | undefined
}

/**
 * The plain walk over page numbers, from `query.page` (or 1) to the end, in the server's order.
 *
 * Each page comes without the records of earlier pages. Pages that arrived before an error are delivered before it. The walk
 * ends after two pages in a row without a new id (with filters four, or the number of pages requested ahead). The reasons: a
 * server may repeat its last or first page forever, may filter after it took a page, or may answer an empty list after a
 * failure, so the first empty page is requested twice. A short page does not end the walk. After a page with records, a 404,
 * 400 or 204 on two attempts ends it too.
 *
 * The first page is requested alone. If the server shortens it, the next requests use the size that came, because the server
 * may still compute offsets from the requested size.
 *
 * A walk over page numbers can miss a call: when calls leave the set during the walk, or when the server orders equal start
 * times differently in each request. `sessions` does not.
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
      /** Pages in a row that brought nothing new. */
      const idle = { pages: 0 }
      const start = query.page ?? 1
      // A server that filters after paging may leave pages empty before the end: the pages asked for ahead tell.
      const enough = isFiltered(query) ? Math.max(4, concurrency) : 2
      // An outage can look like "no calls": the first empty page in a row is asked for twice.
      const confirm = (asked: CallSessionQuery, page: Page) =>
        isEmpty(page) && idle.pages === 0 ? list(asked) : Effect.succeed(page)
      const firstAsked = { ...query, page: start }
      const read = Effect.flatMap(list(firstAsked), (page) => confirm(firstAsked, page)).pipe(
        Effect.tap((page) => Steady.check(Rows.ofPage(page), Effect.map(list(firstAsked), Rows.ofPage)))
      )
      const rest = (first: Page) =>
        Stream.unwrap(
          Effect.map(pageSizeOf(list, query, first), (pageSize) => {
            const asked = { ...query, pageSize }
            return Stream.range(start + 1, Number.MAX_SAFE_INTEGER).pipe(
              // With its exit as a value a failed page waits for its turn, instead of throwing away the pages before it.
              Stream.mapEffect((page) => Effect.exit(list({ ...asked, page })), { concurrency }),
              Stream.mapEffect((exit, at) => {
                const here = { ...asked, page: start + 1 + at }
                // One such answer may be transient; before any page was read, it does not mean the end.
                const result = isPastEnd(exit) && !isEmpty(first) ? Effect.exit(list(here)) : Effect.succeed(exit)
                return Effect.flatMap(result, (exit) =>
                  isPastEnd(exit) && !isEmpty(first)
                    ? Effect.succeed(Option.none())
                    : Effect.map(
                        Effect.flatMap(exit, (page) => confirm(here, page)),
                        Option.some
                      )
                )
              }),
              Stream.takeWhile(Option.isSome),
              Stream.map(({ value }) => value)
            )
          })
        )
      return Stream.fromEffect(read).pipe(
        Stream.flatMap((first) => Stream.concat(Stream.make(first), rest(first))),
        Stream.map(seen.keepNew),
        Stream.takeUntil((page) => {
          idle.pages = isEmpty(page) ? idle.pages + 1 : 0
          return idle.pages === enough
        }),
        Stream.filter((page) => !isEmpty(page))
      )
    })
  )
}

/** How servers answer a page that lies behind the last one, where they do not answer with an empty list. */
const isPastEnd = (exit: Exit.Exit<Page, AgniError>): boolean => {
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Exit.findErrorOption(exit)) : undefined
  if (error === undefined) return false
  const { reason } = error
  switch (reason._tag) {
    case "NotFound":
      return true
    case "InvalidRequest":
      return reason.status === 400
    case "InvalidResponse":
      return reason.problem._tag === "NoContent"
    default:
      return false
  }
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
  const brought = countOf(first)
  if (asked === undefined || brought === 0 || brought >= asked || first.page !== 1) return asked
  const again = yield* list({ ...query, page: 1, pageSize: brought })
  return countOf(again) === brought ? brought : asked
})

const countOf = (page: Page): number => page.rows.length + page.rejected.length

const isEmpty = (page: Page): boolean => countOf(page) === 0

/**
 * The same within a range, which is asked for a second wider on both sides and applied here exactly. A session without a
 * start lies in no range.
 */
const inRange = (
  from: Instant.Instant | undefined,
  to: Instant.Instant | undefined,
  query: CallSessionQuery,
  options: ReadOptions
): Stream.Stream<Page, AgniError, AgniClient> =>
  from === undefined && to === undefined
    ? pages(query, options)
    : pages({ ...query, ...wider(from ?? -Infinity, to ?? Infinity) }, options).pipe(
        Stream.map((page) => within(page, from ?? -Infinity, to ?? Infinity)),
        Stream.filter((page) => !isEmpty(page))
      )

const second = 1_000_000
const firstYear = Date.parse("0000-01-01T00:00:00Z") * 1000
const lastYear = Date.parse("9999-12-31T23:59:59Z") * 1000

/**
 * Whole seconds on the wire: fractions are where servers differ most. A bound that leaves the years of four digits, which
 * ISO 8601 has, is left out: nothing lies beyond it.
 */
const wider = (from: Micros, to: Micros): Pick<CallSessionQuery, "startedAfter" | "startedBefore"> => {
  const after = (Math.floor(from / second) - 1) * second
  const before = (Math.ceil(to / second) + 1) * second
  return {
    ...(after < firstYear ? {} : { startedAfter: Instant.format(Instant.of(after)) }),
    ...(before > lastYear ? {} : { startedBefore: Instant.format(Instant.of(before)) })
  }
}

/** The page's sessions in `[from, to)`, and those whose start is text but no time: the server says that they lie there. */
const within = (page: Page, from: Micros, to: Micros): Page => ({
  ...page,
  rows: CallRows.make(
    CallRows.items(page.rows).filter(({ row, start }) =>
      start === undefined ? Rows.hasUnreadableStart(row) : start >= from && start < to
    ),
    page.observedAt
  )
})

/**
 * The selected calls by the plain walk over pages, as in `pages`, with the records that could not be decoded.
 *
 * Requests extend the bounds by a second on both sides, because the endpoint does not say whether it includes them. The
 * stream then applies them exactly: `from <= start < to`. A call without a start time is in no range, and comes only if no
 * bound is given.
 *
 * @since 0.1.0
 * @category streams
 */
export const selectedPages = (selection: Selection = {}): Stream.Stream<Page, AgniError, AgniClient> => {
  const range = Asked.range(selection)
  if (Result.isFailure(range)) return Stream.fail(range.failure)
  const { concurrency, pageSize = 100, ...filters } = Struct.omit(selection, ["from", "to"])
  return inRange(range.success.from, range.success.to, { ...filters, pageSize }, { concurrency })
}
