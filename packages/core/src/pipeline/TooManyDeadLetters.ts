/**
 * When so many records cannot go on that the cause is elsewhere.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The cause lies elsewhere than in single records: too many of them cannot go on.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyDeadLetters extends Schema.TaggedError<TooManyDeadLetters>()("TooManyDeadLetters", {
  /** Records with a dead letter, however many sinks refused them. */
  dead: Schema.Int,
  of: Schema.Int,
  /** The most frequent reason. */
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.dead} of ${this.of} records cannot go on: ${this.reason}`
  }
}
