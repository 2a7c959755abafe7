/** Counts that are held against each other must be of one time: an answer that was made before another one is asked for again. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ask from "../../endpoint/internal/Ask.ts"
import { credible } from "../../endpoint/internal/Clocks.ts"
import type { Micros } from "../../endpoint/internal/Micros.ts"

export interface Fresh {
  readonly ask: Ask.Ask
  /** Whether an answer stayed older than one before it: a cache that hides its age, or a replica that lags. */
  readonly isOld: () => boolean
}

const tries = 3

/** @param since when the first of the answers was made that others are held against. */
export const make = (ask: Ask.Ask, since: Micros): Fresh => {
  const state = { newest: since, old: false }
  const again = (left: number, question: ReturnType<Ask.Ask>): ReturnType<Ask.Ask> =>
    Effect.flatMap(question, (answer) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (answer.observedAt >= state.newest - Ask.second) {
          // A clock that is far ahead would make all others old.
          if (answer.observedAt <= now * 1000 + credible) state.newest = Math.max(state.newest, answer.observedAt)
          return Effect.succeed(answer)
        }
        if (left > 1) return again(left - 1, question)
        state.old = true
        return Effect.succeed(answer)
      })
    )
  return {
    ask: Object.assign((...question: Parameters<Ask.Ask>) => again(tries, ask(...question)), { log: ask.log }),
    isOld: () => state.old
  }
}
