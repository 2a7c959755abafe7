/** A prefix of a bucket as the place where files are kept. */
import * as Clock from "effect/Clock"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { ObjectStore } from "../../object/ObjectStore.ts"
import type { PartialFile, Position } from "./GrowingFile.ts"
import * as ObjectFile from "./ObjectFile.ts"
import { failWith } from "./OutputFailure.ts"
import type { Options } from "./PartialFile.ts"
import type { Operation, Place, SharedPlace } from "./Place.ts"

/** What another run may still write to has been written to since then. */
const recently = 3_600_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1)

/** The same for what the processes of one run write. */
export const makeShared = (store: ObjectStore, output: string, epoch: number, run: string): SharedPlace => ({
  ...make(store, output, epoch, run),
  claim: (path, text) => {
    const naming = { key: keyOf(store, path), identity: run, unlessThere: true }
    return ObjectFile.failing(path, "open")(store.put(naming, encoder.encode(text)))
  }
})

/**
 * @param output The address that the sink was given, which names all that it writes.
 * @param epoch Of the run or, where several processes write there, of this one.
 * @param run Several processes write there: the run that they are of.
 */
export const make = (store: ObjectStore, output: string, epoch: number, run?: string): Place => {
  const self: Bucket = { store, scratch: `${keyOf(store, folderOf(output))}_partial/${nameOf(output)}/`, epoch, run }
  const head = (path: string, operation: Operation) =>
    ObjectFile.failing(path, operation)(store.head(keyOf(store, path)))
  return {
    nameOf,
    beside: (path, name) => folderOf(path) + name,
    partitions: true,
    readsUnfinished: false,
    // Its state has a lease; a bucket has no locks.
    lock: () => Effect.void,
    stillLocked: () => Effect.void,
    exists: (path) => Effect.map(head(path, "open"), (found) => found !== undefined),
    open: (options) => open(self, options),
    openFinished: Effect.fnUntraced(function* (path, from, grows) {
      const found = yield* head(path, "verify")
      if (found === undefined) return yield* failWith(path, "verify", "Gone")
      const isWhole = grows ? found.bytes >= from.bytes : found.bytes === from.bytes
      if (found.identity !== from.inode || !isWhole) return yield* failWith(path, "verify", "Altered")
      return finished(self, path, found.bytes, "verify")
    }),
    readText: (path, operation) =>
      Effect.map(ObjectFile.failing(path, operation)(store.get(keyOf(store, path))), (bytes) =>
        bytes === undefined ? undefined : decoder.decode(bytes)
      ),
    replaceText: Effect.fnUntraced(function* (path, text) {
      const identity = run ?? (yield* WebCrypto.WebCrypto).randomUUID()
      const naming = { key: keyOf(store, path), identity, unlessThere: false }
      yield* ObjectFile.failing(path, "finish")(store.put(naming, encoder.encode(text)))
    }),
    holds: (path, bytes, operation) => Effect.map(head(path, operation), (found) => found?.bytes === bytes),
    verify: Effect.fnUntraced(function* (path, bytes) {
      const found = yield* head(path, "verify")
      if (found === undefined) return yield* failWith(path, "verify", "Gone")
      if (found.bytes !== bytes) return yield* failWith(path, "verify", "Altered")
    }),
    namesBeside: (path) => {
      const prefix = keyOf(store, folderOf(path))
      return Effect.map(ObjectFile.failing(path, "open")(store.list(prefix)), (all) =>
        all.map(({ key }) => key.slice(prefix.length)).filter((name) => !name.startsWith("_partial/"))
      )
    },
    remove: (path) => ObjectFile.failing(path, "finish")(store.remove(keyOf(store, path))),
    clear: (kept, resumes) => ObjectFile.failing(output, "open")(clear(self, kept, resumes))
  }
}

interface Bucket {
  readonly store: ObjectStore
  /** The prefix of what waits for all files of the output. */
  readonly scratch: string
  readonly epoch: number
  readonly run: string | undefined
}

/** The run is in the identities of what its processes write: what is left of it is found without them. */
const ofRun = (run: string | undefined): string => (run === undefined ? "" : `${run}.`)

/** So that a process which was frozen when it began removes nothing of a later one. */
const ofEpoch = (epoch: number): string => `${epoch.toString(36)}-`
const isUntil = (epoch: number, name: string): boolean => Number.parseInt(name.split("-")[0] ?? "", 36) <= epoch

const keyOf = ({ bucket }: ObjectStore, path: string): string => path.slice(`s3://${bucket}/`.length)

const open = Effect.fnUntraced(function* (self: Bucket, { force, from, grows, path, scratch: isScratch }: Options) {
  const { store } = self
  const scope = yield* Scope.Scope
  const key = keyOf(store, path)
  if (isScratch !== true) {
    const found = yield* ObjectFile.failing(path, "open")(store.head(key))
    if (found !== undefined && from !== undefined && found.identity === from.inode) {
      const isWhole = grows === true ? found.bytes >= from.bytes : found.bytes === from.bytes
      if (!isWhole) return yield* failWith(path, "open", "Changed")
      const file = named(self, path, found.bytes, from)
      yield* file.discard
      return file
    }
    if (found !== undefined && !force) return yield* failWith(path, "open", "Exists")
  }
  const uuid = (yield* WebCrypto.WebCrypto).randomUUID()
  const identity = from?.inode ?? `${ofRun(self.run)}${ofEpoch(self.epoch)}${uuid}`
  const scratch = `${self.scratch}${identity}/`
  return yield* ObjectFile.make(
    {
      store,
      path,
      key,
      force,
      identity,
      scratch,
      isScratch: isScratch === true,
      by: `${ofEpoch(self.epoch)}${uuid.slice(-12)}`,
      scope
    },
    from
  )
})

const finished = ({ store }: Bucket, path: string, bytes: number, operation: Operation) => ({
  end: () => ({ bytes, tail: new Uint8Array() }),
  read: (at: number, length: number) =>
    length === 0
      ? Effect.succeed(new Uint8Array())
      : Effect.map(
          ObjectFile.failing(path, operation)(store.get(keyOf(store, path), { from: at, to: at + length })),
          (found) => found ?? new Uint8Array()
        )
})

/** A run that ended after the object appeared. */
const named = (self: Bucket, path: string, bytes: number, from: Position): PartialFile => ({
  ...finished(self, path, bytes, "open"),
  finished: true,
  rewind: () => {},
  write: (more) => (more.length === 0 ? Effect.void : Effect.fail(failWith(path, "write", "Finished"))),
  sync: Effect.succeed(from),
  seal: Effect.void,
  finish: Effect.void,
  discard: Effect.ignore(
    ObjectFile.discard(
      { store: self.store, scratch: `${self.scratch}${from.inode ?? ""}/` },
      from.object?.upload ?? undefined
    )
  )
})

const clear = Effect.fnUntraced(function* (
  { epoch, run, scratch, store }: Bucket,
  kept: ReadonlyArray<Position>,
  resumes: boolean
) {
  const all = yield* store.list(`${scratch}${ofRun(run)}`)
  const now = yield* Clock.currentTimeMillis
  if (!resumes && all.some(({ modified }) => now - modified < recently)) return
  const needed = new Map(kept.map(({ inode, object }) => [inode ?? "", object] as const))
  const one = Effect.fnUntraced(function* (key: string) {
    const identity = key.slice(scratch.length).split("/")[0] ?? ""
    const object = needed.get(identity)
    const beginner = ObjectFile.beginnerIn(`${scratch}${identity}/`, key)
    // Where several processes write, each has an epoch of its own, and the last one removes what all of them left.
    if (run === undefined && !isUntil(epoch, beginner ?? identity)) return
    if (beginner !== undefined) {
      if (!(yield* ObjectFile.abortNoted(store, key, object?.upload ?? undefined))) return
    } else if (object !== undefined) return
    yield* store.remove(key)
  })
  // A run of several processes may leave thousands.
  yield* Effect.forEach(all, ({ key }) => one(key), { concurrency: 8, discard: true })
})
