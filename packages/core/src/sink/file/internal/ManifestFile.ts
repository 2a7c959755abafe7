/** The manifest on disk: replaced as a whole, and identified by its first files. */
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as TrustedFile from "../../../platform/TrustedFile.ts"
import { Manifest, type File } from "../Manifest.ts"
import type { Replaced } from "../../SessionSink.ts"
import * as OutputFile from "../OutputFile.ts"
import { codeOf, fromPlatform, OutputError } from "../OutputError.ts"
import type * as Replacement from "./Replacement.ts"
import type { PlainReason } from "./GrowingFile.ts"
import * as TailHash from "./TailHash.ts"

/** Whose manifest it is, and the files that it began with when it was committed. */
export const Head = Schema.Struct({
  run: Schema.String,
  files: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  digest: Schema.String
})
export type Head = typeof Head.Type

export interface ManifestFile {
  /** That this run wrote. */
  readonly files: () => ReadonlyArray<File>
  /** Also of a file that stays from an earlier output. */
  readonly has: (name: string) => boolean
  /** Whether it said already that the whole run is complete. */
  readonly complete: boolean
  readonly head: Effect.Effect<Head>
  /** Before a file gets its name: an older manifest must not speak of it. */
  readonly begin: Effect.Effect<void, OutputError>
  /** To what the next `save` writes. What it covers is said when that is `sure`, otherwise when the run is complete. */
  readonly add: (file: File, sure: boolean) => void
  /** Files of an earlier output, by name: in the place of which there are new ones, and which were removed. */
  readonly replaced: () => Replaced
  /**
   * Does nothing when there is nothing new to say. When the run is complete, what only the manifest before it named is
   * removed; until then the new one remembers it, so that a killed run leaves no unknown files.
   */
  readonly save: (complete: boolean) => Effect.Effect<void, OutputError>
}

const encoder = new TextEncoder()
const digest = (files: ReadonlyArray<File>) =>
  TailHash.digest(
    encoder.encode(JSON.stringify(files.map(({ bytes, from, name, rows, to }) => ({ name, rows, bytes, from, to }))))
  )

type Claim = (name: string) => File["covers"]

export const open = Effect.fnUntraced(function* (options: {
  readonly path: string
  readonly force: boolean
  /** Nothing else is ever removed, whatever a manifest says. */
  readonly keyOf: (name: string) => string | undefined
  readonly from: Head | undefined
  /** Decides which files of an earlier output to keep, replace or remove; fails if none may be replaced. */
  readonly plan: (old: ReadonlyArray<File>) => Effect.Effect<Replacement.Plan, OutputError>
  /** The range that a file covers for sure while the run continues. */
  readonly claim: Claim
  /** The same at the end, and the files that the run did not replace after all. */
  readonly settle: Effect.Effect<{ readonly claim: Claim; readonly isKept: (name: string) => boolean }>
}): Effect.fn.Return<ManifestFile, OutputError, FileSystem.FileSystem | Path.Path> {
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const { from, path } = options
  const found = yield* read(path)
  if (from === undefined && found !== undefined && !options.force) return yield* failWith(path, "Exists")
  const run = from?.run ?? (yield* WebCrypto.WebCrypto).randomUUID()
  // A manifest that will be replaced need not be readable.
  const old = yield* from === undefined ? Effect.orElseSucceed(parse(path, found), () => undefined) : parse(path, found)
  const ours = old?.run === run ? old : undefined
  if (from !== undefined) {
    // Until a file gets its name, an older manifest stays as it was.
    if (old !== undefined && ours === undefined && !(options.force && from.files === 0)) {
      return yield* failWith(path, "Changed")
    }
    if (ours === undefined && from.files > 0) return yield* failWith(path, "Missing")
    if (ours !== undefined && (yield* digest(ours.files.slice(0, from.files))) !== from.digest) {
      return yield* failWith(path, "Changed")
    }
  }
  const files = fresh(ours).slice(0, from?.files)
  const names = new Set(files.map(({ name }) => name))
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  /** A file that changed since belongs to another program. */
  const isThere = ({ bytes, name }: File) =>
    fs.lstat(paths.join(paths.dirname(path), name)).pipe(
      Effect.map((info) => info.type === "File" && TailHash.lengthOf(info) === bytes),
      Effect.catchIf(
        (error) => codeOf(error) === "ENOENT",
        () => Effect.succeed(false)
      )
    )
  const ofParts = (those: ReadonlyArray<File>) => those.filter(({ name }) => options.keyOf(name) !== undefined)
  /** The files of an earlier output that still exist. */
  const inherit = Effect.gen(function* () {
    const { left, stale } = oldFiles(old, options.keyOf)
    const { kept, strangers, superseded } = yield* options.plan(ofParts(left))
    const there = yield* Effect.mapError(Effect.filter(kept, isThere), fromPlatform(path, "open"))
    return { kept: there, strangers, replaces: [...superseded, ...ofParts(stale)] }
  })
  const inherited =
    ours === undefined
      ? yield* inherit
      : {
          kept: ours.files.filter(({ run }) => run !== undefined),
          strangers: [],
          replaces: ofParts(ours.replaces ?? [])
        }
  const { strangers } = inherited
  let { kept, replaces } = inherited
  const replaced: { replaced: ReadonlyArray<string>; removed: ReadonlyArray<string> } = { replaced: [], removed: [] }
  let foreign = found !== undefined && ours === undefined
  let head: Head | undefined
  /** Of what was added here: an earlier run may have added it as well, in another order. */
  let behind = false

  const write = (complete: boolean) =>
    Effect.gen(function* () {
      const manifest: Manifest = {
        version: 1,
        run,
        complete,
        files: [...kept, ...files],
        ...(replaces.length === 0 ? {} : { replaces })
      }
      const output = yield* OutputFile.open({ path, force: true, alone: from !== undefined })
      yield* output.write(`${JSON.stringify(manifest, null, 2)}\n`)
      yield* output.finish
      foreign = false
      behind = false
    }).pipe(Effect.scoped, Effect.provideContext(context))

  const covered = (file: File, claim: Claim): File => {
    const covers = claim(file.name)
    return covers === undefined ? file : { ...file, covers }
  }
  const complete = Effect.gen(function* () {
    const { claim, isKept } = yield* options.settle
    const keys = new Set([...kept, ...files].map(({ name }) => options.keyOf(name)))
    const left = replaces.filter(({ name }) => isKept(name) && !keys.has(options.keyOf(name)))
    kept = [...kept, ...left]
    replaces = replaces.filter((file) => !left.includes(file))
    const before = new Set([...replaced.replaced, ...strangers, ...replaces.map(({ name }) => name)])
    replaced.replaced = [...before].filter((name) => names.has(name))
    replaces = replaces.filter(({ name }) => !names.has(name))
    for (const [at, file] of files.entries()) files[at] = covered(file, claim)
    yield* write(true)
    if (replaces.length === 0) return
    const failed = Effect.mapError(fromPlatform(path, "finish"))
    const there = yield* failed(Effect.filter(replaces, isThere))
    yield* failed(
      Effect.forEach(there, ({ name }) => fs.remove(paths.join(paths.dirname(path), name)), { discard: true })
    )
    replaced.removed = [...replaced.removed, ...there.map(({ name }) => name)]
    replaces = []
    yield* write(true)
  })

  return {
    files: () => files,
    has: (name) => names.has(name) || kept.some((file) => file.name === name),
    replaced: () => replaced,
    complete: ours?.complete === true,
    head: Effect.suspend(() =>
      head === undefined
        ? Effect.map(digest(files), (text) => (head = { run, files: files.length, digest: text }))
        : Effect.succeed(head)
    ),
    begin: Effect.suspend(() => (foreign ? write(false) : Effect.void)),
    add: (file, sure) => {
      files.push(sure ? covered(file, options.claim) : file)
      names.add(file.name)
      head = undefined
      behind = true
    },
    save: (all) => Effect.suspend(() => (all ? complete : behind ? write(false) : Effect.void))
  }
})

/** Those that its run wrote itself. */
const fresh = (manifest: Manifest | undefined): ReadonlyArray<File> =>
  manifest?.files.filter(({ run }) => run === undefined) ?? []

/**
 * What an earlier output holds, and what it had still to remove. Of a run that was stopped, the files that it had yet to
 * replace hold what they held.
 */
const oldFiles = (old: Manifest | undefined, keyOf: (name: string) => string | undefined) => {
  if (old === undefined) return { left: [], stale: [] }
  const names = new Set(old.files.map(({ name }) => name))
  const owned = old.files.map((file): File => ({ ...file, run: file.run ?? old.run }))
  const replaces = (old.replaces ?? []).filter(({ name }) => !names.has(name))
  // Under another name, such as that of another compression.
  const done = new Set(owned.map(({ name }) => keyOf(name)))
  const isStale = ({ name }: File) => old.complete || done.has(keyOf(name))
  return {
    left: [...owned, ...replaces.filter((file) => !isStale(file))],
    stale: replaces.filter(isStale)
  }
}

/** Whether the manifest of a finished run is still there, and every file that it names. */
export const verify = Effect.fnUntraced(function* (
  path: string,
  from: Head
): Effect.fn.Return<void, OutputError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const failed = (target: string, _tag: "Gone" | "Altered") =>
    new OutputError({ target, operation: "verify", reason: { _tag } })
  const text = yield* read(path, "verify")
  if (text === undefined) return yield* failed(path, "Gone")
  const manifest = yield* Effect.mapError(parse(path, text), () => failed(path, "Altered"))
  if (manifest?.run !== from.run || !manifest.complete) return yield* failed(path, "Altered")
  for (const { bytes, name } of fresh(manifest)) {
    const at = paths.join(paths.dirname(path), name)
    const info = yield* Effect.mapError(fs.stat(at), (error) =>
      codeOf(error) === "ENOENT" ? failed(at, "Gone") : fromPlatform(at, "verify")(error)
    )
    if (info.type !== "File" || TailHash.lengthOf(info) !== bytes) return yield* failed(at, "Altered")
  }
})

const failWith = (path: string, _tag: PlainReason["_tag"]) =>
  new OutputError({ target: path, operation: "open", reason: { _tag } })

const read = Effect.fnUntraced(function* (path: string, operation: "open" | "verify" = "open") {
  const opening = Effect.mapError(fromPlatform(path, operation))
  const found = yield* opening(TrustedFile.check(path))
  if (Option.isNone(found)) return undefined
  if (found.value.type !== "File") return yield* failWith(path, "NotAFile")
  return yield* opening(TrustedFile.readString(path))
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Manifest))

const parse = (path: string, text: string | undefined) =>
  text === undefined ? Effect.undefined : Effect.mapError(decode(text), () => failWith(path, "Torn"))
