/** Digests of many inputs at once. */
import * as Effect from "effect/Effect"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Hex from "effect/encoding/Hex"

/** The digests of many inputs in lowercase hex: one effect for all of them. */
export const hexOf = (inputs: ReadonlyArray<Uint8Array<ArrayBuffer>>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.flatMap(WebCrypto.WebCrypto, (crypto) =>
    Effect.promise(() =>
      Promise.all(inputs.map(async (input) => Hex.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", input)))))
    )
  )
