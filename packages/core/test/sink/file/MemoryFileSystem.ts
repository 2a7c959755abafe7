/**
 * A file system in memory that knows inodes and what a power failure leaves, counts every call, and lets a test fail or
 * interleave any of them. A write that fails has written half.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import * as PromptCrypto from "../webhook/PromptCrypto.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

class Node {
  /** What is sure to be there after a power failure. */
  durable: Uint8Array<ArrayBuffer> = new Uint8Array()
  synced = false
  readonly type: "File" | "Directory" | "SymbolicLink" | "FIFO"
  readonly ino: bigint
  readonly mode: number
  readonly target: string | undefined
  data: Uint8Array<ArrayBuffer>
  constructor(type: Node["type"], ino: bigint, mode: number, text: string, target: string | undefined) {
    this.type = type
    this.ino = ino
    this.mode = mode
    this.target = target
    this.data = encoder.encode(text)
  }
  get text(): string {
    return decoder.decode(this.data)
  }
  set text(text: string) {
    this.data = encoder.encode(text)
  }
  write(bytes: Uint8Array, at: number): void {
    const data = new Uint8Array(Math.max(this.data.length, at + bytes.length))
    data.set(this.data)
    data.set(bytes, at)
    this.data = data
  }
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
  const handles = { now: 0, most: 0 }
  let before: (call: Call) => Effect.Effect<void, PlatformError.PlatformError> = () => Effect.void

  const add = (path: string, type: Node["type"], text = "", mode = 0o644, target?: string): Node => {
    const node = new Node(type, ++inodes, mode, text, target)
    nodes.set(path, node)
    return node
  }
  add("/", "Directory")
  add("/d", "Directory")

  const call = <A>(method: string, path: string, run: () => A | string, halfway?: () => void) =>
    Effect.suspend(() => {
      const one: Call = { number: calls.length + 1, method, path }
      calls.push(one)
      return Effect.flatMap(
        Effect.tapError(before(one), () => Effect.sync(() => halfway?.())),
        () =>
          Effect.suspend(() => {
            const done = run()
            return typeof done === "string" && /^E[A-Z]+$/.test(done)
              ? Effect.fail(failed(method, path, done))
              : Effect.succeed(done as A)
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
    size: ByteSize.bytes(node.data.length),
    blksize: Option.none(),
    blocks: Option.none()
  })

  const fileOf = (path: string, node: Node, at = 0): FileSystem.File => {
    let position = at
    return {
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      stat: call("file.stat", path, () => info(node)),
      sync: call("file.sync", path, () => {
        node.synced = true
        node.durable = node.data
      }),
      writeAll: (bytes) => {
        const half = bytes.subarray(0, bytes.length >> 1)
        return call(
          "file.writeAll",
          path,
          () => {
            node.write(bytes, position)
            position += bytes.length
          },
          () => {
            node.write(half, position)
            position += half.length
          }
        )
      },
      seek: (offset) =>
        call("file.seek", path, () => {
          position = Number(offset)
          return offset
        }),
      read: (buffer, options) =>
        call("file.read", path, () => {
          const from = Number(options?.position ?? 0n)
          // Never all of it at once: who reads has to ask again.
          const bytes = node.data.subarray(from, from + Math.min(buffer.length, 1000))
          buffer.set(bytes)
          return bytes.length
        }),
      truncate: (length = 0) =>
        call("file.truncate", path, () => {
          node.data = node.data.slice(0, length)
        }),
      readAlloc: (size) =>
        call("file.readAlloc", path, () => {
          const bytes = node.data.slice(position, position + size)
          position += bytes.length
          return bytes.length === 0 ? Option.none() : Option.some(bytes)
        }),
      write: () => Effect.die("write")
    }
  }

  const fs = FileSystem.makeNoop({
    exists: (path) => call("exists", path, () => nodes.has(resolve(path))),
    stat: (path) =>
      call("stat", path, () => {
        const node = nodes.get(resolve(path))
        return node === undefined ? "ENOENT" : info(node)
      }),
    lstat: (path) =>
      call("lstat", path, () => {
        const node = nodes.get(path)
        return node === undefined ? "ENOENT" : info(node)
      }),
    readFileString: (path) =>
      call<{ text: string }>("readFileString", path, () => {
        const node = nodes.get(resolve(path))
        return node === undefined ? "ENOENT" : { text: node.text }
      }).pipe(Effect.map((found) => found.text)),
    readDirectory: (path) =>
      call<{ names: Array<string> }>("readDirectory", path, () => ({
        names: [...nodes.keys()]
          .filter((name) => name !== path && folderOf(name) === path)
          .map((name) => name.slice(path.length + 1))
      })).pipe(Effect.map(({ names }) => names)),
    makeDirectory: (path) =>
      call("makeDirectory", path, () => void (nodes.has(path) || add(path, "Directory", "", 0o755))),
    remove: (path, options) =>
      call("remove", path, () => (nodes.delete(path) || options?.force === true ? undefined : "ENOENT")),
    open: (path, options) =>
      Effect.acquireRelease(
        call("open", path, () => {
          const problem = folderProblem(path)
          if (problem !== undefined) return problem
          const node = nodes.get(path)
          if (options?.flag?.startsWith("wx") === true) {
            return node === undefined ? fileOf(path, add(path, "File", "", options.mode)) : "EEXIST"
          }
          if (options?.flag === "a") {
            return fileOf(path, node ?? add(path, "File", "", options.mode), node?.data.length)
          }
          return node === undefined ? "ENOENT" : fileOf(path, node)
        }),
        () => Effect.sync(() => void handles.now--)
      ).pipe(Effect.tap(() => Effect.sync(() => (handles.most = Math.max(handles.most, ++handles.now))))),
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
    /** Files that are open, and that were at the same time. */
    handles,
    add,
    /** Called before each call is carried out; what it fails with, the call fails with. */
    intercept: (f: typeof before) => {
      before = f
    },
    /** The text behind a name, and `undefined` where there is nothing. */
    text: (path: string) => nodes.get(path)?.text,
    /** A power failure: of each file what was synced is there, and a part of the rest, or garbage. */
    lose: (garbage: (unsynced: Uint8Array) => Uint8Array) => {
      for (const node of nodes.values()) {
        if (node.type !== "File") continue
        const rest = garbage(node.data.subarray(node.durable.length))
        const data = node.durable.slice()
        node.data = data
        node.write(rest, data.length)
      }
    },
    /** Keeps what is there now; the function that it gives brings that back, in files that are open, too. */
    keep: () => {
      const kept = Array.from(nodes, ([path, node]) => [path, node, node.data, node.durable, node.synced] as const)
      return () => {
        nodes.clear()
        for (const [path, node, data, durable, synced] of kept) {
          Object.assign(node, { data, durable, synced })
          nodes.set(path, node)
        }
      }
    },
    node: (path: string) => nodes.get(path),
    remove: (path: string) => nodes.delete(path),
    rename: fs.rename,
    names: () => [...nodes.keys()].filter((path) => nodes.get(path)?.type !== "Directory").sort(),
    // A digest of the real Web Crypto is computed by a thread: waiting for it takes longer than all the rest of a run.
    layer: Layer.mergeAll(Layer.succeed(FileSystem.FileSystem, fs), Path.layer, PromptCrypto.layer)
  }
}

export type MemoryFileSystem = ReturnType<typeof make>
