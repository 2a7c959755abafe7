/**
 * Numbers of the parts of an upload that belong to one process. A part replaces one of the same number, and a process that was
 * thought dead may still be uploading.
 */
import * as Effect from "effect/Effect"
import { failure, type ObjectStore, type ObjectStoreError } from "../../object/ObjectStore.ts"

/** That a store has. */
const most = 10_000

/** That a process claims at once. */
const block = 8

export interface Settings {
  readonly store: ObjectStore
  readonly key: string
  /** The prefix of the objects that say whose numbers are whose. */
  readonly scratch: string
  /** This process. */
  readonly by: string
}

export interface PartNumbers {
  /** The next one, higher than all before it, that no other part of the upload ever has. */
  readonly take: Effect.Effect<number, ObjectStoreError>
}

/** @param last The last one that is committed, of an upload that another process may know; `undefined` for a new one. */
export const make = (settings: Settings, last: number | undefined): PartNumbers => {
  // The first block is of the one that began the upload.
  const first = last === undefined ? 1 : 1 + Math.ceil(Math.max(1, last) / block) * block
  const own = { next: first, end: last === undefined ? first + block : first }
  return {
    take: Effect.gen(function* () {
      while (own.next === own.end) {
        const { end } = own
        if (end > most) {
          const target = `s3://${settings.store.bucket}/${settings.key}`
          return yield* failure(target, { _tag: "Other" }, "TooManyParts")
        }
        const isOurs = yield* claim(settings, end)
        own.end = end + block
        if (!isOurs) own.next = own.end
      }
      return own.next++
    })
  }
}

/** Whether the numbers from that one on are of this process: an object that only one of them can create says so. */
const claim = ({ by, scratch, store }: Settings, first: number) =>
  store.put({ key: `${scratch}numbers-${first}`, identity: by, unlessThere: true }, new Uint8Array()).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ reason }) => reason._tag === "Exists",
      () => Effect.succeed(false)
    )
  )
