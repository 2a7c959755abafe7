/**
 * The contract of a place where calls come from.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { CoverageReason } from "../coverage/CoverageReason.ts"
import type * as CoverageSet from "../coverage/CoverageSet.ts"
import type { StretchProof } from "../coverage/StretchProof.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import type { Cursor, Position } from "../model/Position.ts"
import type { Rejected } from "../model/Rejected.ts"
import type { Rows } from "../model/Rows.ts"

/**
 * What a source delivers at once: rows, and the records that it could not decode.
 *
 * - `Window`: all calls of a range of start time. Once it is delivered, everything before `to` is.
 * - `WithoutStart`: calls that have no position. They are committed only at the end.
 * - `Page`: calls in no order. With `to` everything before that position is delivered with it; without it the page is
 *   committed only at the end. `coverage` is what reading it, and the pages before it, proved.
 *
 * Any of them may take back what was said of ranges before: `doubts`.
 *
 * @since 0.1.0
 * @category models
 */
export type Unit = {
  readonly rows: Rows
  readonly rejected: ReadonlyArray<Rejected>
  readonly doubts?: ReadonlyArray<Doubt> | undefined
  /** Observations of the endpoint. */
  readonly endpoint?: CoverageSet.Endpoint | undefined
  /** What answers showed up to here, and what was delivered. */
  readonly evidence?: Evidence | undefined
} & (
  | {
      readonly _tag: "Window"
      readonly range: CoverageSet.Range
      readonly coverage: CoverageSet.Entry
      readonly to: Position
    }
  | {
      readonly _tag: "WithoutStart"
      readonly coverage?: CoverageSet.Part | undefined
      /** How many of them exist that are not in it, where they were counted. */
      readonly outside?: CoverageSet.Outside | undefined
      /** Rows that have a start came late for their window: none was delivered before. @default a sink has those before its position */
      readonly late?: boolean | undefined
    }
  | {
      readonly _tag: "Page"
      readonly to?: Position | undefined
      readonly coverage?: CoverageSet.CoverageSet | undefined
    }
)

/**
 * What a reading that resumes after a unit must know: what answers showed, and which calls were delivered.
 *
 * @since 0.1.0
 * @category models
 */
export interface Evidence {
  /** Made when the unit is committed: it grows with the calls. Calls no request. */
  readonly save: () => Schema.Json | undefined
  /** Calls that it is of. */
  readonly calls: number
}

/**
 * A range whose coverage was too good.
 *
 * @since 0.1.0
 * @category models
 */
export interface Doubt extends Pick<CoverageSet.Entry, "range" | "verdict"> {
  readonly reason: CoverageReason
}

/**
 * Where a run resumes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Place {
  /** Everything before this is in all sinks; `undefined` to read from the beginning. */
  readonly from: Position | undefined
  /** The positions of the other sinks: no unit may span one. */
  readonly cuts: ReadonlyArray<Position>
  /**
   * Up to here some sink has what an earlier process read, and does not get it again: it lacks what came since. @default there is no
   * such sink
   */
  readonly ahead?: Cursor | undefined
  /** Ranges of which such a sink may lack a call, as earlier runs found. @default none */
  readonly doubted?: ReadonlyArray<CoverageSet.Range> | undefined
  /** The evidence of the last unit that was committed, at `from` or behind it. @default none */
  readonly evidence?: Schema.Json | undefined
}

/**
 * A stretch of a source, and where an earlier run left off in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Begun {
  readonly range: CoverageSet.Range
  /** Everything before this is in all sinks. */
  readonly at: Position | undefined
}

/**
 * What a source reads, in stretches that several readers read in parallel.
 *
 * @since 0.1.0
 * @category models
 */
export interface SideBySide<out E = never, out R = never> {
  /** They tile what is read, ascending. */
  readonly stretches: ReadonlyArray<CoverageSet.Range>
  /** The units of a stretch, ascending from `from` on, none across a cut. Each stretch is read once. */
  readonly units: (stretch: number, at: Place) => Stream.Stream<Unit, E, R>
  /** After all stretches: what is in none of them, and what is taken back of any. */
  readonly closing: Stream.Stream<Unit, E, R>
  /** What a process must know that resumes when these parts are committed. @default it needs nothing */
  readonly evidence?: ((committed: ReadonlyArray<CoverageSet.Range>) => Schema.Json | undefined) | undefined
}

/**
 * The stretches of a source, and what a process needs to read one of them without asking again. Holds no content of calls.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cut {
  /** They tile what is read, ascending. */
  readonly stretches: ReadonlyArray<CoverageSet.Range>
  readonly note: Schema.Json
}

/**
 * How a source is read in several processes, each by its own client: what the answers for one stretch show of another counts in
 * the ending.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parts<in S, out E = never, out R = never> {
  /** Cuts what is read for so many readers at least. */
  readonly cut: (state: S, readers: number) => Effect.Effect<Cut, E, R>
  /**
   * The units of a stretch, ascending from `from` on, none across a cut. Each has its evidence; that of the last one that was
   * committed is given where the stretch resumes.
   */
  readonly stretch: (
    state: S,
    cut: Cut,
    nth: number,
    at: Place,
    evidence: Schema.Json | undefined
  ) => Stream.Stream<Unit, E, R>
  /** After all stretches: what is in none of them, and what is taken back of any. */
  readonly ending: (state: S, cut: Cut, proofs: ReadonlyArray<StretchProof>) => Stream.Stream<Unit, E, R>
}

/**
 * A source of calls. `S` is what it must remember when a run resumes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source<S, out E = never, out R = never> {
  /** Identifies what it reads: two sources that differ never share a checkpoint. Holds no secret and no personal data. */
  readonly fingerprint: Fingerprint
  /** Encodes the state for the checkpoint. */
  readonly state: Schema.Codec<S, Schema.Json>
  /** Resolves settings such as a range that ends now. Runs once for each name, and is saved before any unit. */
  readonly begin: Effect.Effect<S, E, R>
  /** Ascending from `from` on, none across a cut. */
  readonly units: (state: S, at: Place) => Stream.Stream<Unit, E, R>
  /**
   * Opens its stretches: those of an earlier run, with the evidence of its last commit, or new ones for so many readers.
   * @default it can only be read in one piece
   */
  readonly stretches?:
    | ((
        state: S,
        readers: number,
        begun: ReadonlyArray<Begun> | undefined,
        evidence: Schema.Json | undefined
      ) => Effect.Effect<SideBySide<E, R>, E, R>)
    | undefined
  /** How several processes read it. @default it can only be read by one */
  readonly parts?: Parts<S, E, R> | undefined
}

/**
 * A source without a state.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(options: {
  readonly fingerprint: Fingerprint
  readonly units: (at: Place) => Stream.Stream<Unit, E, R>
}): Omit<Source<null, E, R>, "parts" | "stretches"> => ({
  fingerprint: options.fingerprint,
  state: Schema.Null,
  begin: Effect.succeed(null),
  units: (_, at) => options.units(at)
})
