/**
 * What a fleet runs: the program that starts a worker says how a spec becomes work.
 *
 * @since 0.1.0
 */
import type { Lease } from "@callstream/core/checkpoint/Checkpoint"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import type { Cut, Delivered } from "@callstream/core/pipeline/PipelineParts"
import type { RunEvent } from "@callstream/core/pipeline/RunEvent"
import type { RunSummary } from "@callstream/core/pipeline/RunSummary"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * What a part did: a `RunSummary` has it.
 *
 * @since 0.1.0
 * @category models
 */
export type Part = Pick<RunSummary, "coverage" | "totals">

/**
 * Which run the work is of. `id` is unique; `name` is what people call it.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobRun {
  readonly id: string
  readonly name: string
  /** Whose calls they are. @default the run has none */
  readonly organization?: string | undefined
}

/**
 * Why a job cannot be done here.
 *
 * - `Missing`: this worker lacks environment variables, named. The run fails.
 * - `OtherVersion`: the spec was written for another version than this worker's. The worker hands the work back.
 * - `Paused`: the API asked for a pause before it answered anything. The worker hands the work back, which is no failed try.
 * - `Failed`: `message` says why; `retryable` where it may pass.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobReason = Schema.Union([
  Schema.TaggedStruct("Missing", { names: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("OtherVersion", { spec: Schema.String, worker: Schema.String }),
  Schema.TaggedStruct("Paused", {}),
  Schema.TaggedStruct("Failed", { message: Schema.String, retryable: Schema.Boolean })
])

/**
 * @since 0.1.0
 * @category models
 */
export type JobReason = typeof JobReason.Type

/**
 * A job that cannot be done, or not here.
 *
 * @since 0.1.0
 * @category errors
 */
export class JobError extends Schema.TaggedError<JobError>()("JobError", { reason: JobReason }) {
  override get message(): string {
    return describe(this.reason)
  }
}

const describe = (reason: JobReason): string => {
  switch (reason._tag) {
    case "Missing":
      return `${reason.names.join(", ")} ${reason.names.length === 1 ? "is" : "are"} not set on this worker`
    case "OtherVersion":
      return `the run was submitted by version ${reason.spec}, and this worker is version ${reason.worker}`
    case "Paused":
      return "the API asks for a pause"
    case "Failed":
      return reason.message
  }
}

/**
 * The work of a run, in parts that any process can do. `Pipeline.parts` has the same three functions.
 *
 * @since 0.1.0
 * @category models
 */
export interface Job {
  /** Resolves what is read, and cuts it into at least so many stretches. */
  readonly cut: (options: { readonly readers: number }) => Effect.Effect<Cut, JobError>
  /** Reads and delivers one stretch, from where the state of the lease left off. */
  readonly stretch: (
    cut: Cut,
    nth: number,
    lease: Lease,
    onEvent: (event: RunEvent) => Effect.Effect<void>
  ) => Effect.Effect<Part, JobError | CheckpointError>
  /** After all stretches: what is in none of them, on top of what they left. */
  readonly ending: (
    cut: Cut,
    delivered: ReadonlyArray<Delivered>,
    lease: Lease,
    onEvent: (event: RunEvent) => Effect.Effect<void>
  ) => Effect.Effect<Part, JobError | CheckpointError>
  /** Requests that it has sent. */
  readonly requests: Effect.Effect<number>
  /**
   * Whether its API asked for a pause and has answered nothing since, or it asks nothing while its sinks write. After a while the
   * worker does other work too.
   */
  readonly isWaiting: Effect.Effect<boolean>
}

/**
 * How a spec becomes a job on this worker. A spec holds the names of secrets, never the secrets: `open` looks them up here.
 *
 * @since 0.1.0
 * @category services
 */
export class Jobs extends Context.Service<
  Jobs,
  { readonly open: (spec: Schema.Json, run: JobRun) => Effect.Effect<Job, JobError, Scope.Scope> }
>()("@callstream/cluster/Jobs") {}
