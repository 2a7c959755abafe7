/** A partial file of groups of rows, and the rows that do not fill one yet. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Column } from "../../../model/Column.ts"
import { Instant } from "../../../model/Instant.ts"
import type { OutputError } from "../OutputError.ts"
import type { Format } from "../RowGroups.ts"
import type { Cell } from "../../Table.ts"
import { failWith } from "./GrowingFile.ts"
import type { Line } from "./Lines.ts"
import { nothing, type Options as PartOptions, type Part, type Position, withLines } from "./Part.ts"
import * as PartialFile from "./PartialFile.ts"
import * as TailHash from "./TailHash.ts"
import * as GroupBuffer from "./GroupBuffer.ts"

export interface Options extends PartOptions {
  readonly format: Format
  readonly columns: () => ReadonlyArray<Column>
}

/** Follows each group, so that the content of a file can be read from its end, group by group. */
const Note = Schema.Struct({
  /** Where the group begins, which is where the note before ends. */
  at: Schema.Int,
  /** Of all rows up to here. */
  rows: Schema.Int,
  from: Schema.NullOr(Instant),
  to: Schema.NullOr(Instant),
  /** The number of the group's bytes, and their digest. */
  length: Schema.Int,
  digest: Schema.String,
  about: Schema.String
})
type Note = typeof Note.Type

const decodeNote = Schema.decodeUnknownEffect(Schema.fromJsonString(Note))
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Of the length that every digest has. */
const noDigest = "0".repeat(64)

const noteBytes = (note: Note): Uint8Array => {
  const text = encoder.encode(JSON.stringify(note))
  const bytes = new Uint8Array(text.length + 4)
  bytes.set(text)
  new DataView(bytes.buffer).setUint32(text.length, text.length, true)
  return bytes
}

type Readable = Pick<PartialFile.PartialFile, "end" | "read">

/** The note that ends there. */
const noteAt = Effect.fnUntraced(function* (path: string, file: Readable, end: number) {
  const torn = () => failWith(path, "open", "Torn")
  const last = yield* file.read(Math.max(0, end - 4), 4)
  const length = last.length < 4 ? 0 : new DataView(last.buffer, last.byteOffset).getUint32(0, true)
  if (length === 0 || length > end - 4) return yield* torn()
  const note = yield* Effect.mapError(decodeNote(decoder.decode(yield* file.read(end - 4 - length, length))), torn)
  return note.at < end ? note : yield* torn()
})

/** Whether the start of the file and the bytes of each group are unchanged. */
const verifyGroups =
  (begin: Uint8Array, notes: ReadonlyArray<Note>) =>
  <E>(pieces: Stream.Stream<Uint8Array, E>): Effect.Effect<boolean, E> =>
    Effect.gen(function* () {
      const head = { at: 0, length: begin.length, digest: yield* TailHash.digest(concat([begin])) }
      const groups = [head, ...notes]
      let next = 0
      let start = 0
      let held: Array<Uint8Array> = []
      yield* Stream.runForEach(
        pieces,
        Effect.fnUntraced(function* (piece) {
          const end = start + piece.length
          for (let group = groups[next]; group !== undefined && group.at < end; group = groups[next]) {
            const last = group.at + group.length
            held.push(piece.subarray(Math.max(0, group.at - start), last - start))
            if (last > end || (yield* TailHash.digest(concat(held))) !== group.digest) break
            held = []
            next++
          }
          start = end
        })
      )
      return next === groups.length
    })

const isCells = (value: unknown): value is ReadonlyArray<Cell> => Array.isArray(value)

const cellsOf = ({ text }: Line): ReadonlyArray<Cell> => {
  const value: unknown = JSON.parse(text)
  return isCells(value) ? value : []
}

const concat = (pieces: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Part, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const scope = yield* Scope.Scope
  const { columns, format, from, limit, path } = options
  const began = from?.groups
  let groups: ReadonlyArray<Note> = []
  const file = yield* PartialFile.open({
    ...options,
    grows: began?.closed === false,
    verify: (pieces) => verifyGroups(format.begin, groups)(pieces)
  })
  const headLength = format.begin.length

  let content = nothing
  let pending: ReadonlyArray<Line> = []
  let characters = 0
  let closed = began?.closed === true
  const setPending = (lines: ReadonlyArray<Line>) => {
    pending = lines
    characters = lines.reduce((sum, { text }) => sum + text.length, 0)
  }

  if (began !== undefined && file.finished) {
    if (!closed && (yield* rowsIn(path, file, format)) !== began.rows) return yield* failWith(path, "open", "Changed")
  } else if (closed) content = options.content
  else if (began !== undefined) {
    const found: Array<Note> = []
    for (let end = file.end().bytes; end > headLength;) {
      const note = yield* noteAt(path, file, end)
      if (found.length === 0) content = { rows: note.rows, from: note.from, to: note.to }
      found.push(note)
      end = note.at
    }
    groups = found.reverse()
  }
  const waits = file.finished ? null : (began?.waiting ?? null)
  let number = yield* GroupBuffer.clear(path, waits?.number)
  let waiting: GroupBuffer.GroupBuffer | undefined
  if (waits !== null) {
    const opened = yield* GroupBuffer.open(path, waits.number, waits, scope)
    waiting = opened.waiting
    setPending(opened.lines)
  }
  /** Not needed by what was flushed last, and by the flush before that. */
  let retired: ReadonlyArray<GroupBuffer.GroupBuffer> = []
  let removable: ReadonlyArray<GroupBuffer.GroupBuffer> = []

  // A group of as many characters as the file may have bytes nearly always fits.
  const most = Math.min(format.charactersPerGroup, limit)
  const isEnough = () => pending.length >= format.rowsPerGroup || characters >= most
  const nextGroup = (): ReadonlyArray<Line> => {
    let count = 0
    let sum = 0
    while (count < pending.length && count < format.rowsPerGroup && sum < most)
      sum += pending[count++]?.text.length ?? 0
    return count === pending.length ? pending : pending.slice(0, count)
  }

  const end = (notes: ReadonlyArray<Note>) =>
    format.end(
      columns(),
      notes.map(({ about }) => about)
    )
  const encode = (lines: ReadonlyArray<Line>) =>
    Effect.sync(() => {
      const at = Math.max(headLength, file.end().bytes)
      const group = format.group(columns(), lines.map(cellsOf), at)
      const after = withLines(content, lines)
      const note: Note = { at, ...after, length: group.bytes.length, digest: noDigest, about: group.about }
      const allGroups = [...groups, note]
      // How long the file were if this group was its last one.
      const length = () => at + group.bytes.length + noteBytes(note).length + end(allGroups).length
      return { after, bytes: group.bytes, length, note }
    })

  /** `false` when it does not fit beside what is in the file. */
  const putGroup = Effect.fnUntraced(function* (bound: number) {
    let lines = nextGroup()
    for (;;) {
      const { after, bytes, length, note } = yield* encode(lines)
      if (bound !== Infinity && !(groups.length === 0 && lines.length === 1) && length() > bound) {
        if (groups.length > 0) return false
        lines = lines.slice(0, Math.ceil(lines.length / 2))
        continue
      }
      const known = { ...note, digest: yield* TailHash.digest(concat([bytes])) }
      const begin = file.end().bytes === 0 ? [format.begin] : []
      yield* Effect.uninterruptible(
        Effect.tap(file.write(concat([...begin, bytes, noteBytes(known)])), () =>
          Effect.sync(() => {
            groups = [...groups, known]
            content = after
            setPending(pending.slice(lines.length))
          })
        )
      )
      return true
    }
  })
  const putWhile = (holds: () => boolean, bound: number) =>
    Effect.gen(function* () {
      while (holds()) if (!(yield* putGroup(bound))) return false
      return true
    })
  const isPending = () => pending.length > 0
  const fill = putWhile(isEnough, limit)

  /** The state that was last known to fit. */
  let fitted: {
    readonly groups: typeof groups
    readonly first: Line | undefined
    readonly characters: number
    readonly length: number
  }
  fitted = { groups, first: undefined, characters: 0, length: Infinity }
  const fits = Effect.gen(function* () {
    const [first] = pending
    // Each character more takes three bytes at most, whatever the format makes of it.
    const known = fitted.groups === groups && fitted.first === first && fitted.characters <= characters
    if (known && fitted.length + 3 * (characters - fitted.characters) <= limit) return true
    const length = (yield* encode(pending)).length()
    fitted = { groups, first, characters, length }
    return length <= limit
  })
  // The waiting rows must fit: the next run adds them here if this one ends after a flush.
  const settle = Effect.gen(function* () {
    if (!(yield* fill)) return false
    if (limit === Infinity) return true
    while (pending.length > 0 && !(groups.length === 0 && pending.length === 1) && !(yield* fits)) {
      if (!(yield* putGroup(limit))) return false
    }
    return true
  })

  const close = Effect.gen(function* () {
    if (closed || file.finished) return
    // Rows that did not fit are already in another part.
    yield* putWhile(isPending, Infinity)
    const last = end(groups)
    yield* Effect.uninterruptible(
      Effect.tap(file.write(file.end().bytes === 0 ? concat([format.begin, last]) : last), () =>
        Effect.sync(() => (closed = true))
      )
    )
  })

  const sync = Effect.gen(function* () {
    if (file.finished && from !== undefined) return from
    // The flush before this one is committed, and does not speak of them.
    for (const one of removable) yield* one.remove
    removable = []
    if (waiting !== undefined && (pending.length === 0 || !waiting.begins(pending))) {
      retired = [...retired, waiting]
      waiting = undefined
    }
    if (waiting === undefined && pending.length > 0) {
      waiting = (yield* Effect.provideContext(GroupBuffer.open(path, ++number, undefined, scope), context)).waiting
    }
    const rest = waiting === undefined ? null : { ...(yield* waiting.sync(pending)), number: waiting.number }
    const position: Position = {
      ...(yield* file.sync),
      groups: { rows: withLines(content, pending).rows, closed, waiting: rest }
    }
    removable = retired
    retired = []
    return position
  })

  return {
    finished: file.finished,
    content: () => (file.finished ? options.content : withLines(content, pending)),
    mark: () => ({ end: file.end(), content, pending, groups: groups.length }),
    rewind: (mark) => {
      file.rewind(mark.end)
      content = mark.content
      groups = groups.slice(0, mark.groups)
      setPending(mark.pending)
    },
    add: (lines) =>
      Effect.suspend(() => {
        if (lines.length === 0) return Effect.succeed(true)
        if (closed || file.finished) return Effect.fail(failWith(path, "write", "Finished"))
        pending = pending.length === 0 ? lines : [...pending, ...lines]
        for (const { text } of lines) characters += text.length
        return fill
      }),
    settle,
    drain: putWhile(isPending, limit),
    release: () => {
      const lines = pending
      setPending([])
      return lines
    },
    sync,
    seal: Effect.andThen(close, file.seal),
    finish: Effect.gen(function* () {
      yield* close
      yield* file.finish
      for (const one of [...removable, ...retired, ...(waiting === undefined ? [] : [waiting])]) yield* one.remove
    })
  }
})

/** The content of a finished file, by the note before its end. */
const rowsIn = Effect.fnUntraced(function* (path: string, file: Readable, format: Format) {
  const { bytes } = file.end()
  const length = format.endLength(yield* file.read(Math.max(0, bytes - 8), 8))
  const end = bytes - (length ?? bytes)
  return end <= format.begin.length ? 0 : (yield* noteAt(path, file, end)).rows
})

/** Whether the file that a finished run left is still there; it has its end since that position. */
export const verify = (format: Format) =>
  Effect.fnUntraced(function* (path: string, from: Position) {
    const file = yield* PartialFile.openFinished(path, from, true)
    const altered = () => failWith(path, "verify", "Altered")
    const rows = yield* Effect.mapError(rowsIn(path, file, format), altered)
    if (rows !== from.groups?.rows) return yield* altered()
  }, Effect.scoped)
