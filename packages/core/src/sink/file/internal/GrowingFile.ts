/** A partial file that is open: written to, synced, and given its name. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Compression } from "../Compression.ts"
import { codeOf, fromPlatform, OutputError } from "../OutputError.ts"
import { syncFolder } from "../../../platform/internal/System.ts"
import * as SinkBytes from "../../SinkBytes.ts"
import type { Held } from "../OutputLock.ts"
import * as AtomicRename from "./AtomicRename.ts"
import { inodeOf, partialPath } from "./FileOnDisk.ts"
import { failWith, unlessThere } from "./OutputFailure.ts"
import * as TailHash from "./TailHash.ts"

/** The end of a file that is safe on disk, with its inode and a hash of its last 4 KiB to identify it. */
export const Position = Schema.Struct({
  bytes: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  inode: Schema.NullOr(Schema.String),
  tail: Schema.String,
  /** Of an object that is not complete. */
  object: Schema.optionalKey(
    Schema.Struct({
      /** The multipart upload, where there is one, and its parts, each of `partBytes` bytes. */
      upload: Schema.NullOr(Schema.String),
      parts: Schema.Array(Schema.Struct({ number: Schema.Int, tag: Schema.String })),
      partBytes: Schema.Int,
      /** Where what fills no part yet waits, as ranges of bytes: in an object each, with a name that is never used again. */
      pieces: Schema.Array(Schema.Struct({ name: Schema.String, from: Schema.Int, to: Schema.Int }))
    })
  )
})
export type Position = typeof Position.Type

export interface PartialFile {
  /** Whether the file already has its name, so that nothing is left to write. */
  readonly finished: boolean
  readonly end: () => TailHash.End
  /** Goes back to an end that it had. */
  readonly rewind: (end: TailHash.End) => void
  /** What the file holds there; fewer bytes when it ends before that. */
  readonly read: (at: number, length: number) => Effect.Effect<Uint8Array, OutputError>
  /** All of it or, after a failure, nothing: the next call cuts off what came through. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, OutputError>
  /** Safe from a power failure when it returns, the name of the partial file included. */
  readonly sync: Effect.Effect<Position, OutputError>
  /** Closes the handle of a file that only waits for its name. */
  readonly seal: Effect.Effect<void, OutputError>
  /** Can be called again after it failed. */
  readonly finish: Effect.Effect<void, OutputError>
  /** Removes it, once its scope is closed; nobody needs what it holds. */
  readonly discard: Effect.Effect<void>
}

/** Writes, and remembers it in the same step: no interruption comes between the two. */
export const writeAnd = (file: Pick<PartialFile, "write">, bytes: Uint8Array, written: () => void) =>
  Effect.uninterruptible(Effect.tap(file.write(bytes), () => Effect.sync(written)))

export interface Opened {
  readonly file: FileSystem.File
  readonly inode: string | null
  readonly end: TailHash.End
}

interface State {
  end: TailHash.End
  /** The file may hold more than `end` says. */
  torn: boolean
  synced: { readonly end: TailHash.End; readonly position: Position } | undefined
  /** Its name in the folder is safe from a power failure. */
  isInFolder: boolean
  /** Why nothing more is written to it. */
  lost: OutputError | undefined
  stage: "open" | "sealed" | "named" | "finished"
}

interface Growing extends Omit<Opened, "end"> {
  readonly fs: FileSystem.FileSystem
  readonly folder: string
  readonly path: string
  readonly force: boolean
  readonly verify?: Compression["verify"] | undefined
  readonly lock?: Held | undefined
  readonly handle: Scope.Closeable
  /** Called when there is something to keep. */
  readonly begun: () => void
  readonly state: State
}

export const make = ({ end, ...settings }: Omit<Growing, "state"> & Opened): PartialFile => {
  const state: State = {
    end,
    torn: false,
    synced: undefined,
    isInFolder: false,
    lost: undefined,
    stage: "open"
  }
  const self: Growing = { ...settings, state }
  return {
    finished: false,
    end: () => state.end,
    read: (at, length) => naming(self, "open")(TailHash.readAt(self.file, at, length)),
    rewind: (to) => {
      if (to === state.end) return
      state.end = to
      state.torn = true
    },
    write: (bytes) => write(self, bytes),
    sync: flush(self),
    seal: seal(self),
    finish: finish(self),
    discard: Effect.ignore(settings.fs.remove(partialPath(settings.path), { force: true }))
  }
}

/** The failures of the system as those of this file. */
const naming = ({ path }: Growing, operation: OutputError["operation"]) =>
  Effect.mapError(fromPlatform(path, operation))

// Otherwise the run would append to the changes of another program, and only a reader of the file would notice.
const foreign = ({ path, state }: Growing, operation: OutputError["operation"]) =>
  Effect.suspend(() => {
    state.lost = failWith(partialPath(path), operation, "Foreign")
    return Effect.fail(state.lost)
  })

const assertLength = (self: Growing): Effect.Effect<void, OutputError> =>
  Effect.flatMap(naming(self, "write")(self.file.stat), (info) => {
    const { end, torn } = self.state
    const length = TailHash.lengthOf(info)
    return (torn ? length < end.bytes : length !== end.bytes) ? foreign(self, "write") : Effect.void
  })

const repair = (self: Growing): Effect.Effect<void, OutputError> =>
  Effect.suspend(() => {
    const { file, state } = self
    if (!state.torn) return Effect.void
    return Effect.andThen(file.truncate(state.end.bytes), file.seek(BigInt(state.end.bytes), "start")).pipe(
      Effect.map(() => {
        state.torn = false
      }),
      naming(self, "write")
    )
  })

const write = (self: Growing, bytes: Uint8Array): Effect.Effect<void, OutputError> =>
  Effect.suspend(() => {
    const { file, path, state } = self
    self.begun()
    if (state.lost !== undefined) return Effect.fail(state.lost)
    if (state.stage !== "open") return Effect.fail(failWith(path, "write", "Finished"))
    if (bytes.length === 0) return Effect.void
    return assertLength(self).pipe(
      Effect.andThen(repair(self)),
      Effect.andThen(
        Effect.suspend(() => {
          state.torn = true
          return naming(self, "write")(file.writeAll(bytes))
        })
      ),
      Effect.andThen(
        Effect.suspend(() => {
          state.end = TailHash.append(state.end, bytes)
          state.torn = false
          return SinkBytes.add(bytes.length)
        })
      ),
      // A handle that is closed under a write may belong to another file by the time the system gets to it.
      Effect.uninterruptible
    )
  })

// After a sync that failed the system may take what it could not write for written: another sync proves nothing.
const toDisk = ({ file, path, state }: Growing): Effect.Effect<void, OutputError> =>
  Effect.suspend(() =>
    state.lost !== undefined
      ? Effect.fail(state.lost)
      : Effect.mapError(file.sync, (error) => {
          const code = codeOf(error)
          state.lost = new OutputError({
            target: path,
            operation: "flush",
            reason: { _tag: "Unsynced" },
            ...(code === undefined ? {} : { code })
          })
          return state.lost
        })
  ).pipe(Effect.uninterruptible)

const sync = (self: Growing): Effect.Effect<Position, OutputError> =>
  Effect.gen(function* () {
    const { inode, state } = self
    self.begun()
    const { end, synced } = state
    const known = synced?.end === end
    if (!known || state.lost !== undefined) yield* toDisk(self)
    if (synced !== undefined && known) return synced.position
    if (!state.isInFolder) yield* naming(self, "flush")(syncFolder(self.fs, self.folder))
    state.isInFolder = true
    const position = { bytes: end.bytes, inode, tail: yield* TailHash.digest(end.tail) }
    state.synced = { end, position }
    return position
  })

const flush = (self: Growing): Effect.Effect<Position, OutputError> =>
  Effect.gen(function* () {
    const { file, state } = self
    const position = yield* sync(self)
    // A file that only waits for its name is checked when it gets it.
    if (state.stage !== "open") return position
    const info = yield* naming(self, "flush")(file.stat)
    const isAsWritten = yield* naming(self, "flush")(TailHash.isEnd(file, info, state.end, state.torn))
    return isAsWritten ? position : yield* foreign(self, "flush")
  })

const seal = (self: Growing): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const { state } = self
    if (state.stage !== "open") return
    if (state.torn) yield* Effect.uninterruptible(Effect.andThen(assertLength(self), repair(self)))
    yield* sync(self)
    state.stage = "sealed"
    yield* Scope.close(self.handle, Exit.void)
  })

/** Reads the file again from the disk, under its temporary name. */
const verified = (self: Growing): Effect.Effect<void, OutputError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { end } = self.state
      const finishing = naming(self, "finish")
      const reader = yield* Effect.mapError(
        self.fs.open(partialPath(self.path), { flag: "r" }),
        unlessThere(self.path, "finish", "Replaced")
      )
      const info = yield* finishing(reader.stat)
      if (inodeOf(info) !== self.inode) return yield* failWith(self.path, "finish", "Replaced")
      const isWhole =
        (yield* finishing(TailHash.isEnd(reader, info, end))) &&
        (self.verify === undefined || (yield* finishing(self.verify(TailHash.pieces(reader, end.bytes)))))
      if (!isWhole) return yield* foreign(self, "finish")
    })
  )

const finish = (self: Growing): Effect.Effect<void, OutputError> =>
  Effect.gen(function* () {
    const { folder, fs, path, state } = self
    yield* Effect.mapError(
      seal(self),
      ({ code, reason }) =>
        new OutputError({ target: path, operation: "finish", reason, ...(code === undefined ? {} : { code }) })
    )
    if (state.stage === "sealed") {
      yield* verified(self)
      if (self.lock !== undefined) yield* self.lock.verify("finish")
      yield* AtomicRename.giveName(self, () => {
        state.stage = "named"
      })
    }
    if (state.stage === "named") yield* naming(self, "finish")(syncFolder(fs, folder))
    state.stage = "finished"
  })
