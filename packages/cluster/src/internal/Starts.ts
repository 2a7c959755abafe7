/** When the requests of this process start, by what it is granted. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type * as Grants from "./Grants.ts"

/** In seconds. What starts later than this after its time is corrected. */
const punctual = 0.002

/** Answers whose delay is compared: the fastest one shows best how far the clocks are apart. */
const samples = 32

/** Starts that are too late are given back, so many in turn: a process that is always busy would never start anything. */
const mostMissed = 10

export interface Starts {
  /** Until the next request may start. */
  readonly turn: Effect.Effect<void>
  readonly hold: (pause: Duration.Input) => Effect.Effect<void>
  /** Milliseconds from now on in which nobody starts a request, as far as this process knows. */
  readonly pause: Effect.Effect<number>
}

interface State {
  /** By how much the clocks are apart, at least and at most, as the last answers show it. */
  readonly apart: Array<readonly [least: number, most: number]>
  /** Requests that wait for their turn. */
  inLine: number
  /** Starts that nobody has used. */
  readonly granted: Array<number>
  held: number
  readonly corrections: Array<Grants.Correction>
  /** How long the last answer took. */
  delay: number
}

const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)

/** The answer is later than the time in it, so this is never ahead of the database. */
const nowOf = ({ apart }: State) => Effect.map(monotonic, (at) => at - Math.min(...apart.map(([, most]) => most)))

/** The question is earlier than the time in its answer, so this is never behind the database. */
const latestOf = ({ apart }: State) => Effect.map(monotonic, (at) => at - Math.max(...apart.map(([least]) => least)))

const giveBack = ({ corrections }: State, ...starts: ReadonlyArray<number>) =>
  Effect.sync(() => void corrections.push(...starts.map((granted) => ({ granted, used: 0 }))))

/** Other processes should know of late starts, also where this one takes no more. */
const correct = ({ take }: Grants.Grants, { corrections }: State) =>
  Effect.suspend(() => Effect.ignore(take(0, corrections.splice(0))))

/** @param patiently Until the database answers. */
export const make = Effect.fnUntraced(function* (
  grants: Grants.Grants,
  { most, window }: Grants.Limit,
  patiently: <A>(statement: Effect.Effect<A, SqlError>) => Effect.Effect<A>
): Effect.fn.Return<Starts> {
  const turns = yield* Semaphore.make(1)
  const state: State = { apart: [], inLine: 0, granted: [], held: 0, corrections: [], delay: 0 }
  /**
   * As many as come in a tenth of a second, and in the time that an answer takes. A sixth of a window at most: other
   * processes know of late starts before it matters.
   */
  const atOnce = () =>
    Math.max(1, Math.min(state.inLine, Math.ceil(Math.min(most / 6, (most / window) * (0.1 + state.delay)))))

  const now = nowOf(state)

  const take = Effect.fnUntraced(function* (count: number) {
    const corrected = state.corrections.splice(0)
    const asked = yield* monotonic
    const answer = yield* patiently(grants.take(count, corrected))
    const answered = yield* monotonic
    state.delay = answered - asked
    state.apart.push([asked - answer.now, answered - answer.now])
    if (state.apart.length > samples) state.apart.shift()
    state.granted.push(...answer.granted)
    state.held = Math.max(state.held, answer.held)
  })
  yield* take(0)

  /** Nobody else of this process takes a start meanwhile: the fewer are taken in advance, the sooner late ones are known. */
  const next: Effect.Effect<void> = Effect.gen(function* () {
    for (let missed = 0; ; missed++) {
      if (state.granted.length === 0) yield* take(atOnce())
      const at = state.granted.shift()
      if (at === undefined) return
      const wait = at - (yield* now)
      if (wait > 0) {
        const sleep = Effect.sleep(Duration.millis(Math.ceil(1000 * wait)))
        yield* Effect.onInterrupt(sleep, () => giveBack(state, at))
      }
      const used = yield* latestOf(state)
      const isMissed = used - at > window / 2 && missed < mostMissed
      if (at >= state.held && !isMissed) {
        if (used - at > punctual) state.corrections.push({ granted: at, used })
        return
      }
      yield* giveBack(state, at)
    }
  })

  return {
    turn: Effect.suspend(() => {
      state.inLine++
      return Effect.ensuring(
        turns.withPermit(next),
        Effect.suspend(() =>
          --state.inLine === 0 && state.corrections.length > 0 ? Effect.forkDetach(correct(grants, state)) : Effect.void
        )
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
