/** Exit codes of the command: 2 is what is found before any request to the API, or lies in what the person set up. */
import { AgniError, CheckpointError, OutputError, SinkError } from "@callstream/core"
import type { SqlFailure } from "@callstream/core/platform/SqlFailure"

/** `done` 0, `failed` 1, `usage` 2, `incomplete` 3, `interrupted` 130. */
export const exitCode = { done: 0, failed: 1, usage: 2, incomplete: 3, interrupted: 130 } as const

const { failed, usage } = exitCode

/** One that passes was waited for: it is down, and not set up wrongly. */
const ofDatabase = (failure: SqlFailure): number => (failure._tag === "Server" && failure.retryable ? failed : usage)

const ofCheckpoint = ({ reason }: CheckpointError): number => {
  switch (reason._tag) {
    case "File":
    case "NotJson":
    case "SaltRemoved":
      return failed
    case "Held":
      return reason.held._tag === "TakenOver" || reason.held._tag === "Lost" ? failed : usage
    case "Database":
      return ofDatabase(reason.failure)
    default:
      return usage
  }
}

const ofSink = ({ operation, reason, retryable }: SinkError): number => {
  switch (reason._tag) {
    // What is wrong with it shows when the first rows come, before any of them was written.
    case "Table":
    case "KeyColumn":
      return usage
    case "Database":
      return operation === "open" ? ofDatabase(reason.failure) : failed
    default:
      return operation === "open" && (!retryable || reason._tag === "Output") ? usage : failed
  }
}

/** Of an error that one of core's services gave. A key that the API refuses was sent to it: `failed`. */
export const exitCodeOf = (error: AgniError | OutputError | SinkError | CheckpointError): number => {
  if (error instanceof AgniError) return error.attempts === 0 ? usage : failed
  if (error instanceof CheckpointError) return ofCheckpoint(error)
  if (error instanceof SinkError) return ofSink(error)
  return error.operation === "open" ? usage : failed
}
