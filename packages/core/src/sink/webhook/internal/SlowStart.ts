/** When a request may start: at once as a rule, one after another at growing speed when the receiver has just come back. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface SlowStart {
  /** Waits for one's turn. */
  readonly turn: Effect.Effect<void>
  /** Nobody starts for so long. */
  readonly hold: (millis: number) => Effect.Effect<void>
  /** From now on one request a second, and faster with each that is taken. */
  readonly slow: Effect.Effect<void>
  /** A request was taken. */
  readonly taken: Effect.Effect<void>
}

const slowest = 1000
const faster = 0.9
/** Below this distance of starts there is no limit any more: 38 requests, or 10 s, after `slow`. */
const unlimited = 20

/** A clock that nobody sets back: a request would wait until it is there again. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** In milliseconds, the times those of `now`. */
interface Starts {
  /** Between two starts; 0 without a limit. */
  interval: number
  /** Of the next request, after all that have their turn. */
  next: number
  /** Nobody starts before this. */
  held: number
}

export const make = (): SlowStart => {
  const starts: Starts = { interval: 0, next: 0, held: 0 }
  const past = (at: number): Effect.Effect<void> =>
    Effect.flatMap(now, (now) => {
      const until = Math.max(at, starts.held)
      return until > now ? Effect.andThen(Effect.sleep(Math.ceil(until - now)), past(at)) : Effect.void
    })
  return {
    turn: Effect.flatMap(now, (now) => {
      const at = Math.max(now, starts.next, starts.held)
      starts.next = at + starts.interval
      return past(at)
    }),
    hold: (millis) =>
      Effect.map(now, (now) => {
        starts.held = Math.max(starts.held, now + millis)
      }),
    slow: Effect.map(now, (now) => {
      starts.interval = slowest
      starts.next = Math.max(starts.next, now + slowest)
    }),
    taken: Effect.sync(() => {
      const interval = starts.interval * faster
      starts.interval = interval < unlimited ? 0 : interval
    })
  }
}
