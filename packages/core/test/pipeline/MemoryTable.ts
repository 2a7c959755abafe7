import type * as Position from "@callstream/core/model/Position"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** A table that keeps how far each of its writers got, in one step with the rows. */
export const make = (name: string, shares: SessionSink.Shares | undefined = "each") => {
  const rows: Array<string> = []
  const cursors = new Map<string, Position.Cursor>()
  const done: Array<string> = []
  const sink = SessionSink.make<unknown>({
    name,
    delivery: "transactional",
    shares,
    open: ({ pipeline, stretches = [] }) =>
      Effect.sync(() => {
        let waiting: ReadonlyArray<string> = []
        const at = cursors.get(pipeline)
        return {
          committed: at === undefined || at === "end" ? Option.none() : Option.some({ at, note: null }),
          write: ({ items }) =>
            Effect.sync(() => {
              waiting = [...waiting, ...items.map(({ id }) => id)]
              return []
            }),
          flush: (at) =>
            Effect.sync(() => {
              rows.push(...waiting)
              waiting = []
              cursors.set(pipeline, at)
              return { at, note: null }
            }),
          finish: Effect.sync(() => {
            for (const name of stretches) cursors.delete(name)
            done.push(pipeline)
          })
        }
      })
  })
  return { rows, cursors, done, sink }
}
