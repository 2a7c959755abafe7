/** The manifest on disk: replaced as a whole, and identified by its first files. */
import * as Effect from "effect/Effect"
import type { File, Manifest } from "../Manifest.ts"
import type { Replaced } from "../../SessionSink.ts"
import type { OutputError } from "../OutputError.ts"
import * as OldManifest from "./OldManifest.ts"

export { Head, verify } from "./OldManifest.ts"

export interface ManifestFile {
  /** That this run wrote. */
  readonly files: () => ReadonlyArray<File>
  /** Also of a file that stays from an earlier output. */
  readonly has: (name: string) => boolean
  /** Whether it said already that the whole run is complete. */
  readonly complete: boolean
  readonly head: Effect.Effect<OldManifest.Head>
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

type Claim = (name: string) => File["covers"]

export interface Options extends OldManifest.Options {
  /** The range that a file covers for sure while the run continues. */
  readonly claim: Claim
  /** The same at the end, and the files that the run did not replace after all. */
  readonly settle: Effect.Effect<{ readonly claim: Claim; readonly isKept: (name: string) => boolean }>
}

interface State {
  readonly options: Options
  readonly run: string
  /** Files that no manifest named, and that this run may have written over. */
  readonly strangers: ReadonlyArray<string>
  /** That this run wrote, and their names. */
  readonly files: Array<File>
  readonly names: Set<string>
  /** Of an earlier output: what stays, and what the run replaces. */
  kept: ReadonlyArray<File>
  replaces: ReadonlyArray<File>
  /** Of still earlier ones: their calls are in others. */
  removes: ReadonlyArray<File>
  replaced: Replaced
  /** The one on disk is of another run. */
  isForeign: boolean
  /** It lacks what was added here: an earlier run may have added it as well, in another order. */
  isBehind: boolean
  head: OldManifest.Head | undefined
}

export const open = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<ManifestFile, OutputError> {
  const old = yield* OldManifest.open(options)
  const state: State = {
    options,
    run: old.run,
    strangers: old.strangers,
    files: [...old.files],
    names: new Set(old.files.map(({ name }) => name)),
    kept: old.kept,
    replaces: old.replaces,
    removes: old.removes,
    replaced: { replaced: [], removed: [] },
    isForeign: old.isForeign,
    isBehind: false,
    head: undefined
  }
  const { files, names } = state
  return {
    files: () => files,
    has: (name) => names.has(name) || state.kept.some((file) => file.name === name),
    replaced: () => state.replaced,
    complete: old.isComplete,
    head: Effect.suspend(() => (state.head === undefined ? digested(state) : Effect.succeed(state.head))),
    begin: Effect.suspend(() => (state.isForeign ? write(state, false) : Effect.void)),
    add: (file, sure) => {
      files.push(sure ? covered(file, options.claim) : file)
      names.add(file.name)
      state.head = undefined
      state.isBehind = true
    },
    save: (all) => Effect.suspend(() => (all ? complete(state) : state.isBehind ? write(state, false) : Effect.void))
  }
})

const digested = (state: State): Effect.Effect<OldManifest.Head> =>
  Effect.map(OldManifest.digest(state.files), (digest) => {
    state.head = { run: state.run, files: state.files.length, digest }
    return state.head
  })

const covered = (file: File, claim: Claim): File => {
  const covers = claim(file.name)
  return covers === undefined ? file : { ...file, covers }
}

const write = Effect.fnUntraced(function* (state: State, complete: boolean) {
  const { files, kept, options, removes, replaces, run } = state
  const manifest: Manifest = {
    version: 1,
    run,
    complete,
    files: [...kept, ...files],
    ...(replaces.length === 0 ? {} : { replaces }),
    ...(removes.length === 0 ? {} : { removes })
  }
  yield* options.place.replaceText(options.path, `${JSON.stringify(manifest, null, 2)}\n`, options.from !== undefined)
  state.isForeign = false
  state.isBehind = false
})

const complete = Effect.fnUntraced(function* (state: State) {
  const { files, names, options, replaced, strangers } = state
  const { claim, isKept } = yield* options.settle
  const keys = new Set(files.map(({ name }) => options.keyOf(name)))
  const left = state.replaces.filter(({ name }) => isKept(name) && !keys.has(options.keyOf(name)))
  state.kept = [...state.kept, ...left]
  const superseded = [...state.replaces.filter((file) => !left.includes(file)), ...state.removes]
  const before = new Set([...replaced.replaced, ...strangers, ...superseded.map(({ name }) => name)])
  state.replaced = { ...replaced, replaced: [...before].filter((name) => names.has(name)) }
  state.replaces = []
  state.removes = superseded.filter(({ name }) => !names.has(name))
  for (const [at, file] of files.entries()) files[at] = covered(file, claim)
  yield* write(state, true)
  if (state.removes.length === 0) return
  const removed = yield* remove(options, state.removes)
  state.replaced = { ...state.replaced, removed: [...state.replaced.removed, ...removed] }
  state.removes = []
  yield* write(state, true)
})

/** Removes those files that are unchanged, and returns their names. */
const remove = Effect.fnUntraced(function* ({ path, place }: Options, files: ReadonlyArray<File>) {
  const there = yield* OldManifest.thoseThere(place, path, files, "finish")
  for (const { name } of there) yield* place.remove(place.beside(path, name))
  return there.map(({ name }) => name)
})
