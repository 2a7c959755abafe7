/**
 * What a run did.
 *
 * @since 0.1.0
 */
import type { CoverageSet } from "../coverage/CoverageSet.ts"
import type { Position } from "../model/Position.ts"
import type { Replaced } from "../sink/SessionSink.ts"
import type { SinkError } from "../sink/SinkError.ts"
import type { Totals } from "./RunEvent.ts"

/**
 * The result of a sink.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkSummary extends Replaced {
  readonly sink: string
  readonly written: number
  readonly refused: number
  /** Of those written, rows left as they are, because the sink holds a newer version of them. */
  readonly newer: number
  /** Of those written, rows that overwrote a version in the future of both clocks, the server's and this machine's. */
  readonly notBelieved: number
  /** The error that closed it, when the run continued without it. */
  readonly failure: SinkError | undefined
}

/**
 * What a run did. Calls that a sink had from an earlier run are not counted as written again.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSummary {
  readonly received: number
  /** Left out by a transform. */
  readonly filtered: number
  /** Dead letters written. */
  readonly dead: number
  readonly sinks: ReadonlyArray<SinkSummary>
  /** The run before this one finished, and this one had nothing to do. */
  readonly finishedBefore: boolean
  /** Where an earlier run stopped; `undefined` when this one began from the beginning. */
  readonly from: Position | undefined
  /** The coverage of everything that the sinks hold, with the earlier runs of this name. */
  readonly coverage: CoverageSet
  readonly totals: Totals
}
