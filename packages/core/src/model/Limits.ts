/**
 * Numbers that several parts agree on.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Instant from "./Instant.ts"

/**
 * How long after its start a call may still appear in the API, where nobody says otherwise: 2 hours.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultHorizon: Duration.Duration = Duration.hours(2)

/**
 * No call started before this: 2000-01-01T00:00:00Z in microseconds. Go writes a time that was never set as the year 1.
 *
 * @since 0.1.0
 * @category constants
 */
export const earliestStart: Instant.Instant = Instant.of(946_684_800_000_000)

/**
 * A page number beyond the last page of any set.
 *
 * @since 0.1.0
 * @category constants
 */
export const pageBeyondAll = 90_000_001
