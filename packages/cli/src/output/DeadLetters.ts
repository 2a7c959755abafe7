/** The file of dead letters, before a run. */
import type { OutputError } from "@callstream/core"
import { fromCode, fromPlatform } from "@callstream/core/sink/OutputError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"

/** Whether the file could be written, asked before anything is read: it may be needed only hours later. */
export const check = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<void, OutputError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const opening = Effect.mapError(fromPlatform(path, "open"))
  const exists = yield* opening(fs.exists(path))
  if (exists && (yield* opening(fs.stat(path))).type === "Directory") {
    return yield* fromCode(path, "open", "EISDIR")
  }
  yield* opening(fs.access(exists ? path : paths.dirname(path), { writable: true }))
})
