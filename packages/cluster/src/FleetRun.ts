/**
 * The runs of a fleet, as people see them.
 *
 * @since 0.1.0
 */
import { CoverageSet, Range } from "@callstream/core/coverage/CoverageSet"
import { Instant } from "@callstream/core/model/Instant"
import * as Schema from "effect/Schema"

/**
 * - `planned`: no worker has cut it yet.
 * - `running`: its stretches are read.
 * - `finished`: everything is delivered.
 * - `failed`: a part failed, and `retry` resumes it.
 * - `cancelled`: by hand; `retry` resumes it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunState = Schema.Literals(["planned", "running", "finished", "failed", "cancelled"])

/**
 * @since 0.1.0
 * @category models
 */
export type RunState = typeof RunState.Type

/**
 * Why a run, or a part of it, failed.
 *
 * - `Missing`: `worker` lacks environment variables.
 * - `Failed`: in the words of the error.
 * - `Crashed`: so many workers in turn ended while they read it, without one commit.
 * - `Parts`: so many of its parts failed, each for its own reason.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FailureReason = Schema.Union([
  Schema.TaggedStruct("Missing", { names: Schema.Array(Schema.String), worker: Schema.String }),
  Schema.TaggedStruct("Failed", { message: Schema.String }),
  Schema.TaggedStruct("Crashed", { attempts: Schema.Int }),
  Schema.TaggedStruct("Parts", { failed: Schema.Int })
])

/**
 * @since 0.1.0
 * @category models
 */
export type FailureReason = typeof FailureReason.Type

/**
 * In one sentence without a capital and a full stop.
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = (reason: FailureReason): string => {
  switch (reason._tag) {
    case "Missing":
      return `${reason.names.join(", ")} ${reason.names.length === 1 ? "is" : "are"} not set on the worker ${reason.worker}`
    case "Failed":
      return reason.message
    case "Crashed":
      return `${reason.attempts} workers in turn ended while they read it`
    case "Parts":
      return `${reason.failed} of its parts failed`
  }
}

/**
 * Calls so far: `read` by the source, `delivered` to all sinks, left out by the transform, or rejected.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Counters = Schema.Struct({
  read: Schema.Int,
  delivered: Schema.Int,
  filtered: Schema.Int,
  rejected: Schema.Int,
  dead: Schema.Int,
  /** Sent to the API, retries included. */
  requests: Schema.Int,
  /** The first and the last start of the calls that were delivered. */
  earliest: Schema.NullOr(Instant),
  latest: Schema.NullOr(Instant)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Counters = typeof Counters.Type

/**
 * A stretch of a run. The last part has no range: the ending, which delivers what is in no stretch.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FleetStretch = Schema.Struct({
  nth: Schema.Int,
  range: Schema.NullOr(Range),
  status: Schema.Literals(["open", "finished", "failed"]),
  /** Rises each time a worker takes it. */
  epoch: Schema.Int,
  /** Who has it, or had it last. */
  worker: Schema.NullOr(Schema.String),
  counters: Counters,
  reason: Schema.NullOr(FailureReason),
  /** Of the last commit. */
  updatedAt: Schema.NullOr(Schema.DateFromString)
})

/**
 * @since 0.1.0
 * @category models
 */
export type FleetStretch = typeof FleetStretch.Type

/**
 * What a finished run delivered, and what is proven of it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Summary = Schema.Struct({ counters: Counters, coverage: CoverageSet })

/**
 * @since 0.1.0
 * @category models
 */
export type Summary = typeof Summary.Type

/**
 * A run. Two runs may have one name, one after the other; `id` is unique.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FleetRun = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  organization: Schema.NullOr(Schema.String),
  state: RunState,
  /** How often it was started: once, and once more for each `retry`. */
  attempt: Schema.Int,
  /** Its parts: stretches, and the ending. 0 until it is cut. */
  parts: Schema.Int,
  finished: Schema.Int,
  failed: Schema.Int,
  counters: Counters,
  /** Workers that have a part of it now. */
  workers: Schema.Int,
  reason: Schema.NullOr(FailureReason),
  /** Of a finished one. */
  summary: Schema.NullOr(Summary),
  createdAt: Schema.DateFromString,
  finishedAt: Schema.NullOr(Schema.DateFromString)
})

/**
 * @since 0.1.0
 * @category models
 */
export type FleetRun = typeof FleetRun.Type

/**
 * A run with its stretches, and once it is finished with its summary.
 *
 * @since 0.1.0
 * @category models
 */
export interface FleetRunDetails extends FleetRun {
  readonly stretches: ReadonlyArray<FleetStretch>
  /** As it was submitted. */
  readonly spec: Schema.Json
}
