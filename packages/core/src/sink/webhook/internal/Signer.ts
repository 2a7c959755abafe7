/** Signatures by the Standard Webhooks specification: HMAC-SHA-256 over id, time and body, once for each secret. */
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { SecretProblem } from "../../SinkReason.ts"

const prefix = "whsec_"
const leastBytes = 24
const mostBytes = 64

/** The mistake in the text of one or more secrets, separated by spaces; never the text itself. */
export const check = (secrets: Redacted.Redacted): Result.Result<ReadonlyArray<Uint8Array>, SecretProblem> => {
  const parts = Redacted.value(secrets)
    .split(/\s+/)
    .filter((part) => part !== "")
  if (parts.length === 0) return Result.fail({ _tag: "Empty" })
  return Result.all(
    parts.map((part, index): Result.Result<Uint8Array, SecretProblem> => {
      const place = { at: index + 1, of: parts.length }
      if (!part.startsWith(prefix)) return Result.fail({ _tag: "NoPrefix", ...place })
      const bytes = Base64.decode(part.slice(prefix.length))
      if (Result.isFailure(bytes)) return Result.fail({ _tag: "NotBase64", ...place })
      const { length } = bytes.success
      return length < leastBytes || length > mostBytes
        ? Result.fail({ _tag: "Length", ...place, bytes: length })
        : Result.succeed(bytes.success)
    })
  )
}

/** The value of `webhook-signature`, for a time in whole seconds. */
export type Sign = (id: string, timestamp: number, body: Uint8Array) => Effect.Effect<string>

/** A key that was checked can always sign, so a failure is a bug. */
export const make = Effect.fnUntraced(function* (secrets: ReadonlyArray<Uint8Array>): Effect.fn.Return<Sign> {
  const mac = yield* Effect.provide(Mac.Mac, Mac.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto)))
  const keys = yield* Effect.forEach(secrets, (bytes) => Effect.orDie(Mac.key(Mac.hmacSha256, bytes)))
  const encoder = new TextEncoder()
  return (id, timestamp, body) => {
    const head = encoder.encode(`${id}.${timestamp}.`)
    const content = new Uint8Array(head.length + body.length)
    content.set(head)
    content.set(body, head.length)
    return Effect.map(
      Effect.forEach(keys, (key) => Effect.orDie(mac.sign(key, content))),
      (tags) => tags.map((tag) => `v1,${Base64.encode(tag)}`).join(" ")
    )
  }
})
