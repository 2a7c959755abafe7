/** What the rooms that keep files share: the system's codes, and folders that are safe from a power failure. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"

/** The system's code behind an error, such as `ENOSPC`, at any depth. */
export const codeOf = (error: unknown): string | undefined => {
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    if ("code" in cause && typeof cause.code === "string") return cause.code
    cause = "reason" in cause ? cause.reason : "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

/** A name is only safe from a power failure when its folder is synced; some systems do not let a folder be opened. */
export const syncFolder = (fs: FileSystem.FileSystem, folder: string) =>
  Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (file) => file.sync)).pipe(
    Effect.catchIf(
      (error) => ["EPERM", "EACCES", "EISDIR", "EINVAL", "ENOTSUP"].includes(codeOf(error) ?? ""),
      () => Effect.void
    )
  )
