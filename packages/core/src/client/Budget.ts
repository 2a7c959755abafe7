/**
 * How many requests may be in flight, and when the next may start, for all clients that share one endpoint or key.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { AgniError, InvalidRequest } from "../model/AgniError.ts"

/**
 * What the server is asked for at most.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Requests in flight, of all users of the budget together. @default 8 */
  readonly maxConcurrentRequests?: number | undefined
  /** Spaces all requests of the budget, retries included. @default no limit */
  readonly requestsPerSecond?: number | undefined
}

/**
 * What all of its users share: how many requests are in flight, and when the next may start. This one is in memory; one
 * that several processes share implements the same two functions.
 *
 * @since 0.1.0
 * @category services
 */
export class Budget extends Context.Service<
  Budget,
  {
    /** Runs one attempt when its turn has come. A retry waits outside, so it holds no place. */
    readonly spend: <A, E, R>(attempt: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Nobody starts another attempt for so long: the server asked for a pause. */
    readonly hold: (pause: Duration.Input) => Effect.Effect<void>
  }
>()("@callstream/core/client/Budget") {
  /**
   * A budget in this process. Fails when an option is wrong.
   *
   * @since 0.1.0
   */
  static readonly make = (options: Options = {}): Effect.Effect<Budget["Service"], AgniError> => {
    const { maxConcurrentRequests = 8, requestsPerSecond } = options
    if (!Number.isInteger(maxConcurrentRequests) || maxConcurrentRequests < 1) {
      return invalid("maxConcurrentRequests", "must be an integer of at least 1")
    }
    if (requestsPerSecond !== undefined && !(requestsPerSecond > 0 && Number.isFinite(requestsPerSecond))) {
      return invalid("requestsPerSecond", "must be a number above 0")
    }
    return Effect.map(Semaphore.make(maxConcurrentRequests), (permits) => inMemory(permits, requestsPerSecond))
  }

  /**
   * A budget in this process. One layer value is one budget: build it once, above all clients that share it.
   *
   * @since 0.1.0
   */
  static readonly layer = (options: Options = {}): Layer.Layer<Budget, AgniError> =>
    Layer.effect(Budget, Budget.make(options))
}

const invalid = (parameter: string, requirement: string) =>
  Effect.fail(
    new AgniError({
      reason: new InvalidRequest({ parameter, requirement }),
      request: "options of Budget",
      attempts: 0,
      elapsed: Duration.zero
    })
  )

/** A clock that nobody sets back: a request would wait until it is there again. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** Sums of fractions are off by less, in milliseconds: a whole one more would bring a start too near to the next ones. */
const rounding = 1e-3

/** In milliseconds of `now`. */
interface Starts {
  /** Of the next attempt, after all that have their turn. */
  next: number
  /** Nobody starts before this. */
  held: number
}

/**
 * Starts are spaced by 1/rate seconds. A token bucket would let twice the rate through in its first second, which is what
 * a server's own limit then punishes.
 */
const inMemory = (permits: Semaphore.Semaphore, requestsPerSecond: number | undefined): Budget["Service"] => {
  const spacing = requestsPerSecond === undefined ? 0 : 1000 / requestsPerSecond
  const starts: Starts = { next: 0, held: 0 }

  const turn: Effect.Effect<void> = Effect.flatMap(now, (now) => {
    const at = Math.max(now, starts.held, starts.next)
    starts.next = at + spacing
    if (at <= now) return Effect.void
    // The last in line that goes away gives its slot back.
    const leave = Effect.sync(() => {
      if (starts.next === at + spacing) starts.next = at
    })
    return Effect.andThen(
      Effect.onInterrupt(Effect.sleep(Duration.millis(Math.ceil(at - now - rounding))), () => leave),
      recheck
    )
  })
  // While waiting for its slot an attempt may have been held back by a 429 that another one got: then it takes a new one.
  const recheck = Effect.flatMap(now, (now) => (starts.held > now ? turn : Effect.void))

  return Budget.of({
    spend: (attempt) => permits.withPermit(Effect.andThen(turn, attempt)),
    hold: (pause) =>
      Effect.map(now, (now) => {
        const until = now + Duration.toMillis(pause)
        starts.held = Math.max(starts.held, until)
        starts.next = Math.max(starts.next, until)
      })
  })
}
