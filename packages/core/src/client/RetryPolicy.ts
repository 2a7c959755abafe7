/**
 * When a failed request is retried, as a value.
 *
 * *What* may be retried is the error's own knowledge (`retryable`); this says how often and after how long.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { AgniError, AgniErrorReason } from "../model/AgniError.ts"

/**
 * Exponential back-off with full jitter: before try n + 1 comes a random wait between 0 and
 * `base × factor^(n − 1)`, at most `cap`, and never less than the server asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  /** Requests at most, the first one included. @default 8 */
  readonly tries: number
  /** @default "500 millis" */
  readonly base: Duration.Input
  /** @default 2 */
  readonly factor: number
  /** The longest random wait; after an error with status 200, or an answer without a list, it is 2 s at most. @default "30 seconds" */
  readonly cap: Duration.Input
  /** A server that asks for a longer wait than this is not waited for: the error comes at once. @default "60 seconds" */
  readonly retryAfterCap: Duration.Input
}

/**
 * The parts of a policy that are to differ from the default.
 *
 * @since 0.1.0
 * @category options
 */
export type Options = { readonly [K in keyof RetryPolicy]?: RetryPolicy[K] | undefined }

/**
 * The policy with the given parts changed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): RetryPolicy => ({
  tries: options.tries ?? 8,
  base: options.base ?? "500 millis",
  factor: options.factor ?? 2,
  cap: options.cap ?? "30 seconds",
  retryAfterCap: options.retryAfterCap ?? "60 seconds"
})

/**
 * How long the server asked to wait, when the reason carries it.
 *
 * @since 0.1.0
 * @category reading
 */
export const askedWait = (reason: AgniErrorReason): Duration.Duration | undefined =>
  "retryAfter" in reason ? reason.retryAfter : undefined

/**
 * Whether another try is worth making: the reason passes, and the server does not ask for more patience than there is.
 *
 * @since 0.1.0
 * @category reading
 */
export const mayRetry =
  (policy: RetryPolicy) =>
  (reason: AgniErrorReason): boolean =>
    reason.retryable &&
    Duration.isLessThanOrEqualTo(askedWait(reason) ?? Duration.zero, Duration.fromInputUnsafe(policy.retryAfterCap))

/** A server that answers, though with an error, is not down: long waits would not help. */
const answeredCap = Duration.seconds(2)

/** Mostly another server answers, and who named it should not wait long to hear of that. */
const isNoList = (reason: AgniErrorReason) => reason._tag === "InvalidResponse" && reason.problem._tag === "NoList"

const longestWait = (policy: RetryPolicy, reason: AgniErrorReason, isAnswered: boolean): Duration.Duration => {
  const cap = Duration.fromInputUnsafe(policy.cap)
  const isShort =
    isAnswered || (reason._tag === "Unavailable" && reason.outage._tag === "Unsuccessful") || isNoList(reason)
  return isShort ? Duration.min(cap, answeredCap) : cap
}

/**
 * The policy as a schedule over reasons. `Schedule.jittered` is ±20 %; this is the full range, which spreads many
 * clients best. While the server answers other requests (`isAnswered`), waits are two seconds at most.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toSchedule = (
  policy: RetryPolicy,
  isAnswered: () => boolean = () => false
): Schedule.Schedule<unknown, AgniErrorReason> => scheduleOf<AgniErrorReason>(policy, (reason) => reason, isAnswered)

/**
 * The policy as a schedule over errors, such as the `retry` of `CallSessions.sessions`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toErrorSchedule = (policy: RetryPolicy): Schedule.Schedule<unknown, AgniError> =>
  scheduleOf<AgniError>(
    policy,
    ({ reason }) => reason,
    () => false
  )

const scheduleOf = <A>(
  policy: RetryPolicy,
  reasonOf: (input: A) => AgniErrorReason,
  isAnswered: () => boolean
): Schedule.Schedule<unknown, A> =>
  Schedule.exponential(policy.base, policy.factor).pipe(
    Schedule.setInputType<A>(),
    Schedule.upTo({ times: policy.tries - 1 }),
    Schedule.modifyDelay(({ duration, input }) =>
      Effect.map(Random.next, (random) =>
        Duration.max(
          Duration.times(Duration.min(duration, longestWait(policy, reasonOf(input), isAnswered())), random),
          askedWait(reasonOf(input)) ?? Duration.zero
        )
      )
    )
  )

/**
 * The longest that one request can take before its error: every try times out and every wait is the longest possible.
 * With the defaults and 30 s a try it is 5 min 1.5 s, of which 1 min 1.5 s are waits; a server that asks for 60 s each
 * time stretches that to 11 min.
 *
 * @since 0.1.0
 * @category reading
 */
export const worstCase = (
  policy: RetryPolicy,
  timeout: Duration.Input
): { readonly usual: Duration.Duration; readonly withRetryAfter: Duration.Duration } => {
  const trying = Duration.times(Duration.fromInputUnsafe(timeout), policy.tries)
  const cap = Duration.toMillis(Duration.fromInputUnsafe(policy.cap))
  const base = Duration.toMillis(Duration.fromInputUnsafe(policy.base))
  let waits = 0
  for (let n = 0; n < policy.tries - 1; n++) waits += Math.min(cap, base * policy.factor ** n)
  const longest = Duration.max(Duration.fromInputUnsafe(policy.cap), Duration.fromInputUnsafe(policy.retryAfterCap))
  const asked = Duration.times(longest, policy.tries - 1)
  return { usual: Duration.sum(trying, Duration.millis(waits)), withRetryAfter: Duration.sum(trying, asked) }
}
