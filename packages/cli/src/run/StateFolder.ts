/** The folder of states, which only its owner can read. */
import { CheckpointError } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"

/** Something else in its place, or in that of a folder above it. */
const refuseOther: (fs: FileSystem.FileSystem, folder: string) => Effect.Effect<void, CheckpointError, Path.Path> =
  Effect.fnUntraced(function* (fs, folder) {
    const paths = yield* Path.Path
    const found = yield* Effect.option(fs.stat(folder))
    if (Option.isNone(found)) {
      const above = paths.dirname(folder)
      return above === folder ? undefined : yield* refuseOther(fs, above)
    }
    if (found.value.type !== "Directory") {
      return yield* new CheckpointError({ reason: { _tag: "NotAFolder", path: folder } })
    }
  })

/** Makes it, if it is missing. One that another user can write to is refused. */
export const make = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  yield* refuseOther(fs, folder)
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
