/**
 * An instant as microseconds since the Unix epoch.
 *
 * @since 0.1.0
 */
import { instants } from "@callstream/client/bridge"
import type * as Bridge from "@callstream/client/bridge"

/**
 * Microseconds since the Unix epoch, a safe integer. No number is one by itself: see `of`.
 *
 * @since 0.1.0
 * @category models
 */
export type Instant = Bridge.Instant

/**
 * A point in time that a function takes: an `Instant`, a `Date`, or ISO 8601 text. Text without a zone is read as UTC.
 *
 * @since 0.1.0
 * @category models
 */
export type Bound = Bridge.Bound

export const {
  /**
   * A number of microseconds since the epoch as an instant.
   *
   * @since 0.1.0
   * @category constructors
   */
  of,
  /**
   * Reads a timestamp of the API; `undefined` for anything that is no time.
   *
   * @since 0.1.0
   * @category constructors
   */
  parse,
  /**
   * Reads a bound; `undefined` where it is no time.
   *
   * @since 0.1.0
   * @category constructors
   */
  fromBound,
  /**
   * The earlier one.
   *
   * @since 0.1.0
   * @category combining
   */
  min,
  /**
   * The later one.
   *
   * @since 0.1.0
   * @category combining
   */
  max,
  /**
   * ISO 8601 in UTC: whole seconds as `2026-07-31T07:16:10Z`, otherwise with six digits of fraction.
   *
   * @since 0.1.0
   * @category formatting
   */
  format
} = instants
