/**
 * The contract of SHA-256 over bytes that come piece by piece, which Web Crypto does not offer.
 *
 * @since 0.1.0
 */

/**
 * Begins one digest.
 *
 * @since 0.1.0
 * @category models
 */
export type ContentHash = () => {
  readonly update: (bytes: Uint8Array) => void
  /** The digest as 64 hexadecimal digits. Called once, at the end. */
  readonly hex: () => string
}
