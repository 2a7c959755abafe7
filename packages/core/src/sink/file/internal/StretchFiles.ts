/**
 * Rows in files that one of several processes writes for its stretch, and what the ending makes of all of them: one manifest.
 *
 * A file has its name only when a commit has all that is in it. So files that are there hold each call once, whenever a process is
 * killed, and whatever one that is thought dead still writes.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Instant from "../../../model/Instant.ts"
import { File, Manifest } from "../Manifest.ts"
import type { OutputError } from "../OutputError.ts"
import type { Replaced, RunPart } from "../../SessionSink.ts"
import * as ManifestFile from "./ManifestFile.ts"
import * as OldManifest from "./OldManifest.ts"
import * as OpenParts from "./OpenParts.ts"
import * as PartName from "./PartName.ts"
import type { SharedPlace } from "./Place.ts"
import * as Replacement from "./Replacement.ts"
import * as RotatedFiles from "./RotatedFiles.ts"
import * as RotatedManifest from "./RotatedManifest.ts"

/** Files that have their names, and those that have none, or got it after the last commit. */
export const Position = Schema.Struct({
  files: Schema.Array(File),
  parts: Schema.Array(OpenParts.Position)
})
export type Position = typeof Position.Type

export interface Options extends RotatedFiles.Options {
  readonly place: SharedPlace
  readonly part: RunPart
  readonly epoch: number
  readonly from: Position | undefined
  /** Where the stretches ended, of the ending. */
  readonly left: ReadonlyArray<Position>
}

type Files = RotatedFiles.RotatedFiles<Position>

/** So many requests at the same time, where the ending looks for the files of thousands of stretches. */
const concurrency = 8

export const open = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Files, OutputError, Scope.Scope> {
  const { compression, epoch, from, part, path, place } = options
  const { run } = part
  const nth = part._tag === "Stretch" ? part.nth : "end"
  const naming = PartName.make(place.nameOf(path), compression, place.partitions, { run, nth, epoch })
  yield* part._tag === "Stretch" ? claim(options, naming) : check(options, naming)
  const list = listOf(from?.files ?? [])
  // Who had this part before may still be writing to them: they get nothing more but their end.
  const before = (from?.parts ?? []).map((one) => ({ ...one, complete: true }))
  const files = yield* RotatedFiles.make({ ...options, force: false }, naming, list, before)
  const replaced = yield* Ref.make<Replaced>({ replaced: [], removed: [] })
  const end = Effect.flatMap(
    Effect.suspend(() => combine(options, naming, list.files())),
    (found) => Ref.set(replaced, found)
  )
  return {
    write: files.write,
    flush: (cursor) => Effect.map(files.flush(cursor), (parts) => ({ files: [...list.files()], parts })),
    finish: part._tag === "Stretch" ? files.finish : Effect.andThen(files.finish, end),
    replaced: () => Ref.getUnsafe(replaced)
  }
})

/** The files of one process: the ending writes the manifest. */
const listOf = (known: ReadonlyArray<File>): OpenParts.OpenParts["manifest"] => {
  const files = [...known]
  return {
    files: () => files,
    has: (name) => files.some((file) => file.name === name),
    complete: false,
    begin: Effect.void,
    add: (file) => void files.push(file),
    save: () => Effect.void
  }
}

const manifestOf = ({ path, place }: Options, naming: PartName.Naming): string => place.beside(path, naming.manifest)

/** Takes the place for this run: another one finds the manifest there. With `force` an older one stays until the ending. */
const claim = (options: Options, naming: PartName.Naming): Effect.Effect<void, OutputError> => {
  const { force, part, place } = options
  const manifest: Manifest = { version: 1, run: part.run, complete: false, files: [] }
  const claimed = place.claim(manifestOf(options, naming), `${JSON.stringify(manifest, null, 2)}\n`)
  return force
    ? Effect.catchIf(
        claimed,
        ({ reason }) => reason._tag === "Exists",
        () => Effect.void
      )
    : claimed
}

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Manifest))

/** Whether the run may write there, beside what others wrote. */
const check = Effect.fnUntraced(function* (
  options: Options,
  naming: PartName.Naming
): Effect.fn.Return<void, OutputError> {
  const { part, path, place } = options
  const text = yield* place.readText(manifestOf(options, naming), "open")
  const manifest = Option.getOrUndefined(parse(text))
  if (manifest?.run !== part.run) yield* RotatedManifest.open(options, naming, undefined)
  const { files = [], removes = [], replaces = [] } = manifest ?? {}
  const named = new Set([...files, ...replaces, ...removes].map(({ name }) => name))
  const tag = PartName.runTag(part.run)
  const other = (yield* place.namesBeside(path)).find(
    (name) => naming.isPart(name) && naming.runOf(name) !== tag && !named.has(name)
  )
  // A program that reads all files would find calls twice.
  if (other !== undefined) return yield* Replacement.toError(place.beside(path, other), { _tag: "Unlisted" })
})

/** A run's manifest before the run has written any file. */
const headOf = ({ part: { run } }: Pick<Options, "part">) =>
  Effect.map(OldManifest.digest([]), (digest): OldManifest.Head => ({ run, files: 0, digest }))

/** Names the files of all stretches in one manifest, and removes what is left of files that have no name. */
const combine = Effect.fnUntraced(function* (
  options: Options,
  naming: PartName.Naming,
  own: ReadonlyArray<File>
): Effect.fn.Return<Replaced, OutputError> {
  const { left, place } = options
  const manifest = yield* RotatedManifest.open(options, naming, yield* headOf(options))
  const all = yield* Effect.forEach(
    left,
    ({ files, parts }) =>
      Effect.map(
        Effect.forEach(parts, (part) => named(options, part)),
        (last) => [...files, ...last]
      ),
    { concurrency }
  )
  for (const file of [...all.flat(), ...own]) manifest.add(file, false)
  yield* manifest.save(true)
  yield* Effect.ignore(place.clear([], true))
  return manifest.replaced()
})

const time = (instant: Instant.Instant | null) => (instant === null ? null : Instant.format(instant))

/** A file that got its name after the last commit. */
const named = ({ path, place }: Pick<Options, "path" | "place">, part: OpenParts.Position) =>
  Effect.scoped(place.openFinished(place.beside(path, part.name), part, true)).pipe(
    Effect.map((file): File => {
      const { from, name, rows, to } = part
      return { name, rows, bytes: file.end().bytes, from: time(from), to: time(to) }
    })
  )

/** Whether the files that the part of a finished run left are still there. */
export const verify = Effect.fnUntraced(function* (
  options: Pick<Options, "compression" | "part" | "path" | "place">,
  { files, parts }: Position
): Effect.fn.Return<void, OutputError> {
  const { compression, part, path, place } = options
  if (part._tag === "Ending") {
    const { manifest } = PartName.make(place.nameOf(path), compression)
    return yield* ManifestFile.verify(place, place.beside(path, manifest), yield* headOf(options))
  }
  yield* Effect.forEach(files, ({ bytes, name }) => place.verify(place.beside(path, name), bytes), { discard: true })
  yield* Effect.forEach(parts, (one) => named(options, one), { discard: true })
})
