/**
 * Call sessions as streams.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as CoverageReason from "../coverage/CoverageReason.ts"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type * as CallSession from "../model/CallSession.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import type * as Instant from "../model/Instant.ts"
import type { Page } from "../model/Page.ts"
import type { Rejected } from "../model/Rejected.ts"
import type { Window } from "./Coverage.ts"
import * as History from "./History.ts"
import * as Asked from "./internal/Asked.ts"
import * as Pages from "./internal/Pages.ts"
import { refuse } from "./internal/Refuse.ts"

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
export const pages: (query?: CallSessionQuery, options?: ReadOptions) => Stream.Stream<Page, AgniError, AgniClient> =
  Pages.walk

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

/** The bounds as instants, or a stream that fails with the invalid one. */
const rangeOf = (selection: Pick<Selection, "from" | "to">) => {
  const asked = Asked.read(selection)
  if (Result.isFailure(asked)) return { refused: Stream.fail(asked.failure) }
  const { from, to } = asked.success
  if (from !== undefined && to !== undefined && from >= to)
    return { refused: refuse("from", "must be earlier than to") }
  return { from, to }
}

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
  const range = rangeOf(selection)
  if (range.refused !== undefined) return range.refused
  const { concurrency, pageSize = 100, ...filters } = Struct.omit(selection, ["from", "to"])
  return Pages.inRange(range.from, range.to, { ...filters, pageSize }, { concurrency })
}

/**
 * The selected calls in windows of start time, ascending, each with its coverage: `History.windows` for a selection.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (
  selection: Selection = {},
  options: Pick<History.Options, "keepGoing" | "horizon" | "hold"> = {}
): Stream.Stream<Window, AgniError, AgniClient> => {
  const range = rangeOf(selection)
  if (range.refused !== undefined) return range.refused
  return History.windows(range, { ...Struct.omit(selection, ["from", "to"]), ...options })
}

/**
 * The selected calls one by one, by start, each once, read as in `windows`.
 *
 * Records that could not be decoded are given to `onRejected`; without it their number and reasons are logged as a
 * warning. What a window proves is given to `onWindow`; without it a warning is logged at the end when something could
 * not be proven complete. Sessions travel in arrays of a window: use `Stream.runForEachArray`, `Stream.mapArrayEffect`
 * and the like, and the work is done per array.
 *
 * @since 0.1.0
 * @category streams
 */
export const sessions = (
  selection: Selection & {
    readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => Effect.Effect<void>) | undefined
    readonly onWindow?: ((window: Window) => Effect.Effect<void>) | undefined
  } = {}
): Stream.Stream<CallSession.CallSession, AgniError, AgniClient> =>
  Stream.suspend(() => {
    const { onRejected = warn, onWindow, ...rest } = selection
    const doubts: Array<CoverageReason.CoverageReason> = []
    const note = (window: Window) =>
      Effect.sync(() => {
        if (window.coverage._tag === "Unprovable") doubts.push(window.coverage.reason)
      })
    // Calls leave as objects: parsing them twice would cost more than keeping them.
    return windows(rest, { hold: "objects" }).pipe(
      Stream.mapEffect((window) =>
        (window.rejected.length === 0 ? Effect.void : onRejected(window.rejected)).pipe(
          Effect.andThen((onWindow ?? note)(window)),
          Effect.as(window.rows.sessions())
        )
      ),
      Stream.flattenIterable,
      Stream.onEnd(
        Effect.suspend(() =>
          doubts.length === 0
            ? Effect.void
            : Effect.logWarning(
                `not proven complete: ${CoverageReason.merge(doubts).slice(0, 3).map(CoverageReason.describe).join("; ")}`
              )
        )
      )
    )
  })

const warn = (rejected: ReadonlyArray<Rejected>) =>
  Effect.logWarning(
    `${rejected.length} record(s) could not be decoded and were left out: ` +
      [...new Set(rejected.map((record) => record.reason))].slice(0, 3).join("; ")
  )
