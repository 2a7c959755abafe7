/**
 * What a stage of a pipeline cannot take.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Version } from "./Version.ts"

/**
 * A record that did not decode or on which a transform threw, or a row that a sink rejected: it has either a `record` or
 * a `row`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RejectedRow = Schema.Struct({
  /** `decode`, `range`, the label of a transform, or `sink`. */
  stage: Schema.String,
  /** The sink that rejected it; without one it went to none. */
  sink: Schema.optionalKey(Schema.String),
  reason: Schema.String,
  /** The key of the row, where the row or record itself does not hold it as its `id`. */
  id: Schema.optionalKey(Schema.String),
  /** The record as it was read, redacted where the pipeline redacts. */
  record: Schema.optionalKey(Schema.Unknown),
  /** The row that a sink rejected, as the transforms made it. */
  row: Schema.optionalKey(Schema.Unknown),
  /** What took personal data out of the record, and which of its fields are not as they were read. */
  redaction: Schema.optionalKey(Schema.Struct({ label: Schema.String, fields: Schema.Array(Schema.String) })),
  /** The version of the response that held it, in microseconds since the epoch. */
  observedAt: Version
})

/**
 * @since 0.1.0
 * @category models
 */
export type RejectedRow = typeof RejectedRow.Type
