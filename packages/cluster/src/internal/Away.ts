/** A database that does not answer, or not now: it may come back. */
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import type { FleetError } from "../FleetError.ts"

export const isAway = ({ reason }: FleetError | CheckpointError): boolean =>
  reason._tag === "Database" && SqlFailure.isRetryable(reason.failure)
