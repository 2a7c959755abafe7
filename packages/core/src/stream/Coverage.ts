/**
 * What may be said of a stretch of history: did every session of it come, and can what came still change?
 *
 * @since 0.1.0
 */
import type { CoverageReason } from "../coverage/CoverageReason.ts"
import type { Endpoint } from "../coverage/CoverageSet.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSession } from "../model/CallSession.ts"
import type { Instant } from "../model/Instant.ts"
import type { Item } from "../model/Item.ts"
import type { Rejected } from "../model/Rejected.ts"
import * as Rows from "../model/Rows.ts"
import * as Packed from "../model/internal/Packed.ts"

/**
 * A stretch of start time, `from <= start < to`, in microseconds since the epoch.
 *
 * @since 0.1.0
 * @category models
 */
export interface Range {
  readonly from: Instant
  readonly to: Instant
}

/**
 * Whether all sessions of a stretch came.
 *
 * - `Proven`: the server's own count of the stretch, taken after it was read, equals the sessions held, its filter was
 *   seen to work, nothing moved meanwhile, and the stretch is older than the horizon.
 * - `Provisional`: it may still change; read it again later.
 * - `Unprovable`: the count says that there is more than any way of asking brings, or the filter does not do what it
 *   should.
 * - `Gap`: the stretch could not be read, or not all of it: the sessions are those that could.
 *
 * What is left to believe of `Proven`: no session becomes visible later than the horizon after it started (one without a
 * start, after it was created), and no departure hid an arrival while the stretch was read.
 *
 * @since 0.1.0
 * @category models
 */
export type Coverage =
  | { readonly _tag: "Proven" }
  | { readonly _tag: "Provisional"; readonly reason: CoverageReason }
  | { readonly _tag: "Unprovable"; readonly reason: CoverageReason }
  | { readonly _tag: "Gap"; readonly reason: CoverageReason; readonly error: AgniError }

/**
 * How many calls without a start a bounded range leaves out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outside {
  /** Created outside the range. */
  readonly created: number
  /** The API does not show which of them were created in the range. */
  readonly unassigned: number
}

/**
 * A stretch of history that was read: its sessions by start, then id, each of the range in exactly one window.
 *
 * @since 0.1.0
 * @category models
 */
export interface Window extends Range {
  /** By start, then id. There may be none: the frontier still moves. */
  readonly rows: Rows.Rows
  readonly rejected: ReadonlyArray<Rejected>
  readonly coverage: Coverage
  /** How many of the sessions are not expected to change any more. */
  readonly settled: number
  /** With the last window of a bounded range: the calls without a start that it does not hold. */
  readonly outside?: Outside | undefined
  /** Rows that the server counts besides: under ids that came already or, in a gap, because they cannot be had. */
  readonly extra?: number | undefined
  /** With the last window: what was seen of the endpoint that a person should know. */
  readonly endpoint?: Endpoint | undefined
  /** What was said of earlier windows, and no longer holds. */
  readonly revised?: ReadonlyArray<Range & { readonly coverage: Coverage }> | undefined
  /** Requests that it took. */
  readonly requests: number
  /** The server's clock at its first response. What it holds has versions of its own: see `Item`. */
  readonly observedAt: Instant
}

/**
 * A window of items, with how many of them are settled.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (items: ReadonlyArray<Item<CallSession>>, rest: Omit<Window, "rows" | "settled">): Window => ({
  ...rest,
  rows: Rows.make(items, rest.observedAt),
  settled: items.reduce((sum, item) => (Packed.isSettled(item) ? sum + 1 : sum), 0)
})

/**
 * A whole set of windows, as its weakest one.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "proven" | "provisional" | "unprovable"

/**
 * The verdict on one stretch; a gap proves nothing.
 *
 * @since 0.1.0
 * @category reading
 */
export const verdict = (coverage: Coverage): Verdict =>
  coverage._tag === "Proven" ? "proven" : coverage._tag === "Provisional" ? "provisional" : "unprovable"

const rank: Readonly<Record<Verdict, number>> = { proven: 0, provisional: 1, unprovable: 2 }

/**
 * The weaker of two verdicts.
 *
 * @since 0.1.0
 * @category combining
 */
export const weaker = (left: Verdict, right: Verdict): Verdict => (rank[left] >= rank[right] ? left : right)
