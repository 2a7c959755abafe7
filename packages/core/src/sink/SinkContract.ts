/**
 * The contract of a sink, as types: what opens it, what it gets and what it answers. `SessionSink` has it and the functions.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Pipeable } from "effect/Pipeable"
import type * as Scope from "effect/Scope"
import type { Column } from "../model/Column.ts"
import type { Committed } from "../model/Committed.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import type { Instant } from "../model/Instant.ts"
import type { Item } from "../model/Item.ts"
import type { Cursor } from "../model/Position.ts"
import type { Version } from "../model/Version.ts"
import type { SinkError } from "./SinkError.ts"

/**
 * The rows of one window, or of a part of it, ordered by start, then id.
 *
 * @since 0.1.0
 * @category models
 */
export interface Batch<out A> {
  readonly items: ReadonlyArray<Item<A>>
  /** The columns of the rows, in order, with their types, known before the first row. */
  readonly columns: ReadonlyArray<Column>
  /**
   * The version of rows without one of their own; `versionOf` gives the version of each row. A lower version never
   * overwrites a higher one.
   */
  readonly observedAt: Version
  /**
   * A higher version that a sink already holds was written by a wrong clock: it is overwritten, and counted.
   *
   * @default every version is accepted
   */
  readonly highestCredible?: Version | undefined
  /**
   * Whose calls they are, as the API shows it, for a sink of a sync that keeps changes; empty where the API does not show it.
   *
   * @default not known
   */
  readonly organization?: string | undefined
}

/**
 * The version of a row: its own, or that of its batch.
 *
 * @since 0.1.0
 * @category reading
 */
export const versionOf = ({ observedAt }: Pick<Batch<unknown>, "observedAt">, { version }: Item<unknown>): Version =>
  version ?? observedAt

/**
 * Rows that a sink treated differently because of their versions.
 *
 * @since 0.1.0
 * @category models
 */
export interface Compared {
  /** Rows left unchanged, because the sink holds a newer version. */
  readonly newer: number
  /** Rows overwritten although the sink held a higher version, because that was above `highestCredible`. */
  readonly notBelieved: number
}

/**
 * An item that was rejected by the sink, and why; the reason names no values.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refused {
  readonly id: string
  readonly reason: string
}

/**
 * Files of an earlier output that were overwritten, or removed because the new output does not replace them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Replaced {
  readonly replaced: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

/**
 * What a sink does with a repeated row, or after a run was killed.
 *
 * - `transactional`: keeps its own `Committed` in one transaction with its rows, and a repeated row changes nothing. After a crash it
 *   may be ahead of the checkpoint: it then gets the rows in between again, as they are now.
 * - `idempotent`: a repeated row changes nothing.
 * - `resumable`: cuts its output back to a `Committed` before it resumes.
 * - `append`: none of these.
 *
 * @since 0.1.0
 * @category models
 */
export type Delivery = "transactional" | "idempotent" | "resumable" | "append"

/**
 * What a sink does with the versions of a call in a sync: `latest` keeps one row a call, `changes` keeps each change.
 *
 * @since 0.1.0
 * @category models
 */
export type Keeps = "latest" | "changes"

/**
 * How a sink takes stretches that are read in parallel.
 *
 * - `each`: it is opened once for each of them, under a name of its own, by one process or by several.
 * - `together`: one process opens it once, and each commit of a stretch hands over its rows. Calls are in no order. Several
 *   processes cannot write it.
 * - `parts`: in one process as `together`. Of several processes, each opens it for its stretch with `Opening.part`, and the
 *   ending makes one output of what they left.
 *
 * @since 0.1.0
 * @category models
 */
export type Shares = "each" | "together" | "parts"

/**
 * Which part of a run by several processes opens a sink that shares its `parts`. `run` is the same for all parts of a run, and
 * for no other run.
 *
 * - `Stretch`: the nth one, from 0. A sink that is opened again for a stretch, with a higher epoch, never writes to what the lower
 *   one wrote: the process of that epoch may still be writing.
 * - `Ending`: after all stretches. `left` is where each of them was committed last. It is also opened before the range is cut, and
 *   closed without a write: what fails then, fails before calls are read.
 *
 * @since 0.1.0
 * @category models
 */
export type RunPart =
  | { readonly _tag: "Stretch"; readonly run: string; readonly nth: number }
  | { readonly _tag: "Ending"; readonly run: string; readonly left: ReadonlyArray<Committed> }

/**
 * An open sink. Calls come one after another.
 *
 * @since 0.1.0
 * @category models
 */
export interface Writer<in A> {
  /** Its actual position: a transactional sink's own offset, for others the one that it was opened with. */
  readonly committed: Option.Option<Committed>
  /** Writes a batch, and returns the rejected rows. After a retryable error the same batch may be written again. */
  readonly write: (batch: Batch<A>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>
  /**
   * In a sync: calls that the sink must no longer show. Each item has its `change`, which is `left` or `removed`. May be
   * called again with the same batch, like `write`. @default the sink cannot be in a sync
   */
  readonly remove?: ((batch: Batch<null>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>) | undefined
  /** When it returns, everything written is safe; `at` is the position of the end. */
  readonly flush: (at: Cursor) => Effect.Effect<Committed, SinkError>
  /** Completes the output after the last flush, for example by a footer and a rename. Without it no finished file remains. */
  readonly finish: Effect.Effect<void, SinkError>
  /** After `finish`: the files of an earlier output. @default none is reported */
  readonly replaced?: (() => Replaced) | undefined
  /** Counts of committed rows. @default the sink does not compare versions, or does not count */
  readonly compared?: (() => Compared) | undefined
}

/**
 * The range of start times of which a run or a file has every call, except those that its filters leave out. Without bounds
 * it includes the calls without a start time. With bounds it includes those created in the range, where the API shows them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Covers {
  readonly from?: Instant | undefined
  /** @default the time when the run begins */
  readonly to?: Instant | undefined
  /** Equal for runs with the same filters. @default no filters */
  readonly filters?: string | undefined
  /** Whether calls without a start time that were created in the range are included. @default "include" */
  readonly withoutStart?: "include" | "skip" | undefined
}

/**
 * The pipeline that opens a sink, and the sink's last position. State that a sink saves itself belongs to this pipeline and
 * this fingerprint.
 *
 * @since 0.1.0
 * @category models
 */
export interface Opening {
  readonly pipeline: string
  readonly fingerprint: Fingerprint
  readonly from: Option.Option<Committed>
  /**
   * The start times of which the run has every call. With `rotate: "day"` a file replaces an earlier one only if it covers
   * at least the same range. @default unknown, and no day is replaced
   */
  readonly covers?: Covers | undefined
  /**
   * Whether the run has read the calls without a start time that were created in the range; known at its end.
   * @default no
   */
  readonly hasWithoutStart?: Effect.Effect<boolean> | undefined
  /**
   * Of the last part of a run in stretches: the names that its stretches had for this sink. What the sink keeps of them is
   * done with once it is finished. @default none
   */
  readonly stretches?: ReadonlyArray<string> | undefined
  /** Of a run by several processes, for a sink that shares its `parts`. @default one process writes all of it */
  readonly part?: RunPart | undefined
  /**
   * That of the lease under which the run commits. A sink that keeps its own position takes nothing more of a lower epoch,
   * once it was opened with a higher one. @default none: outside of pipelines
   */
  readonly epoch?: number | undefined
}

/**
 * Opens a sink from the beginning, outside of a pipeline.
 *
 * @since 0.1.0
 * @category constructors
 */
export const opening = (from: Option.Option<Committed> = Option.none()): Opening => ({
  pipeline: "",
  fingerprint: {},
  from
})

/**
 * An output for rows of type `A`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionSink<in A, out R = never> extends Pipeable {
  /** Its key in the checkpoint: unique in a pipeline, the same in each run, and without secrets. */
  readonly name: string
  readonly delivery: Delivery
  /** How it can be in a sync. @default it cannot: its `Writer` has no `remove` */
  readonly keeps?: Keeps | undefined
  /** @default it takes one stretch only, because its rows are in order */
  readonly shares?: Shares | undefined
  /** Opens it at its last position, or from the beginning. */
  readonly open: (opening: Opening) => Effect.Effect<Writer<A>, SinkError, R | Scope.Scope>
  /**
   * Checks that the output of a finished run, whose last commit this is, is unchanged. Called when the run is started
   * again, which then has nothing to do. @default no check
   */
  readonly verify?: ((left: Committed, opening: Opening) => Effect.Effect<void, SinkError, R | Scope.Scope>) | undefined
}
