import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** What all users of one client share: how many requests are under way, and when the next may start. */
export interface Budget {
  /** Runs one attempt when its turn has come. A retry's wait lies outside, so it holds no place. */
  readonly spend: <A, E, R>(attempt: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Nobody starts another attempt for so many milliseconds. */
  readonly hold: (millis: number) => Effect.Effect<void>
}

/** A clock that nobody sets back: a request would wait until it is there again. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** Sums of fractions are off by less, in milliseconds: a whole one more would bring a start too near to the next ones. */
const rounding = 1e-3

/**
 * Starts are spaced by 1/rate seconds. A token bucket would let twice the rate through in its first second, which is what
 * a server's own limit then punishes.
 */
export const make = (options: {
  readonly maxConcurrentRequests: number
  readonly requestsPerSecond: number | undefined
}): Effect.Effect<Budget> =>
  Effect.map(Semaphore.make(options.maxConcurrentRequests), (permits) => {
    const spacing = options.requestsPerSecond === undefined ? 0 : 1000 / options.requestsPerSecond
    let next = 0
    let held = 0

    const turn: Effect.Effect<void> = Effect.flatMap(now, (now) => {
      const at = Math.max(now, held, next)
      next = at + spacing
      if (at <= now) return Effect.void
      // The last in line that goes away gives its slot back.
      const leave = Effect.sync(() => {
        if (next === at + spacing) next = at
      })
      return Effect.andThen(
        Effect.onInterrupt(Effect.sleep(Duration.millis(Math.ceil(at - now - rounding))), () => leave),
        recheck
      )
    })
    // While waiting for its slot an attempt may have been held back by a 429 that another one got: then it takes a new one.
    const recheck = Effect.flatMap(now, (now) => (held > now ? turn : Effect.void))

    return {
      spend: (attempt) => permits.withPermit(Effect.andThen(turn, attempt)),
      hold: (millis) =>
        Effect.map(now, (now) => {
          held = Math.max(held, now + millis)
          next = Math.max(next, now + millis)
        })
    }
  })
