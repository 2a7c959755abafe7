/** A file on disk: its names until it is complete, and whether a name still means that file. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { codeOf } from "../OutputError.ts"

export const partialPath = (path: string): string => `${path}.partial`

/** Another run may replace `NAME.partial` at any moment. Under a name of its own nobody does. */
export const ownPath = (path: string, inode: string | null): string => `${partialPath(path)}.${inode ?? "0"}`

export const inodeOf = (info: FileSystem.File.Info): string | null => Option.getOrNull(Option.map(info.ino, String))

/** Whether there is a file of that kind; a link is none. */
export const isFile = (fs: FileSystem.FileSystem, path: string, is: (info: FileSystem.File.Info) => boolean) =>
  fs.lstat(path).pipe(
    Effect.map((info) => info.type === "File" && is(info)),
    Effect.catchIf(
      (error) => codeOf(error) === "ENOENT",
      () => Effect.succeed(false)
    )
  )

export const isInode = (fs: FileSystem.FileSystem, path: string, inode: string | null) =>
  isFile(fs, path, (info) => inodeOf(info) === inode)
