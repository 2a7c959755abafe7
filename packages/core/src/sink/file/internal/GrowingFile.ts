/** A partial file that is open: written to, synced, and given its name. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Compression } from "../Compression.ts"
import { codeOf, fromPlatform, OutputError } from "../OutputError.ts"
import type { OutputReason } from "../../OutputReason.ts"
import { syncFolder } from "../../../platform/internal/System.ts"
import { linkOrRename } from "./AtomicRename.ts"
import * as TailHash from "./TailHash.ts"

/** The end of a file that is safe on disk, with its inode and a hash of its last 4 KiB to identify it. */
export const Position = Schema.Struct({
  bytes: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  inode: Schema.NullOr(Schema.String),
  tail: Schema.String
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
}

export const partialPath = (path: string): string => `${path}.partial`

/** Another run may replace `NAME.partial` at any moment. Under a name of its own nobody does. */
export const ownPath = (path: string, inode: string | null): string => `${partialPath(path)}.${inode ?? "0"}`

export const inodeOf = (info: FileSystem.File.Info): string | null => Option.getOrNull(Option.map(info.ino, String))

export const isInode = (fs: FileSystem.FileSystem, path: string, inode: string | null) =>
  fs.lstat(path).pipe(
    Effect.map((info) => info.type === "File" && inodeOf(info) === inode),
    Effect.catchIf(
      (error) => codeOf(error) === "ENOENT",
      () => Effect.succeed(false)
    )
  )

export const failWith = (path: string, operation: OutputError["operation"], _tag: PlainReason["_tag"]) =>
  new OutputError({ target: path, operation, reason: { _tag } })

/** Reasons that need no more than their name. */
export type PlainReason = Exclude<OutputReason, { readonly _tag: "Locked" | "Uncovered" | "Untrusted" }>

export interface Opened {
  readonly path: string
  readonly file: FileSystem.File
  readonly inode: string | null
  readonly end: TailHash.End
}

export const make = (context: {
  readonly fs: FileSystem.FileSystem
  readonly folder: string
  readonly options: {
    readonly path: string
    readonly force: boolean
    readonly verify?: Compression["verify"] | undefined
  }
  readonly opened: Opened
  readonly handle: Scope.Closeable
  /** Called when there is something to keep. */
  readonly begun: () => void
}): PartialFile => {
  const { folder, fs, handle, opened, options } = context
  const { file, inode, path } = opened
  const partial = partialPath(path)
  const own = ownPath(path, inode)
  const named = (operation: OutputError["operation"]) => Effect.mapError(fromPlatform(options.path, operation))

  let end = opened.end
  // The file may hold more than `end` says.
  let torn = false
  let synced: { readonly end: TailHash.End; readonly position: Position } | undefined
  let inFolder = false
  let lost: OutputError | undefined
  let state: "open" | "sealed" | "named" | "finished" = "open"

  // Otherwise the run would append to the changes of another program, and only a reader of the file would notice.
  const foreign = (operation: OutputError["operation"]) =>
    Effect.suspend(() => {
      lost = failWith(partial, operation, "Foreign")
      return Effect.fail(lost)
    })
  const assertLength = Effect.flatMap(named("write")(file.stat), (info) => {
    const length = TailHash.lengthOf(info)
    return (torn ? length < end.bytes : length !== end.bytes) ? foreign("write") : Effect.void
  })
  const repair = Effect.suspend(() =>
    torn
      ? Effect.andThen(file.truncate(end.bytes), file.seek(BigInt(end.bytes), "start")).pipe(
          Effect.tap(() => Effect.sync(() => (torn = false))),
          named("write")
        )
      : Effect.void
  )
  const write = (bytes: Uint8Array) =>
    Effect.suspend(() => {
      context.begun()
      if (lost !== undefined) return Effect.fail(lost)
      if (state !== "open") return Effect.fail(failWith(options.path, "write", "Finished"))
      if (bytes.length === 0) return Effect.void
      return assertLength.pipe(
        Effect.andThen(repair),
        Effect.andThen(
          Effect.suspend(() => {
            torn = true
            return named("write")(file.writeAll(bytes))
          })
        ),
        Effect.tap(() =>
          Effect.sync(() => {
            end = TailHash.append(end, bytes)
            torn = false
          })
        ),
        // A handle that is closed under a write may belong to another file by the time the system gets to it.
        Effect.uninterruptible
      )
    })

  // After a sync that failed the system may take what it could not write for written: another sync proves nothing.
  const toDisk = Effect.suspend(() =>
    lost !== undefined
      ? Effect.fail(lost)
      : Effect.mapError(file.sync, (error) => {
          const code = codeOf(error)
          lost = new OutputError({
            target: options.path,
            operation: "flush",
            reason: { _tag: "Unsynced" },
            ...(code === undefined ? {} : { code })
          })
          return lost
        })
  ).pipe(Effect.uninterruptible)
  const sync = Effect.gen(function* () {
    context.begun()
    const at = end
    const known = synced?.end === at
    if (!known || lost !== undefined) yield* toDisk
    if (synced !== undefined && known) return synced.position
    if (!inFolder) yield* named("flush")(syncFolder(fs, folder))
    inFolder = true
    const position = { bytes: at.bytes, inode, tail: yield* TailHash.digest(at.tail) }
    synced = { end: at, position }
    return position
  })
  // A file that only waits for its name is checked when it gets it.
  const isAsWritten = Effect.suspend(() =>
    state === "open"
      ? named("flush")(Effect.flatMap(file.stat, (info) => TailHash.isEnd(file, info, end, torn)))
      : Effect.succeed(true)
  )
  const flush = Effect.gen(function* () {
    const position = yield* sync
    if (!(yield* isAsWritten)) return yield* foreign("flush")
    return position
  })
  const seal = Effect.gen(function* () {
    if (state !== "open") return
    if (torn) yield* Effect.uninterruptible(Effect.andThen(assertLength, repair))
    yield* sync
    state = "sealed"
    yield* Scope.close(handle, Exit.void)
  })

  const assertOurs = Effect.fnUntraced(function* (name: string) {
    if (!(yield* named("finish")(isInode(fs, name, inode)))) return yield* failWith(options.path, "finish", "Replaced")
  })
  /** Reads the file again from the disk, under its temporary name. */
  const verified = Effect.scoped(
    Effect.gen(function* () {
      const reader = yield* Effect.mapError(fs.open(partial, { flag: "r" }), (error) =>
        codeOf(error) === "ENOENT"
          ? failWith(options.path, "finish", "Replaced")
          : fromPlatform(options.path, "finish")(error)
      )
      const info = yield* named("finish")(reader.stat)
      if (inodeOf(info) !== inode) return yield* failWith(options.path, "finish", "Replaced")
      const whole =
        (yield* named("finish")(TailHash.isEnd(reader, info, end))) &&
        (options.verify === undefined || (yield* named("finish")(options.verify(TailHash.pieces(reader, end.bytes)))))
      if (!whole) return yield* foreign("finish")
    })
  )
  // Under a name of its own, the checked file is the one that gets the name.
  const publish = Effect.andThen(
    assertOurs(own),
    named("finish")(options.force ? fs.rename(own, path) : linkOrRename(fs, own, path))
  )
  const finish = Effect.gen(function* () {
    yield* Effect.mapError(
      seal,
      ({ code, reason }) =>
        new OutputError({
          target: options.path,
          operation: "finish",
          reason,
          ...(code === undefined ? {} : { code })
        })
    )
    if (state === "sealed") {
      yield* verified
      yield* fs.rename(partial, own).pipe(
        Effect.mapError((error) =>
          codeOf(error) === "ENOENT"
            ? failWith(options.path, "finish", "Replaced")
            : fromPlatform(options.path, "finish")(error)
        ),
        Effect.andThen(Effect.onError(publish, () => Effect.ignore(fs.rename(own, partial)))),
        Effect.tap(() => Effect.sync(() => (state = "named"))),
        Effect.uninterruptible
      )
    }
    if (state === "named") yield* named("finish")(syncFolder(fs, folder))
    state = "finished"
  })

  return {
    finished: false,
    end: () => end,
    read: (at, length) => named("open")(TailHash.readAt(file, at, length)),
    rewind: (to) => {
      if (to === end) return
      end = to
      torn = true
    },
    write,
    sync: flush,
    seal,
    finish
  }
}
