/** A file that grows as `NAME.partial` and gets its name when it is complete. A run resumes the partial file of a killed one. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Scope from "effect/Scope"
import type { Compression } from "../Compression.ts"
import { codeOf, fromPlatform, type OutputError } from "../OutputError.ts"
import type { Held } from "../OutputLock.ts"
import { inodeOf, isInode, ownPath, partialPath } from "./FileOnDisk.ts"
import * as GrowingFile from "./GrowingFile.ts"
import type { Opened, PartialFile, Position } from "./GrowingFile.ts"
import { failWith, unlessThere } from "./OutputFailure.ts"
import { syncFolder } from "../../../platform/internal/System.ts"
import * as TrustedFile from "../../../platform/TrustedFile.ts"
import * as TailHash from "./TailHash.ts"

export { partialPath } from "./FileOnDisk.ts"
export { type PartialFile, Position, writeAnd } from "./GrowingFile.ts"

export interface Options {
  readonly path: string
  /** Replaces an existing file, at the end and in one step. */
  readonly force: boolean
  /** No other run writes there now. */
  readonly alone?: boolean | undefined
  /** Checked before it gets its name. */
  readonly lock?: Held | undefined
  /** Resumes at this position, and cuts off the rest of the file. */
  readonly from?: Position | undefined
  /** Whether finishing adds to the file, so that a finished file may be longer than its last commit. */
  readonly grows?: boolean | undefined
  /** It never gets its name: what it holds waits for another file. */
  readonly scratch?: boolean | undefined
  /** Checks the whole file before it gets its name. */
  readonly verify?: Compression["verify"] | undefined
}

export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<PartialFile, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const { path } = options
  const found = yield* opening(TrustedFile.check(path))
  const exists = Option.isSome(found)
  if (exists && found.value.type !== "File") return yield* failWith(path, "open", "NotAFile")
  yield* opening(TrustedFile.check(partialPath(path)))

  const length =
    options.from === undefined || !exists ? undefined : yield* finishedLength(fs, options, path, options.from)
  if (length !== undefined) {
    const finish = Effect.mapError(syncFolder(fs, paths.dirname(path)), fromPlatform(options.path, "finish"))
    return finishedFile(fs, options, path, length, finish)
  }
  if (exists && !options.force) return yield* failWith(options.path, "open", "Exists")

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
  return GrowingFile.make({
    ...opened,
    fs,
    folder: paths.dirname(path),
    path,
    force: options.force,
    verify: options.verify,
    lock: options.lock,
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
): Effect.fn.Return<Opened, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const partial = partialPath(path)
  yield* opening(fs.remove(partial, { force: true }))
  if (options.alone === true) yield* Effect.ignore(clear(fs, partial))
  const file = yield* Effect.mapError(fs.open(partial, { flag: "wx+", mode: 0o600 }), (error) =>
    codeOf(error) === "EEXIST" ? failWith(options.path, "open", "Replaced") : fromPlatform(options.path, "open")(error)
  )
  return { file, inode: inodeOf(yield* opening(file.stat)), end: TailHash.start }
})

/** What runs left that were killed between the two steps of giving the name. */
const clear = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, partial: string) {
  const paths = yield* Path.Path
  const folder = paths.dirname(partial)
  const start = `${paths.basename(partial)}.`
  const names = yield* fs.readDirectory(folder)
  for (const name of names) {
    if (name.startsWith(start) && /^\d+$/.test(name.slice(start.length))) yield* fs.remove(paths.join(folder, name))
  }
})

const resumed = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  options: Options,
  path: string,
  from: Position
): Effect.fn.Return<Opened, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const partial = partialPath(path)
  const own = ownPath(path, from.inode)
  if (!(yield* opening(isInode(fs, partial, from.inode)))) {
    // A run that ended between the two steps of giving the name.
    if (yield* opening(isInode(fs, own, from.inode))) yield* opening(fs.rename(own, partial))
    else {
      const there = yield* opening(fs.exists(partial))
      return yield* failWith(partial, "open", there ? "Changed" : "Missing")
    }
  }
  const file = yield* opening(TrustedFile.open(partial, { flag: "r+" }))
  const info = yield* opening(file.stat)
  if (inodeOf(info) !== from.inode) return yield* failWith(partial, "open", "Changed")
  const length = TailHash.lengthOf(info)
  if (length < from.bytes) return yield* failWith(partial, "open", "Shorter")
  const end = yield* opening(TailHash.read(file, from.bytes))
  if (end.bytes !== from.bytes || (yield* TailHash.digest(end.tail)) !== from.tail) {
    return yield* failWith(partial, "open", "Changed")
  }
  if (length > from.bytes) {
    yield* opening(file.truncate(from.bytes))
    yield* opening(file.sync)
  }
  yield* opening(file.seek(BigInt(from.bytes), "start"))
  return { file, inode: from.inode, end }
})

/** How long the file under the name is when it is the one that was committed: a run that ended after it gave the name. */
const finishedLength = Effect.fnUntraced(function* (
  fs: FileSystem.FileSystem,
  options: Options,
  path: string,
  from: Position
): Effect.fn.Return<number | undefined, OutputError, FileSystem.FileSystem> {
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  if (yield* opening(isInode(fs, partialPath(path), from.inode))) return undefined
  if (!(yield* opening(isInode(fs, path, from.inode)))) return undefined
  const found = yield* opening(
    Effect.scoped(
      Effect.gen(function* () {
        const file = yield* TrustedFile.open(path, { flag: "r" })
        const length = TailHash.lengthOf(yield* file.stat)
        const whole = options.grows === true ? length >= from.bytes : length === from.bytes
        return whole ? { length, end: yield* TailHash.read(file, from.bytes) } : undefined
      })
    )
  )
  if (found === undefined || (yield* TailHash.digest(found.end.tail)) !== from.tail) {
    return yield* failWith(options.path, "open", "Changed")
  }
  const own = ownPath(path, from.inode)
  if (yield* opening(isInode(fs, own, from.inode))) yield* Effect.ignore(fs.remove(own))
  return found.length
})

/**
 * The file that a finished run left under the name, to be read. It may be a copy: nothing is written to it any more.
 *
 * @param grows It got longer when it was finished.
 */
export const openFinished = Effect.fnUntraced(function* (
  path: string,
  from: Position,
  grows: boolean
): Effect.fn.Return<Pick<PartialFile, "end" | "read">, OutputError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const verifying = Effect.mapError(fromPlatform(path, "verify"))
  const file = yield* Effect.mapError(fs.open(path, { flag: "r" }), unlessThere(path, "verify", "Gone"))
  const info = yield* verifying(file.stat)
  const bytes = TailHash.lengthOf(info)
  const whole = info.type === "File" && (grows ? bytes >= from.bytes : bytes === from.bytes)
  const end = whole ? yield* verifying(TailHash.read(file, from.bytes)) : undefined
  if (end === undefined || (yield* TailHash.digest(end.tail)) !== from.tail) {
    return yield* failWith(path, "verify", "Altered")
  }
  return {
    end: () => ({ ...TailHash.start, bytes }),
    read: (at, length) => verifying(TailHash.readAt(file, at, length))
  }
})

const finishedFile = (
  fs: FileSystem.FileSystem,
  options: Options,
  path: string,
  length: number,
  finish: PartialFile["finish"]
): PartialFile => ({
  finished: true,
  end: () => ({ ...TailHash.start, bytes: length }),
  read: (at, count) =>
    Effect.scoped(Effect.flatMap(fs.open(path, { flag: "r" }), (file) => TailHash.readAt(file, at, count))).pipe(
      Effect.mapError(fromPlatform(options.path, "open"))
    ),
  rewind: () => {},
  write: (bytes) => (bytes.length === 0 ? Effect.void : Effect.fail(failWith(options.path, "write", "Finished"))),
  // Only what was committed may be committed again.
  sync: options.from === undefined ? Effect.die("finished without a position") : Effect.succeed(options.from),
  seal: Effect.void,
  finish,
  discard: Effect.void
})
