/** A file that grows as `NAME.partial` and gets its name when it is complete; what a killed run left of it goes on. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { codeOf, fromPlatform, OutputError } from "../OutputError.ts"
import { linkOrRename, syncFolder } from "./Publish.ts"
import * as Tail from "./Tail.ts"

/** Where a file ends that is safe on disk, and by what it is known again: its inode, and a hash of its last 4 KiB. */
export const Position = Schema.Struct({
  bytes: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  inode: Schema.NullOr(Schema.String),
  tail: Schema.String
})
export type Position = typeof Position.Type

export interface Options {
  readonly path: string
  /** Replaces an existing file, at the end and in one step. */
  readonly force: boolean
  /** Goes on there: what the file holds beyond it is cut. */
  readonly from?: Position | undefined
}

export interface PartialFile {
  /** Opened again after it had got its name: there is nothing left to write. */
  readonly finished: boolean
  readonly end: () => Tail.End
  /** Goes back to an end that it had. */
  readonly rewind: (end: Tail.End) => void
  /** All of it or, after a failure, nothing: the next call cuts off what came through. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, OutputError>
  /** Safe from a power failure when it returns, the name of the partial file included. */
  readonly sync: Effect.Effect<Position, OutputError>
  /** Gives back the handle, for a file that only waits for its name. */
  readonly seal: Effect.Effect<void, OutputError>
  /** Can be called again after it failed. */
  readonly finish: Effect.Effect<void, OutputError>
}

export const partialPath = (path: string): string => `${path}.partial`

/** Another run may replace `NAME.partial` at any moment. Under a name of its own nobody does. */
const ownPath = (path: string, inode: string | null): string => `${partialPath(path)}.${inode ?? "0"}`

const inodeOf = (info: FileSystem.File.Info): string | null => Option.getOrNull(Option.map(info.ino, String))

const lengthOf = (info: FileSystem.File.Info): number => Number(ByteSize.toBigInt(info.size))

/** Nothing that cannot be looked at is ours. */
const isInode = (fs: FileSystem.FileSystem, path: string, inode: string | null) =>
  Effect.map(
    Effect.option(fs.stat(path)),
    Option.exists((info) => info.type === "File" && inodeOf(info) === inode)
  )

const failWith = (path: string, operation: OutputError["operation"], reason: OutputError["reason"]) =>
  new OutputError({ target: path, operation, reason })

interface Opened {
  /** What is written to, links followed. */
  readonly path: string
  readonly file: FileSystem.File
  readonly inode: string | null
  readonly end: Tail.End
}

export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<PartialFile, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const exists = yield* opening(fs.exists(options.path))
  if (exists) {
    if ((yield* opening(fs.stat(options.path))).type !== "File") {
      return yield* failWith(options.path, "open", "notAFile")
    }
  }
  // A link to nothing would be found out about only at the end.
  else if (Option.isSome(yield* Effect.option(fs.readLink(options.path)))) {
    return yield* failWith(options.path, "open", "notAFile")
  }
  // A link keeps pointing where it does: what it points at is replaced.
  const path = exists ? yield* opening(fs.realPath(options.path)) : options.path

  if (options.from !== undefined && exists && (yield* isFinished(fs, options, path, options.from))) {
    const finish = Effect.mapError(syncFolder(fs, paths.dirname(path)), fromPlatform(options.path, "finish"))
    return finishedFile(options.path, options.from, finish)
  }
  if (exists && !options.force) return yield* failWith(options.path, "open", "exists")

  // Runs after the file was closed. A run that failed before it had anything to write leaves nothing behind.
  const kept: { empty: boolean; inode: string | null | undefined } = {
    empty: options.from === undefined,
    inode: undefined
  }
  yield* Effect.addFinalizer(() =>
    kept.empty && kept.inode !== undefined
      ? Effect.ignore(
          Effect.flatMap(isInode(fs, partialPath(path), kept.inode), (ours) =>
            ours ? fs.remove(partialPath(path)) : Effect.void
          )
        )
      : Effect.void
  )
  const handle = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
  const opened = yield* Scope.provide(
    options.from === undefined ? fresh(fs, options, path) : resumed(fs, options, path, options.from),
    handle
  )
  kept.inode = opened.inode
  return growingFile({
    fs,
    folder: paths.dirname(path),
    options,
    opened,
    handle,
    begun: () => {
      kept.empty = false
    }
  })
})

const fresh = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  options: Options,
  path: string
): Effect.fn.Return<Opened, OutputError, Scope.Scope> {
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const partial = partialPath(path)
  yield* opening(fs.remove(partial, { force: true }))
  const file = yield* Effect.mapError(fs.open(partial, { flag: "wx", mode: 0o600 }), (error) =>
    codeOf(error) === "EEXIST" ? failWith(options.path, "open", "replaced") : fromPlatform(options.path, "open")(error)
  )
  return { path, file, inode: inodeOf(yield* opening(file.stat)), end: Tail.start }
})

const resumed = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  options: Options,
  path: string,
  from: Position
): Effect.fn.Return<Opened, OutputError, Scope.Scope> {
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const partial = partialPath(path)
  const own = ownPath(path, from.inode)
  if (!(yield* isInode(fs, partial, from.inode))) {
    // A run that ended between the two steps of giving the name.
    if (yield* isInode(fs, own, from.inode)) yield* opening(fs.rename(own, partial))
    else {
      const there = yield* opening(fs.exists(partial))
      return yield* failWith(partial, "open", there ? "changed" : "missing")
    }
  }
  const file = yield* opening(fs.open(partial, { flag: "r+" }))
  const info = yield* opening(file.stat)
  if (inodeOf(info) !== from.inode) return yield* failWith(partial, "open", "changed")
  const length = lengthOf(info)
  if (length < from.bytes) return yield* failWith(partial, "open", "shorter")
  const end = yield* opening(Tail.read(file, from.bytes))
  if (end.bytes !== from.bytes || (yield* Tail.digest(end.tail)) !== from.tail) {
    return yield* failWith(partial, "open", "changed")
  }
  if (length > from.bytes) {
    yield* opening(file.truncate(from.bytes))
    yield* opening(file.sync)
  }
  yield* opening(file.seek(BigInt(from.bytes), "start"))
  return { path, file, inode: from.inode, end }
})

/** Whether the file under the name is the one that was committed, whole: a run that ended after it gave the name. */
const isFinished = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  options: Options,
  path: string,
  from: Position
): Effect.fn.Return<boolean, OutputError> {
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  if (yield* isInode(fs, partialPath(path), from.inode)) return false
  if (!(yield* isInode(fs, path, from.inode))) return false
  const end = yield* opening(
    Effect.scoped(
      Effect.gen(function* () {
        const file = yield* fs.open(path, { flag: "r" })
        return lengthOf(yield* file.stat) === from.bytes ? yield* Tail.read(file, from.bytes) : undefined
      })
    )
  )
  if (end === undefined || (yield* Tail.digest(end.tail)) !== from.tail) {
    return yield* failWith(options.path, "open", "changed")
  }
  const own = ownPath(path, from.inode)
  if (yield* isInode(fs, own, from.inode)) yield* Effect.ignore(fs.remove(own))
  return true
})

const finishedFile = (path: string, position: Position, finish: PartialFile["finish"]): PartialFile => ({
  finished: true,
  end: () => ({ ...Tail.start, bytes: position.bytes }),
  rewind: () => {},
  write: (bytes) => (bytes.length === 0 ? Effect.void : Effect.fail(failWith(path, "write", "finished"))),
  sync: Effect.succeed(position),
  seal: Effect.void,
  finish
})

const growingFile = (context: {
  readonly fs: FileSystem.FileSystem
  readonly folder: string
  readonly options: Options
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
  let synced: { readonly end: Tail.End; readonly position: Position } | undefined
  let known = false
  let lost: OutputError | undefined
  let state: "open" | "sealed" | "named" | "finished" = "open"

  const repair = Effect.suspend(() =>
    torn
      ? Effect.andThen(file.truncate(end.bytes), file.seek(BigInt(end.bytes), "start")).pipe(
          Effect.tap(() => Effect.sync(() => (torn = false)))
        )
      : Effect.void
  )
  const write = (bytes: Uint8Array) =>
    Effect.suspend(() => {
      context.begun()
      if (lost !== undefined) return Effect.fail(lost)
      if (state !== "open") return Effect.fail(failWith(options.path, "write", "finished"))
      if (bytes.length === 0) return Effect.void
      return repair.pipe(
        Effect.andThen(
          Effect.suspend(() => {
            torn = true
            return file.writeAll(bytes)
          })
        ),
        Effect.tap(() =>
          Effect.sync(() => {
            end = Tail.append(end, bytes)
            torn = false
          })
        ),
        named("write"),
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
            reason: "unsynced",
            ...(code === undefined ? {} : { code })
          })
          return lost
        })
  ).pipe(Effect.uninterruptible)
  const sync = Effect.gen(function* () {
    context.begun()
    if (synced !== undefined && synced.end === end && lost === undefined) return synced.position
    const at = end
    yield* toDisk
    if (!known) yield* named("flush")(syncFolder(fs, folder))
    known = true
    const position = { bytes: at.bytes, inode, tail: yield* Tail.digest(at.tail) }
    synced = { end: at, position }
    return position
  })
  const seal = Effect.gen(function* () {
    if (state !== "open") return
    yield* named("flush")(Effect.uninterruptible(repair))
    yield* sync
    state = "sealed"
    yield* Scope.close(handle, Exit.void)
  })

  const assertOurs = Effect.fnUntraced(function* (name: string) {
    if (!(yield* isInode(fs, name, inode))) return yield* failWith(options.path, "finish", "replaced")
  })
  // Under its own name, what was looked at is also what gets the name.
  const publish = Effect.andThen(
    assertOurs(own),
    named("finish")(options.force ? fs.rename(own, path) : linkOrRename(fs, own, path))
  )
  const finish = Effect.gen(function* () {
    yield* Effect.mapError(seal, ({ code, reason }) =>
      code === undefined
        ? failWith(options.path, "finish", reason)
        : new OutputError({ target: options.path, operation: "finish", reason, code })
    )
    if (state === "sealed") {
      yield* assertOurs(partial)
      yield* fs.rename(partial, own).pipe(
        Effect.mapError((error) =>
          codeOf(error) === "ENOENT"
            ? failWith(options.path, "finish", "replaced")
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
    rewind: (to) => {
      if (to === end) return
      end = to
      torn = true
    },
    write,
    sync,
    seal,
    finish
  }
}
