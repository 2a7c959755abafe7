/** The manifest on disk: replaced as a whole, and known again by what it began with. */
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as TrustedFile from "../../file/TrustedFile.ts"
import { Manifest, type File } from "../Manifest.ts"
import * as OutputFile from "../OutputFile.ts"
import { codeOf, fromPlatform, OutputError } from "../OutputError.ts"
import * as Tail from "./Tail.ts"

/** Whose manifest it is, and the files that it began with when it was committed. */
export const Head = Schema.Struct({
  run: Schema.String,
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
  /** To what the next `save` writes. */
  readonly add: (file: File) => void
  /**
   * Does nothing when there is nothing new to say. When the run is complete, what only the manifest before it named is
   * removed; until then the new one remembers it, so that a run that is killed leaves nothing behind that nobody knows.
   */
  readonly save: (complete: boolean) => Effect.Effect<void, OutputError>
}

const encoder = new TextEncoder()
const digest = (files: ReadonlyArray<File>) => Tail.digest(encoder.encode(JSON.stringify(files)))

export const open = Effect.fnUntraced(function* (options: {
  readonly path: string
  readonly force: boolean
  /** Nothing else is ever removed, whatever a manifest says. */
  readonly isPart: (name: string) => boolean
  readonly from: Head | undefined
}): Effect.fn.Return<ManifestFile, OutputError, FileSystem.FileSystem | Path.Path> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const { from, path } = options
  const found = yield* read(path)
  if (from === undefined && found !== undefined && !options.force) return yield* failWith(path, "exists")
  const run = from?.run ?? (yield* WebCrypto.WebCrypto).randomUUID()
  // One that is to be replaced need not be readable.
  const old = yield* from === undefined ? Effect.orElseSucceed(parse(path, found), () => undefined) : parse(path, found)
  const ours = old?.run === run ? old : undefined
  if (from !== undefined) {
    // Until a file gets its name, an older manifest that is to be replaced stays as it was.
    if (old !== undefined && ours === undefined && !(options.force && from.files === 0)) {
      return yield* failWith(path, "changed")
    }
    if (ours === undefined && from.files > 0) return yield* failWith(path, "missing")
    if (ours !== undefined && (yield* digest(ours.files.slice(0, from.files))) !== from.digest) {
      return yield* failWith(path, "changed")
    }
  }
  const files = [...(ours?.files.slice(0, from?.files) ?? [])]
  const names = new Set(files.map(({ name }) => name))
  let replaces = [...(ours === undefined ? (old?.files ?? []) : []), ...(old?.replaces ?? [])].filter(({ name }) =>
    options.isPart(name)
  )
  let foreign = found !== undefined && ours === undefined
  let head: Head | undefined
  /** Of what was added here: an earlier run may have added it as well, in another order. */
  let behind = false

  const write = (complete: boolean) =>
    Effect.gen(function* () {
      const manifest: Manifest = { version: 1, run, complete, files, ...(replaces.length === 0 ? {} : { replaces }) }
      const output = yield* OutputFile.open({ path, force: true, alone: from !== undefined })
      yield* output.write(`${JSON.stringify(manifest, null, 2)}\n`)
      yield* output.finish
      foreign = false
      behind = false
    }).pipe(Effect.scoped, Effect.provideContext(context))

  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  /** What was changed since is somebody else's. */
  const discard = Effect.fnUntraced(function* ({ bytes, name }: File) {
    const at = paths.join(paths.dirname(path), name)
    const isSame = yield* fs.lstat(at).pipe(
      Effect.map((info) => info.type === "File" && Number(info.size) === bytes),
      Effect.catchIf(
        (error) => codeOf(error) === "ENOENT",
        () => Effect.succeed(false)
      )
    )
    if (isSame) yield* fs.remove(at)
  })
  const complete = Effect.gen(function* () {
    replaces = replaces.filter(({ name }) => !names.has(name))
    yield* write(true)
    if (replaces.length === 0) return
    yield* Effect.mapError(Effect.forEach(replaces, discard, { discard: true }), fromPlatform(path, "finish"))
    replaces = []
    yield* write(true)
  })

  return {
    files: () => files,
    has: (name) => names.has(name),
    complete: ours?.complete === true,
    head: Effect.suspend(() =>
      head === undefined
        ? Effect.map(digest(files), (text) => (head = { run, files: files.length, digest: text }))
        : Effect.succeed(head)
    ),
    begin: Effect.suspend(() => (foreign ? write(false) : Effect.void)),
    add: (file) => {
      files.push(file)
      names.add(file.name)
      head = undefined
      behind = true
    },
    save: (all) => Effect.suspend(() => (all ? complete : behind ? write(false) : Effect.void))
  }
})

const failWith = (path: string, reason: OutputError["reason"]) =>
  new OutputError({ target: path, operation: "open", reason })

const read = Effect.fnUntraced(function* (path: string) {
  const opening = Effect.mapError(fromPlatform(path, "open"))
  const found = yield* opening(TrustedFile.check(path))
  if (Option.isNone(found)) return undefined
  if (found.value.type !== "File") return yield* failWith(path, "notAFile")
  return yield* opening(TrustedFile.readString(path))
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Manifest))

const parse = (path: string, text: string | undefined) =>
  text === undefined ? Effect.undefined : Effect.mapError(decode(text), () => failWith(path, "torn"))
