/** The manifest on disk: replaced as a whole, and known again by what it began with. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { Manifest, type File } from "../Manifest.ts"
import * as OutputFile from "../OutputFile.ts"
import { fromPlatform, OutputError } from "../OutputError.ts"
import * as Tail from "./Tail.ts"

/** The files that the manifest began with when it was committed. */
export const Head = Schema.Struct({
  files: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  digest: Schema.String
})
export type Head = typeof Head.Type

export interface ManifestFile {
  readonly files: () => ReadonlyArray<File>
  readonly has: (name: string) => boolean
  /** Whether it said already that the whole run is complete. */
  readonly complete: boolean
  readonly head: Effect.Effect<Head>
  /** Before a file gets its name: an older manifest must not speak of it. */
  readonly begin: Effect.Effect<void, OutputError>
  readonly add: (file: File) => void
  /** Does nothing when it says so already. */
  readonly write: (complete: boolean) => Effect.Effect<void, OutputError>
}

const encoder = new TextEncoder()
const digest = (files: ReadonlyArray<File>) => Tail.digest(encoder.encode(JSON.stringify(files)))

export const open = Effect.fnUntraced(function* (options: {
  readonly path: string
  readonly force: boolean
  readonly from: Head | undefined
  /** What the run that goes on may have added since. */
  readonly parts: ReadonlySet<string>
}): Effect.fn.Return<ManifestFile, OutputError, FileSystem.FileSystem | Path.Path> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const { from, path } = options
  const found = yield* read(path)
  if (from === undefined && found !== undefined && !options.force) return yield* failWith(path, "exists")
  const old = from === undefined ? undefined : yield* parse(path, found)
  const others = old?.files.slice(from?.files).some(({ name }) => !options.parts.has(name)) ?? false
  if (from !== undefined) {
    if (old === undefined && from.files > 0) return yield* failWith(path, "missing")
    const head = old === undefined ? from.digest : yield* digest(old.files.slice(0, from.files))
    // Until a file gets its name, an older manifest that is to be replaced stays as it was.
    if (head !== from.digest || (others && !(options.force && from.files === 0))) {
      return yield* failWith(path, "changed")
    }
  }
  const files = [...(old?.files.slice(0, from?.files) ?? [])]
  const names = new Set(files.map(({ name }) => name))
  let foreign = others || (from === undefined && found !== undefined)
  let head: Head | undefined
  let written = ""

  const write = (complete: boolean) =>
    Effect.suspend(() => {
      const text = `${JSON.stringify({ version: 1, complete, files } satisfies Manifest, null, 2)}\n`
      if (text === written) return Effect.void
      return Effect.gen(function* () {
        const output = yield* OutputFile.open({ path, force: true })
        yield* output.write(text)
        yield* output.finish
        foreign = false
        written = text
      }).pipe(Effect.scoped, Effect.provideContext(context))
    })

  return {
    files: () => files,
    has: (name) => names.has(name),
    complete: !others && old?.complete === true,
    head: Effect.suspend(() =>
      head === undefined
        ? Effect.map(digest(files), (text) => (head = { files: files.length, digest: text }))
        : Effect.succeed(head)
    ),
    begin: Effect.suspend(() => (foreign ? write(false) : Effect.void)),
    add: (file) => {
      files.push(file)
      names.add(file.name)
      head = undefined
    },
    write
  }
})

const failWith = (path: string, reason: OutputError["reason"]) =>
  new OutputError({ target: path, operation: "open", reason })

const read = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const opening = Effect.mapError(fromPlatform(path, "open"))
  if (!(yield* opening(fs.exists(path)))) return undefined
  if ((yield* opening(fs.stat(path))).type !== "File") return yield* failWith(path, "notAFile")
  return yield* opening(fs.readFileString(path))
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Manifest))

const parse = (path: string, text: string | undefined) =>
  text === undefined ? Effect.undefined : Effect.mapError(decode(text), () => failWith(path, "torn"))
