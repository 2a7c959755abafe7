/** The note after each group of a file, by which the content of the file can be read from its end, group by group. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Instant } from "../../../model/Instant.ts"
import type { OutputError } from "../OutputError.ts"
import type { Format } from "../RowGroups.ts"
import { concat } from "../../../model/internal/Bytes.ts"
import { failWith } from "./OutputFailure.ts"
import type { PartialFile } from "./PartialFile.ts"
import * as TailHash from "./TailHash.ts"

const GroupNote = Schema.Struct({
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
export type GroupNote = typeof GroupNote.Type

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(GroupNote))
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Of the length that every digest has. */
export const noDigest = "0".repeat(64)

export const toBytes = (note: GroupNote): Uint8Array => {
  const text = encoder.encode(JSON.stringify(note))
  const bytes = new Uint8Array(text.length + 4)
  bytes.set(text)
  new DataView(bytes.buffer).setUint32(text.length, text.length, true)
  return bytes
}

type Readable = Pick<PartialFile, "end" | "read">

/** The note that ends there. */
const readAt = Effect.fnUntraced(function* (path: string, file: Readable, end: number) {
  const torn = () => failWith(path, "open", "Torn")
  const last = yield* file.read(Math.max(0, end - 4), 4)
  const length = last.length < 4 ? 0 : new DataView(last.buffer, last.byteOffset).getUint32(0, true)
  if (length === 0 || length > end - 4) return yield* torn()
  const note = yield* Effect.mapError(decode(decoder.decode(yield* file.read(end - 4 - length, length))), torn)
  return note.at < end ? note : yield* torn()
})

/** Notes as lines, for a file of their own. */
export const toLines = (notes: ReadonlyArray<GroupNote>): Uint8Array =>
  encoder.encode(notes.map((note) => `${JSON.stringify(note)}\n`).join(""))

/** All that such a file holds. */
export const ofLines = Effect.fnUntraced(function* (
  path: string,
  file: Readable
): Effect.fn.Return<ReadonlyArray<GroupNote>, OutputError> {
  const lines = decoder
    .decode(yield* file.read(0, file.end().bytes))
    .split("\n")
    .slice(0, -1)
  return yield* Effect.mapError(
    Effect.forEach(lines, (line) => decode(line)),
    () => failWith(path, "open", "Torn")
  )
})

/** Of a file that ends with a group, or has none. */
export const readAll = Effect.fnUntraced(function* (
  path: string,
  file: Readable,
  format: Format
): Effect.fn.Return<ReadonlyArray<GroupNote>, OutputError> {
  const found: Array<GroupNote> = []
  for (let end = file.end().bytes; end > format.begin.length;) {
    const note = yield* readAt(path, file, end)
    found.push(note)
    end = note.at
  }
  return found.reverse()
})

/** How many rows a finished file has, by the note before its end. */
export const rowsIn = Effect.fnUntraced(function* (
  path: string,
  file: Readable,
  format: Format
): Effect.fn.Return<number, OutputError> {
  const { bytes } = file.end()
  const length = format.endLength(yield* file.read(Math.max(0, bytes - 8), 8))
  const end = bytes - (length ?? bytes)
  return end <= format.begin.length ? 0 : (yield* readAt(path, file, end)).rows
})

/** How far a file was looked through. */
interface Verified {
  /** How many groups are unchanged, and what was seen of the next one. */
  readonly groups: number
  readonly held: ReadonlyArray<Uint8Array>
  readonly at: number
}

/** Whether the start of the file and the bytes of each group are unchanged. */
export const verify =
  (begin: Uint8Array, notes: ReadonlyArray<GroupNote>) =>
  <E>(pieces: Stream.Stream<Uint8Array, E>): Effect.Effect<boolean, E> =>
    Effect.gen(function* () {
      const head = { at: 0, length: begin.length, digest: yield* TailHash.digest(concat([begin])) }
      const all = [head, ...notes]
      const look = Effect.fnUntraced(function* (seen: Verified, piece: Uint8Array) {
        const start = seen.at
        const end = start + piece.length
        let { groups } = seen
        let held = [...seen.held]
        for (let group = all[groups]; group !== undefined && group.at < end; group = all[groups]) {
          const last = group.at + group.length
          held.push(piece.subarray(Math.max(0, group.at - start), last - start))
          if (last > end || (yield* TailHash.digest(concat(held))) !== group.digest) break
          held = []
          groups++
        }
        return { groups, held, at: end }
      })
      const none: Verified = { groups: 0, held: [], at: 0 }
      const { groups } = yield* Stream.runFoldEffect(pieces, () => none, look)
      return groups === all.length
    })
