/** Bounds for a server that refuses those in the future, or fails for them. */
import * as Effect from "effect/Effect"
import * as Instant from "../../model/Instant.ts"
import * as Ask from "./Ask.ts"
import type { Micros } from "./Micros.ts"
import type { List } from "./Patience.ts"

/**
 * Ranges reach a day beyond the present, because clocks differ. A server may take such a bound for a mistake. Then the range ends at the
 * server's clock, beyond which it has nothing.
 *
 * @param now by the server's clock.
 */
export const make = (list: List, now: Micros): List => {
  const seen = { accepts: false, refuses: false }
  return (query, options) => {
    const { startedAfter, startedBefore } = query
    const [after = -Infinity, before = -Infinity] = [startedAfter, startedBefore].map((bound) =>
      bound === undefined ? undefined : Instant.fromBound(bound)
    )
    if (seen.accepts || before <= now || after >= now) return list(query, options)
    const past = () => list({ ...query, startedBefore: Instant.format(Instant.of(now)) }, options)
    if (seen.refuses) return past()
    return Effect.tap(list(query, options), () =>
      Effect.sync(() => {
        seen.accepts = true
      })
    ).pipe(
      Effect.catchIf(
        (error) => Ask.isRefusal(error) || Ask.isPoison(error),
        () =>
          Effect.tap(past(), () =>
            Effect.sync(() => {
              seen.refuses = true
            })
          )
      )
    )
  }
}
