/** The files in which rows of a part wait until they fill a group: the one that takes them, and those no longer needed. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { OutputError } from "../OutputError.ts"
import * as GroupBuffer from "./GroupBuffer.ts"
import type { Line } from "./Lines.ts"
import * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"

/** Where the rows wait, safe on disk. */
export const Position = Schema.Struct({ ...PartialFile.Position.fields, number: Schema.Int })
export type Position = typeof Position.Type

export interface GroupBuffers {
  /** That an earlier run left there. */
  readonly lines: ReadonlyArray<Line>
  /** Makes the pending rows safe: `null` when there are none. */
  readonly sync: (pending: ReadonlyArray<Line>) => Effect.Effect<Position | null, OutputError>
  /** The flush that the last `sync` was for is done: the next one is after its commit. */
  readonly flushed: () => void
  /** No row waits any more. */
  readonly remove: Effect.Effect<void>
}

interface State {
  /** Of the file that was opened last. */
  number: number
  current: GroupBuffer.GroupBuffer | undefined
  /** Not needed by what is flushed next, and by what was flushed last. */
  retired: ReadonlyArray<GroupBuffer.GroupBuffer>
  removable: ReadonlyArray<GroupBuffer.GroupBuffer>
}

export const open = Effect.fnUntraced(function* (
  place: Place,
  path: string,
  from: Position | null
): Effect.fn.Return<GroupBuffers, OutputError, Scope.Scope> {
  const scope = yield* Scope.Scope
  // In a bucket each run's files are apart, and are cleared with it.
  const number = place.readsUnfinished ? yield* GroupBuffer.clear(place, path, from?.number) : (from?.number ?? 0)
  const found = from === null ? undefined : yield* GroupBuffer.open(place, path, from.number, from, scope)
  const state: State = { number, current: found?.waiting, retired: [], removable: [] }

  const sync = Effect.fnUntraced(function* (pending: ReadonlyArray<Line>) {
    // The flush before this one is committed, and does not speak of them.
    for (const one of state.removable) yield* one.remove
    state.removable = []
    if (state.current !== undefined && (pending.length === 0 || !state.current.begins(pending))) {
      state.retired = [...state.retired, state.current]
      state.current = undefined
    }
    if (pending.length === 0) return null
    const current = state.current ?? (yield* GroupBuffer.open(place, path, ++state.number, undefined, scope)).waiting
    state.current = current
    return { ...(yield* current.sync(pending)), number: current.number }
  })

  return {
    lines: found?.lines ?? [],
    sync,
    flushed: () => {
      state.removable = state.retired
      state.retired = []
    },
    remove: Effect.suspend(() => {
      const { current, removable, retired } = state
      const all = [...removable, ...retired, ...(current === undefined ? [] : [current])]
      return Effect.forEach(all, (one) => one.remove, { discard: true })
    })
  }
})
