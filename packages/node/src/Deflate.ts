/**
 * What compresses the parts of a spreadsheet, off the event loop.
 *
 * @since 0.1.0
 */
import type { Deflater } from "@callstream/core/sink/Deflater"
import * as Effect from "effect/Effect"
import { constants, crc32, deflateRaw } from "node:zlib"

/** Half the time of the usual level, for files that are a tenth larger. */
const level = 4

/**
 * Node's zlib for `XlsxSink.make`.
 *
 * @since 0.1.0
 * @category compression
 */
export const deflater: Deflater = {
  deflate: (bytes) =>
    Effect.callback((resume) => {
      deflateRaw(bytes, { level, finishFlush: constants.Z_SYNC_FLUSH }, (error, blocks) =>
        resume(error === null ? Effect.succeed(blocks) : Effect.die(error))
      )
    }),
  crc32
}
