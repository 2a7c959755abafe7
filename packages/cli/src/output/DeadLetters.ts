/** Records that could not go on: a line each in a file of their own, made when the first one comes. */
import { Ndjson, type OutputError, type Rejected } from "@callstream/core"
import { fromCode, fromPlatform } from "@callstream/core/sink/OutputError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Scope from "effect/Scope"

export interface DeadLetters {
  readonly write: (rejected: ReadonlyArray<Rejected>) => Effect.Effect<void, OutputError>
  /** Safe on disk. */
  readonly sync: Effect.Effect<void, OutputError>
}

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

/** Appends, because what an earlier run put aside is still to be looked at. Private: the records are whole. */
export const make = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<DeadLetters, never, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const scope = yield* Scope.Scope
  const encoder = new TextEncoder()
  let file: FileSystem.File | undefined
  const opened = Effect.suspend(() =>
    file !== undefined
      ? Effect.succeed(file)
      : fs.open(path, { flag: "a", mode: 0o600 }).pipe(
          Scope.provide(scope),
          Effect.tap((opened) => Effect.sync(() => (file = opened)))
        )
  )
  return {
    write: (rejected) =>
      rejected.length === 0
        ? Effect.void
        : Effect.flatMap(opened, (open) => open.writeAll(encoder.encode(Ndjson.encode(rejected)))).pipe(
            Effect.mapError(fromPlatform(path, "write"))
          ),
    sync: Effect.suspend(() =>
      file === undefined ? Effect.void : Effect.mapError(file.sync, fromPlatform(path, "finish"))
    )
  }
})
