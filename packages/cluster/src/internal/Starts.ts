/** When the requests of this process start, by what it is granted. */
import type { Limit } from "@callstream/core/client/Budget"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type * as Grants from "./Grants.ts"

/** Answers whose delay is compared: the fastest one shows best how far the clocks are apart. */
const samples = 32

/** Starts that are too late are given back, so many in turn: a process that is always busy would never start anything. */
const mostMissed = 10

/** The last one of a process is sent until then, as a rule: nobody takes a start after it, and with it what is late. */
const untilSent = "50 millis"

export interface Starts {
  /** Until the next request may start. What it gives is called when the request is sent. */
  readonly turn: Effect.Effect<() => void>
  readonly hold: (pause: Duration.Input) => Effect.Effect<void>
  /** Milliseconds from now on in which nobody starts a request, as far as this process knows. */
  readonly pause: Effect.Effect<number>
}

/** A start that was used. */
interface Use {
  /** As the row has it. */
  granted: number
  /** At the latest. */
  at: number
}

interface State {
  /** By how much the clocks are apart, at least and at most, as the last answers show it. */
  readonly apart: Array<readonly [least: number, most: number]>
  /** Requests that wait for their turn. */
  inLine: number
  /** Starts that nobody has used. */
  readonly granted: Array<number>
  held: number
  /** Those of the last window, and older ones that are late. */
  uses: Array<Use>
  /** Starts that nobody will use. */
  readonly unused: Array<number>
  /** How long the last answer took. */
  delay: number
}

const secondsOf = (clock: Clock.Clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e9

const monotonic = Effect.map(Clock.Clock, secondsOf)

/** The answer is later than the time in it, so this is never ahead of the database. */
const nowOf = ({ apart }: State) => Effect.map(monotonic, (at) => at - Math.min(...apart.map(([, most]) => most)))

/** The question is earlier than the time in its answer, so this is never behind the database. */
const latestOf = ({ apart }: State, clock: Clock.Clock) => secondsOf(clock) - Math.max(...apart.map(([least]) => least))

const giveBack = ({ unused }: State, ...starts: ReadonlyArray<number>) => Effect.sync(() => void unused.push(...starts))

/** Corrected starts are within the slack but for the rounding of sums, and the time until they were sent. */
const isLate = ({ at, granted }: Use, { slack }: Limit) => at - granted > slack + 0.001

/** What the row does not know yet. It counts a start that is late from `slack` before its time, as it counts the others. */
const correctionsOf = (state: State, limit: Limit, now: number): ReadonlyArray<Grants.Correction> => {
  const corrections = state.uses
    .filter((use) => isLate(use, limit))
    .map((use) => {
      const { granted } = use
      use.granted = use.at - limit.slack
      return { granted, counts: use.granted }
    })
  state.uses = state.uses.filter(({ at }) => at > now - limit.window)
  return [...corrections, ...state.unused.splice(0).map((granted) => ({ granted, counts: 0 }))]
}

/** Counts a start, and once more when its request is sent. */
const used = (state: State, clock: Clock.Clock, use: Use): (() => void) => {
  state.uses.push(use)
  return () => {
    use.at = Math.max(use.at, latestOf(state, clock))
    if (!state.uses.includes(use)) state.uses.push(use)
  }
}

/** @param patiently Until the database answers. */
export const make = Effect.fnUntraced(function* (
  grants: Grants.Grants,
  limit: Limit,
  patiently: <A>(statement: Effect.Effect<A, SqlError>) => Effect.Effect<A>
): Effect.fn.Return<Starts> {
  const { most, window } = limit
  const turns = yield* Semaphore.make(1)
  const state: State = { apart: [], inLine: 0, granted: [], held: 0, uses: [], unused: [], delay: 0 }
  /**
   * As many as come in a tenth of a second, and in the time that an answer takes. A sixth of a window at most: other
   * processes know of late starts before it matters.
   */
  const atOnce = () =>
    Math.max(1, Math.min(state.inLine, Math.ceil(Math.min(most / 6, (most / window) * (0.1 + state.delay)))))

  const now = nowOf(state)

  const take = Effect.fnUntraced(function* (count: number) {
    const corrections = state.apart.length === 0 ? [] : correctionsOf(state, limit, yield* now)
    const asked = yield* monotonic
    const answer = yield* patiently(grants.take(count, corrections))
    const answered = yield* monotonic
    state.delay = answered - asked
    state.apart.push([asked - answer.now, answered - answer.now])
    if (state.apart.length > samples) state.apart.shift()
    state.granted.push(...answer.granted)
    state.held = Math.max(state.held, answer.held)
  })
  yield* take(0)

  /** Other processes should know of late starts, also where this one takes no more. */
  const correct = Effect.suspend(() =>
    state.inLine === 0 && (state.unused.length > 0 || state.uses.some((use) => isLate(use, limit)))
      ? take(0)
      : Effect.void
  )

  /** Nobody else of this process takes a start meanwhile: the fewer are taken in advance, the sooner late ones are known. */
  const next: Effect.Effect<() => void> = Effect.gen(function* () {
    const clock = yield* Clock.Clock
    for (let missed = 0; ; missed++) {
      if (state.granted.length === 0) yield* take(atOnce())
      const granted = state.granted.shift()
      if (granted === undefined) return () => {}
      const wait = granted - (yield* now)
      if (wait > 0) {
        const sleep = Effect.sleep(Duration.millis(Math.ceil(1000 * wait)))
        yield* Effect.onInterrupt(sleep, () => giveBack(state, granted))
      }
      const at = latestOf(state, clock)
      const isMissed = at - granted > window / 2 && missed < mostMissed
      if (granted >= state.held && !isMissed) {
        return used(state, clock, { granted, at })
      }
      yield* giveBack(state, granted)
    }
  })

  return {
    turn: Effect.suspend(() => {
      state.inLine++
      return Effect.ensuring(
        turns.withPermit(next),
        Effect.suspend(() => (--state.inLine === 0 ? Effect.forkDetach(Effect.delay(correct, untilSent)) : Effect.void))
      )
    }),
    hold: (pause) => {
      const seconds = Duration.toSeconds(pause)
      return Effect.flatMap(now, (at) => {
        state.held = Math.max(state.held, at + seconds)
        const unused = state.granted.splice(0)
        return Effect.andThen(giveBack(state, ...unused), Effect.ignore(grants.hold(seconds)))
      })
    },
    pause: Effect.map(now, (now) => Math.max(0, 1000 * (state.held - now)))
  }
})
