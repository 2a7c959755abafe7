/** A file system in memory that knows inodes, counts every call, and lets a test fail or interleave any of them. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"

interface Node {
  readonly type: "File" | "Directory" | "SymbolicLink" | "FIFO"
  readonly ino: bigint
  readonly mode: number
  readonly target?: string | undefined
  text: string
  synced: boolean
}

/** One call, as it was about to be made. */
export interface Call {
  /** From 1. */
  readonly number: number
  readonly method: string
  readonly path: string
}

const tags: Readonly<Record<string, PlatformError.SystemErrorTag>> = {
  ENOENT: "NotFound",
  EEXIST: "AlreadyExists",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied"
}

/** An error as the platform gives it. */
export const failed = (method: string, path: string, code: string): PlatformError.PlatformError =>
  PlatformError.systemError({
    _tag: tags[code] ?? "Unknown",
    module: "FileSystem",
    method,
    pathOrDescriptor: path,
    cause: Object.assign(new Error(`${code}: ${method} ${path}`), { code })
  })

export const make = () => {
  const nodes = new Map<string, Node>()
  const calls: Array<Call> = []
  let inodes = 0n
  let before: (call: Call) => Effect.Effect<void, PlatformError.PlatformError> = () => Effect.void

  const add = (path: string, type: Node["type"], text = "", mode = 0o644, target?: string): Node => {
    const node: Node = { type, ino: ++inodes, mode, text, target, synced: false }
    nodes.set(path, node)
    return node
  }
  add("/", "Directory")
  add("/d", "Directory")

  const call = <A>(method: string, path: string, run: () => A | string, otherwise?: A) =>
    Effect.suspend(() => {
      const one: Call = { number: calls.length + 1, method, path }
      calls.push(one)
      return Effect.flatMap(before(one), () =>
        Effect.suspend(() => {
          const done = run()
          return typeof done === "string" && /^E[A-Z]+$/.test(done)
            ? Effect.fail(failed(method, path, done))
            : Effect.succeed(typeof done === "string" && otherwise !== undefined ? otherwise : (done as A))
        })
      )
    })

  /** Links followed. */
  const resolve = (path: string): string => {
    const node = nodes.get(path)
    return node?.type === "SymbolicLink" && node.target !== undefined ? resolve(node.target) : path
  }
  const folderOf = (path: string) => path.slice(0, Math.max(1, path.lastIndexOf("/")))
  const folderProblem = (path: string): string | undefined => {
    const folder = nodes.get(resolve(folderOf(path)))
    return folder === undefined ? "ENOENT" : folder.type === "Directory" ? undefined : "ENOTDIR"
  }

  const info = (node: Node): FileSystem.File.Info => ({
    type: node.type,
    mtime: Option.none(),
    atime: Option.none(),
    birthtime: Option.none(),
    dev: 1n,
    ino: Option.some(node.ino),
    mode: node.mode,
    nlink: Option.none(),
    uid: Option.none(),
    gid: Option.none(),
    rdev: Option.none(),
    size: ByteSize.bytes(node.text.length),
    blksize: Option.none(),
    blocks: Option.none()
  })

  const decoder = new TextDecoder()
  const fileOf = (path: string, node: Node): FileSystem.File => ({
    [FileSystem.FileTypeId]: FileSystem.FileTypeId,
    stat: call("file.stat", path, () => info(node)),
    sync: call("file.sync", path, () => {
      node.synced = true
    }),
    writeAll: (bytes) =>
      call("file.writeAll", path, () => {
        node.text += decoder.decode(bytes)
      }),
    write: () => Effect.die("write"),
    seek: () => Effect.die("seek"),
    read: () => Effect.die("read"),
    readAlloc: () => Effect.die("readAlloc"),
    truncate: () => Effect.die("truncate")
  })

  const fs = FileSystem.makeNoop({
    exists: (path) => call("exists", path, () => nodes.has(resolve(path))),
    stat: (path) =>
      call("stat", path, () => {
        const node = nodes.get(resolve(path))
        return node === undefined ? "ENOENT" : info(node)
      }),
    realPath: (path) =>
      call<{ path: string }>("realPath", path, () => ({ path: resolve(path) })).pipe(Effect.map((found) => found.path)),
    remove: (path, options) =>
      call("remove", path, () => (nodes.delete(path) || options?.force === true ? undefined : "ENOENT")),
    open: (path, options) =>
      Effect.acquireRelease(
        call("open", path, () => {
          const problem = folderProblem(path)
          if (problem !== undefined) return problem
          const node = nodes.get(path)
          if (options?.flag === "wx") {
            return node === undefined ? fileOf(path, add(path, "File", "", options.mode)) : "EEXIST"
          }
          return node === undefined ? "ENOENT" : fileOf(path, node)
        }),
        () => Effect.void
      ),
    link: (from, to) =>
      call("link", to, () => {
        const node = nodes.get(from)
        if (node === undefined) return "ENOENT"
        if (nodes.has(to)) return "EEXIST"
        nodes.set(to, node)
      }),
    rename: (from, to) =>
      call("rename", to, () => {
        const node = nodes.get(from)
        if (node === undefined) return "ENOENT"
        nodes.delete(from)
        nodes.set(to, node)
      })
  })

  return {
    calls,
    add,
    /** Called before each call is carried out; what it fails with, the call fails with. */
    intercept: (f: typeof before) => {
      before = f
    },
    /** The text behind a name, and `undefined` where there is nothing. */
    text: (path: string) => nodes.get(path)?.text,
    node: (path: string) => nodes.get(path),
    remove: (path: string) => nodes.delete(path),
    names: () => [...nodes.keys()].filter((path) => nodes.get(path)?.type !== "Directory").sort(),
    layer: Layer.merge(Layer.succeed(FileSystem.FileSystem, fs), Path.layer)
  }
}

export type MemoryFileSystem = ReturnType<typeof make>
