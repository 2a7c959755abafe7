/**
 * The contract of what makes the compressed parts of a spreadsheet.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"

/**
 * Deflates pieces that can be put together.
 *
 * @since 0.1.0
 * @category models
 */
export interface Deflater {
  /** Raw deflate blocks of these bytes, none of them the last one. They end at a byte, and use nothing of earlier pieces. */
  readonly deflate: (bytes: Uint8Array) => Effect.Effect<Uint8Array>
  /** The CRC-32 of all bytes, by that of the bytes before these, which is 0 at the start. */
  readonly crc32: (bytes: Uint8Array, before: number) => number
}
