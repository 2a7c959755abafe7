/** A partial file of lines, compressed or not, and what it holds. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import type { Instant } from "../../model/Instant.ts"
import type { Compression } from "../Compression.ts"
import type { OutputError } from "../OutputError.ts"
import { join, type Line, makeEncoder } from "./Lines.ts"
import * as PartialFile from "./PartialFile.ts"
import * as Tail from "./Tail.ts"

export interface Content {
  readonly rows: number
  /** The least and the greatest start of its rows. */
  readonly from: Instant | null
  readonly to: Instant | null
}

export const nothing: Content = { rows: 0, from: null, to: null }

const withLines = (content: Content, lines: ReadonlyArray<Line>): Content => {
  let { from, to } = content
  for (const { start } of lines) {
    if (start === undefined) continue
    if (from === null || start < from) from = start
    if (to === null || start > to) to = start
  }
  return { rows: content.rows + lines.length, from, to }
}

/** A value: keeping one is keeping a place to go back to. */
export interface Mark {
  readonly end: Tail.End
  readonly content: Content
  readonly pending: ReadonlyArray<Line>
}

export const unwritten: Mark = { end: Tail.start, content: nothing, pending: [] }

export interface Part {
  readonly file: PartialFile.PartialFile
  readonly mark: () => Mark
  readonly rewind: (mark: Mark) => void
  /** Takes the lines; they are in the file when enough came for a member, or after a `drain`. `false` as there. */
  readonly add: (lines: ReadonlyArray<Line>) => Effect.Effect<boolean, OutputError>
  /** Writes what is pending; `false` when that went beyond the limit, and some of it is pending still. */
  readonly drain: Effect.Effect<boolean, OutputError>
}

export interface Options extends PartialFile.Options {
  readonly compression: Compression | undefined
  readonly content: Content
  /** More bytes than this never go into the file, unless one line alone is longer; the rest stays pending. */
  readonly limit: number
}

/** Without compression a piece is what is encoded at once where there is a limit: it is given up when it does not fit. */
const rowsPerPiece = 256

export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Part, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const file = yield* PartialFile.open(options)
  const { compression, limit } = options
  const plain = makeEncoder()
  const encode = (lines: ReadonlyArray<Line>) =>
    compression === undefined ? Effect.sync(() => plain(lines)) : compression.encode(join(lines))
  const enough = compression?.rowsPerMember ?? 1
  const piece = limit === Infinity ? Infinity : (compression?.rowsPerMember ?? rowsPerPiece)
  let pending: ReadonlyArray<Line> = []
  let content = options.content

  const drain = Effect.gen(function* () {
    let size = piece
    while (pending.length > 0) {
      const lines = pending.length <= size ? pending : pending.slice(0, size)
      const bytes = yield* encode(lines)
      const { bytes: length } = file.end()
      if (length + bytes.length > limit && !(length === 0 && lines.length === 1)) {
        if (length > 0) return false
        size = Math.ceil(lines.length / 2)
        continue
      }
      yield* Effect.uninterruptible(
        Effect.tap(file.write(bytes), () =>
          Effect.sync(() => {
            content = withLines(content, lines)
            pending = pending.slice(lines.length)
          })
        )
      )
    }
    // No bytes at all are no compressed file.
    if (file.end().bytes === 0 && compression !== undefined) yield* Effect.flatMap(encode([]), file.write)
    return true
  })

  return {
    file,
    mark: () => ({ end: file.end(), content, pending }),
    rewind: (mark) => {
      file.rewind(mark.end)
      content = mark.content
      pending = mark.pending
    },
    add: (lines) =>
      Effect.suspend(() => {
        pending = pending.length === 0 ? lines : [...pending, ...lines]
        return pending.length < enough ? Effect.succeed(true) : drain
      }),
    drain
  }
})
