/** The folder in which webhooks wait on their way. */
import type { Checkpoint } from "@callstream/core"
import * as Effect from "effect/Effect"
import { readdirSync, rmdirSync } from "node:fs"
import { join } from "node:path"

/** A folder that holds something stays: only empty ones can be removed so. */
const removeEmpty = (folder: string) => {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) rmdirUnlessFull(join(folder, entry.name))
    }
  } catch {
    return
  }
  rmdirUnlessFull(folder)
}

const rmdirUnlessFull = (folder: string) => {
  try {
    rmdirSync(folder)
  } catch {
    // Something waits there.
  }
}

/**
 * A checkpoint of whose run no empty spool stays: it is removed when the sinks are closed, and before another run can have
 * the lease and the spool.
 */
export const tidied = (checkpoint: Checkpoint["Service"], folder: string): Checkpoint["Service"] => ({
  open: (pipeline, fingerprint) =>
    Effect.tap(checkpoint.open(pipeline, fingerprint), () =>
      Effect.addFinalizer(() => Effect.sync(() => removeEmpty(folder)))
    )
})
