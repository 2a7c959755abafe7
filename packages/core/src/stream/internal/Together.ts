/** A window that others help to read, when they have nothing else to do. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { AgniError } from "../../model/AgniError.ts"
import type { Range } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import { type Outcome, type Reading, readWindow, type Share } from "./ReadWindow.ts"

/** Readers who have nothing to do. */
export interface Help {
  /** Whether there is one, who is then taken. */
  readonly take: () => boolean
  /** Has it read a part. */
  readonly read: (part: Range) => Effect.Effect<Outcome, AgniError>
}

/**
 * Whoever is left alone with a long window at the end, or holds up the others, who wait with theirs for their turn to be
 * delivered, gives the older half of what is left away, again and again: parts that tile the window as windows tile a range.
 */
export const read = (reading: Reading, range: Range, help: Help): Effect.Effect<Outcome, AgniError> =>
  Effect.scoped(share(reading, range, help))

const share = Effect.fnUntraced(function* (
  reading: Reading,
  range: Range,
  help: Help
): Effect.fn.Return<Outcome, AgniError, Scope.Scope> {
  // When the rest fails, it ends what the others read: all of it is read anew then.
  const scope = yield* Effect.scope
  const others: Array<Fiber.Fiber<Outcome, AgniError>> = []
  let lower = range.from
  const handOver: Share = (from, before) =>
    Effect.suspend(() => {
      const at = Ask.floorSecond((from + before) / 2)
      if (at <= lower || at >= range.to || !help.take()) return Effect.undefined
      const part = { from: lower, to: at }
      lower = at
      return Effect.map(Effect.forkIn(help.read(part), scope), (fiber) => {
        others.push(fiber)
        return at
      })
    })
  const own = yield* readWindow(reading, range, handOver)
  if (others.length === 0) return own
  const outcomes = yield* Effect.forEach(others, (fiber) => Effect.result(Fiber.join(fiber)))
  return {
    _tag: "Shared",
    // What comes before a part that fails is delivered before the error.
    outcomes: [
      ...outcomes.map((outcome): Outcome =>
        Result.isSuccess(outcome) ? outcome.success : { _tag: "Read", windows: [], failure: outcome.failure }
      ),
      own
    ]
  }
})
