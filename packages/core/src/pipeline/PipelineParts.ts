/**
 * A pipeline whose stretches are read by several processes: one cuts the range, any process reads a stretch, and one ends the run.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Lease, State } from "../checkpoint/Checkpoint.ts"
import * as CoverageSet from "../coverage/CoverageSet.ts"
import type { StretchProof } from "../coverage/StretchProof.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunSummary } from "./RunSummary.ts"

/**
 * A range that was cut, as JSON: with it any process reads any stretch, and need not probe the endpoint again. It has ids and
 * start times of some calls, nothing else of them.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Cut = Schema.Struct({
  /** Of this run and no other: files that several processes write have it in their names. */
  id: Schema.String,
  /** Names the calls and the sinks: another pipeline refuses it. */
  fingerprint: Schema.Record(Schema.String, Schema.String),
  /** The state of the source, such as the resolved range. */
  source: Schema.Json,
  /** They tile the range, ascending. None where the source can only be read in one piece: then the ending reads it. */
  stretches: Schema.Array(CoverageSet.Range),
  /** What the source saw while it was cut. */
  note: Schema.Json
})

/**
 * @since 0.1.0
 * @category models
 */
export type Cut = typeof Cut.Type

/**
 * What a stretch left when it was committed last: what it proved, and where each sink is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivered extends StretchProof {
  readonly sinks: State["sinks"]
}

/** Called with each event of a part before the part continues: at a commit, the last event has the totals of that state. */
type OnEvent = (event: RunEvent) => Effect.Effect<void>

/**
 * The parts of a run. All stretches in any order, each once at a time, and then the ending come to what one run delivers and
 * proves. A stretch or an ending that was killed is run again with the state that its lease saved last.
 *
 * Each process needs the same options, and sinks that processes can share: those with `shares: "each"`, and many files in a bucket,
 * which share their `parts`. A table on one machine, such as SQLite, and files of dead letters look alike to all stretches: give each
 * process its own, or none. Files on a disk are refused.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parts<out E, out R> {
  /**
   * Probes the endpoint and cuts the range into stretches for so many readers at least.
   *
   * Fails with a `SinkError` for a sink that only one process can write.
   */
  readonly cut: (options: { readonly readers: number }) => Effect.Effect<Cut, E, R>
  /**
   * Reads and delivers a stretch, from where the state of the lease left off. A finished state does nothing. `deliveredOf` makes of
   * the last state that was committed what the ending needs.
   */
  readonly stretch: (cut: Cut, nth: number, lease: Lease, onEvent?: OnEvent) => Effect.Effect<RunSummary, E, R>
  /**
   * After all stretches: delivers the calls without a start time, compares the counts with the server's, takes back what an answer
   * contradicted, and finishes the sinks. The coverage of the summary is that of the whole. A stretch that is not among those
   * delivered is a part that was not read.
   */
  readonly ending: (
    cut: Cut,
    delivered: ReadonlyArray<Delivered>,
    lease: Lease,
    onEvent?: OnEvent
  ) => Effect.Effect<RunSummary, E, R>
}

/**
 * What a stretch left, from the last state that its lease committed.
 *
 * @since 0.1.0
 * @category reading
 */
export const deliveredOf = (
  range: CoverageSet.Range,
  { coverage = CoverageSet.empty, evidence, sinks }: State
): Delivered => ({ range, coverage, evidence, sinks })
