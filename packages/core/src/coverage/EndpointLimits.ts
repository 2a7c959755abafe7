/**
 * The observed limits of a server. Ranges are cut so that everything is still read.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Absent is what was not seen.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EndpointLimits = Schema.Struct({
  /** The widest range of time that is answered in full, in microseconds. */
  span: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(86_400_000_000))),
  /** Rows of one range at most, whether their offset, the number of the page or the number of results is limited. */
  rows: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))
})

/**
 * @since 0.1.0
 * @category models
 */
export type EndpointLimits = typeof EndpointLimits.Type

const days = (span: number): string => {
  const count = Math.round((span / 86_400_000_000) * 10) / 10
  return count === 1 ? "1 day" : `${count} days`
}

/**
 * The limits as a list of nouns; empty where none was seen.
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = ({ rows, span }: EndpointLimits): ReadonlyArray<string> => [
  ...(span === undefined ? [] : [`at most ${days(span)} of one range`]),
  ...(rows === undefined ? [] : [`at most ${rows.toLocaleString("en")} calls of one range`])
]
