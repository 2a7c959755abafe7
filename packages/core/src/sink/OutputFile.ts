/**
 * A file that appears under its name only when it is complete.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import * as Scope from "effect/Scope"
import { codeOf, fromPlatform, OutputError } from "./OutputError.ts"

/**
 * Where text goes, in order. `write` returns when the text was handed on, `finish` when all of it is safe.
 *
 * @since 0.1.0
 * @category models
 */
export interface TextOutput {
  readonly write: (text: string) => Effect.Effect<void, OutputError>
  /** The whole run is in. A scope closed without it leaves no finished file. */
  readonly finish: Effect.Effect<void, OutputError>
}

/**
 * How a file is written.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly path: string
  /** Replaces an existing file, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /** Bytes of a piece of text, for example compressed. @default UTF-8 */
  readonly encode?: ((text: string) => Effect.Effect<Uint8Array>) | undefined
}

/**
 * The name under which a file grows until it is complete.
 *
 * @since 0.1.0
 * @category reading
 */
export const partialPath = (path: string): string => `${path}.partial`

/**
 * Opens `path.partial`, private to its owner. `finish` syncs it, gives it its name and syncs the folder, so that after a
 * power failure the name means a complete file. What an earlier run left under `path.partial` is replaced.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<TextOutput, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const fail = (operation: OutputError["operation"], reason: OutputError["reason"]) =>
    Effect.fail(new OutputError({ target: options.path, operation, reason }))
  const replaced = (operation: OutputError["operation"]) =>
    new OutputError({ target: options.path, operation, reason: "replaced" })
  const opening = Effect.mapError(fromPlatform(options.path, "open"))
  const finishing = Effect.mapError(fromPlatform(options.path, "finish"))

  const exists = yield* opening(fs.exists(options.path))
  if (exists) {
    if ((yield* opening(fs.stat(options.path))).type !== "File") return yield* fail("open", "notAFile")
    if (options.force !== true) return yield* fail("open", "exists")
  }
  // A link to nothing would be found out about only at the end.
  else if (Option.isSome(yield* Effect.option(fs.readLink(options.path)))) return yield* fail("open", "notAFile")
  // A link keeps pointing where it does: what it points at is replaced.
  const path = exists ? yield* opening(fs.realPath(options.path)) : options.path
  const partial = partialPath(path)

  const isOurs = Effect.fnUntraced(function* (name: string) {
    const current = yield* finishing(Effect.option(fs.stat(name)))
    if (Option.isNone(current) || !sameInode(current.value.ino, inode)) return yield* replaced("finish")
  })
  let inode: Option.Option<bigint> = Option.none()
  let empty = true
  // A run that failed before it had anything to write leaves nothing behind. Runs after the file was closed.
  yield* Effect.addFinalizer(() =>
    empty ? Effect.ignore(Effect.andThen(isOurs(partial), fs.remove(partial))) : Effect.void
  )
  const handle = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
  yield* opening(fs.remove(partial, { force: true }))
  const file = yield* fs.open(partial, { flag: "wx", mode: 0o600 }).pipe(
    Scope.provide(handle),
    Effect.mapError((error) =>
      codeOf(error) === "EEXIST" ? replaced("open") : fromPlatform(options.path, "open")(error)
    )
  )
  inode = (yield* opening(file.stat)).ino
  const encoder = new TextEncoder()
  const encode = options.encode ?? ((text: string) => Effect.sync(() => encoder.encode(text)))

  // Another run to the same place may replace `partial` at any moment. Under a name of its own nobody does, so that what
  // was looked at is also what gets the name.
  const own = `${partial}.${Option.getOrElse(inode, () => 0n)}`
  const publish = Effect.andThen(
    isOurs(own),
    finishing(options.force === true ? fs.rename(own, path) : linkOrRename(fs, own, path))
  )
  const finish = Effect.gen(function* () {
    empty = false
    yield* finishing(file.sync)
    yield* Scope.close(handle, Exit.void)
    yield* isOurs(partial)
    yield* fs.rename(partial, own).pipe(
      Effect.mapError((error) =>
        codeOf(error) === "ENOENT" ? replaced("finish") : fromPlatform(options.path, "finish")(error)
      ),
      Effect.andThen(Effect.onError(publish, () => Effect.ignore(fs.rename(own, partial)))),
      Effect.uninterruptible
    )
    yield* syncFolder(fs, paths.dirname(path)).pipe(finishing)
  })

  return {
    write: (text) =>
      Effect.flatMap(encode(text), (bytes) => {
        empty = false
        return Effect.mapError(file.writeAll(bytes), fromPlatform(options.path, "write"))
      }),
    finish
  }
})

const sameInode = (left: Option.Option<bigint>, right: Option.Option<bigint>): boolean =>
  Option.getOrUndefined(left) === Option.getOrUndefined(right)

const alreadyThere = PlatformError.systemError({
  _tag: "AlreadyExists",
  module: "FileSystem",
  method: "link",
  cause: { code: "EEXIST" }
})

/** Never over a file that is there: a link fails then, in one step with looking. Some file systems have no links. */
const linkOrRename = (fs: FileSystem.FileSystem, from: string, to: string) =>
  Effect.andThen(fs.link(from, to), Effect.ignore(fs.remove(from))).pipe(
    Effect.catchIf(
      (error) => ["EPERM", "EACCES", "EMLINK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error) ?? ""),
      () => Effect.flatMap(fs.exists(to), (exists) => (exists ? Effect.fail(alreadyThere) : fs.rename(from, to)))
    )
  )

/** A rename is only safe from a power failure when its folder is synced; some systems do not let a folder be opened. */
const syncFolder = (fs: FileSystem.FileSystem, folder: string) =>
  Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (file) => file.sync)).pipe(
    Effect.catchIf(
      (error) => ["EPERM", "EACCES", "EISDIR", "EINVAL", "ENOTSUP"].includes(codeOf(error) ?? ""),
      () => Effect.void
    )
  )
