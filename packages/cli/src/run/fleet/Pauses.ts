/** A part whose API answers nothing but 429 is handed back: the worker reads another one until the pause is over. */
import { Jobs } from "@callstream/cluster"
import { AgniError, Budget } from "@callstream/core"
import * as RetryPolicy from "@callstream/core/client/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"

/** The limit of requests of an account. */
export interface Account extends Readonly<Budget["Service"]> {
  /** Milliseconds that the API asks to wait, from now on. */
  readonly pause: Effect.Effect<number>
}

const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** An account that only this worker has. */
export const noted = ({ hold, spend }: Budget["Service"]): Effect.Effect<Account> =>
  Effect.map(Ref.make(0), (until) => ({
    spend,
    hold: (pause) =>
      Effect.flatMap(monotonic, (now) =>
        Effect.andThen(
          Ref.update(until, (before) => Math.max(before, now + Duration.toMillis(pause))),
          hold(pause)
        )
      ),
    pause: Effect.zipWith(Ref.get(until), monotonic, (until, now) => Math.max(0, until - now))
  }))

export interface OfJob {
  /** That of the account, which counts what this job sends. */
  readonly budget: Budget["Service"]
  readonly requests: Effect.Effect<number>
  /** Whether the API asked for a pause, and has answered nothing since. */
  readonly isPaused: Effect.Effect<boolean>
  /** Whether that is so, or it has had an answer and asks nothing more while its sinks write. */
  readonly isWaiting: Effect.Effect<boolean>
  /** Fails with `Paused` when the API asks for a pause before it has answered anything. */
  readonly handingBack: HandingBack
}

export type HandingBack = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Jobs.JobError, R>

export const paused = new Jobs.JobError({ reason: { _tag: "Paused" } })

const isRateLimited = (error: unknown): error is AgniError =>
  error instanceof AgniError && error.reason._tag === "RateLimited"

export const ofJob = Effect.fnUntraced(function* ({ hold, pause, spend }: Account): Effect.fn.Return<OfJob> {
  const sent = yield* Ref.make(0)
  const isAnswered = yield* Ref.make(false)
  const isRefused = yield* Ref.make(false)
  const asking = yield* Ref.make(0)
  const isPaused = Effect.zipWith(Ref.get(isRefused), pause, (isRefused, pause) => isRefused || pause > 0)

  const stuck = Effect.gen(function* () {
    while (!(yield* Ref.get(isAnswered))) {
      if (yield* isPaused) return yield* paused
      yield* Effect.sleep("250 millis")
    }
    return yield* Effect.never
  })
  /** A pause that is too long for a request to wait is named by its error. */
  const holding = (error: unknown) =>
    Effect.flatMap(Ref.get(isAnswered), (isAnswered) =>
      isAnswered || !isRateLimited(error)
        ? Effect.void
        : Effect.andThen(hold(RetryPolicy.askedWait(error.reason) ?? "1 second"), Effect.fail(paused))
    )

  return {
    budget: Budget.of({
      hold: (pause) => Effect.andThen(Ref.set(isRefused, true), hold(pause)),
      spend: (attempt) =>
        Effect.acquireUseRelease(
          Ref.update(asking, (count) => count + 1),
          () =>
            spend(
              Effect.andThen(
                Ref.update(sent, (count) => count + 1),
                Effect.tap(attempt, Effect.andThen(Ref.set(isAnswered, true), Ref.set(isRefused, false)))
              )
            ),
          () => Ref.update(asking, (count) => count - 1)
        )
    }),
    requests: Ref.get(sent),
    isPaused,
    isWaiting: Effect.gen(function* () {
      return (yield* isPaused) || ((yield* Ref.get(isAnswered)) && (yield* Ref.get(asking)) === 0)
    }),
    handingBack: (work) => Effect.raceFirst(Effect.tapError(work, holding), stuck)
  }
})
