/**
 * What a pipeline is, as a value: two that differ are not the same pipeline.
 *
 * @since 0.1.0
 */

/**
 * Part by part: base URL, organization, range, filters, transforms, sinks. A checkpoint of another fingerprint is refused,
 * and the parts that differ are named.
 *
 * @since 0.1.0
 * @category models
 */
export type Fingerprint = Readonly<Record<string, string>>

/**
 * The parts in which two fingerprints differ.
 *
 * @since 0.1.0
 * @category reading
 */
export const difference = (left: Fingerprint, right: Fingerprint): ReadonlyArray<string> =>
  [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((part) => left[part] !== right[part])
