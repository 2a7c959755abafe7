/**
 * What happens in a run, for those who watch it.
 *
 * @since 0.1.0
 */
import type { Instant } from "../model/Instant.ts"
import type { Cursor, Position } from "../model/Position.ts"
import type { SinkError } from "../sink/SinkError.ts"
import type { RunSummary } from "./RunSummary.ts"

/**
 * What a run did so far. Of calls that a sink has from an earlier run only `read` counts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Totals {
  /** Everything before this is safe in all open sinks, by this run; `undefined` before its first commit. */
  readonly committed: Cursor | undefined
  /** `written` when all calls are safe, though a file may still lack its name; `finished` when the checkpoint says that nothing is left. */
  readonly stage: "reading" | "written" | "finished"
  /** Calls that the sink that has most took by this run, those of the unit in progress too. */
  readonly written: number
  /** The same at the last commit. */
  readonly safe: number
  /** Calls of writes that did not end: a sink may have some of them. */
  readonly inFlight: number
  /** Calls that the source brought. */
  readonly read: number
  /** Calls that the transform let through, and that are in all open sinks or were rejected by them. */
  readonly delivered: number
  /** Calls that the transform left out. */
  readonly filtered: number
  /** Records that the source could not decode. */
  readonly rejected: number
  /** Dead letters written. */
  readonly dead: number
  /** The first and the last start of the calls that were delivered. */
  readonly earliest: Instant | undefined
  readonly latest: Instant | undefined
  /** The start of the call that was read last. */
  readonly last: Instant | undefined
}

/**
 * Each event has the totals so far, so that one that is missed is made up for by the next.
 *
 * - `Started`: the sinks are open. `from` is where an earlier run stopped.
 * - `Read`: the source brought calls.
 * - `Delivered`: they are in all open sinks, though not yet safe.
 * - `Committed`: everything before `at` is safe in all open sinks, and the checkpoint says so.
 * - `SinkClosed`: the run resumes without a sink that failed.
 * - `Finished`: the run succeeded.
 * - `Stopped`: it failed or was interrupted. One of these two is the last event.
 *
 * @since 0.1.0
 * @category models
 */
export type RunEvent =
  | { readonly _tag: "Started"; readonly from: Position | undefined; readonly totals: Totals }
  | { readonly _tag: "Read"; readonly totals: Totals }
  | { readonly _tag: "Delivered"; readonly totals: Totals }
  | { readonly _tag: "Committed"; readonly at: Cursor; readonly totals: Totals }
  | { readonly _tag: "SinkClosed"; readonly sink: string; readonly error: SinkError; readonly totals: Totals }
  | { readonly _tag: "Stopped"; readonly totals: Totals }
  | { readonly _tag: "Finished"; readonly summary: RunSummary; readonly totals: Totals }
