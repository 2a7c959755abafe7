/**
 * gzip, off the event loop.
 *
 * @since 0.1.0
 */
import type { Compression } from "@callstream/core/sink/Compression"
import * as Effect from "effect/Effect"
import { createGunzip, gzip } from "node:zlib"
import * as Members from "./internal/Members.ts"

/**
 * The text as one complete gzip member. Members one after another are a valid gzip file, whose every member end is a
 * place where the file is whole.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (text: string): Effect.Effect<Uint8Array> =>
  Effect.callback((resume) => {
    gzip(text, (error, bytes) => resume(error === null ? Effect.succeed(bytes) : Effect.die(error)))
  })

/**
 * gzip for files of rows.
 *
 * @since 0.1.0
 * @category compression
 */
export const compression: Compression = {
  extension: ".gz",
  encode,
  verify: Members.verify(() => createGunzip({ chunkSize: Members.chunkSize })),
  rowsPerMember: 2000
}
