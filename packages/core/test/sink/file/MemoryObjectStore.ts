/** A bucket in memory, with the rules of real ones, and what a process sees of it that is slow, frozen or killed. */
import { failure, type ObjectStore, type ObjectStoreError } from "@callstream/core/sink/ObjectStore"
import * as Effect from "effect/Effect"

type Bytes = Uint8Array<ArrayBuffer>

interface Upload {
  readonly key: string
  readonly identity: string
  readonly parts: Map<number, { readonly tag: string; readonly bytes: Bytes }>
}

export interface Bucket {
  readonly store: ObjectStore
  readonly objects: ReadonlyMap<string, { readonly bytes: Bytes; readonly identity: string }>
  /** Neither complete nor aborted. */
  readonly uploads: ReadonlyMap<string, Upload>
}

const joined = (all: ReadonlyArray<Bytes>): Bytes => {
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const one of all) {
    bytes.set(one, at)
    at += one.length
  }
  return bytes
}

/** @param onObject Called when an object appears or goes. */
export const make = (partBytes: number, onObject: (key: string) => void): Bucket => {
  const objects = new Map<string, { readonly bytes: Bytes; readonly identity: string }>()
  const uploads = new Map<string, Upload>()
  let made = 0
  const refuse = (key: string, reason: "Exists" | "Missing" | "Replaced" | "Other", code?: string) =>
    Effect.fail(failure(`s3://calls/${key}`, { _tag: reason }, code))
  const create = ({ identity, key, unlessThere }: Parameters<ObjectStore["put"]>[0], bytes: Bytes) => {
    const found = objects.get(key)
    if (unlessThere && found !== undefined) return found.identity === identity ? Effect.void : refuse(key, "Exists")
    objects.set(key, { bytes, identity })
    onObject(key)
    return Effect.void
  }
  const store: ObjectStore = {
    bucket: "calls",
    partBytes,
    head: (key) =>
      Effect.sync(() => {
        const found = objects.get(key)
        return found === undefined ? undefined : { bytes: found.bytes.length, identity: found.identity }
      }),
    get: (key, { from, to } = { from: 0, to: Infinity }) => Effect.sync(() => objects.get(key)?.bytes.slice(from, to)),
    put: (naming, bytes) => Effect.suspend(() => create(naming, bytes.slice())),
    remove: (key) =>
      Effect.sync(() => {
        if (objects.delete(key)) onObject(key)
      }),
    list: (prefix) =>
      Effect.sync(() =>
        [...objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => ({ key, modified: 0 }))
      ),
    begin: ({ identity, key }) =>
      Effect.sync(() => {
        const id = `upload-${++made}`
        uploads.set(id, { key, identity, parts: new Map() })
        return id
      }),
    part: ({ id, key }, number, bytes) =>
      Effect.suspend(() => {
        // Of no two requests the same, as where objects are encrypted.
        const tag = `tag-${++made}`
        const upload = uploads.get(id)
        if (upload === undefined) return refuse(key, "Missing", "NoSuchUpload")
        upload.parts.set(number, { tag, bytes: bytes.slice() })
        return Effect.succeed(tag)
      }),
    parts: ({ id, key }) =>
      Effect.suspend(() => {
        const upload = uploads.get(id)
        return upload === undefined
          ? refuse(key, "Missing", "NoSuchUpload")
          : Effect.succeed([...upload.parts].map(([number, { bytes, tag }]) => ({ number, tag, bytes: bytes.length })))
      }),
    complete: (naming, id, parts) =>
      Effect.suspend(() => {
        const upload = uploads.get(id)
        if (upload === undefined) {
          return objects.get(naming.key)?.identity === naming.identity
            ? Effect.void
            : refuse(naming.key, "Missing", "NoSuchUpload")
        }
        const found = parts.flatMap(({ number, tag }) => {
          const part = upload.parts.get(number)
          return part?.tag === tag ? [part.bytes] : []
        })
        const isAscending = parts.every(({ number }, at) => at === 0 || number > (parts[at - 1]?.number ?? 0))
        if (found.length !== parts.length || !isAscending) return refuse(naming.key, "Replaced", "InvalidPart")
        if (found.slice(0, -1).some(({ length }) => length !== partBytes))
          return refuse(naming.key, "Other", "EntityTooSmall")
        return Effect.andThen(
          create(naming, joined(found)),
          Effect.sync(() => void uploads.delete(id))
        )
      }),
    abort: ({ id }) => Effect.sync(() => void uploads.delete(id))
  }
  return { store, objects, uploads }
}

/** The bucket as one process sees it: `around` decides whether a request is done, and whether its answer comes. */
export const seenBy = (
  store: ObjectStore,
  around: <A>(request: Effect.Effect<A, ObjectStoreError>) => Effect.Effect<A, ObjectStoreError>
): ObjectStore => ({
  bucket: store.bucket,
  partBytes: store.partBytes,
  head: (key) => around(store.head(key)),
  get: (key, range) => around(store.get(key, range)),
  put: (naming, bytes) => around(store.put(naming, bytes)),
  remove: (key) => around(store.remove(key)),
  list: (prefix) => around(store.list(prefix)),
  begin: (naming) => around(store.begin(naming)),
  part: (upload, number, bytes) => around(store.part(upload, number, bytes)),
  parts: (upload) => around(store.parts(upload)),
  complete: (naming, id, parts) => around(store.complete(naming, id, parts)),
  abort: (upload) => around(store.abort(upload))
})
