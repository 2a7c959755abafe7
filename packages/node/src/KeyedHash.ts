/**
 * HMAC-SHA-256, for values that are to stay joinable but not readable.
 *
 * @since 0.1.0
 */
import type { Redact } from "@callstream/core"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"

/** Half of the tag: 128 bits, which no two values share by chance. */
const length = 32

/**
 * The hash of a key, as 32 hexadecimal digits. `Redact` gives it the class and the value in one notation, so that
 * `phone:+14155550123` is what is hashed for each way to write that number.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (key: Redacted.Redacted): Redact.KeyedHash => {
  const secret = Redacted.value(key)
  const hash = (text: string): string => createHmac("sha256", secret).update(text).digest("hex").slice(0, length)
  return { hash, fingerprint: hash("callstream: which key").slice(0, 8) }
}
