/**
 * Records that could not go on, kept whole so that they can be sent again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Hex from "effect/encoding/Hex"
import * as Schema from "effect/Schema"

/**
 * A record that did not decode, that a transform threw on, or that a sink refused. `reason` names no values; `raw` is the
 * record itself and may hold personal data.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DeadLetter = Schema.Struct({
  /** The same for the same record, stage and version: what a replay marks. */
  letter: Schema.String,
  /** `decode`, `range`, the label of a transform, or `sink`. */
  stage: Schema.String,
  /** The sink that refused it; without one it went to none. */
  sink: Schema.optionalKey(Schema.String),
  reason: Schema.String,
  raw: Schema.Unknown,
  /** The version of the response that held it, in microseconds since the epoch. */
  observedAt: Schema.Int
})

/**
 * @since 0.1.0
 * @category models
 */
export type DeadLetter = typeof DeadLetter.Type

/**
 * Gives dead letters their `letter`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const seal = (letters: ReadonlyArray<Omit<DeadLetter, "letter">>): Effect.Effect<ReadonlyArray<DeadLetter>> =>
  Effect.flatMap(WebCrypto.WebCrypto, (crypto) =>
    Effect.promise(() =>
      Promise.all(
        letters.map(async (one) => {
          const text = JSON.stringify([one.stage, one.sink ?? null, one.observedAt, one.raw])
          const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))
          return { letter: Hex.encode(new Uint8Array(digest)).slice(0, 24), ...one }
        })
      )
    )
  )
