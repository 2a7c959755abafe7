/**
 * The coverage of a range: whether every call came, and which may still change.
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
import { type Verdict, weaker } from "../coverage/CoverageSet.ts"

export { type Verdict, weaker }

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
 * Whether all calls of a range came.
 *
 * - `Proven`: all of it came, as the server's own counts and answers show; its filter was seen to work, nothing moved
 *   meanwhile, and the stretch is older than the horizon.
 * - `Provisional`: it may still change; read it again later.
 * - `Unprovable`: the count says that there is more than any way of asking brings, or the filter does not do what it
 *   should.
 * - `Gap`: the stretch could not be read, or not all of it: the calls are those that could.
 *
 * `Proven` assumes that every call was in at least one answer about its time, and that it appears in the API at most the horizon
 * after its start (without a start time: after its creation).
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
 * The calls without a start time that a bounded range leaves out.
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
 * The last window of a range may be of no length, `from` = `to`: it holds the calls without a start time, and those of any
 * earlier window that only some answers showed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Window extends Range {
  /** By start, then id. May be empty: the watermark still moves. */
  readonly rows: Rows.Rows
  readonly rejected: ReadonlyArray<Rejected>
  readonly coverage: Coverage
  /** How many of the calls are final. */
  readonly settled: number
  /** In the last window of a bounded range: the calls without a start time that are not in it. */
  readonly outside?: Outside | undefined
  /** Rows that the server counts besides: it lists them twice or, in a gap, they cannot be had. */
  readonly extra?: number | undefined
  /** In the last window: what was seen of the endpoint that a person should know. */
  readonly endpoint?: Endpoint | undefined
  /** New coverage of earlier windows, which a later answer contradicted. */
  readonly revised?: ReadonlyArray<Range & { readonly coverage: Coverage }> | undefined
  /** The number of requests. */
  readonly requests: number
  /** The server's clock at the first response. Items have their own versions: see `Item`. */
  readonly observedAt: Instant
}

/**
 * A window of items, with the number of final ones.
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
 * The verdict on one window; a gap proves nothing.
 *
 * @since 0.1.0
 * @category reading
 */
export const verdict = (coverage: Coverage): Verdict =>
  coverage._tag === "Proven" ? "proven" : coverage._tag === "Provisional" ? "provisional" : "unprovable"
