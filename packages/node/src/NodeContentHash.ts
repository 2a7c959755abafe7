/**
 * SHA-256 piece by piece.
 *
 * @since 0.1.0
 */
import type { ContentHash } from "@callstream/core/recording/ContentHash"
import { createHash } from "node:crypto"

/**
 * Node's own, for `Recordings.open`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: ContentHash = () => {
  const hash = createHash("sha256")
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest("hex")
  }
}
