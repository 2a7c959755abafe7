/**
 * Rejected records, saved whole so that they can be sent again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Hex from "effect/encoding/Hex"
import * as Schema from "effect/Schema"
import { RejectedRow } from "../model/RejectedRow.ts"

/**
 * A rejected row, with a key.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DeadLetter = Schema.Struct({
  /** The same for the same record, stage and version; a replay marks it as done. */
  letter: Schema.String,
  ...RejectedRow.fields
})

/**
 * @since 0.1.0
 * @category models
 */
export type DeadLetter = typeof DeadLetter.Type

/**
 * Gives dead letters their `letter`. It is a hash of what the letter holds, and of nothing that was redacted: a reader of
 * the letter could find a redacted value by trying.
 *
 * @since 0.1.0
 * @category constructors
 */
export const seal = (rows: ReadonlyArray<RejectedRow>): Effect.Effect<ReadonlyArray<DeadLetter>> =>
  Effect.flatMap(WebCrypto.WebCrypto, (crypto) => {
    const times = new Map<string, number>()
    return Effect.promise(() =>
      Promise.all(
        rows.map(async (one) => {
          const content = [one.stage, one.sink ?? null, one.observedAt, one.id ?? null, one.record ?? one.row]
          const same = JSON.stringify(content)
          // Records that differ only in redacted fields still have several letters.
          const nth = times.get(same) ?? 0
          times.set(same, nth + 1)
          const text = nth === 0 ? same : `${same}${nth}`
          const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))
          return { letter: Hex.encode(new Uint8Array(digest)).slice(0, 24), ...one }
        })
      )
    )
  })
