/** Folders of a file system as the place where files are kept. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Ref from "effect/Ref"
import * as TrustedFile from "../../../platform/TrustedFile.ts"
import { fromPlatform } from "../OutputError.ts"
import * as OutputFile from "../OutputFile.ts"
import { type Held, OutputLock } from "../OutputLock.ts"
import { isFile } from "./FileOnDisk.ts"
import { failWith, unlessThere } from "./OutputFailure.ts"
import * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"
import * as TailHash from "./TailHash.ts"

export const make: Effect.Effect<Place, never, FileSystem.FileSystem | Path.Path> = Effect.gen(function* () {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const fs = yield* FileSystem.FileSystem
  const { basename, dirname, join } = yield* Path.Path
  const { acquire } = yield* OutputLock
  const held = yield* Ref.make<Held>({ verify: () => Effect.void })
  const lock: Held = { verify: (operation) => Effect.flatMap(Ref.get(held), ({ verify }) => verify(operation)) }
  return {
    nameOf: basename,
    beside: (path, name) => join(dirname(path), name),
    partitions: false,
    readsUnfinished: true,
    lock: (path) => Effect.flatMap(Effect.provideContext(acquire(path), context), (taken) => Ref.set(held, taken)),
    stillLocked: lock.verify,
    exists: (path) => Effect.mapError(fs.exists(path), fromPlatform(path, "open")),
    open: (options) => Effect.provideContext(PartialFile.open({ ...options, lock }), context),
    openFinished: (path, from, grows) => Effect.provideContext(PartialFile.openFinished(path, from, grows), context),
    readText: (path, operation) =>
      Effect.gen(function* () {
        const opening = Effect.mapError(fromPlatform(path, operation))
        const found = yield* opening(TrustedFile.check(path))
        if (Option.isNone(found)) return undefined
        if (found.value.type !== "File") return yield* failWith(path, "open", "NotAFile")
        return yield* opening(TrustedFile.readString(path))
      }).pipe(Effect.provideContext(context)),
    replaceText: (path, text, alone) =>
      Effect.gen(function* () {
        const output = yield* OutputFile.open({ path, force: true, alone, lock })
        yield* output.write(text)
        yield* output.finish
      }).pipe(Effect.scoped, Effect.provideContext(context)),
    holds: (path, bytes, operation) =>
      Effect.mapError(
        isFile(fs, path, (info) => TailHash.lengthOf(info) === bytes),
        fromPlatform(path, operation)
      ),
    verify: Effect.fnUntraced(function* (path, bytes) {
      const info = yield* Effect.mapError(fs.stat(path), unlessThere(path, "verify", "Gone"))
      if (info.type !== "File" || TailHash.lengthOf(info) !== bytes) return yield* failWith(path, "verify", "Altered")
    }),
    namesBeside: (path) => Effect.mapError(fs.readDirectory(dirname(path)), fromPlatform(path, "open")),
    remove: (path) => Effect.mapError(fs.remove(path), fromPlatform(path, "finish")),
    clear: () => Effect.void
  }
})
