/** Exit codes of the command. 2 is for mistakes found before any request to the API, or in the setup. */
import { AgniError, CheckpointError, LedgerError, OutputError, SinkError } from "@callstream/core"
import type { SqlFailure } from "@callstream/core/platform/SqlFailure"
import * as Ref from "effect/Ref"

/** `done` 0, `failed` 1, `usage` 2, `incomplete` 3, `interrupted` 130. */
export const exitCode = { done: 0, failed: 1, usage: 2, incomplete: 3, interrupted: 130 } as const

/** For a command that a signal ends: `done` for one that only a signal can end. `bin.ts` sets it by the arguments. */
export const onInterrupt = Ref.makeUnsafe<number>(exitCode.interrupted)

const { failed, usage } = exitCode

/** A transient failure was waited for: the database is down, not set up wrongly. */
const ofDatabase = (failure: SqlFailure): number => (failure._tag === "Server" && failure.retryable ? failed : usage)

const ofCheckpoint = ({ reason }: CheckpointError): number => {
  switch (reason._tag) {
    case "File":
    case "NotJson":
    case "SaltRemoved":
    case "Fenced":
      return failed
    case "Held":
      return reason.held._tag === "Lost" ? failed : usage
    case "Database":
      return ofDatabase(reason.failure)
    default:
      return usage
  }
}

const ofSink = ({ operation, reason, retryable }: SinkError): number => {
  switch (reason._tag) {
    // The table is checked when the first rows come, before any is written.
    case "Table":
    case "KeyColumn":
      return usage
    case "Fenced":
      return failed
    case "Database":
      return operation === "open" ? ofDatabase(reason.failure) : failed
    default:
      return operation === "open" && (!retryable || reason._tag === "Output") ? usage : failed
  }
}

/** The exit code of an error of core. A key that the API refuses is `failed`, since there was a request. */
export const exitCodeOf = (error: AgniError | OutputError | SinkError | CheckpointError | LedgerError): number => {
  if (error instanceof LedgerError) {
    return error.reason._tag === "Store" ? ofCheckpoint(new CheckpointError({ reason: error.reason.reason })) : usage
  }
  if (error instanceof AgniError) return error.attempts === 0 ? usage : failed
  if (error instanceof CheckpointError) return ofCheckpoint(error)
  if (error instanceof SinkError) return ofSink(error)
  return error.operation === "open" ? usage : failed
}
