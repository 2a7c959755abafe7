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
    const limit = requestsPerSecond === undefined ? unlimited : limitOf(requestsPerSecond)
    return Effect.zipWith(Semaphore.make(maxConcurrentRequests), Semaphore.make(1), (permits, turns) =>
      inMemory(permits, turns, limit)
    )
  }

  /**
   * A budget in this process. One layer value is one budget: build it once, above all clients that share it.
   *
   * @since 0.1.0
   */
  static readonly layer = (options: Options = {}): Layer.Layer<Budget, AgniError> =>
    Layer.effect(Budget, Budget.make(options))
}

/**
 * What a transport calls when it writes a request to its connection, where it knows: that may be some time after the
 * attempt began, and servers count from then. A budget provides it to each attempt. @default nothing
 *
 * @since 0.1.0
 * @category services
 */
export const OnSent: Context.Reference<() => void> = Context.Reference("@callstream/core/client/Budget/OnSent", {
  defaultValue: () => () => {}
})

/**
 * A rate as starts of requests, in seconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limit {
  /** Starts in `window` at most. */
  readonly most: number
  readonly window: number
  /** Between two starts that are spread evenly. */
  readonly spacing: number
  /** A start that is later than planned by so much at most counts as punctual. */
  readonly slack: number
}

/**
 * Requests reach the server some milliseconds after they start, each after another number of them. Without a margin, a
 * second that begins with a slow one and ends with a fast one would have one too many.
 */
const margin = 0.035

/** Timers are late by some milliseconds. Were each of them noted, the starts after it would be late, too. */
const slack = 0.01

/**
 * The limit that keeps a rate in any second, as the server counts: for budgets that several processes share.
 *
 * @since 0.1.0
 * @category constructors
 */
export const limitOf = (requestsPerSecond: number): Limit => {
  const most = Math.max(1, Math.floor(requestsPerSecond))
  const window = most / requestsPerSecond + margin
  return { most, window, spacing: window / most, slack }
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

/** Seconds of a clock that nobody sets back: a request would wait until it is there again. */
const secondsOf = (clock: Clock.Clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e9

/** Sums of fractions are off by less, in milliseconds: a whole one more would bring a start too near to the next ones. */
const rounding = 1e-3

const unlimited: Limit = { most: Infinity, window: 0, spacing: 0, slack: Infinity }

/** A start as it counts: one that was late within the slack counts from the time that it was planned for. */
interface Start {
  at: number
}

/** In seconds of the clock. */
interface State {
  /** Those of the last window, and older ones. */
  starts: Array<Start>
  /** Of the last attempt, as it was planned. */
  latest: number
  /** Nobody starts before this. */
  held: number
}

/** When the next one may start. One that waits since then starts on time, also where the one before it was late. */
const nextOf = (state: State, { most, spacing, window }: Limit, since: number, now: number): number => {
  state.starts = state.starts.filter(({ at }) => at > now - window).sort((a, b) => a.at - b.at)
  const full = state.starts.length < most ? -Infinity : (state.starts.at(-most)?.at ?? -Infinity) + window
  return Math.max(since, state.held, state.latest + spacing, full)
}

/**
 * A token bucket would let twice the rate through in its first second, which is what a server's own limit then punishes.
 * Here starts are spaced evenly, and no second has more than the rate, also after starts that were late.
 */
const inMemory = (permits: Semaphore.Semaphore, turns: Semaphore.Semaphore, limit: Limit): Budget["Service"] => {
  const state: State = { starts: [], latest: -Infinity, held: -Infinity }

  const begin = (clock: Clock.Clock, at: number): (() => void) => {
    state.latest = at
    if (limit.most === Infinity) return () => {}
    const start: Start = { at }
    const use = () => {
      start.at = Math.max(start.at, secondsOf(clock) - limit.slack)
      if (!state.starts.includes(start)) state.starts.push(start)
    }
    use()
    return use
  }

  const next = Effect.fnUntraced(function* (clock: Clock.Clock, since: number) {
    for (;;) {
      const now = secondsOf(clock)
      const at = nextOf(state, limit, since, now)
      const wait = 1000 * (at - now) - rounding
      if (wait <= 0) return begin(clock, at)
      // Meanwhile a 429 of another attempt may have held this one back.
      yield* Effect.sleep(Duration.millis(Math.ceil(wait)))
    }
  })
  const turn = Effect.flatMap(Clock.Clock, (clock) =>
    Effect.suspend(() => turns.withPermit(next(clock, secondsOf(clock))))
  )

  return Budget.of({
    spend: (attempt) =>
      permits.withPermit(Effect.flatMap(turn, (onSent) => Effect.provideService(attempt, OnSent, onSent))),
    hold: (pause) =>
      Effect.map(Clock.Clock, (clock) => {
        state.held = Math.max(state.held, secondsOf(clock) + Duration.toSeconds(pause))
      })
  })
}
