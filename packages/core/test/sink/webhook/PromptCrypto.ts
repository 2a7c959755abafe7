/** What sinks need of Web Crypto, computed at once: the real one answers from a thread, outside of the test clock's time. */
import * as WebCrypto from "effect/crypto/WebCrypto"
import { createHash, createHmac } from "node:crypto"

const subtle = {
  digest: (_name: string, data: Uint8Array) => Promise.resolve(createHash("sha256").update(data).digest()),
  importKey: (_format: string, bytes: Uint8Array) => Promise.resolve({ bytes: Buffer.from(bytes) }),
  sign: (_name: string, key: { readonly bytes: Buffer }, data: Uint8Array) =>
    Promise.resolve(createHmac("sha256", key.bytes).update(data).digest())
}

export const layer = WebCrypto.layer({
  subtle,
  getRandomValues: crypto.getRandomValues.bind(crypto),
  randomUUID: crypto.randomUUID.bind(crypto)
} as unknown as Crypto)
