/**
 * The one rule for files that were there before: none that another user owns or can write to, and no symbolic links.
 *
 * A file of calls that somebody else put in place would give that user every record that is added to it, and a state that
 * somebody else can write to decides what a run does next.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SecureRandom from "effect/crypto/SecureRandom"
import { codeOf } from "./internal/System.ts"

/**
 * Why a file is refused. It is the cause of a `PlatformError`; `refusalOf` finds it there.
 *
 * @since 0.1.0
 * @category errors
 */
export class UntrustedFile extends Schema.TaggedError<UntrustedFile>()("UntrustedFile", {
  path: Schema.String,
  /** Its owner, where that is another user; its mode, where others can write to it. */
  problem: Schema.Union([
    Schema.TaggedStruct("Link", {}),
    Schema.TaggedStruct("OtherOwner", { uid: Schema.Int }),
    Schema.TaggedStruct("WritableByOthers", { mode: Schema.Int })
  ])
}) {
  /** The predicate of a sentence about the file, such as `is a symbolic link`. */
  get predicate(): string {
    switch (this.problem._tag) {
      case "Link":
        return "is a symbolic link"
      case "OtherOwner":
        return `belongs to another user (uid ${this.problem.uid})`
      case "WritableByOthers":
        return `can be written to by others (mode ${octal(this.problem.mode)})`
    }
  }
  override get message(): string {
    return `${this.path} ${this.predicate}`
  }
}

/**
 * The refusal behind an error, if it is one.
 *
 * @since 0.1.0
 * @category reading
 */
export const refusalOf = (error: PlatformError.PlatformError): UntrustedFile | undefined =>
  error.reason.cause instanceof UntrustedFile ? error.reason.cause : undefined

/**
 * The user that this process acts as, `undefined` where files have no owners, as on Windows: there only links are refused.
 *
 * @since 0.1.0
 * @category services
 */
export const User = Context.Reference<() => number | undefined>("@callstream/core/platform/TrustedFile/User", {
  defaultValue: () => effectiveUser
})

/** Files that were warned of: each is opened by several parts of a run, and by each pass of a sync. */
const Warned = Context.Reference<Set<string>>("@callstream/core/platform/TrustedFile/Warned", {
  defaultValue: () => new Set()
})

/** Node, Bun and Deno have it; asked each time, because a process may give up its rights. */
const effectiveUser = (): number | undefined => {
  const process: unknown = Reflect.get(globalThis, "process")
  if (typeof process !== "object" || process === null || !("geteuid" in process)) return undefined
  const user: unknown = typeof process.geteuid === "function" ? process.geteuid() : undefined
  return typeof user === "number" ? user : undefined
}

/**
 * How a file is opened or read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Others may read it: it holds no calls and no secret. Otherwise a warning says that they can. @default false */
  readonly isPublic?: boolean | undefined
}

/**
 * Opens a file as `FileSystem.open` does, without following a link in its place, and refuses one that the rule refuses. A
 * path that names what this process has open already, such as `/dev/stderr`, is opened as it is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fnUntraced(function* (
  path: string,
  options: Options & { readonly flag: FileSystem.OpenFlag; readonly mode?: number | undefined }
): Effect.fn.Return<FileSystem.File, PlatformError.PlatformError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const { flag, mode } = options
  if (isDescriptor(path)) return yield* fs.open(path, { flag, mode })
  const found = yield* look(fs.lstat, path)
  if (Option.isSome(found)) {
    yield* admit(path, found.value)
    // A pipe or a device: opening it twice would take something from it.
    if (found.value.type !== "File") return yield* fs.open(path, { flag, mode })
  }
  const file = yield* openItself(path, { flag, mode })
  const info = yield* file.stat
  yield* admit(path, info)
  if (options.isPublic !== true) yield* warnOfReaders(path, info)
  return file
})

/**
 * The bytes of a file that the rule allows.
 * With `follow` links are followed: of what is only read, what is read has to be trusted.
 *
 * @since 0.1.0
 * @category reading
 */
export const read = Effect.fnUntraced(function* (
  path: string,
  options: Options & { readonly follow?: boolean | undefined } = {}
): Effect.fn.Return<Uint8Array, PlatformError.PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  if (isDescriptor(path)) return yield* fs.readFile(path)
  const info = yield* (options.follow === true ? fs.stat : fs.lstat)(path)
  yield* admit(path, info)
  if (info.type !== "File") return yield* fs.readFile(path)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const file = yield* options.follow === true ? fs.open(path, { flag: "r" }) : openItself(path, { flag: "r" })
      const opened = yield* file.stat
      yield* admit(path, opened)
      if (options.isPublic !== true) yield* warnOfReaders(path, opened)
      return yield* all(file)
    })
  )
})

/**
 * `read` as text in UTF-8.
 *
 * @since 0.1.0
 * @category reading
 */
export const readString = (path: string, options?: Parameters<typeof read>[1]) =>
  Effect.map(read(path, options), (bytes) => new TextDecoder().decode(bytes))

/**
 * Applies the rule to what is at a path that is about to be replaced, or opened by somebody else's code, and says what it
 * is; nothing when there is nothing.
 * With `follow` links are followed: of what is only read, what is read has to be trusted.
 *
 * @since 0.1.0
 * @category checks
 */
export const check = Effect.fnUntraced(function* (
  path: string,
  options: Options & { readonly follow?: boolean | undefined } = { isPublic: true }
): Effect.fn.Return<Option.Option<FileSystem.File.Info>, PlatformError.PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  if (isDescriptor(path)) return yield* look(fs.stat, path)
  const found = yield* look(options.follow === true ? fs.stat : fs.lstat, path)
  if (Option.isSome(found)) {
    yield* admit(path, found.value)
    if (options.isPublic !== true) yield* warnOfReaders(path, found.value)
  }
  return found
})

/**
 * Applies the rule to a folder that files are kept in. A link in its place is followed when this user or root made it.
 *
 * @since 0.1.0
 * @category checks
 */
export const checkFolder = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<void, PlatformError.PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const found = yield* fs.lstat(path)
  const user = (yield* User)()
  const isLink = found.type === "SymbolicLink"
  if (isLink && user !== undefined && !isTrusted(ownerOf(found), user)) return yield* refuse(path, link)
  yield* admit(path, isLink ? yield* fs.stat(path) : found)
})

/** An inherited file was chosen by the parent process, not put there by somebody else. */
const isDescriptor = (path: string): boolean =>
  /^\/dev\/(?:stdin|stdout|stderr|fd\/\d+)$|^\/proc\/self\/fd\/\d+$/.test(path)

const look = (stat: FileSystem.FileSystem["stat"], path: string) =>
  stat(path).pipe(
    Effect.map(Option.some),
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeedNone
    )
  )

type Problem = UntrustedFile["problem"]

const refuse = (path: string, problem: Problem) =>
  Effect.fail(
    PlatformError.systemError({
      _tag: "PermissionDenied",
      module: "FileSystem",
      method: "open",
      pathOrDescriptor: path,
      cause: new UntrustedFile({ path, problem })
    })
  )

const link: Problem = { _tag: "Link" }

const writers = 0o022
const readers = 0o044

const ownerOf = (info: FileSystem.File.Info): number => Option.getOrElse(info.uid, () => 0)

/** Root can do all of it anyway. */
const isTrusted = (owner: number, user: number): boolean => owner === user || owner === 0

/** Those of the bits that are for others. A group with the number of the owner is that user's own, as many systems do it. */
const forOthers = (info: FileSystem.File.Info, bits: number): number => {
  const ownGroup = Option.getOrElse(info.gid, () => 0) === ownerOf(info)
  return info.mode & (ownGroup ? bits & 0o007 : bits)
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0")

interface System {
  readonly user: number
  /** Bits that every file has here, whatever it was made with. */
  readonly meaningless: number
}

const judge = (info: FileSystem.File.Info, { meaningless, user }: System): Problem | undefined => {
  const owner = ownerOf(info)
  if (!isTrusted(owner, user)) return { _tag: "OtherOwner", uid: owner }
  const keepsModes = info.type === "File" || info.type === "Directory"
  return keepsModes && (forOthers(info, writers) & ~meaningless) !== 0
    ? { _tag: "WritableByOthers", mode: info.mode & 0o7777 }
    : undefined
}

/**
 * Refuses what the rule refuses. Some file systems show one owner or mode for all files, such as those of a Windows disk
 * or of a server that maps root to nobody; a file that is made there shows what this user's own look like.
 */
const admit = Effect.fnUntraced(function* (path: string, info: FileSystem.File.Info) {
  if (info.type === "SymbolicLink") return yield* refuse(path, link)
  const user = (yield* User)()
  if (user === undefined) return
  const problem = judge(info, { user, meaningless: 0 })
  if (problem === undefined) return
  const shown = yield* ownBeside(path, info)
  if (Option.isNone(shown)) return yield* refuse(path, problem)
  const again = judge(info, { user: ownerOf(shown.value), meaningless: shown.value.mode })
  if (again !== undefined) return yield* refuse(path, again)
})

/** A private file of this user, as the file system shows it. */
const ownBeside = (path: string, { type }: FileSystem.File.Info) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = type === "Directory" ? `${path}/` : path.replace(/[^/]*$/, "")
    const own = `${folder}.callstream-${yield* Effect.sync(() => SecureRandom.uuidV4Unsafe())}`
    const file = yield* fs.open(own, { flag: "wx", mode: 0o600 })
    return yield* Effect.ensuring(file.stat, Effect.ignore(fs.remove(own)))
  }).pipe(Effect.scoped, Effect.option)

/** Without following a link that is put in its place just now. */
const openItself = Effect.fnUntraced(function* (
  path: string,
  options: { readonly flag: FileSystem.OpenFlag; readonly mode?: number | undefined }
): Effect.fn.Return<FileSystem.File, PlatformError.PlatformError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  return yield* fs.open(path, { ...options, noFollow: true }).pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "BadArgument",
      () => Effect.tap(fs.open(path, options), () => Effect.flatMap(fs.lstat(path), (info) => admit(path, info)))
    ),
    Effect.catchIf(
      (error) => ["ELOOP", "EMLINK"].includes(codeOf(error) ?? ""),
      () => refuse(path, link)
    )
  )
})

const warnOfReaders = Effect.fnUntraced(function* (path: string, info: FileSystem.File.Info) {
  if ((yield* User)() === undefined || info.type !== "File" || forOthers(info, readers) === 0) return
  const shown = yield* ownBeside(path, info)
  if (Option.isSome(shown) && (shown.value.mode & readers) !== 0) return
  const warned = yield* Warned
  const key = `${octal(info.mode)} ${path}`
  if (warned.has(key)) return
  warned.add(key)
  yield* Effect.annotateLogs(
    Effect.logWarning(`others can read ${path} (mode ${octal(info.mode)}). Run: chmod go-r ${path}`),
    { "file.path": path, "file.mode": octal(info.mode) }
  )
})

const piece = 65_536

const all = Effect.fnUntraced(function* (file: FileSystem.File) {
  const pieces: Array<Uint8Array> = []
  let length = 0
  for (;;) {
    const read = yield* file.readAlloc(piece)
    if (Option.isNone(read)) break
    pieces.push(read.value)
    length += read.value.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const one of pieces) {
    bytes.set(one, at)
    at += one.length
  }
  return bytes
})
