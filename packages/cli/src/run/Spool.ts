/** The folder in which webhooks wait on their way. */
import { type Checkpoint, CheckpointError } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
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

/** Whether the folder of states, in which the spool is, can be trusted: a state in a database does not look at it. */
export const check = (folder: string): Effect.Effect<void, CheckpointError, FileSystem.FileSystem> =>
  TrustedFile.checkFolder(folder).pipe(
    Effect.catch((error) => {
      const file = TrustedFile.refusalOf(error)
      return file === undefined
        ? Effect.void
        : Effect.fail(new CheckpointError({ reason: { _tag: "Untrusted", file } }))
    })
  )
