import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Range, Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import { type Outcome, type Reading, readWindow } from "./ReadWindow.ts"

/**
 * Reads a window; one that fails every time, while the server answers other requests, is halved until the failing part is a
 * second or two long, which is a gap when the reading keeps going and the error, naming it, when it does not.
 */
export const read = (reading: Reading, range: Range, keepGoing: boolean): Effect.Effect<Outcome, AgniError> => {
  const ask = Ask.make(reading.list, reading.filters, reading)
  // What failed with all its tries is looked for with few, because each level of halving meets it again.
  const hasty: Reading = { ...reading, list: (query) => reading.list(query, { tries: 2 }) }
  const attempt = (range: Range, reading = hasty): Effect.Effect<Outcome, AgniError> =>
    Ask.catchPoison(ask, readWindow(reading, range), (error) => divide(range, error))
  const divide = (range: Range, error: AgniError): Effect.Effect<Outcome, AgniError> => {
    const middle = Ask.floorSecond((range.from + range.to) / 2)
    const lower = { from: range.from, to: middle }
    const upper = { from: middle, to: range.to }
    if (middle <= range.from || range.to - range.from <= 2 * Ask.second) {
      return lastTry(range, error)
    }
    return Effect.flatMap(attempt(lower), (left): Effect.Effect<Outcome, AgniError> => {
      if (left._tag === "Dense") return Effect.succeed({ _tag: "Dense", parts: [lower, upper] })
      if (left.failure !== undefined) return Effect.succeed(left)
      return attempt(upper).pipe(
        Effect.map((right): Outcome =>
          right._tag === "Dense"
            ? { _tag: "Dense", parts: [lower, upper] }
            : { ...right, windows: merge([...left.windows, ...right.windows]) }
        ),
        // What was read before the part that fails is delivered before the error.
        Effect.catch((failure) => Effect.succeed<Outcome>({ ...left, failure }))
      )
    })
  }
  // An outage may have come to its end before the server was asked whether it is up.
  const lastTry = (range: Range, before: AgniError) =>
    Ask.catchPoison(ask, readWindow(reading, range), (error) =>
      keepGoing
        ? Effect.succeed<Outcome>({ _tag: "Read", windows: [gap(range, error)] })
        : Effect.fail(error.attempts > before.attempts ? error : before)
    )
  return attempt(range, reading)
}

/** A stretch that cannot be read. */
export const gap = (range: Range, error: AgniError): Window => ({
  ...range,
  sessions: [],
  rejected: [],
  coverage: { _tag: "Gap", reason: error.reason.message, error },
  settled: 0,
  requests: 0,
  observedAt: 0
})

/** Neighbouring gaps are one. */
const merge = (windows: ReadonlyArray<Window>): ReadonlyArray<Window> => {
  const merged: Array<Window> = []
  for (const window of windows) {
    const last = merged.at(-1)
    if (last?.coverage._tag === "Gap" && window.coverage._tag === "Gap")
      merged[merged.length - 1] = { ...last, to: window.to }
    else merged.push(window)
  }
  return merged
}
