/** A partial file of groups of rows, and the rows that do not fill one yet. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import type { Column } from "../../../model/Column.ts"
import type { OutputError } from "../OutputError.ts"
import type { Format } from "../RowGroups.ts"
import * as GroupBuffers from "./GroupBuffers.ts"
import * as GroupNote from "./GroupNote.ts"
import * as GroupWriter from "./GroupWriter.ts"
import { failWith } from "./OutputFailure.ts"
import { type Options as PartOptions, type Part, type Position, withLines } from "./Part.ts"
import type * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"

export interface Options extends PartOptions {
  readonly format: Format
  readonly columns: () => ReadonlyArray<Column>
}

export const open = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Part, OutputError, Scope.Scope> {
  const { format, from, path, place } = options
  const began = from?.groups
  const state = GroupWriter.initial(began?.closed === true)
  const file = yield* place.open({
    ...options,
    grows: began?.closed === false,
    verify: (pieces) => GroupNote.verify(format.begin, state.groups)(pieces)
  })
  const notes = place.readsUnfinished || file.finished ? undefined : yield* openNotes(options)
  if (began !== undefined) yield* restore(options, state, file, began.rows, notes?.found)
  const buffers = yield* GroupBuffers.open(place, path, file.finished ? null : (began?.waiting ?? null))
  GroupWriter.setPending(state, buffers.lines)

  const writer: GroupWriter.GroupWriter = { settings: options, file, state }
  const content = () => withLines(state.content, state.pending)
  const close = GroupWriter.close(writer)
  const sync = Effect.gen(function* () {
    if (file.finished && from !== undefined) return from
    const waiting = yield* buffers.sync(state.pending)
    const kept = notes === undefined ? {} : { notes: yield* notes.sync(state.groups) }
    const position: Position = {
      ...(yield* file.sync),
      groups: { rows: content().rows, closed: state.closed, waiting, ...kept }
    }
    buffers.flushed()
    return position
  })
  return {
    finished: file.finished,
    content: () => (file.finished ? options.content : content()),
    mark: () => ({ end: file.end(), content: state.content, pending: state.pending, groups: state.groups.length }),
    rewind: (mark) => {
      file.rewind(mark.end)
      GroupWriter.rewind(state, mark)
    },
    add: (lines) =>
      Effect.suspend(() => {
        if (lines.length === 0) return Effect.succeed(true)
        if (state.closed || file.finished) return Effect.fail(failWith(path, "write", "Finished"))
        return GroupWriter.add(writer, lines)
      }),
    settle: GroupWriter.settle(writer),
    drain: GroupWriter.drain(writer, options.limit),
    release: () => {
      const lines = state.pending
      GroupWriter.setPending(state, [])
      return lines
    },
    sync,
    seal: Effect.andThen(close, file.seal),
    finish: Effect.andThen(
      Effect.andThen(Effect.andThen(close, file.finish), buffers.remove),
      notes?.remove ?? Effect.void
    )
  }
})

/** The notes of groups in a file of their own. */
const openNotes = Effect.fnUntraced(function* ({ from, path, place }: Options) {
  const file = yield* place.open({ path: `${path}.groups`, force: true, from: from?.groups?.notes, scratch: true })
  const found = yield* GroupNote.ofLines(path, file)
  const noted = Ref.makeUnsafe(found.length)
  return {
    found,
    /** What a flush has is never taken back. */
    sync: Effect.fnUntraced(function* (groups: ReadonlyArray<GroupNote.GroupNote>) {
      yield* file.write(GroupNote.toLines(groups.slice(yield* Ref.get(noted))))
      yield* Ref.set(noted, groups.length)
      return yield* file.sync
    }),
    remove: file.discard
  }
})

/** What an earlier run left in the file. */
const restore = Effect.fnUntraced(function* (
  { content, format, path }: Options,
  state: GroupWriter.State,
  file: PartialFile.PartialFile,
  rows: number,
  noted: ReadonlyArray<GroupNote.GroupNote> | undefined
): Effect.fn.Return<void, OutputError> {
  if (file.finished) {
    if (!state.closed && (yield* GroupNote.rowsIn(path, file, format)) !== rows) {
      return yield* failWith(path, "open", "Changed")
    }
  } else if (state.closed) state.content = content
  else {
    state.groups = noted ?? (yield* GroupNote.readAll(path, file, format))
    const last = state.groups.at(-1)
    if (last !== undefined) state.content = { rows: last.rows, from: last.from, to: last.to }
  }
})

/** Whether the file that a finished run left is still there; it has its end since that position. */
export const verify = (format: Format) =>
  Effect.fnUntraced(function* (place: Place, path: string, from: Position) {
    const file = yield* place.openFinished(path, from, true)
    const altered = () => failWith(path, "verify", "Altered")
    const rows = yield* Effect.mapError(GroupNote.rowsIn(path, file, format), altered)
    if (rows !== from.groups?.rows) return yield* altered()
  }, Effect.scoped)
