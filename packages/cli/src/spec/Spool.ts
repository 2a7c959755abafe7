/** The folder in which webhooks wait on their way. */
import { CheckpointError } from "@callstream/core"
import * as TrustedFile from "@callstream/core/file/TrustedFile"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"

/** Whether the folder of states, in which the spool is, can be trusted: a state in a database does not look at it. */
export const check = (folder: string): Effect.Effect<void, CheckpointError, FileSystem.FileSystem> =>
  TrustedFile.checkFolder(folder).pipe(
    Effect.catch((error) => {
      const refusal = TrustedFile.refusalOf(error)
      if (refusal === undefined) return Effect.void
      const { advice, message } = refusal
      return Effect.fail(new CheckpointError({ reason: "untrusted", description: message, advice }))
    })
  )
