/**
 * Locks on outputs as files beside them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { leftover } from "../checkpoint/internal/LockChain.ts"
import * as LockFile from "../checkpoint/internal/LockFile.ts"
import { ProcessOwner } from "../checkpoint/ProcessOwner.ts"
import { fromPlatform, OutputError } from "../sink/file/OutputError.ts"
import { OutputLock } from "../sink/file/OutputLock.ts"

/**
 * `NAME.lock` is there while a run writes to `NAME`, private to its owner. It is the lock of a state: that of a process that
 * has ended is taken over, where the process can be seen from here. Of one on another machine or in another container
 * nothing can be said, and what to remove is.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, never, ProcessOwner> = Layer.effect(
  OutputLock,
  Effect.map(ProcessOwner, (process) => ({
    acquire: Effect.fnUntraced(function* (path: string) {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const folder = paths.dirname(path)
      // An error of the folder is an error of the output.
      yield* Effect.mapError(fs.access(folder, { writable: true }), fromPlatform(path, "open"))
      const lock = `${path}.lock`
      const { verify } = yield* Effect.acquireRelease(
        LockFile.acquire(fs, process, lock, {
          fenced: (holder) => new OutputError({ target: path, operation: "open", reason: { _tag: "Fenced", holder } }),
          held: (held) => new OutputError({ target: path, operation: "open", reason: { _tag: "Locked", held } }),
          failed: () => fromPlatform(path, "open")
        }),
        ({ release }) => release
      )
      yield* Effect.ignore(clear(fs, paths, lock))
      return {
        verify: (operation: OutputError["operation"]) =>
          Effect.mapError(
            verify,
            ({ code, reason }) =>
              new OutputError({ target: path, operation, reason, ...(code === undefined ? {} : { code }) })
          )
      }
    })
  }))
)

/** What processes left that ended while they took the lock: it is this run's now, and nobody needs them. */
const clear = (fs: FileSystem.FileSystem, paths: Path.Path, lock: string) => {
  const folder = paths.dirname(lock)
  const start = paths.basename(lock)
  return Effect.flatMap(fs.readDirectory(folder), (names) =>
    Effect.forEach(
      names.filter((name) => name.startsWith(start) && leftover.test(name.slice(start.length))),
      (name) => Effect.ignore(fs.remove(paths.join(folder, name))),
      { discard: true }
    )
  )
}
