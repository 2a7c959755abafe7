/**
 * How a transform rejects a record.
 *
 * @since 0.1.0
 */

/**
 * What a pure transform throws, and `effect` gives in place of a row, to reject a record: `message` becomes the reason in
 * the dead letter, so it must hold no value of the record. Of anything else that is thrown a dead letter has only the name.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransformError extends Error {
  override readonly name = "TransformError"
}
