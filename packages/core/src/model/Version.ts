/**
 * The version of an observation, and the hybrid clock that gives versions.
 *
 * The endpoint gives a record no version, so its version is when it was observed. Clocks stop, jump ahead and go
 * back: this one follows the server's, never leaves this machine's far behind, and always rises.
 *
 * @since 0.1.0
 */
import * as Brand from "effect/Brand"
import * as Schema from "effect/Schema"
import type * as Instant from "./Instant.ts"

/**
 * Microseconds since the Unix epoch, a safe integer. Of two observations in one run the later one has the higher version.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Version = Schema.Int.pipe(Schema.brand("Version"))

/**
 * @since 0.1.0
 * @category models
 */
export type Version = typeof Version.Type

/**
 * A version that was kept somewhere: in a state, a dead letter, a table.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = Brand.nominal<Version>()

/**
 * How far ahead of this machine's clock a server's clock may be before it counts as wrong: 5 minutes, in microseconds.
 *
 * @since 0.1.0
 * @category constants
 */
export const tolerance = 5 * 60 * 1_000_000

/**
 * What a clock remembers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Clock {
  /** The highest version that was given; `undefined` before the first one. */
  readonly last: Version | undefined
  /** The server's clock in the latest observation; `undefined` before the first one. */
  readonly server: Instant.Instant | undefined
}

/**
 * A clock that gives versions above `last`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const clock = (last?: Version): Clock => ({ last, server: undefined })

/**
 * The clock after one more observation, whose version is its `last`: the larger of `min(server, own + tolerance)` and the
 * last version + 1. `server` is the server's clock when it made the answer, `own` this machine's.
 *
 * @since 0.1.0
 * @category combinators
 */
export const observe = (
  { last }: Clock,
  { own, server }: { readonly server: Instant.Instant; readonly own: Instant.Instant }
): Clock & { readonly last: Version } => {
  const credible = Math.min(server, own + tolerance)
  return { last: of(last === undefined ? credible : Math.max(credible, last + 1)), server }
}

/**
 * The highest version that is accepted from other writers: a version more than `tolerance` in the future of both
 * the server's clock and this machine's was written by a wrong clock. Versions of this clock itself are always accepted.
 * `undefined` before the first observation: one clock alone cannot tell which of the two is wrong.
 *
 * @since 0.1.0
 * @category reading
 */
export const highestCredible = ({ last, server }: Clock, own: Instant.Instant): Version | undefined =>
  server === undefined ? undefined : of(Math.max(Math.max(server, own) + tolerance, last ?? -Infinity))
