/** A partial file of a workbook, compressed block by block. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Column } from "../../../model/Column.ts"
import type { Deflater } from "../Deflater.ts"
import type { OutputError } from "../OutputError.ts"
import type { Line } from "./Lines.ts"
import { failWith } from "./OutputFailure.ts"
import { type Content, type Options as PartOptions, type Part, type Position, withLines } from "./Part.ts"
import * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"
import * as Workbook from "./Workbook.ts"

export interface Options extends PartOptions {
  readonly deflater: Deflater
  readonly columns: () => ReadonlyArray<Column>
  readonly limits: Workbook.Limits
}

/** A block is made when so many rows wait, or rows with so much text: smaller ones compress badly. */
const rowsPerBlock = 2000
const charactersPerBlock = 2 * 1024 * 1024

interface State {
  /** Rows that are not in the file yet, and what is in it. */
  pending: ReadonlyArray<Line>
  content: Content
  workbook: Workbook.State
  /** The end of the workbook is written. */
  closed: boolean
}

interface Growing {
  readonly options: Options
  readonly file: PartialFile.PartialFile
  readonly writer: Workbook.Writer
  readonly state: State
}

const put = ({ file, state }: Growing, step: Workbook.Step, written: () => void) =>
  PartialFile.writeAnd(file, step.bytes, () => {
    state.workbook = step.state
    written()
  })

/** Writes what is pending; `false` when it does not fit beside what is in the file. */
const drain = Effect.fnUntraced(function* (self: Growing): Effect.fn.Return<boolean, OutputError> {
  const { options, state, writer } = self
  let most = rowsPerBlock
  while (state.pending.length > 0) {
    const lines = state.pending.length <= most ? state.pending : state.pending.slice(0, most)
    const step = yield* writer.add(state.workbook, lines)
    const isAlone = state.content.rows === 0 && lines.length === 1
    if (options.limit !== Infinity && !isAlone && writer.end(step.state).state.bytes > options.limit) {
      if (state.content.rows > 0) return false
      most = Math.ceil(lines.length / 2)
      continue
    }
    yield* put(self, step, () => {
      state.content = withLines(state.content, lines)
      state.pending = state.pending.slice(lines.length)
    })
  }
  return true
})

const close = Effect.fnUntraced(function* (self: Growing): Effect.fn.Return<void, OutputError> {
  const { file, state, writer } = self
  if (state.closed || file.finished) return
  yield* drain(self)
  const begun = state.workbook.sheets.length > 0 ? undefined : yield* writer.add(state.workbook, [])
  const end = writer.end(begun?.state ?? state.workbook)
  if (begun !== undefined) yield* put(self, begun, () => {})
  yield* put(self, end, () => {
    state.closed = true
  })
})

/** Whether the bytes are those that were written. */
const verify =
  ({ crc32 }: Deflater, { bytes, crc }: Workbook.State) =>
  <E>(pieces: Stream.Stream<Uint8Array, E>): Effect.Effect<boolean, E> =>
    Effect.map(
      Stream.runFold(
        pieces,
        () => ({ crc: 0, bytes: 0 }),
        (before, piece) => ({ crc: crc32(piece, before.crc), bytes: before.bytes + piece.length })
      ),
      (found) => found.crc === crc && found.bytes === bytes
    )

export const open = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Part, OutputError, Scope.Scope> {
  const { columns, deflater, from, limits, path } = options
  const began = from?.workbook
  const state: State = {
    pending: [],
    content: options.content,
    workbook: began?.state ?? Workbook.empty,
    closed: began?.closed ?? false
  }
  const file = yield* options.place.open({
    ...options,
    grows: began?.closed === false,
    verify: (pieces) => verify(deflater, state.workbook)(pieces)
  })
  const writer = Workbook.make(deflater, columns, limits)
  const self: Growing = { options, file, writer, state }
  const drained = drain(self)
  return {
    finished: file.finished,
    content: () => state.content,
    mark: () => ({
      end: file.end(),
      content: state.content,
      pending: state.pending,
      groups: 0,
      workbook: state.workbook
    }),
    rewind: (mark) => {
      file.rewind(mark.end)
      state.content = mark.content
      state.pending = mark.pending
      state.workbook = mark.workbook ?? Workbook.empty
    },
    add: (lines) =>
      Effect.suspend(() => {
        if (lines.length === 0) return Effect.succeed(true)
        if (state.closed || file.finished) return Effect.fail(failWith(path, "write", "Finished"))
        state.pending = state.pending.length === 0 ? lines : [...state.pending, ...lines]
        const characters = state.pending.reduce((sum, { text }) => sum + text.length, 0)
        return state.pending.length < rowsPerBlock && characters < charactersPerBlock ? Effect.succeed(true) : drained
      }),
    settle: drained,
    drain: drained,
    release: () => {
      const lines = state.pending
      state.pending = []
      return lines
    },
    sync: Effect.gen(function* () {
      if (file.finished && from !== undefined) return from
      const position: Position = {
        ...(yield* file.sync),
        workbook: { state: state.workbook, closed: state.closed }
      }
      return position
    }),
    seal: Effect.andThen(close(self), file.seal),
    finish: Effect.andThen(close(self), file.finish)
  }
})

/** Whether the file that a finished run left is still there, as long as its end says. */
export const verifyFinished =
  (deflater: Deflater, limits: Workbook.Limits) =>
  (place: Place, path: string, { workbook, ...from }: Position) =>
    Effect.scoped(
      Effect.gen(function* () {
        const closed = workbook?.closed === true
        const file = yield* place.openFinished(path, from, !closed)
        if (workbook === undefined || closed || workbook.state.sheets.length === 0) return
        const { state } = Workbook.make(deflater, () => [], limits).end(workbook.state)
        if (file.end().bytes !== state.bytes) return yield* failWith(path, "verify", "Altered")
      })
    )
