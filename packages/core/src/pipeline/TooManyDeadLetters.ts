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
