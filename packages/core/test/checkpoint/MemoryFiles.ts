/** The file system in memory, with what a folder of small files needs besides. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"

interface MakeDirectory {
  readonly mode?: number | undefined
  readonly recursive?: boolean | undefined
}

/** Reading a file, a folder, asking for access and making a folder count and fail as `open`, `stat` and `exists`. */
export const make = () => {
  const memory = MemoryFileSystem.make()
  const layer = Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({
      ...fs,
      readFile: (path: string) =>
        Effect.scoped(Effect.map(fs.open(path, { flag: "r" }), () => new TextEncoder().encode(memory.text(path)))),
      access: (path: string) => Effect.asVoid(fs.stat(path)),
      readDirectory: (path: string) =>
        Effect.map(fs.stat(path), () =>
          memory
            .names()
            .filter((name) => name.startsWith(`${path}/`))
            .map((name) => name.slice(path.length + 1))
            .filter((name) => !name.includes("/"))
        ),
      makeDirectory: (path: string, options?: MakeDirectory) =>
        Effect.flatMap(fs.exists(path), (exists) =>
          exists && options?.recursive !== true
            ? Effect.fail(MemoryFileSystem.failed("makeDirectory", path, "EEXIST"))
            : Effect.sync(() => {
                const parts = path.split("/")
                for (let depth = options?.recursive === true ? 2 : parts.length; depth <= parts.length; depth++) {
                  const folder = parts.slice(0, depth).join("/")
                  if (memory.node(folder) === undefined) memory.add(folder, "Directory", "", options?.mode)
                }
              })
        )
    }))
  ).pipe(Layer.provide(memory.layer))
  return { ...memory, layer: Layer.merge(memory.layer, layer) }
}
