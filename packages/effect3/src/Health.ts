/**
 * Whether the endpoint can be used right now.
 *
 * @since 0.1.0
 */
import type * as Bridge from "@callstream/client/bridge"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AgniClient } from "./AgniClient.ts"
import type { AgniError } from "./AgniError.ts"
import * as Failures from "./internal/Failures.ts"

/**
 * The answer to one request. It has no data of a call.
 *
 * @since 0.1.0
 * @category models
 */
export interface Health extends Omit<Bridge.Health, "latency" | "error"> {
  /** From the request to the end of the answer, with what it waited for its turn. */
  readonly latency: Duration.Duration
  /** Why it is not `ok`. */
  readonly error: AgniError | undefined
}

/**
 * Makes one request for one call, without retries. It never fails.
 *
 * @since 0.1.0
 * @category constructors
 */
export const check: Effect.Effect<Health, never, AgniClient> = Effect.flatMap(AgniClient, ({ once }) =>
  Effect.map(
    once(
      (bridge, host, signal) => bridge.health(host, signal),
      (error) => Effect.die(error)
    ),
    ({ error, latency, ...health }) => ({
      ...health,
      latency: Duration.millis(latency),
      error: error === undefined ? undefined : Failures.ofPlain(error)
    })
  )
)
