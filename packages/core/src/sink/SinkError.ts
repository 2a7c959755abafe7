/**
 * Why a sink could not go on.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A sink that failed: which, doing what, why, and what can be done about it. Texts name no record's values and no secret.
 *
 * @since 0.1.0
 * @category errors
 */
export class SinkError extends Schema.TaggedError<SinkError>()("SinkError", {
  /** The sink's name in the pipeline. */
  sink: Schema.String,
  operation: Schema.Literals(["open", "write", "flush", "finish", "verify"]),
  /** Whether the same call may succeed later. A retryable `write` can be called again with the same batch. */
  retryable: Schema.Boolean,
  /** What happened, in one sentence without a capital and a full stop. */
  description: Schema.String,
  /** What to do, in one sentence. */
  advice: Schema.optionalKey(Schema.String),
  /** What the caller may choose otherwise: `exists`, to replace the file; `privateHost`, to allow such a receiver. */
  reason: Schema.optionalKey(Schema.Literals(["exists", "privateHost"])),
  /** The system's code where there is one, such as `EPIPE`: the reader went away. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.sink}: ${this.description}`
  }
}
