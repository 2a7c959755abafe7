/**
 * The range of a source, resolved once and saved under the run's name.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSessionQuery } from "../model/CallSessionQuery.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import * as Instant from "../model/Instant.ts"
import * as History from "../history/History.ts"
import * as Asked from "../history/internal/Asked.ts"

const Bound = Schema.NullOr(Instant.Instant)

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
 * A bound as a whole number that is exact: microseconds are so until the year 2255, and nothing that is credible starts later.
 *
 * @since 0.1.0
 * @category constructors
 */
export const exact = (instant: Instant.Instant): Instant.Instant =>
  Instant.of(Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, instant)))

/**
 * The range as instants. Asks the server for its clock where it has no end.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = (range: History.OpenRange, end?: Instant.Bound): Effect.Effect<Bounds, AgniError, AgniClient> =>
  Effect.flatMap(Effect.fromResult(Asked.read({ ...range, end })), (asked) =>
    asked.to !== undefined || asked.end !== undefined
      ? Effect.succeed(boundsOf(asked))
      : AgniClient.use(({ list }) =>
          Effect.zipWith(Instant.now, list({ pageSize: 20 }), (local, { age, observedAt }) =>
            boundsOf({ ...asked, end: History.openEnd(local, Instant.of(observedAt + age * 1_000_000)) })
          )
        )
  )

/**
 * The range as instants, without a request.
 *
 * @since 0.1.0
 * @category constructors
 */
export const given = (range: History.OpenRange): Effect.Effect<Bounds, AgniError> =>
  Effect.map(Effect.fromResult(Asked.read(range)), boundsOf)

const boundsOf = ({ end, from, to }: Pick<Asked.Asked, "end" | "from" | "to">): Bounds => ({
  from: from === undefined ? null : exact(from),
  to: to === undefined ? null : exact(to),
  end: end ?? null
})

/**
 * A number or search words are personal data, so the fingerprint only says that there are some.
 *
 * @since 0.1.0
 * @category reading
 */
export const fingerprint = (
  source: string,
  { from, to }: History.OpenRange,
  { agentId, callerNumber, channel, search, status }: CallSessionQuery
): Fingerprint => {
  const tell = (bound: Instant.Bound | undefined) => {
    const instant = bound === undefined ? undefined : Instant.fromBound(bound)
    // The run refuses an invalid time when it begins.
    return instant === undefined ? String(bound ?? "") : Instant.format(instant)
  }
  const given = (text: string | undefined) => (text === undefined ? undefined : "given")
  return {
    source,
    range: `${tell(from)}/${tell(to)}`,
    filters: Object.entries({ agentId, callerNumber: given(callerNumber), channel, search: given(search), status })
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(" ")
  }
}
