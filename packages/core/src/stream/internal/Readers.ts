/** Parts of a range, read side by side and delivered in their order. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniError } from "../../model/AgniError.ts"
import type { Range, Window } from "../Coverage.ts"
import type { Outcome } from "./ReadWindow.ts"
import type * as Together from "./Together.ts"

export interface Readers {
  /** The windows of the parts. What else is to be done is done by whoever is free when all parts are begun. */
  readonly windows: (parts: Stream.Stream<Range>, then?: Effect.Effect<void>) => Stream.Stream<Window, AgniError>
}

export const make = (
  concurrency: number,
  readPart: (part: Range, help: Together.Help) => Effect.Effect<Outcome, AgniError>
): Readers => {
  let allBegun = false
  let busy = 0
  /** Parts that are read, or wait for their turn to be delivered: no further one is begun before the first of them is. */
  let held = 0
  const read = (part: Range): Effect.Effect<Outcome, AgniError> =>
    Effect.ensuring(
      readPart(part, help),
      Effect.sync(() => busy--)
    )
  const help: Together.Help = {
    take: () => busy < concurrency && (allBegun || held >= concurrency) && ++busy > 0,
    read
  }
  const start = (part: Range) =>
    Effect.suspend(() => {
      busy++
      return read(part)
    })
  const deliver = (outcome: Outcome): Stream.Stream<Window, AgniError> =>
    outcome._tag === "Read"
      ? Stream.concat(
          Stream.fromIterable(outcome.windows),
          outcome.failure === undefined ? Stream.empty : Stream.fail(outcome.failure)
        )
      : outcome._tag === "Shared"
        ? Stream.flatMap(Stream.fromIterable(outcome.outcomes), deliver)
        : deliverAll(Stream.map(Stream.fromIterable(outcome.parts), start))
  const deliverAll = (tasks: Stream.Stream<Effect.Effect<Outcome, AgniError>>): Stream.Stream<Window, AgniError> =>
    tasks.pipe(
      Stream.mapEffect(
        (task) =>
          Effect.suspend(() => {
            held++
            return Effect.exit(task)
          }),
        { concurrency }
      ),
      Stream.mapEffect((exit) => {
        held--
        return exit
      }),
      Stream.flatMap(deliver)
    )
  return {
    windows: (parts, then = Effect.void) =>
      deliverAll(
        Stream.concat(
          Stream.map(parts, start),
          Stream.suspend(() => {
            allBegun = true
            return Stream.succeed(Effect.as(then, nothing))
          })
        )
      )
  }
}

const nothing: Outcome = { _tag: "Read", windows: [] }
