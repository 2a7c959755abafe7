/**
 * SHA-256 piece by piece.
 *
 * @since 0.1.0
 */
import type { Sha256 } from "@callstream/core/recording/Sha256"
import { createHash } from "node:crypto"

/**
 * Node's own, for `Recordings.open`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Sha256 = () => {
  const hash = createHash("sha256")
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest("hex")
  }
}
