/**
 * The contract of an object store: what sinks of files need of a bucket to write there instead.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { OutputReason } from "../OutputReason.ts"
import { describe, OutputReason as Reason } from "../OutputReason.ts"

/**
 * Why a request to a store failed, after its retries.
 *
 * @since 0.1.0
 * @category errors
 */
export class ObjectStoreError extends Schema.TaggedError<ObjectStoreError>()("ObjectStoreError", {
  /** The bucket or object, as `s3://bucket/key`. */
  target: Schema.String,
  reason: Reason,
  /** The store's code, such as `SlowDown`, or the system's, such as `ECONNREFUSED`. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.target}: ${describe(this.reason, this.code)}`
  }
}

/**
 * An object: its length, and the identity that its writer gave it, if it did.
 *
 * @since 0.1.0
 * @category models
 */
export interface Found {
  readonly bytes: number
  readonly identity: string | undefined
}

/**
 * How an object gets its key: with `identity` in its metadata, and with `unlessThere` never over another object, which
 * fails with `Exists`. One that has this identity already was written by an attempt whose answer was lost: that succeeds.
 *
 * @since 0.1.0
 * @category options
 */
export interface Naming {
  readonly key: string
  readonly identity: string
  readonly unlessThere: boolean
}

/**
 * A bucket. Each operation retries transient failures, and is atomic: an object is there as a whole or not at all.
 *
 * @since 0.1.0
 * @category models
 */
export interface ObjectStore {
  readonly bucket: string
  /** Bytes of each part of a multipart upload but the last. */
  readonly partBytes: number
  readonly head: (key: string) => Effect.Effect<Found | undefined, ObjectStoreError>
  /** The bytes of an object; of a range, `to` not included. */
  readonly get: (
    key: string,
    range?: { readonly from: number; readonly to: number }
  ) => Effect.Effect<Uint8Array<ArrayBuffer> | undefined, ObjectStoreError>
  readonly put: (naming: Naming, bytes: Uint8Array<ArrayBuffer>) => Effect.Effect<void, ObjectStoreError>
  /** Succeeds when there is no such object. */
  readonly remove: (key: string) => Effect.Effect<void, ObjectStoreError>
  /** The objects whose keys begin so, and when they were last written, in milliseconds. */
  readonly list: (
    prefix: string
  ) => Effect.Effect<ReadonlyArray<{ readonly key: string; readonly modified: number }>, ObjectStoreError>
  /** Begins a multipart upload, and gives its id. */
  readonly begin: (naming: Pick<Naming, "key" | "identity">) => Effect.Effect<string, ObjectStoreError>
  /** Uploads a part, in place of one of the same number, and gives its tag. Numbers count from 1. */
  readonly part: (
    upload: { readonly key: string; readonly id: string },
    number: number,
    bytes: Uint8Array<ArrayBuffer>
  ) => Effect.Effect<string, ObjectStoreError>
  /** The parts of an upload that are there. */
  readonly parts: (upload: {
    readonly key: string
    readonly id: string
  }) => Effect.Effect<
    ReadonlyArray<{ readonly number: number; readonly tag: string; readonly bytes: number }>,
    ObjectStoreError
  >
  /** Fails with `Replaced` where a part has another tag. */
  readonly complete: (
    naming: Naming,
    id: string,
    parts: ReadonlyArray<{ readonly number: number; readonly tag: string }>
  ) => Effect.Effect<void, ObjectStoreError>
  /** Succeeds when there is no such upload. */
  readonly abort: (upload: { readonly key: string; readonly id: string }) => Effect.Effect<void, ObjectStoreError>
}

/**
 * The error of a store for a reason.
 *
 * @since 0.1.0
 * @category constructors
 */
export const failure = (target: string, reason: OutputReason, code?: string): ObjectStoreError =>
  new ObjectStoreError({ target, reason, ...(code === undefined ? {} : { code }) })
