/** A file system in memory that a power failure can strike: what was not synced is lost then. Any call can be made to fail. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as ByteSize from "effect/ByteSize"
import { failed } from "../file/MemoryFileSystem.ts"

interface Inode {
  readonly mode: number
  bytes: Uint8Array
  synced: Uint8Array
}

/** One call, as it was about to be made. */
interface Call {
  /** From 1. */
  readonly number: number
  readonly method: string
  readonly path: string
}

const concat = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const all = new Uint8Array(left.length + right.length)
  all.set(left)
  all.set(right, left.length)
  return all
}

const infoOf = (type: FileSystem.File.Type, mode: number): FileSystem.File.Info => ({
  type,
  mode,
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 1n,
  ino: Option.none(),
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.bytes(0),
  blksize: Option.none(),
  blocks: Option.none()
})

export const make = () => {
  let entries = new Map<string, Inode>()
  let durable = new Map<string, Inode>()
  const folders = new Map<string, number>()
  const calls: Array<Call> = []
  let most = 0
  let before: (call: Call) => Effect.Effect<void, PlatformError.PlatformError> = () => Effect.void

  const call = <A>(method: string, path: string, run: () => A | { readonly code: string }) =>
    Effect.suspend(() => {
      const one: Call = { number: calls.length + 1, method, path }
      calls.push(one)
      return Effect.flatMap(before(one), () =>
        Effect.suspend(() => {
          const done = run()
          most = Math.max(most, names().length)
          return typeof done === "object" && done !== null && "code" in done
            ? Effect.fail(failed(method, path, done.code))
            : Effect.succeed(done)
        })
      )
    })
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/"))
  const names = () => [...entries.keys()].sort()

  const fileOf = (path: string, inode: Inode, read = 0): FileSystem.File => ({
    [FileSystem.FileTypeId]: FileSystem.FileTypeId,
    writeAll: (bytes) =>
      call("writeAll", path, () => {
        inode.bytes = concat(inode.bytes, bytes)
      }),
    sync: call("sync", path, () => {
      inode.synced = inode.bytes
    }),
    stat: call("file.stat", path, () => infoOf("File", inode.mode)),
    write: () => Effect.die("write"),
    seek: () => Effect.die("seek"),
    read: () => Effect.die("read"),
    readAlloc: () =>
      call("readAlloc", path, () => {
        const rest = inode.bytes.slice(read)
        read = inode.bytes.length
        return rest.length === 0 ? Option.none() : Option.some(rest)
      }),
    truncate: () => Effect.die("truncate")
  })
  const folderFile = (path: string): FileSystem.File => ({
    ...fileOf(path, { mode: 0, bytes: new Uint8Array(), synced: new Uint8Array() }),
    sync: call("syncFolder", path, () => {
      for (const name of durable.keys()) if (folderOf(name) === path) durable.delete(name)
      for (const [name, inode] of entries) if (folderOf(name) === path) durable.set(name, inode)
    })
  })

  const fs = FileSystem.makeNoop({
    makeDirectory: (path, options) =>
      call("makeDirectory", path, () => {
        if (!folders.has(path)) folders.set(path, options?.mode ?? 0o777)
      }),
    readDirectory: (path) =>
      call<Array<string>>("readDirectory", path, () =>
        folders.has(path)
          ? names()
              .filter((name) => folderOf(name) === path)
              .map((name) => name.slice(path.length + 1))
          : { code: "ENOENT" }
      ),
    lstat: (path) =>
      call<FileSystem.File.Info>("lstat", path, () => {
        const folder = folders.get(path)
        if (folder !== undefined) return infoOf("Directory", folder)
        const inode = entries.get(path)
        return inode === undefined ? { code: "ENOENT" } : infoOf("File", inode.mode)
      }),
    readFile: (path) => call<Uint8Array>("readFile", path, () => entries.get(path)?.bytes ?? { code: "ENOENT" }),
    remove: (path, options) =>
      call("remove", path, () => (entries.delete(path) || options?.force === true ? undefined : { code: "ENOENT" })),
    rename: (from, to) =>
      call("rename", to, () => {
        const inode = entries.get(from)
        if (inode === undefined) return { code: "ENOENT" }
        entries.delete(from)
        entries.set(to, inode)
        return undefined
      }),
    open: (path, options) =>
      call<FileSystem.File>("open", path, () => {
        if (folders.has(path)) return folderFile(path)
        if (!folders.has(folderOf(path))) return { code: "ENOENT" }
        const found = entries.get(path)
        if (options?.flag === "r") return found === undefined ? { code: "ENOENT" } : fileOf(path, found)
        if (options?.flag !== "wx") throw new Error(`opened with ${options?.flag}`)
        if (entries.has(path)) return { code: "EEXIST" }
        const inode: Inode = { mode: options.mode ?? 0o666, bytes: new Uint8Array(), synced: new Uint8Array() }
        entries.set(path, inode)
        return fileOf(path, inode)
      })
  })

  return {
    calls,
    names,
    /** The most files there ever were at once. */
    most: () => most,
    folders: () => [...folders],
    modes: () => [...entries.values()].map(({ mode }) => mode),
    text: (path: string) => new TextDecoder().decode(entries.get(path)?.bytes),
    texts: () => names().map((name) => new TextDecoder().decode(entries.get(name)?.bytes)),
    put: (path: string, text: string) => {
      const bytes = new TextEncoder().encode(text)
      entries.set(path, { mode: 0o600, bytes, synced: bytes })
    },
    /** What it fails with, the call fails with. */
    intercept: (f: typeof before) => {
      before = f
    },
    /** What was not synced is gone. */
    powerFailure: () => {
      entries = new Map(
        [...durable].map(([name, inode]) => [name, { mode: inode.mode, bytes: inode.synced, synced: inode.synced }])
      )
      durable = new Map(entries)
    },
    layer: Layer.merge(Layer.succeed(FileSystem.FileSystem, fs), Path.layer)
  }
}

export type Disk = ReturnType<typeof make>
