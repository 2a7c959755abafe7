/** Failures of a pipeline, as a fleet keeps them: what is missing here by name, everything else as a sentence. */
import { Jobs } from "@callstream/cluster"
import { AgniError, CheckpointError, LedgerError, SinkError } from "@callstream/core"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import * as MissingVariable from "../../option/MissingVariable.ts"
import { PipelineFileError } from "../../option/PipelineFileError.ts"
import { UsageError, UsageErrors } from "../../option/UsageError.ts"

const isUsage = (error: unknown): error is UsageError | UsageErrors | PipelineFileError =>
  error instanceof UsageError || error instanceof UsageErrors || error instanceof PipelineFileError

/** What it says. The place of a mistake is one of the text that was submitted, which nobody has as a file. */
const messageOf = (error: Error): string =>
  error instanceof PipelineFileError ? error.mistakes.map(({ problem }) => problem).join("; ") : error.message

/** Whether another try may succeed, here or on another worker. */
const isRetryable = (error: Error): boolean => {
  if (error instanceof AgniError || error instanceof SinkError) return error.retryable
  // Its holder may have been killed: the claim of a ledger ends soon after.
  if (error instanceof LedgerError) {
    return error.reason._tag === "Store" && (error.reason.reason._tag === "Held" || ofCheckpoint(error.reason.reason))
  }
  return error instanceof CheckpointError && ofCheckpoint(error.reason)
}

const ofCheckpoint = (reason: CheckpointError["reason"]): boolean =>
  reason._tag === "Database" && SqlFailure.isRetryable(reason.failure)

/**
 * Another worker's claim, and a state that cannot be saved, are the fleet's own business and stay what they are.
 *
 * @param reworded Hides what a file refers to.
 */
export const of =
  (reworded: (text: string) => string) =>
  (error: Error): Jobs.JobError | CheckpointError => {
    if (error instanceof CheckpointError) return error
    return error instanceof SinkError && error.reason._tag === "Fenced"
      ? new CheckpointError({ reason: { _tag: "Fenced", pipeline: error.sink } })
      : ofJob(reworded, error)
  }

/** Describes why a pipeline cannot run on this worker. */
export const ofJob = (reworded: (text: string) => string, error: Error): Jobs.JobError => {
  if (error instanceof Jobs.JobError) return error
  const names = isUsage(error) ? MissingVariable.variablesIn(error) : []
  return new Jobs.JobError({
    reason:
      names.length > 0
        ? { _tag: "Missing", names }
        : { _tag: "Failed", message: reworded(messageOf(error)), retryable: isRetryable(error) }
  })
}
