/** An object that grows as a multipart upload and appears when it is complete. What fills no part yet waits in objects of its own. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { concat } from "../../../model/internal/Bytes.ts"
import type { Naming, ObjectStore, ObjectStoreError } from "../../object/ObjectStore.ts"
import { OutputError } from "../OutputError.ts"
import type { PartialFile, Position } from "./GrowingFile.ts"
import { failWith } from "./OutputFailure.ts"
import * as PartNumbers from "./PartNumbers.ts"
import type { Operation } from "./Place.ts"
import type * as TailHash from "./TailHash.ts"

/** Uploads of a file at the same time: with the part that fills, all that memory holds of it. */
const inFlight = 2

/** A position names each of them, so of more one is made. */
const mostPieces = 32

interface UploadedPart {
  readonly number: number
  tag: string | undefined
  /** Until it is there. */
  data: Uint8Array<ArrayBuffer> | undefined
  fiber: Fiber.Fiber<string, ObjectStoreError> | undefined
}

interface Piece {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** How far the object is written. A value: the bytes that wait are kept as long as somebody may go back to it. */
class End implements TailHash.End {
  readonly bytes: number
  readonly tail = new Uint8Array()
  readonly parts: ReadonlyArray<UploadedPart>
  readonly waiting: ReadonlyArray<Uint8Array<ArrayBuffer>>
  constructor(bytes: number, parts: ReadonlyArray<UploadedPart>, waiting: ReadonlyArray<Uint8Array<ArrayBuffer>>) {
    this.bytes = bytes
    this.parts = parts
    this.waiting = waiting
  }
}

interface State {
  end: End
  upload: string | undefined
  readonly numbers: PartNumbers.PartNumbers
  /** Pieces that it wrote. */
  written: number
  pieces: ReadonlyArray<Piece>
  /** Not needed by what is flushed next, and by what was flushed last. */
  retired: ReadonlyArray<Piece>
  removable: ReadonlyArray<Piece>
  synced: { readonly end: End; readonly position: Position } | undefined
  finished: boolean
}

export interface Settings {
  readonly store: ObjectStore
  readonly path: string
  readonly key: string
  readonly force: boolean
  /** Of the object, in its metadata. */
  readonly identity: string
  /** The prefix of the objects that hold what waits. */
  readonly scratch: string
  /** It never becomes an object: what it holds waits for another one. */
  readonly isScratch: boolean
  /** Of this process, in the names of all that it writes there: another one may write to the same file. */
  readonly by: string
  readonly scope: Scope.Scope
}

interface Growing extends Settings {
  readonly state: State
}

/** The failures of a store as those of this file. */
export const failing = (path: string, operation: Operation) =>
  Effect.mapError(
    ({ code, reason }: ObjectStoreError) =>
      new OutputError({ target: path, operation, reason, ...(code === undefined ? {} : { code }) })
  )

/** Names the upload that a process began, so that another one can abort it. */
const markerOf = (scratch: string, by: string): string => `${scratch}upload-${by}`

/** The process whose upload an object names; `undefined` for one that names none. */
export const beginnerIn = (scratch: string, key: string): string | undefined => {
  const start = markerOf(scratch, "")
  return key.startsWith(start) ? key.slice(start.length) : undefined
}

const keyOf = (scratch: string, { name }: Piece): string => `${scratch}${name}`

export const make = Effect.fnUntraced(function* (
  settings: Settings,
  from: Position | undefined
): Effect.fn.Return<PartialFile, OutputError> {
  const state = from?.object === undefined ? fresh(settings, undefined) : yield* resumed(settings, from, from.object)
  const self: Growing = { ...settings, state }
  return {
    finished: false,
    end: () => state.end,
    rewind: (end) => {
      state.end = end instanceof End ? end : new End(0, [], [])
    },
    read: (at, length) => {
      const { end } = state
      const start = end.parts.length * settings.store.partBytes
      return Effect.sync(() => concat(end.waiting).slice(at - start, at - start + length))
    },
    write: (bytes) => write(self, bytes),
    sync: sync(self),
    seal: Effect.void,
    finish: finish(self),
    discard: Effect.ignore(discard(settings, undefined))
  }
})

const fresh = (settings: Settings, last: number | undefined): State => ({
  end: new End(0, [], []),
  upload: undefined,
  numbers: PartNumbers.make(settings, last),
  written: 0,
  pieces: [],
  retired: [],
  removable: [],
  synced: undefined,
  finished: false
})

const resumed = Effect.fnUntraced(function* (
  settings: Settings,
  from: Position,
  { partBytes, parts, pieces, upload }: NonNullable<Position["object"]>
) {
  const { path, scratch, store } = settings
  // Stores want parts of one size.
  if (partBytes !== store.partBytes && parts.length > 0) return yield* failWith(path, "open", "Changed")
  const cut = parts.length * partBytes
  const waiting: Array<Uint8Array<ArrayBuffer>> = []
  let at = cut
  for (const piece of pieces) {
    const bytes = yield* failing(path, "open")(store.get(keyOf(scratch, piece)))
    if (bytes === undefined) return yield* failWith(path, "open", "Missing")
    if (bytes.length !== piece.to - piece.from || piece.from > at) return yield* failWith(path, "open", "Changed")
    waiting.push(bytes.slice(at - piece.from))
    at = piece.to
  }
  if (at !== from.bytes) return yield* failWith(path, "open", "Changed")
  const uploaded = parts.map(({ number, tag }) => ({ number, tag, data: undefined, fiber: undefined }))
  const end = new End(from.bytes, uploaded, waiting)
  const last = upload === null ? undefined : (parts.at(-1)?.number ?? 0)
  const state = fresh(settings, last)
  return { ...state, end, upload: upload ?? undefined, pieces, synced: { end, position: from } }
})

/** Bytes beyond the parts. */
const waitingBytes = ({ store }: Growing, { bytes, parts }: End): number => bytes - parts.length * store.partBytes

const write = (self: Growing, bytes: Uint8Array): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const { isScratch, path, state, store } = self
    if (state.finished) return yield* failWith(path, "write", "Finished")
    if (bytes.length === 0) return
    // The encoder uses its buffer again.
    let end = new End(state.end.bytes + bytes.length, state.end.parts, [...state.end.waiting, bytes.slice()])
    while (!isScratch && waitingBytes(self, end) >= store.partBytes) {
      const all = concat(end.waiting)
      const part = yield* begin(self, end.parts, all.slice(0, store.partBytes))
      end = new End(end.bytes, [...end.parts, part], [all.slice(store.partBytes)])
    }
    state.end = end
  }).pipe(Effect.uninterruptible)

/** Begins the upload of a part, which runs beside what comes next. */
const begin = Effect.fnUntraced(function* (
  self: Growing,
  before: ReadonlyArray<UploadedPart>,
  data: Uint8Array<ArrayBuffer>
) {
  const { path, scope, state } = self
  const id = yield* uploadOf(self, "write")
  const running = before.filter(({ tag }) => tag === undefined)
  for (const part of running.slice(0, Math.max(0, running.length - inFlight + 1))) yield* settle(self, part, "write")
  const number = yield* failing(path, "write")(state.numbers.take)
  const part: UploadedPart = { number, tag: undefined, data, fiber: undefined }
  part.fiber = yield* Effect.forkIn(Effect.interruptible(upload(self, id, part.number, data)), scope)
  return part
})

const upload = ({ key, store }: Growing, id: string, number: number, data: Uint8Array<ArrayBuffer>) =>
  store.part({ key, id }, number, data)

const uploadOf = Effect.fnUntraced(function* (self: Growing, operation: Operation) {
  const { by, identity, key, path, scratch, state, store } = self
  if (state.upload !== undefined) return state.upload
  const naming = failing(path, operation)
  const id = yield* naming(store.begin({ key, identity }))
  const text = new TextEncoder().encode(JSON.stringify({ key, id }))
  yield* naming(store.put({ key: markerOf(scratch, by), identity, unlessThere: false }, text))
  state.upload = id
  return id
})

/** Waits until a part is there; one that failed is uploaded again. */
const settle = Effect.fnUntraced(function* (self: Growing, part: UploadedPart, operation: Operation) {
  const { data, fiber } = part
  if (part.tag !== undefined || data === undefined) return
  const exit = fiber === undefined ? undefined : yield* Fiber.await(fiber)
  const id = yield* uploadOf(self, operation)
  part.tag =
    exit?._tag === "Success" ? exit.value : yield* failing(self.path, operation)(upload(self, id, part.number, data))
  part.data = undefined
  part.fiber = undefined
})

const settled = (self: Growing, operation: Operation) =>
  Effect.forEach(self.state.end.parts, (part) => settle(self, part, operation), { discard: true })

const sync = (self: Growing): Effect.Effect<Position, OutputError> =>
  Effect.gen(function* () {
    const { by, identity, path, scratch, state, store } = self
    const { end, synced } = state
    if (synced?.end === end) return synced.position
    for (const piece of state.removable) yield* Effect.ignore(store.remove(keyOf(scratch, piece)))
    state.removable = []
    yield* settled(self, "flush")
    const cut = end.parts.length * store.partBytes
    const needed = state.pieces.filter(({ to }) => to > cut)
    const kept = needed.length < mostPieces ? needed : []
    const from = kept.at(-1)?.to ?? cut
    const added = from < end.bytes ? [{ name: `piece-${by}-${++state.written}`, from, to: end.bytes }] : []
    for (const piece of added) {
      const bytes = concat(end.waiting).slice(from - cut)
      yield* failing(path, "flush")(store.put({ key: keyOf(scratch, piece), identity, unlessThere: false }, bytes))
    }
    const pieces = [...kept, ...added]
    const position: Position = {
      bytes: end.bytes,
      inode: identity,
      tail: "",
      object: {
        upload: state.upload ?? null,
        partBytes: store.partBytes,
        parts: end.parts.map(({ number, tag = "" }) => ({ number, tag })),
        pieces
      }
    }
    state.removable = state.retired
    state.retired = state.pieces.filter((piece) => !pieces.includes(piece))
    state.pieces = pieces
    state.synced = { end, position }
    return position
  }).pipe(Effect.uninterruptible)

const finish = (self: Growing): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const { force, identity, key, path, state, store } = self
    if (state.finished) return
    const naming = { key, identity, unlessThere: !force }
    const finishing = failing(path, "finish")
    const { end } = state
    if (end.parts.length === 0) yield* finishing(store.put(naming, concat(end.waiting)))
    else {
      yield* settled(self, "finish")
      const id = yield* uploadOf(self, "finish")
      const parts = end.parts.map(({ number, tag = "" }) => ({ number, tag }))
      if (waitingBytes(self, end) > 0) {
        const number = yield* finishing(state.numbers.take)
        const tag = yield* finishing(store.part({ key, id }, number, concat(end.waiting)))
        parts.push({ number, tag })
      }
      yield* finishing(complete(self, naming, id, parts))
    }
    const found = yield* finishing(store.head(key))
    if (found?.identity !== identity) return yield* failWith(path, "finish", "Replaced")
    if (found.bytes !== end.bytes) return yield* failWith(path, "finish", "Torn")
    state.finished = true
    yield* Effect.ignore(discard(self, state.upload))
  }).pipe(Effect.uninterruptible)

/**
 * Completes the upload. A part whose first attempt came through after a later one has another tag than was noted, where the
 * store encrypts. Its bytes are the same: of a number there is only one content. So the tags that the store lists count.
 */
const complete = (
  { key, state: { end }, store }: Growing,
  naming: Naming,
  id: string,
  parts: ReadonlyArray<{ readonly number: number; readonly tag: string }>
): Effect.Effect<void, ObjectStoreError> => {
  const isReplaced = ({ reason }: ObjectStoreError) => reason._tag === "Replaced"
  const corrected = (error: ObjectStoreError) =>
    Effect.gen(function* () {
      const listed = new Map((yield* store.parts({ key, id })).map((part) => [part.number, part]))
      const found = parts.flatMap(({ number }) => listed.get(number) ?? [])
      const bytes = found.reduce((sum, part) => sum + part.bytes, 0)
      if (found.length !== parts.length || bytes !== end.bytes) return yield* error
      yield* store.complete(naming, id, found)
    })
  return Effect.catchIf(store.complete(naming, id, parts), isReplaced, (error) =>
    Effect.retry(corrected(error), { times: 2, while: isReplaced })
  )
}

const decodeMarker = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ key: Schema.String, id: Schema.String }))
)

/** Aborts the upload that a marker names, unless it is this one. */
export const abortNoted = Effect.fnUntraced(function* (
  store: ObjectStore,
  key: string,
  kept: string | undefined
): Effect.fn.Return<boolean, ObjectStoreError> {
  const bytes = yield* store.get(key)
  const upload = bytes === undefined ? undefined : decodeMarker(new TextDecoder().decode(bytes))
  if (upload?._tag !== "Some" || upload.value.id === kept) return false
  yield* store.abort(upload.value)
  return true
})

/**
 * Removes all that waits for an object. Another process may have begun an upload of it that this one did not know.
 *
 * @param completed The upload that became the object.
 */
export const discard = Effect.fnUntraced(function* (
  { scratch, store }: Pick<Settings, "scratch" | "store">,
  completed: string | undefined
): Effect.fn.Return<void, ObjectStoreError> {
  for (const { key } of yield* store.list(scratch)) {
    if (beginnerIn(scratch, key) !== undefined) yield* abortNoted(store, key, completed)
    yield* store.remove(key)
  }
})
