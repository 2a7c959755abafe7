/**
 * So many records were rejected that the cause is not in single records.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Too many records were rejected, so the cause is not in single records.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyDeadLetters extends Schema.TaggedError<TooManyDeadLetters>()("TooManyDeadLetters", {
  /** Records with a dead letter, each once, even if several sinks rejected it. */
  dead: Schema.Int,
  of: Schema.Int,
  /** The most frequent reason. */
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.dead} of ${this.of} records were rejected: ${this.reason}`
  }
}
