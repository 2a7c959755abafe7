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
 * A record that did not decode, that a transform threw on, or a row that a sink refused: it has either a `record` or
 * a `row`.
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
  /** The key of the row, where the row or record itself does not hold it as its `id`. */
  id: Schema.optionalKey(Schema.String),
  /** The record as it was read, redacted where the pipeline redacts. */
  record: Schema.optionalKey(Schema.Unknown),
  /** The row that a sink refused, as the transforms made it. */
  row: Schema.optionalKey(Schema.Unknown),
  /** What took personal data out of the record, and which of its fields are not as they were read. */
  redaction: Schema.optionalKey(Schema.Struct({ label: Schema.String, fields: Schema.Array(Schema.String) })),
  /** The version of the response that held it, in microseconds since the epoch. */
  observedAt: Schema.Int
})

/**
 * @since 0.1.0
 * @category models
 */
export type DeadLetter = typeof DeadLetter.Type

/**
 * Gives dead letters their `letter`. It is made of what a letter holds, and of nothing that was redacted: whoever has the
 * letter could find that again by trying.
 *
 * @since 0.1.0
 * @category constructors
 */
export const seal = (letters: ReadonlyArray<Omit<DeadLetter, "letter">>): Effect.Effect<ReadonlyArray<DeadLetter>> =>
  Effect.flatMap(WebCrypto.WebCrypto, (crypto) => {
    const times = new Map<string, number>()
    return Effect.promise(() =>
      Promise.all(
        letters.map(async (one) => {
          const content = [one.stage, one.sink ?? null, one.observedAt, one.id ?? null, one.record ?? one.row]
          const same = JSON.stringify(content)
          // Records that differ in what was redacted only are several all the same.
          const nth = times.get(same) ?? 0
          times.set(same, nth + 1)
          const text = nth === 0 ? same : `${same}${nth}`
          const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))
          return { letter: Hex.encode(new Uint8Array(digest)).slice(0, 24), ...one }
        })
      )
    )
  })
