/** The epoch of a checkpoint's last lease, in a file beside the state: it stays when somebody deletes the state. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { syncFolder } from "../../platform/internal/System.ts"
import * as Epoch from "../../model/Epoch.ts"
import type { CheckpointError } from "../CheckpointError.ts"
import { failed, readIfThere, writeNew } from "./Files.ts"

export interface EpochFile {
  /** 0 where there is none, or a damaged one: the time makes the next one high enough. */
  readonly read: Effect.Effect<number, CheckpointError>
  /** Stores the epoch of a new lease. `id` is that of the lock, which must be held. */
  readonly raise: (id: string) => Effect.Effect<number, CheckpointError>
}

export const make = (fs: FileSystem.FileSystem, folder: string, path: string): EpochFile => {
  const read = Effect.map(
    Effect.mapError(readIfThere(fs, path), failed(path, "read")),
    Option.match({
      onNone: () => 0,
      onSome: (bytes) => {
        const text = new TextDecoder().decode(bytes).trim()
        return /^\d{1,15}$/.test(text) ? Number(text) : 0
      }
    })
  )
  return {
    read,
    raise: Effect.fnUntraced(function* (id) {
      const epoch = Epoch.next(yield* read, yield* Clock.currentTimeMillis)
      const temporary = `${path}.${id}.0.tmp`
      yield* writeNew(fs, temporary, `${epoch}\n`).pipe(
        Effect.andThen(Effect.onError(fs.rename(temporary, path), () => Effect.ignore(fs.remove(temporary)))),
        Effect.andThen(syncFolder(fs, folder)),
        Effect.mapError(failed(path, "written"))
      )
      return epoch
    })
  }
}
