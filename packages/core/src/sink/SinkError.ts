/**
 * Why a sink could not continue.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { SinkReason } from "./SinkReason.ts"
import { describe } from "./internal/SinkWords.ts"

/**
 * The failure of a sink, with its name, the operation and the reason. Holds no value of a record and no secret.
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
  reason: SinkReason
}) {
  /** What happened, in one sentence without a capital and a full stop, without the sink's name. */
  get description(): string {
    return describe(this.reason, this.sink)
  }
  override get message(): string {
    return `${this.sink}: ${this.description}`
  }
}
