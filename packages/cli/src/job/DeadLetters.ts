/** Checks the dead-letter file before a run. */
import type { OutputError } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import { fromCode, fromPlatform } from "@callstream/core/sink/OutputError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"

/** Checks that the file can be written before anything is read: a run may need it only hours later. */
export const check = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<void, OutputError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const opening = Effect.mapError(fromPlatform(path, "open"))
  const found = yield* opening(TrustedFile.check(path))
  if (Option.isSome(found) && found.value.type === "Directory") return yield* fromCode(path, "open", "EISDIR")
  yield* opening(fs.access(Option.isSome(found) ? path : paths.dirname(path), { writable: true }))
})

/** Under the default name only an existing file is checked; a run that rejects nothing never writes it. */
export const checkTrust = (path: string): Effect.Effect<void, OutputError, FileSystem.FileSystem> =>
  TrustedFile.check(path).pipe(
    Effect.catchIf(
      (error) => TrustedFile.refusalOf(error) === undefined,
      () => Effect.void
    ),
    Effect.mapError(fromPlatform(path, "open")),
    Effect.asVoid
  )
