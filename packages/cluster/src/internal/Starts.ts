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

const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)

/** @param patiently Until the database answers. */
export const make = Effect.fnUntraced(function* (
  grants: Grants.Grants,
  { most, window }: Grants.Limit,
  patiently: <A>(statement: Effect.Effect<A, SqlError>) => Effect.Effect<A>
): Effect.fn.Return<Starts> {
  const turns = yield* Semaphore.make(1)
  /** A tenth of a second: several processes know of each other's late starts before it matters. */
  const mostAtOnce = Math.ceil(most / window / 10)
  const apart: Array<number> = []
  let inLine = 0
  let granted: Array<number> = []
  let held = 0
  let corrections: Array<Grants.Correction> = []

  /** The answer is later than the time in it, so this is never ahead of the database. */
  const now = Effect.map(monotonic, (at) => at - Math.min(...apart))

  const take = Effect.fnUntraced(function* (count: number) {
    const corrected = corrections
    corrections = []
    const answer = yield* patiently(grants.take(count, corrected))
    apart.push((yield* monotonic) - answer.now)
    if (apart.length > samples) apart.shift()
    granted.push(...answer.granted)
    held = Math.max(held, answer.held)
  })
  yield* take(0)

  const giveBack = (...starts: ReadonlyArray<number>) =>
    Effect.sync(() => void corrections.push(...starts.map((granted) => ({ granted, used: 0 }))))

  /** Other processes should know of late starts, also where this one takes no more. */
  const correct = Effect.suspend(() => {
    const corrected = corrections
    corrections = []
    return Effect.ignore(grants.take(0, corrected))
  })

  /** Nobody else of this process takes a start meanwhile: the fewer are taken in advance, the sooner late ones are known. */
  const next: Effect.Effect<void> = Effect.gen(function* () {
    for (let missed = 0; ; missed++) {
      if (granted.length === 0) yield* take(Math.max(1, Math.min(inLine, mostAtOnce)))
      const at = granted.shift()
      if (at === undefined) return
      const wait = at - (yield* now)
      if (wait > 0) {
        const sleep = Effect.sleep(Duration.millis(Math.ceil(1000 * wait)))
        yield* Effect.onInterrupt(sleep, () => giveBack(at))
      }
      const used = yield* now
      const isMissed = used - at > window / 2 && missed < mostMissed
      if (at >= held && !isMissed) {
        if (used - at > punctual) corrections.push({ granted: at, used })
        return
      }
      yield* giveBack(at)
    }
  })

  return {
    turn: Effect.suspend(() => {
      inLine++
      return Effect.ensuring(
        turns.withPermit(next),
        Effect.suspend(() => (--inLine === 0 && corrections.length > 0 ? Effect.forkDetach(correct) : Effect.void))
      )
    }),
    hold: Effect.fnUntraced(function* (pause) {
      const seconds = Duration.toSeconds(Duration.fromInputUnsafe(pause))
      held = Math.max(held, (yield* now) + seconds)
      yield* giveBack(...granted)
      granted = []
      yield* Effect.ignore(grants.hold(seconds))
    }),
    pause: Effect.map(now, (now) => Math.max(0, 1000 * (held - now)))
  }
})
