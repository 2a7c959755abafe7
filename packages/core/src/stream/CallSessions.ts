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
 * How a walk over pages reads.
 *
 * @since 0.1.0
 * @category options
 */
export type ReadOptions = Pages.ReadOptions

/**
 * The plain walk over page numbers, from `query.page` (or 1) to the end, in the server's order.
 *
 * Each page comes without the records that an earlier page had. A page that arrived before an error is delivered before
 * the error. The end is two pages in a row that bring no new id (with filters four, or as many as are asked for ahead),
 * because a server may answer its last page, or its first, for ever, may filter after it took a page, or may once answer
 * an empty list when something went wrong: the first empty page is asked for twice. A page shorter than asked is not the
 * end. After a page with records a 404, 400 or 204, given twice, is the end too.
 *
 * The first page is asked for alone. When the server cuts it, the next ones are asked for with what it brought: it may
 * still count pages by the size that was asked for.
 *
 * A walk over page numbers can miss a session: when sessions leave the set while it reads, or when the server orders equal
 * start times differently from one request to the next. `sessions` does not.
 *
 * @since 0.1.0
 * @category streams
 */
export const pages: (query?: CallSessionQuery, options?: ReadOptions) => Stream.Stream<Page, AgniError, AgniClient> =
  Pages.walk

/**
 * Which sessions: a range of start time and the endpoint's filters.
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
  /** Sessions asked for at once; the server may give fewer. @default 100 */
  readonly pageSize?: number | undefined
  /** Requests under way at once. The client's own limit holds as well. @default 4 */
  readonly concurrency?: number | undefined
}

/** The bounds as instants, or the stream that says which is none. */
const rangeOf = (selection: Pick<Selection, "from" | "to">) => {
  const asked = Asked.read(selection)
  if (Result.isFailure(asked)) return { refused: Stream.fail(asked.failure) }
  const { from, to } = asked.success
  if (from !== undefined && to !== undefined && from >= to)
    return { refused: refuse("from", "must be earlier than to") }
  return { from, to }
}

/**
 * The selected sessions by the plain walk over pages, with the records that could not be decoded: what `pages` says of a
 * walk holds.
 *
 * The bounds are asked for a second wider on both sides, because the endpoint does not say whether it includes them, and
 * applied here exactly: `from <= start < to`. A session without a start lies in no range, and comes only when neither
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
 * The selected sessions in windows of start time, ascending, each with what may be said of it: `History.windows` for a
 * selection.
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
 * The selected sessions one by one, by start, each once, read as `windows` reads them.
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
    // Each comes as an object: reading it again would cost more than keeping it.
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
