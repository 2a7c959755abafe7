/** The folder of states, which only its owner can read. */
import { CheckpointError } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"

/** Makes it, if it is missing. One that another user can write to is refused. */
export const make = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(folder, { recursive: true, mode: 0o700 }).pipe(
    Effect.andThen(TrustedFile.checkFolder(folder)),
    Effect.mapError((error) => {
      const file = TrustedFile.refusalOf(error)
      return new CheckpointError({
        reason:
          file === undefined
            ? { _tag: "File", path: folder, action: "written", code: error.reason._tag }
            : { _tag: "Untrusted", file }
      })
    })
  )
})
