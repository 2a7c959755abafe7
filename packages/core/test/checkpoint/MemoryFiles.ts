/** The file system in memory, with what a folder of small files needs besides. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as MemoryFileSystem from "../sink/MemoryFileSystem.ts"

/** Reading a file, a folder and making one count and fail as `open`, `stat` and `exists` of it. */
export const make = () => {
  const memory = MemoryFileSystem.make()
  const layer = Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({
      ...fs,
      readFile: (path: string) =>
        Effect.scoped(Effect.map(fs.open(path, { flag: "r" }), () => new TextEncoder().encode(memory.text(path)))),
      readDirectory: (path: string) =>
        Effect.map(fs.stat(path), () =>
          memory
            .names()
            .filter((name) => name.startsWith(`${path}/`))
            .map((name) => name.slice(path.length + 1))
        ),
      makeDirectory: (path: string, options?: { readonly mode?: number | undefined }) =>
        Effect.flatMap(fs.exists(path), (exists) =>
          exists
            ? Effect.fail(MemoryFileSystem.failed("makeDirectory", path, "EEXIST"))
            : Effect.sync(() => void memory.add(path, "Directory", "", options?.mode))
        )
    }))
  ).pipe(Layer.provide(memory.layer))
  return { ...memory, layer: Layer.merge(memory.layer, layer) }
}
