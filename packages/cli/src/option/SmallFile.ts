/** A file that a person names and that is read whole: a key, an address, settings. */
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { constants } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"

/** Why it cannot be had. */
export type Unreadable =
  | { readonly _tag: "Unreadable" }
  /** A folder, or a device. */
  | { readonly _tag: "NotAFile" }
  /** Somebody else could have put in what is read. */
  | { readonly _tag: "Untrusted"; readonly file: TrustedFile.UntrustedFile }
  | { readonly _tag: "TooLarge"; readonly limit: string }

const mebibyte = 1024 * 1024

/** A key or an address is far shorter. */
export const secret: Options = { limit: 64 * 1024, isSecret: true }

/** Settings that people write are shorter. */
export const settings: Options = { limit: mebibyte }

const sizeOf = (bytes: number): string => (bytes < mebibyte ? `${bytes / 1024} KiB` : `${bytes / mebibyte} MiB`)

/** How long a pipe is waited for that nobody has opened to write. */
const patience = 5000

const unreadable = (): Unreadable => ({ _tag: "Unreadable" })

/** The next bytes; `undefined` when a pipe has none yet. */
const more = (file: FileHandle, buffer: Uint8Array, at: number): Promise<number | undefined> =>
  file.read(buffer, at, buffer.length - at, null).then(
    ({ bytesRead }) => bytesRead,
    (error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined
      throw error
    }
  )

const contentOf = Effect.fnUntraced(function* (file: FileHandle, limit: number): Effect.fn.Return<string, Unreadable> {
  const stat = yield* Effect.tryPromise({ try: () => file.stat(), catch: unreadable })
  const isPipe = stat.isFIFO()
  // A device such as /dev/zero never ends.
  if (!stat.isFile() && !isPipe) {
    return yield* Effect.fail<Unreadable>({ _tag: "NotAFile" })
  }
  const buffer = Buffer.alloc(limit + 1)
  const begin = yield* Clock.currentTimeMillis
  let length = 0
  while (length <= limit) {
    const bytes = yield* Effect.tryPromise({ try: () => more(file, buffer, length), catch: unreadable })
    if (bytes === 0 && (!isPipe || length > 0 || (yield* Clock.currentTimeMillis) - begin > patience)) {
      return buffer.toString("utf8", 0, length)
    }
    length += bytes ?? 0
    if (bytes === undefined || bytes === 0) yield* Effect.sleep("20 millis")
  }
  return yield* Effect.fail<Unreadable>({ _tag: "TooLarge", limit: sizeOf(limit) })
})

export interface Options {
  /** In bytes. */
  readonly limit: number
  /** It holds a secret, which others should not be able to read. @default false */
  readonly isSecret?: boolean | undefined
}

/** Links are followed, as mounted secrets need it: what they lead to is what has to be trusted. */
const trusted = (path: string, isSecret: boolean) =>
  Effect.mapError(TrustedFile.check(path, { follow: true, isPublic: !isSecret }), (error): Unreadable => {
    const refusal = TrustedFile.refusalOf(error)
    return refusal === undefined ? unreadable() : { _tag: "Untrusted", file: refusal }
  })

/**
 * The text of a regular file, or of a pipe such as `<(…)` makes, of at most so many bytes, that nobody else can write to.
 * Anything else is refused, and no more than that is read. Opened so that nothing hangs on a pipe: the process could not
 * even end.
 */
export const read = (
  path: string,
  { isSecret = false, limit }: Options
): Effect.Effect<string, Unreadable, FileSystem.FileSystem> =>
  Effect.andThen(
    trusted(path, isSecret),
    Effect.acquireUseRelease(
      Effect.tryPromise({
        // Windows has no such flags.
        try: () => open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)),
        catch: unreadable
      }),
      (file) => contentOf(file, limit),
      (file) => Effect.promise(() => file.close())
    )
  )
