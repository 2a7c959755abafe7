/** Small files that are whole or missing, and the meaning of their failures. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import { codeOf, syncFolder } from "../../platform/internal/System.ts"
import * as TrustedFile from "../../platform/TrustedFile.ts"
import { CheckpointError } from "../CheckpointError.ts"

/** Creates the file for its owner only. On return it survives a power failure; on failure nothing remains. */
export const writeNew = (fs: FileSystem.FileSystem, path: string, text: string) =>
  Effect.scoped(
    Effect.flatMap(fs.open(path, { flag: "wx", mode: 0o600 }), (file) =>
      Effect.andThen(file.writeAll(new TextEncoder().encode(text)), file.sync).pipe(
        Effect.onError(() => Effect.ignore(fs.remove(path)))
      )
    )
  )

/** Nothing when there is no such file. */
export const ifThere = (reading: Effect.Effect<Uint8Array, PlatformError.PlatformError>) =>
  reading.pipe(
    Effect.map((bytes) => Option.some(bytes)),
    Effect.catchIf(isNotFound, () => Effect.succeed(Option.none<Uint8Array>()))
  )

/** Reads a file that can be trusted. */
export const readIfThere = (fs: FileSystem.FileSystem, path: string) =>
  ifThere(Effect.provideService(TrustedFile.read(path), FileSystem.FileSystem, fs))

/** `undefined` when the bytes are no JSON in UTF-8. */
export const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** A folder that can be trusted: the one that is there, or a new one. */
export const makeFolder = (fs: FileSystem.FileSystem, dirname: (path: string) => string, folder: string) =>
  Effect.andThen(
    makeFolders(fs, dirname, folder),
    Effect.provideService(TrustedFile.checkFolder(folder), FileSystem.FileSystem, fs)
  )

/** Makes the folder, and those above it, for their owner only, and safe from a power failure. */
const makeFolders = (
  fs: FileSystem.FileSystem,
  dirname: (path: string) => string,
  folder: string
): Effect.Effect<void, PlatformError.PlatformError | CheckpointError> =>
  Effect.flatMap(isThere(fs, folder), (there) => {
    if (there) return refuseOther(fs, folder)
    const parent = dirname(folder)
    return Effect.andThen(
      parent === folder ? Effect.void : makeFolders(fs, dirname, parent),
      Effect.andThen(
        Effect.catchIf(fs.makeDirectory(folder, { mode: 0o700 }), isAlreadyThere, () => Effect.void),
        syncFolder(fs, parent)
      )
    )
  })

/** Below a file there is nothing: the file is found on the way up. */
const isThere = (fs: FileSystem.FileSystem, folder: string) =>
  Effect.catchIf(
    fs.exists(folder),
    (error) => codeOf(error) === "ENOTDIR",
    () => Effect.succeed(false)
  )

const refuseOther = (fs: FileSystem.FileSystem, folder: string) =>
  Effect.flatMap(fs.stat(folder), ({ type }) =>
    type === "Directory"
      ? Effect.void
      : Effect.fail(new CheckpointError({ reason: { _tag: "NotAFolder", path: folder } }))
  )

export const isAlreadyThere = (error: PlatformError.PlatformError): boolean => error.reason._tag === "AlreadyExists"

const isNotFound = (error: PlatformError.PlatformError): boolean => error.reason._tag === "NotFound"

/** Names the file and the failed action, where the error does not say it itself. */
export const failed =
  (path: string, action: "read" | "written") =>
  (error: PlatformError.PlatformError | CheckpointError): CheckpointError => {
    if (error instanceof CheckpointError) return error
    const file = TrustedFile.refusalOf(error)
    return new CheckpointError({
      reason:
        file === undefined
          ? { _tag: "File", path, action, code: codeOf(error) ?? error.reason._tag }
          : { _tag: "Untrusted", file }
    })
  }
