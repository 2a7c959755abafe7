/**
 * Whether the endpoint can be used right now.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { AgniError } from "../model/AgniError.ts"
import { AgniClient } from "./AgniClient.ts"

/**
 * The answer to one request. It has no data of a call.
 *
 * @since 0.1.0
 * @category models
 */
export interface Health {
  /** Calls can be read: it is reachable and authorized, and it answered with a page of calls. */
  readonly ok: boolean
  /** The server answered, in any way. */
  readonly reachable: boolean
  /** The key was accepted; `undefined` where the answer does not say. */
  readonly authorized: boolean | undefined
  /** From the request to the end of the answer, with what it waited for its turn. */
  readonly latency: Duration.Duration
  /** How many milliseconds the server's clock is ahead of this machine's. Its `Date` has whole seconds. Only with `ok`. */
  readonly clockOffset: number | undefined
  /** Why it is not `ok`. */
  readonly error: AgniError | undefined
}

/**
 * Makes one request for one call, without retries. It never fails.
 *
 * @since 0.1.0
 * @category constructors
 */
export const check: Effect.Effect<Health, never, AgniClient> = Effect.gen(function* () {
  const { list } = yield* AgniClient
  const began = yield* Clock.currentTimeMillis
  const result = yield* Effect.result(list({ pageSize: 1 }, { once: true }))
  const ended = yield* Clock.currentTimeMillis
  const latency = Duration.millis(Math.max(0, ended - began))
  if (result._tag === "Success") {
    const { age, observedAt } = result.success
    // The server's second began at most one second before its answer.
    const clockOffset = Math.round(observedAt / 1000 + age * 1000 + 500 - (began + ended) / 2)
    return { ok: true, reachable: true, authorized: true, latency, clockOffset, error: undefined }
  }
  const error = result.failure
  return { ok: false, ...seenIn(error), latency, clockOffset: undefined, error }
})

/** What an error says of the endpoint. */
const seenIn = ({ reason }: AgniError): Pick<Health, "reachable" | "authorized"> => {
  switch (reason._tag) {
    case "Unauthorized":
    case "Forbidden":
      return { reachable: true, authorized: false }
    case "InvalidRequest":
      return { reachable: reason.status !== undefined, authorized: undefined }
    case "Unavailable": {
      const { _tag } = reason.outage
      return { reachable: _tag !== "Unreachable" && _tag !== "TimedOut", authorized: undefined }
    }
    case "NotFound":
    case "RateLimited":
    case "InvalidResponse":
      return { reachable: true, authorized: undefined }
  }
}
