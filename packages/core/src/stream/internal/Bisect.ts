import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Range, Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import { type Outcome, type Reading, readWindow } from "./ReadWindow.ts"
import * as Salvage from "./Salvage.ts"
import * as Together from "./Together.ts"

/**
 * Reads a window; one that fails every time, while the server answers other requests, is halved until the failing part is a
 * second or two long. When the reading keeps going that is a gap, with those of its rows that can be had one by one; when it
 * does not, it is the error, naming it.
 */
export const read = (
  reading: Reading,
  range: Range,
  keepGoing: boolean,
  help: Together.Help
): Effect.Effect<Outcome, AgniError> => {
  const ask = Ask.make(reading.list, reading.filters, reading)
  const hasty = Salvage.hasty(reading)
  const orDivide = (range: Range, outcome: Effect.Effect<Outcome, AgniError>) =>
    Ask.catchPoison(ask, outcome, (error) => divide(range, error))
  const attempt = (range: Range) => orDivide(range, readWindow(hasty, range))
  const divide = (range: Range, error: AgniError): Effect.Effect<Outcome, AgniError> => {
    const middle = Ask.floorSecond((range.from + range.to) / 2)
    const lower = { from: range.from, to: middle }
    const upper = { from: middle, to: range.to }
    if (middle <= range.from || range.to - range.from <= 2 * Ask.second) {
      return lastTry(range, error)
    }
    return Effect.flatMap(attempt(lower), (left): Effect.Effect<Outcome, AgniError> => {
      if (left._tag !== "Read") return Effect.succeed({ _tag: "Dense", parts: [lower, upper] })
      if (left.failure !== undefined) return Effect.succeed(left)
      return attempt(upper).pipe(
        Effect.map((right): Outcome =>
          right._tag !== "Read"
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
        ? Effect.map(Salvage.read(reading, range, error), (window): Outcome => ({ _tag: "Read", windows: [window] }))
        : Effect.fail(error.attempts > before.attempts ? error : before)
    )
  return orDivide(range, Together.read(reading, range, help))
}

/** Neighbouring gaps are one. */
const merge = (windows: ReadonlyArray<Window>): ReadonlyArray<Window> => {
  const merged: Array<Window> = []
  for (const window of windows) {
    const last = merged.at(-1)
    if (last?.coverage._tag === "Gap" && window.coverage._tag === "Gap")
      merged[merged.length - 1] = {
        ...last,
        to: window.to,
        sessions: [...last.sessions, ...window.sessions],
        rejected: [...last.rejected, ...window.rejected],
        settled: last.settled + window.settled,
        requests: last.requests + window.requests,
        observedAt: Math.min(last.observedAt, window.observedAt)
      }
    else merged.push(window)
  }
  return merged
}
