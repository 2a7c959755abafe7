/** Giving a complete file its name, in one step and safe from a power failure. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import { codeOf } from "../../../platform/internal/System.ts"

const alreadyThere = PlatformError.systemError({
  _tag: "AlreadyExists",
  module: "FileSystem",
  method: "link",
  cause: { code: "EEXIST" }
})

/** Never over a file that is there: a link fails then, in one step with looking. Some file systems have no links. */
export const linkOrRename = (fs: FileSystem.FileSystem, from: string, to: string) =>
  // The second name does no harm, but nobody would remove it later.
  Effect.andThen(fs.link(from, to), Effect.ignore(Effect.retry(fs.remove(from), { times: 2 }))).pipe(
    Effect.catchIf(
      (error) => ["EPERM", "EACCES", "EMLINK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error) ?? ""),
      () => Effect.flatMap(fs.exists(to), (exists) => (exists ? Effect.fail(alreadyThere) : fs.rename(from, to)))
    )
  )
