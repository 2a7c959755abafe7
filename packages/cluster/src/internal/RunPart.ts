/** One part of a run, as far as this worker gets with it: what comes of it is in the tables. */
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SqlClient } from "effect/sql/SqlClient"
import type { FleetError } from "../FleetError.ts"
import type { FailureReason } from "../FleetRun.ts"
import type { Job, JobError, JobReason, Jobs } from "../Jobs.ts"
import type { Loaded } from "./RunRows.ts"

export interface Worker {
  readonly sql: SqlClient
  readonly jobs: Jobs["Service"]
  readonly name: string
}

/** What a worker took. */
export interface Held {
  /** Workers that took it, this one too, since anything of it was committed. */
  readonly claims: number
  readonly fail: (reason: FailureReason) => Effect.Effect<void, FleetError | CheckpointError>
  readonly release: Effect.Effect<void>
  /** Whether another worker took it, or the run was cancelled: what this one does is of no use any more. */
  readonly isFenced: Effect.Effect<boolean>
}

/**
 * - `Ended`: finished, failed permanently, or no longer this worker's.
 * - `Again`: it may succeed later.
 * - `Elsewhere`: it may succeed on a worker of another version.
 */
export type Outcome = "Ended" | "Again" | "Elsewhere"

/** Workers in turn that may take a part without one commit. */
const mostClaims = 5

type Failure = JobError | CheckpointError | FleetError

/** Takes a part, unless `take` finds that nothing is left to do, and does it. */
export const run = <H extends Held>(
  worker: Worker,
  loaded: Loaded,
  take: Effect.Effect<H | undefined, FleetError | CheckpointError>,
  work: (job: Job, held: H) => Effect.Effect<void, Failure>
): Effect.Effect<Outcome, FleetError | CheckpointError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* Effect.exit(worker.jobs.open(loaded.spec, loaded.run))
      // Another worker can do it: this one does not take it.
      if (Exit.isFailure(opened) && isBecause(opened.cause, "OtherVersion"))
        return yield* report("Elsewhere", opened.cause)
      if (Exit.isFailure(opened) && isBecause(opened.cause, "Paused")) return yield* report("Paused", opened.cause)
      const held = yield* take
      if (held === undefined) return "Ended"
      if (held.claims > mostClaims) {
        yield* held.fail({ _tag: "Crashed", attempts: mostClaims })
        return "Ended"
      }
      const done = yield* Effect.flatMap(opened, (job) => work(job, held)).pipe(
        Effect.onInterrupt(() => held.release),
        Effect.exit
      )
      return Exit.isSuccess(done) ? "Ended" : yield* settle(worker, held, done.cause)
    })
  )

const isBecause = (cause: Cause.Cause<Failure>, tag: JobReason["_tag"]): boolean =>
  cause.reasons.some(
    (reason) => Cause.isFailReason(reason) && reason.error._tag === "JobError" && reason.error.reason._tag === tag
  )

/** What follows from a failure. */
const settle = Effect.fnUntraced(function* (
  worker: Worker,
  held: Held,
  cause: Cause.Cause<Failure>
): Effect.fn.Return<Outcome, FleetError | CheckpointError> {
  if (yield* held.isFenced) return yield* report("Fenced", cause)
  if (isBecause(cause, "Paused")) return yield* Effect.andThen(held.release, report("Paused", cause))
  const { isTransient, reason } = meaning(Cause.squash(cause), worker.name)
  if (isTransient && held.claims < mostClaims) return yield* report("Again", cause)
  // A sink may notice before the checkpoint does that another worker has the part.
  const kept = yield* Effect.exit(held.fail(reason))
  if (Exit.isFailure(kept) && (yield* held.isFenced)) return yield* report("Fenced", cause)
  yield* kept
  return yield* report("Failed", cause)
})

const reports = {
  Again: ["A part of a run is handed back", "Again"],
  Elsewhere: ["A part of a run is handed back to workers of its version", "Elsewhere"],
  Failed: ["A part of a run failed", "Ended"],
  Paused: ["A part of a run is handed back until its API answers", "Again"],
  Fenced: ["A part of a run was taken over, or cancelled", "Ended"]
} as const

const report = (what: keyof typeof reports, cause: Cause.Cause<unknown>) => {
  const [words, outcome] = reports[what]
  // Who provides the jobs says what people want to know of them.
  return Effect.as(Effect.logDebug(words, Cause.squash(cause)), outcome)
}

/** How a failure reads in the table. An error without a known tag is a bug, and may not happen again. */
const meaning = (
  failure: unknown,
  worker: string
): { readonly isTransient: boolean; readonly reason: FailureReason } => {
  const failed = (message: string, isTransient: boolean) =>
    ({ isTransient, reason: { _tag: "Failed", message } }) as const
  if (hasTag(failure, "JobError")) {
    const { reason } = failure
    return reason._tag === "Missing"
      ? { isTransient: false, reason: { _tag: "Missing", names: reason.names, worker } }
      : failed(failure.message, reason._tag !== "Failed" || reason.retryable)
  }
  if (hasTag(failure, "CheckpointError") || hasTag(failure, "FleetError")) {
    const { reason } = failure
    return failed(failure.message, reason._tag === "Database" && SqlFailure.isRetryable(reason.failure))
  }
  return failed(failure instanceof Error ? failure.message : String(failure), true)
}

const hasTag = <Tag extends Failure["_tag"]>(
  value: unknown,
  tag: Tag
): value is Extract<Failure, { readonly _tag: Tag }> =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === tag
