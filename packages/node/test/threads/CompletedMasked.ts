/** A thread that leaves out calls that were not completed, and masks addresses. */
import { Transform } from "@callstream/core"
import { workerData } from "node:worker_threads"
import * as DecodingThread from "../../src/DecodingThread.ts"

export const chainOf = (status: unknown) =>
  Transform.redact(
    Transform.where(Transform.sessions, `status ${String(status)}`, (session) => session.status === status),
    { email: "mask" }
  )

DecodingThread.serve(chainOf(workerData))
