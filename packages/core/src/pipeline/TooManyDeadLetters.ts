/**
 * So many rejected records that the cause is elsewhere.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Too many records were rejected: the cause is not in single records.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyDeadLetters extends Schema.TaggedError<TooManyDeadLetters>()("TooManyDeadLetters", {
  /** Records with a dead letter, however many sinks rejected them. */
  dead: Schema.Int,
  of: Schema.Int,
  /** What most of them have in common: the stage, the sink if it was one, and its reason. */
  most: Schema.Struct({
    stage: Schema.String,
    sink: Schema.optionalKey(Schema.String),
    reason: Schema.String,
    letters: Schema.Int
  })
}) {
  override get message(): string {
    // A stage is the label of a transform, which may name a person.
    const { reason, sink } = this.most
    return `${this.dead} of ${this.of} records were rejected${sink === undefined ? "" : `, most by ${sink}`}: ${reason}`
  }
}
