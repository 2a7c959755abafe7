/**
 * The range of a source, resolved once and saved under the run's name.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import * as Instant from "../model/Instant.ts"
import * as History from "../stream/History.ts"

const Bound = Schema.NullOr(Schema.Int)

/**
 * Instants in microseconds; `null` where there is no bound.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Bounds = Schema.Struct({
  from: Bound,
  to: Bound,
  /** Where a range without a `to` ends: a day after the latest credible clock when the first run began. */
  end: Bound
})
/**
 * @since 0.1.0
 * @category models
 */
export type Bounds = typeof Bounds.Type

/**
 * The range that was asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Asked {
  readonly from?: Instant.Instant | undefined
  readonly to?: Instant.Instant | undefined
}

/**
 * A bound as a whole number that is exact: microseconds are so until the year 2255, and nothing that is credible starts later.
 *
 * @since 0.1.0
 * @category constructors
 */
export const exact = (instant: Instant.Instant): Instant.Instant =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, instant))

/**
 * Asks the server for its clock where the range has no end.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = (
  { from, to }: Asked,
  end: Instant.Instant | undefined
): Effect.Effect<Bounds, AgniError, AgniClient> =>
  Effect.map(
    to !== undefined || end !== undefined
      ? Effect.succeed(end)
      : AgniClient.use(({ list }) =>
          Effect.zipWith(Clock.currentTimeMillis, list({ pageSize: 20 }), (local, { observedAt }) =>
            History.openEnd(local * 1000, observedAt)
          )
        ),
    (end) => ({
      from: from === undefined ? null : exact(from),
      to: to === undefined ? null : exact(to),
      end: end ?? null
    })
  )

/**
 * A number or search words are personal data, so the fingerprint only says that there are some.
 *
 * @since 0.1.0
 * @category reading
 */
export const fingerprint = (
  source: string,
  { from, to }: Asked,
  { agentId, callerNumber, channel, search, status }: CallSessionQuery
): Fingerprint => {
  const tell = (instant: Instant.Instant | undefined) => (instant === undefined ? "" : Instant.format(instant))
  const given = (text: string | undefined) => (text === undefined ? undefined : "given")
  return {
    source,
    range: `${tell(from)}/${tell(to)}`,
    filters: Object.entries({ agentId, callerNumber: given(callerNumber), channel, search: given(search), status })
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(" ")
  }
}
