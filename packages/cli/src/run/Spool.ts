/** The outbox folder, where webhooks wait until they are sent. */
import { CheckpointError } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"

/** Checks that the state folder can be trusted, since the outbox is in it, even when the state is in a database. */
export const check = (folder: string): Effect.Effect<void, CheckpointError, FileSystem.FileSystem> =>
  TrustedFile.checkFolder(folder).pipe(
    Effect.catch((error) => {
      const file = TrustedFile.refusalOf(error)
      return file === undefined
        ? Effect.void
        : Effect.fail(new CheckpointError({ reason: { _tag: "Untrusted", file } }))
    })
  )
