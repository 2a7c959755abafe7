import type * as Position from "@callstream/core/model/Position"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

interface Held {
  readonly row: unknown
  readonly version: number
}

/**
 * A table that keeps one row for each id, the one that was observed last, and how far each of its writers got, in one step with
 * the rows.
 */
export const make = (name: string, shares: SessionSink.Shares | undefined = "each") => {
  const rows = new Map<string, Held>()
  const cursors = new Map<string, Position.Cursor>()
  const done: Array<string> = []
  const sink = SessionSink.make<unknown>({
    name,
    delivery: "transactional",
    shares,
    open: ({ from, pipeline, stretches = [] }) =>
      Effect.sync(() => {
        let waiting: ReadonlyArray<Held & { readonly id: string }> = []
        const at = cursors.get(pipeline)
        const isLost = at === "end" && Option.isNone(from)
        return {
          committed: at === undefined || isLost ? Option.none() : Option.some({ at, note: null }),
          write: (batch) =>
            Effect.sync(() => {
              const given = batch.items.map((item) => {
                const { id, row } = item
                return { id, row, version: SessionSink.versionOf(batch, item) }
              })
              waiting = [...waiting, ...given]
              return []
            }),
          flush: (at) =>
            Effect.sync(() => {
              for (const { id, ...held } of waiting)
                if (held.version >= (rows.get(id)?.version ?? -Infinity)) rows.set(id, held)
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
  return { rows, ids: () => [...rows.keys()], cursors, done, sink }
}
