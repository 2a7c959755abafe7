/**
 * The contract of a place where sessions go.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Committed } from "../model/Committed.ts"
import type { Instant } from "../model/Instant.ts"
import type { SinkError } from "./SinkError.ts"

/**
 * A row with what must not get lost when transforms leave fields out: the session's id, which is the key of an upsert and
 * of a webhook's event, and its start.
 *
 * @since 0.1.0
 * @category models
 */
export interface Item<out A> {
  readonly id: string
  /** `undefined` for a session without a credible start. */
  readonly start: Instant | undefined
  readonly row: A
}

/**
 * The rows of one window, ordered by start, then id.
 *
 * @since 0.1.0
 * @category models
 */
export interface Batch<out A> {
  readonly items: ReadonlyArray<Item<A>>
  /** The columns of the rows, in order, known before the first one. */
  readonly columns: ReadonlyArray<string>
  /** When the rows were observed: their version. An earlier one never overwrites a later one. */
  readonly observedAt: Instant
}

/**
 * An item that a sink will never take, and why; the reason names no values.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refused {
  readonly id: string
  readonly reason: string
}

/**
 * What a sink does when it is given a row twice, or a run is killed.
 *
 * - `transactional`: keeps its own `Committed` in one transaction with its rows.
 * - `idempotent`: a repeated row changes nothing.
 * - `resumable`: cuts what it holds back to a `Committed` before it goes on.
 * - `append`: none of these.
 *
 * @since 0.1.0
 * @category models
 */
export type Delivery = "transactional" | "idempotent" | "resumable" | "append"

/**
 * An open sink. Calls come one after another.
 *
 * @since 0.1.0
 * @category models
 */
export interface Writer<in A> {
  /** Where it really stands: by its own account when transactional, otherwise what it was opened with. */
  readonly committed: Option.Option<Committed>
  /** Takes a batch; what it will never take comes back. After a retryable error the same batch may be given again. */
  readonly write: (batch: Batch<A>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>
  /** All that was written is safe when it returns; `cursor` says up to where that is. */
  readonly flush: (cursor: Instant) => Effect.Effect<Committed, SinkError>
  /** The whole run is in: rename, footer. A scope closed without it leaves no finished file. Comes after a flush. */
  readonly finish: Effect.Effect<void, SinkError>
}

/**
 * A place where rows of type `A` go.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionSink<in A, out R = never> {
  /** Its key in the checkpoint: unique in a pipeline, the same in each run, and without secrets. */
  readonly name: string
  readonly delivery: Delivery
  /** Opens it where it stood, or, with none, from the beginning. */
  readonly open: (from: Option.Option<Committed>) => Effect.Effect<Writer<A>, SinkError, R | Scope.Scope>
}
