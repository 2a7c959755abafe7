/** Reports texts that could not be written unchanged. */
import * as Effect from "effect/Effect"
import type { Repairs } from "../../model/internal/Json.ts"

const texts = (count: number): string => `${count} ${count === 1 ? "text" : "texts"}`

/** Logs, once the sink is finished, how many texts it had to repair, and how many it had to cut. */
export const reporting = <A, E, R>(
  sink: string,
  repairs: Repairs,
  finish: Effect.Effect<A, E, R>,
  cuts?: { readonly texts: number }
): Effect.Effect<A, E, R> =>
  Effect.tap(finish, () =>
    Effect.gen(function* () {
      if (repairs.texts > 0) {
        yield* Effect.annotateLogs(
          Effect.logWarning(
            `${sink}: ${texts(repairs.texts)} had an unpaired surrogate, such as half of an emoji: it was written as U+FFFD`
          ),
          { "callstream.sink.name": sink, "callstream.texts.repaired": repairs.texts }
        )
      }
      if (cuts !== undefined && cuts.texts > 0) {
        yield* Effect.annotateLogs(
          Effect.logWarning(
            `${sink}: ${texts(cuts.texts)} had more than the 32,767 characters that a cell holds, and ${cuts.texts === 1 ? "is" : "are"} cut`
          ),
          { "callstream.sink.name": sink, "callstream.texts.cut": cuts.texts }
        )
      }
    })
  )
