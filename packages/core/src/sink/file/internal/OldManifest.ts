/** The manifest that is there when an output is opened: whose it is, and what of its files is still there. */
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type File, Manifest } from "../Manifest.ts"
import type { OutputError } from "../OutputError.ts"
import { failWith } from "./OutputFailure.ts"
import type { Place } from "./Place.ts"
import type * as Replacement from "./Replacement.ts"
import * as TailHash from "./TailHash.ts"

/** Whose manifest it is, and the files that it began with when it was committed. */
export const Head = Schema.Struct({
  run: Schema.String,
  files: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  digest: Schema.String
})
export type Head = typeof Head.Type

export interface Options {
  readonly place: Place
  readonly path: string
  readonly force: boolean
  /** Nothing else is ever removed, whatever a manifest says. */
  readonly keyOf: (name: string) => string | undefined
  readonly from: Head | undefined
  /** Decides which files of an earlier output to keep, replace or remove; fails if none may be replaced. */
  readonly plan: (old: ReadonlyArray<File>, stale: ReadonlyArray<File>) => Effect.Effect<Replacement.Plan, OutputError>
}

export interface OldManifest {
  /** The run that resumes the output, or begins it. */
  readonly run: string
  /** It is of another run. */
  readonly isForeign: boolean
  /** It said already that the whole run is complete. */
  readonly isComplete: boolean
  /** That this run wrote until it was committed. */
  readonly files: ReadonlyArray<File>
  /** Of an earlier output: what the new manifest names too, what it replaces, what was replaced before, what none named. */
  readonly kept: ReadonlyArray<File>
  readonly replaces: ReadonlyArray<File>
  readonly removes: ReadonlyArray<File>
  readonly strangers: ReadonlyArray<string>
}

const encoder = new TextEncoder()

export const digest = (files: ReadonlyArray<File>): Effect.Effect<string> =>
  TailHash.digest(
    encoder.encode(JSON.stringify(files.map(({ bytes, from, name, rows, to }) => ({ name, rows, bytes, from, to }))))
  )

export const open = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<OldManifest, OutputError> {
  const { force, from, keyOf, path, place } = options
  const found = yield* place.readText(path, "open")
  if (from === undefined && found !== undefined && !force) return yield* failWith(path, "open", "Exists")
  const run = from?.run ?? (yield* WebCrypto.WebCrypto).randomUUID()
  // A manifest that will be replaced need not be readable.
  const old = yield* from === undefined ? Effect.orElseSucceed(parse(path, found), () => undefined) : parse(path, found)
  const ours = old?.run === run ? old : undefined
  if (from !== undefined) yield* assertSame(options, from, old, ours)
  const ofParts = (those: ReadonlyArray<File>) => those.filter(({ name }) => keyOf(name) !== undefined)
  const files = fresh(ours).slice(0, from?.files)
  if (ours !== undefined) {
    const kept = ours.files.filter(({ run }) => run !== undefined)
    const replaces = ofParts(ours.replaces ?? [])
    const removes = ofParts(ours.removes ?? [])
    return { run, isForeign: false, isComplete: ours.complete, files, kept, replaces, removes, strangers: [] }
  }
  const { left, stale } = oldFiles(old, keyOf)
  const removes = ofParts(stale)
  const { kept, strangers, superseded } = yield* options.plan(ofParts(left), removes)
  return {
    run,
    isForeign: found !== undefined,
    isComplete: false,
    files,
    kept: yield* thoseThere(place, path, kept, "open"),
    replaces: superseded,
    removes,
    strangers
  }
})

const assertSame = Effect.fnUntraced(function* (
  { force, path }: Options,
  from: Head,
  old: Manifest | undefined,
  ours: Manifest | undefined
) {
  // Until a file gets its name, an older manifest stays as it was.
  if (old !== undefined && ours === undefined && !(force && from.files === 0)) {
    return yield* failWith(path, "open", "Changed")
  }
  if (ours === undefined && from.files > 0) return yield* failWith(path, "open", "Missing")
  if (ours !== undefined && (yield* digest(ours.files.slice(0, from.files))) !== from.digest) {
    return yield* failWith(path, "open", "Changed")
  }
})

/** Those files of a manifest that are unchanged: one that changed since belongs to another program. */
export const thoseThere = (
  place: Place,
  manifest: string,
  files: ReadonlyArray<File>,
  operation: "open" | "finish"
): Effect.Effect<Array<File>, OutputError> =>
  Effect.filter(files, ({ bytes, name }) => place.holds(place.beside(manifest, name), bytes, operation))

/** Those that its run wrote itself. */
const fresh = (manifest: Manifest | undefined): ReadonlyArray<File> =>
  manifest?.files.filter(({ run }) => run === undefined) ?? []

/**
 * What an earlier output holds, and what it had still to remove. Of a run that was stopped, the files that it had yet to
 * replace hold what they held; those that it had found replaced are not among them, whatever became of their successors.
 */
const oldFiles = (old: Manifest | undefined, keyOf: (name: string) => string | undefined) => {
  if (old === undefined) return { left: [], stale: [] }
  const owned = old.files.map((file): File => ({ ...file, run: file.run ?? old.run }))
  const names = new Set(owned.map(({ name }) => name))
  const others = (files: ReadonlyArray<File> = []) => files.filter(({ name }) => !names.has(name))
  const replaces = others(old.replaces)
  // Under another name, such as that of another compression.
  const done = new Set(fresh(old).map(({ name }) => keyOf(name)))
  const isDone = ({ name }: File) => done.has(keyOf(name))
  return {
    left: [...owned, ...replaces.filter((file) => !isDone(file))],
    stale: [...replaces.filter(isDone), ...others(old.removes)]
  }
}

/** Whether the manifest of a finished run is still there, and every file that it names. */
export const verify = Effect.fnUntraced(function* (
  place: Place,
  path: string,
  from: Head
): Effect.fn.Return<void, OutputError> {
  const text = yield* place.readText(path, "verify")
  if (text === undefined) return yield* failWith(path, "verify", "Gone")
  const manifest = yield* Effect.mapError(parse(path, text), () => failWith(path, "verify", "Altered"))
  if (manifest?.run !== from.run || !manifest.complete) return yield* failWith(path, "verify", "Altered")
  for (const { bytes, name } of fresh(manifest)) yield* place.verify(place.beside(path, name), bytes)
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Manifest))

const parse = (path: string, text: string | undefined) =>
  text === undefined ? Effect.undefined : Effect.mapError(decode(text), () => failWith(path, "open", "Torn"))
