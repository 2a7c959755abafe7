/**
 * A complete and proven history: a range of calls in windows that are read in parallel and delivered in ascending order.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import * as Instant from "../model/Instant.ts"
import type { Range, Window } from "./Coverage.ts"
import * as Clocks from "../endpoint/internal/Clocks.ts"
import * as OnePiece from "./internal/OnePiece.ts"
import * as Stretches from "./internal/Stretches.ts"
import * as WindowTelemetry from "./internal/WindowTelemetry.ts"
import type * as EndpointProfile from "../endpoint/EndpointProfile.ts"

/**
 * How a history is read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search"> {
  /** Windows that are read in parallel; the client's own limit applies too. @default 4 */
  readonly concurrency?: number | undefined
  /** Instants that no window spans: the positions of the sinks of a resumed run. @default none */
  readonly cuts?: ReadonlyArray<Instant.Bound> | undefined
  /**
   * Where a run resumes: what comes before it in `order` is not read again, and the range stays the same. Nothing is known of that part,
   * so no answer is compared with it. @default none
   */
  readonly resume?: Instant.Bound | undefined
  /**
   * Which windows come first. Within a window calls ascend in any case. Where time bounds do not work, pages come in the
   * server's order. @default "oldest"
   */
  readonly order?: "oldest" | "newest" | undefined
  /**
   * Whether all windows are read in parallel from the beginning. Otherwise the first, small one comes alone, so a
   * program that takes only a few calls pays for few requests. @default false
   */
  readonly ahead?: boolean | undefined
  /** Where a range without a `to` ends. @default a day after the latest credible clock when the reading begins: `openEnd` */
  readonly end?: Instant.Bound | undefined
  /**
   * Whether a bounded range includes calls without a start time. Those created in it come in a last window with an empty
   * range, if the server shows which they are; otherwise that window has their number (`outside`). @default "include"
   */
  readonly withoutStart?: "include" | "skip" | undefined
  /** Makes a `Gap` of a range that cannot be read, instead of an error of the stream. @default false */
  readonly keepGoing?: boolean | undefined
  /**
   * How calls are held until their window is delivered. `json` takes less memory and suits files of JSON lines; `objects`
   * saves parsing twice if the program reads objects. @default "json"
   */
  readonly hold?: "json" | "objects" | undefined
  /** The longest time from a call's start until it appears in the API; later starts are `Provisional`. @default "2 hours" */
  readonly horizon?: Duration.Input | undefined
  /**
   * The endpoint profile that `EndpointProfile.examine` made: it saves requests. It may be out of date, because no verdict
   * relies on it. @default none
   */
  readonly profile?: EndpointProfile.EndpointProfile | undefined
  /** Calls in one request. @default 100 */
  readonly pageSize?: number | undefined
  /** Pages in a window. @default 40, fewer for a small history or large records */
  readonly pagesPerWindow?: number | undefined
}

/**
 * A range to read: without `from` it begins with the oldest call, without `to` it ends a day after the latest credible clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenRange {
  readonly from?: Instant.Bound | undefined
  readonly to?: Instant.Bound | undefined
}

/**
 * The windows of a range, ascending (descending with `order: "newest"`) and without gaps between them: each call that started
 * in `[from, to)` is in exactly one.
 *
 * Without `from` and `to`, a last window with an empty range (both bounds are the end) has the calls without a start time, and
 * those that start more than a day in the future. Its coverage also says whether the whole equals the server's total.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (range: OpenRange = {}, options: Options = {}): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.map(OnePiece.windows(range, options), ({ window }) => window)

/**
 * A stretch of a range, and where an earlier run left off in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Begun extends Range {
  /** Everything before this was read. @default its beginning */
  readonly at?: Instant.Instant | undefined
}

/**
 * How stretches are read in parallel.
 *
 * @since 0.1.0
 * @category options
 */
export interface SideBySideOptions extends Omit<Options, "cuts" | "order" | "resume"> {
  /** Stretches that are read at the same time: the range is cut into a multiple of it. */
  readonly sideBySide: number
  /** Calls of a stretch, about. @default 20000 */
  readonly stretchSize?: number | undefined
  /** The stretches as an earlier run cut them. @default the range is cut where its calls are */
  readonly stretches?: ReadonlyArray<Begun> | undefined
}

/**
 * A range in stretches that one reading reads in parallel: what the answers for one show of another counts there too, so it
 * proves as much as `windows`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SideBySide {
  /** They tile the range, ascending. */
  readonly stretches: ReadonlyArray<Range>
  /** The windows of a stretch, ascending. Each stretch is read once. */
  readonly windows: (
    stretch: number,
    at: { readonly from?: Instant.Instant | undefined; readonly cuts: ReadonlyArray<Instant.Instant> }
  ) => Stream.Stream<Window, AgniError, AgniClient>
  /** After all of them: the calls without a start time, and what is taken back of earlier windows. */
  readonly closing: Stream.Stream<Window, AgniError, AgniClient>
}

/**
 * Cuts a range into stretches, and opens them.
 *
 * @since 0.1.0
 * @category streams
 */
export const sideBySide = (
  range: OpenRange,
  options: SideBySideOptions
): Effect.Effect<SideBySide, AgniError, AgniClient> =>
  Effect.map(Stretches.open(range, options), ({ closing, stretches, windows }) => ({
    stretches: stretches.map(({ from, to }) => ({ from: Instant.of(from), to: Instant.of(to) })),
    windows: (stretch, at) => WindowTelemetry.reported(windows(stretch, at)),
    closing: WindowTelemetry.reported(closing)
  }))

/**
 * The end of a range without one: a day after the latest credible clock. A call that starts later had a broken clock, and is
 * delivered like a call without a start time.
 *
 * @since 0.1.0
 * @category ranges
 */
export const openEnd = (local: Instant.Instant, observedAt: Instant.Instant): Instant.Instant =>
  Instant.of(Clocks.openEnd(Clocks.make(local, { latest: observedAt, observedAt })))
