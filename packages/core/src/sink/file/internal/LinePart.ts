/** A partial file of lines, compressed or not. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Compression } from "../Compression.ts"
import type { OutputError } from "../OutputError.ts"
import { join, type Line, makeEncoder, type Terminator } from "./Lines.ts"
import * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"
import { type Content, type Options as PartOptions, type Part, type Position, withLines } from "./Part.ts"

export interface Options extends PartOptions {
  readonly compression: Compression | undefined
  readonly terminator: Terminator
  /** What the file begins with; known when there is a line. */
  readonly begin: () => string | undefined
}

/** Without compression a piece is what is encoded at once where there is a limit: it is given up when it does not fit. */
const rowsPerPiece = 256

interface State {
  /** Lines that are not in the file yet, and what is in it. */
  pending: ReadonlyArray<Line>
  content: Content
}

export const open = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Part, OutputError, Scope.Scope> {
  const file = yield* options.place.open({ ...options, verify: options.compression?.verify })
  const { begin, compression, limit, terminator } = options
  const plain = makeEncoder(terminator)
  const encode = (lines: ReadonlyArray<Line>) => {
    const first = file.end().bytes === 0 ? (begin() ?? "") : ""
    return compression === undefined
      ? Effect.sync(() => plain(first, lines))
      : compression.encode(first + join(lines, terminator))
  }
  const enough = compression?.rowsPerMember ?? 1
  const piece = limit === Infinity ? Infinity : (compression?.rowsPerMember ?? rowsPerPiece)
  const state: State = { pending: [], content: options.content }

  const drain = Effect.gen(function* () {
    let size = piece
    while (state.pending.length > 0) {
      const lines = state.pending.length <= size ? state.pending : state.pending.slice(0, size)
      const bytes = yield* encode(lines)
      const { bytes: length } = file.end()
      if (length + bytes.length > limit && !(length === 0 && lines.length === 1)) {
        if (length > 0) return false
        size = Math.ceil(lines.length / 2)
        continue
      }
      yield* PartialFile.writeAnd(file, bytes, () => {
        state.content = withLines(state.content, lines)
        state.pending = state.pending.slice(lines.length)
      })
    }
    // No bytes at all are no table and no compressed file, but what begins it must be known.
    if (file.end().bytes === 0 && begin() !== undefined) yield* Effect.flatMap(encode([]), file.write)
    return true
  })
  const complete = Effect.andThen(
    drain,
    Effect.suspend(() =>
      file.end().bytes === 0 && !file.finished ? Effect.flatMap(encode([]), file.write) : Effect.void
    )
  )

  return {
    finished: file.finished,
    content: () => state.content,
    mark: () => ({ ...state, end: file.end(), groups: 0 }),
    rewind: (mark) => {
      file.rewind(mark.end)
      state.content = mark.content
      state.pending = mark.pending
    },
    add: (lines) =>
      Effect.suspend(() => {
        state.pending = state.pending.length === 0 ? lines : [...state.pending, ...lines]
        return state.pending.length < enough ? Effect.succeed(true) : drain
      }),
    settle: drain,
    drain,
    release: () => {
      const lines = state.pending
      state.pending = []
      return lines
    },
    sync: file.sync,
    seal: Effect.andThen(complete, file.seal),
    finish: Effect.andThen(complete, file.finish)
  }
})

/** Whether the file that a finished run left is still there. Where nothing was known to begin it, it begins at its end. */
export const verify = (place: Place, path: string, from: Position) =>
  Effect.scoped(Effect.asVoid(place.openFinished(path, from, from.bytes === 0)))
