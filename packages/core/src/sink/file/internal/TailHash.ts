/** The end of a file: enough to identify it, and small to save. */
import * as ByteSize from "effect/ByteSize"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"

const size = 4096

/** How long a file is, and its last bytes, up to 4 KiB. A value: keeping one is keeping a place to go back to. */
export interface End {
  readonly bytes: number
  readonly tail: Uint8Array<ArrayBuffer>
}

export const start: End = { bytes: 0, tail: new Uint8Array() }

export const append = (end: End, added: Uint8Array): End => {
  const bytes = end.bytes + added.length
  if (added.length >= size) return { bytes, tail: added.slice(-size) }
  const kept = end.tail.subarray(Math.max(0, end.tail.length + added.length - size))
  const tail = new Uint8Array(kept.length + added.length)
  tail.set(kept)
  tail.set(added, kept.length)
  return { bytes, tail }
}

/** The end of a file that is cut at `bytes`; shorter than that when the file is. */
export const read = Effect.fnUntraced(function* (
  file: FileSystem.File,
  bytes: number
): Effect.fn.Return<End, PlatformError.PlatformError> {
  const from = Math.max(0, bytes - size)
  const tail = yield* readAt(file, from, bytes - from)
  return { bytes: from + tail.length, tail }
})

/** What a file holds there; fewer bytes when it ends before that. */
export const readAt = Effect.fnUntraced(function* (
  file: FileSystem.File,
  at: number,
  length: number
): Effect.fn.Return<Uint8Array<ArrayBuffer>, PlatformError.PlatformError> {
  const bytes = new Uint8Array(length)
  let read = 0
  while (read < length) {
    const count = yield* file.read(bytes.subarray(read), { position: BigInt(at + read) })
    if (count === 0) break
    read += count
  }
  return bytes.slice(0, read)
})

/** Whether a file is as long as that, or longer with `beyond`, and ends there as it should. */
export const isEnd = Effect.fnUntraced(function* (
  file: FileSystem.File,
  info: FileSystem.File.Info,
  end: End,
  beyond = false
): Effect.fn.Return<boolean, PlatformError.PlatformError> {
  const length = lengthOf(info)
  if (beyond ? length < end.bytes : length !== end.bytes) return false
  const { tail } = yield* read(file, end.bytes)
  return tail.length === end.tail.length && tail.every((byte, at) => byte === end.tail[at])
})

const pieceSize = 1024 * 1024

/** What a file holds up to there, from its start. */
export const pieces = (
  file: FileSystem.File,
  bytes: number
): Stream.Stream<Uint8Array<ArrayBuffer>, PlatformError.PlatformError> =>
  Stream.range(0, Math.ceil(bytes / pieceSize) - 1).pipe(
    Stream.mapEffect((number) => readAt(file, number * pieceSize, Math.min(pieceSize, bytes - number * pieceSize)))
  )

export const lengthOf = (info: FileSystem.File.Info): number => Number(ByteSize.toBigInt(info.size))

export const digest = (bytes: Uint8Array<ArrayBuffer>): Effect.Effect<string> =>
  Effect.flatMap(WebCrypto.WebCrypto, (crypto) =>
    Effect.map(
      Effect.promise(() => crypto.subtle.digest("SHA-256", bytes)),
      (hash) => Hex.encode(new Uint8Array(hash))
    )
  )
