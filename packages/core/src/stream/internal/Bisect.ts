import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Range, Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import { type Outcome, type Reading, readWindow } from "./ReadWindow.ts"

/**
 * Reads a window; one that fails every time is halved until the failing part is a second or two long, which is a gap when
 * the reading keeps going and the error, naming it, when it does not.
 */
export const read = (reading: Reading, range: Range, keepGoing: boolean): Effect.Effect<Outcome, AgniError> =>
  Effect.catchIf(readWindow(reading, range), Ask.isPoison, (error) => {
    const middle = Ask.floorSecond((range.from + range.to) / 2)
    if (middle > range.from && range.to - range.from > 2 * Ask.second) {
      const parts = [
        { from: range.from, to: middle },
        { from: middle, to: range.to }
      ] as const
      return Effect.flatMap(read(reading, parts[0], keepGoing), (lower): Effect.Effect<Outcome, AgniError> => {
        if (lower._tag === "Dense") return Effect.succeed({ _tag: "Dense", parts })
        if (lower.failure !== undefined) return Effect.succeed(lower)
        return read(reading, parts[1], keepGoing).pipe(
          Effect.map((upper): Outcome =>
            upper._tag === "Dense"
              ? { _tag: "Dense", parts }
              : { ...upper, windows: merge([...lower.windows, ...upper.windows]) }
          ),
          // What was read before the part that fails is delivered before the error.
          Effect.catch((failure) => Effect.succeed<Outcome>({ ...lower, failure }))
        )
      })
    }
    if (!keepGoing) return Effect.fail(error)
    const gap: Window = {
      ...range,
      sessions: [],
      rejected: [],
      coverage: { _tag: "Gap", reason: error.reason.message, error },
      settled: 0,
      requests: 0,
      observedAt: 0
    }
    return Effect.succeed<Outcome>({ _tag: "Read", windows: [gap] })
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
