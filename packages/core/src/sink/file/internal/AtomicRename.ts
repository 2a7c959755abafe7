/** Giving a complete file its name, in one step and safe from a power failure. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import { codeOf } from "../../../platform/internal/System.ts"
import { fromPlatform, type OutputError } from "../OutputError.ts"
import * as FileOnDisk from "./FileOnDisk.ts"
import { failWith, unlessThere } from "./OutputFailure.ts"

export interface Complete {
  readonly fs: FileSystem.FileSystem
  readonly path: string
  readonly inode: string | null
  /** Replaces an existing file. */
  readonly force: boolean
}

/** @param named Run in one step with it. */
export const giveName = ({ force, fs, inode, path }: Complete, named: () => void): Effect.Effect<void, OutputError> => {
  const partial = FileOnDisk.partialPath(path)
  const own = FileOnDisk.ownPath(path, inode)
  const finishing = Effect.mapError(fromPlatform(path, "finish"))
  const assertOurs = Effect.flatMap(finishing(FileOnDisk.isInode(fs, own, inode)), (ours) =>
    ours ? Effect.void : Effect.fail(failWith(path, "finish", "Replaced"))
  )
  // Under a name of its own, the checked file is the one that gets the name.
  const publish = Effect.andThen(assertOurs, finishing(force ? fs.rename(own, path) : linkOrRename(fs, own, path)))
  return fs.rename(partial, own).pipe(
    Effect.mapError(unlessThere(path, "finish", "Replaced")),
    Effect.andThen(Effect.onError(publish, () => Effect.ignore(fs.rename(own, partial)))),
    Effect.tap(() => Effect.sync(named)),
    Effect.uninterruptible
  )
}

const alreadyThere = PlatformError.systemError({
  _tag: "AlreadyExists",
  module: "FileSystem",
  method: "link",
  cause: { code: "EEXIST" }
})

/** Never over a file that is there: a link fails then, in one step with looking. Some file systems have no links. */
const linkOrRename = (fs: FileSystem.FileSystem, from: string, to: string) =>
  // The second name does no harm, but nobody would remove it later.
  Effect.andThen(fs.link(from, to), Effect.ignore(Effect.retry(fs.remove(from), { times: 2 }))).pipe(
    Effect.catchIf(
      (error) => ["EPERM", "EACCES", "EMLINK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error) ?? ""),
      () => Effect.flatMap(fs.exists(to), (exists) => (exists ? Effect.fail(alreadyThere) : fs.rename(from, to)))
    )
  )
