/**
 * Buckets of S3 and of stores that speak its protocol: Cloudflare R2, Google Cloud Storage, MinIO.
 *
 * @since 0.1.0
 */
import { ObjectStore } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { Credentials } from "./S3Credentials.ts"
import * as S3Request from "./internal/S3Request.ts"
import * as S3Xml from "./internal/S3Xml.ts"

/**
 * Which bucket, where it is, and who signs.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly bucket: string
  readonly credentials: Credentials
  /** The address of the store, with the bucket in the path of each request. @default AWS, with the bucket in the host */
  readonly endpoint?: string | undefined
  /** @default "us-east-1"; a store that names another one is asked again with that */
  readonly region?: string | undefined
  /** Bytes of each part of an upload, at least 5 MiB. @default 8 MiB */
  readonly partBytes?: number | undefined
}

const identityHeader = "x-amz-meta-callstream"

interface Store {
  readonly connection: S3Request.Connection
  /** Whether it knows `If-None-Match`; what does not is asked before each write instead. */
  readonly conditions: Ref.Ref<boolean>
}

/**
 * The bucket, reached by the `HttpClient`. A failure that passes is retried six times, within about 12 seconds; the keys are
 * in no error and no log.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ObjectStore.ObjectStore, never, HttpClient.HttpClient> {
  const { bucket, credentials, endpoint, partBytes = 8 * 1024 * 1024, region = "us-east-1" } = options
  const url = (region: string) => {
    if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, "")}/${bucket}`
    const host = `s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`
    // No certificate is for a bucket with a dot.
    return `https://${bucket.includes(".") ? `${host}/${bucket}` : `${bucket}.${host}`}`
  }
  const connection: S3Request.Connection = {
    client: yield* HttpClient.HttpClient,
    credentials,
    derived: Redacted.make(new Map()),
    bucket,
    url,
    learned: yield* Ref.make({ region, skew: 0 }),
    isAway: yield* Ref.make(false)
  }
  const self: Store = { connection, conditions: yield* Ref.make(true) }
  return {
    bucket,
    partBytes,
    head: (key) => head(self, key),
    get: (key, range) => get(self, key, range),
    put: (naming, bytes) => {
      const headers = { [identityHeader]: naming.identity }
      return create(self, naming, { method: "PUT", key: naming.key, headers, body: bytes })
    },
    remove: (key) => gone(self, { method: "DELETE", key }),
    list: (prefix) => list(self, prefix),
    begin: ({ identity, key }) => {
      const headers = { [identityHeader]: identity }
      return Effect.flatMap(
        S3Request.succeed(connection, { method: "POST", key, query: { uploads: "" }, headers, body: new Uint8Array() }),
        (response) => {
          const id = S3Xml.textOf(S3Request.textOf(response), "UploadId")
          return id === undefined ? Effect.fail(odd(self, key)) : Effect.succeed(id)
        }
      )
    },
    part: ({ id, key }, number, bytes) => {
      const query = { partNumber: String(number), uploadId: id }
      return Effect.flatMap(S3Request.succeed(connection, { method: "PUT", key, query, body: bytes }), ({ headers }) =>
        headers["etag"] === undefined ? Effect.fail(odd(self, key)) : Effect.succeed(headers["etag"])
      )
    },
    parts: (upload) => parts(self, upload),
    complete: (naming, id, parts) =>
      create(self, naming, {
        method: "POST",
        key: naming.key,
        query: { uploadId: id },
        headers: { "content-type": "application/xml" },
        body: new TextEncoder().encode(S3Xml.completion(parts))
      }),
    abort: ({ id, key }) => gone(self, { method: "DELETE", key, query: { uploadId: id } })
  }
})

/** An answer that lacks what it must have. */
const odd = ({ connection: { bucket } }: Store, key: string) =>
  ObjectStore.failure(`s3://${bucket}/${key}`, { _tag: "Unreachable" }, "MalformedAnswer")

const head = Effect.fnUntraced(function* ({ connection }: Store, key: string) {
  const request: S3Request.Request = { method: "HEAD", key }
  const response = yield* S3Request.send(connection, request)
  // Without a body it does not say whether the bucket is missing: what is listed first does.
  if (response.status === 404) return undefined
  if (response.code !== undefined) {
    // Without a body it does not say why: the answer to this does, and corrects the clock and the region.
    const asked: S3Request.Request = { method: "GET", key, headers: { range: "bytes=0-0" } }
    const reason = yield* S3Request.send(connection, asked)
    if (reason.status === 404) return undefined
    if (reason.code !== undefined && reason.status !== 416) return yield* S3Request.toError(connection, asked, reason)
    return yield* toFound(S3Request.succeed(connection, request))
  }
  return yield* toFound(Effect.succeed(response))
})

const toFound = Effect.map(({ headers }: S3Request.Response): ObjectStore.Found => ({
  bytes: Number(headers["content-length"] ?? 0),
  identity: headers[identityHeader]
}))

const get = Effect.fnUntraced(function* (
  { connection }: Store,
  key: string,
  range?: { readonly from: number; readonly to: number }
) {
  const headers = range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` }
  const request: S3Request.Request = { method: "GET", key, headers }
  const response = yield* S3Request.send(connection, request)
  if (response.code === undefined) return response.bytes
  if (response.status === 416) return new Uint8Array()
  return response.status === 404 && response.code !== "NoSuchBucket"
    ? undefined
    : yield* S3Request.toError(connection, request, response)
})

const gone = Effect.fnUntraced(function* ({ connection }: Store, request: S3Request.Request) {
  const response = yield* S3Request.send(connection, request)
  if (response.code === undefined || (response.status === 404 && response.code !== "NoSuchBucket")) return
  return yield* S3Request.toError(connection, request, response)
})

const list = Effect.fnUntraced(function* ({ connection }: Store, prefix: string) {
  const found: Array<{ readonly key: string; readonly modified: number }> = []
  let token: string | undefined
  do {
    const query = {
      "encoding-type": "url",
      "list-type": "2",
      prefix,
      ...(token === undefined ? {} : { "continuation-token": token })
    }
    const text = S3Request.textOf(yield* S3Request.succeed(connection, { method: "GET", key: "", query }))
    // Not every store does what was asked for.
    const isEncoded = S3Xml.textOf(text, "EncodingType") === "url"
    for (const one of S3Xml.all(text, "Contents")) {
      const name = S3Xml.textOf(one, "Key") ?? ""
      const key = isEncoded ? decodeURIComponent(name.replaceAll("+", " ")) : name
      found.push({ key, modified: Date.parse(S3Xml.textOf(one, "LastModified") ?? "") })
    }
    token = S3Xml.textOf(text, "IsTruncated") === "true" ? S3Xml.textOf(text, "NextContinuationToken") : undefined
  } while (token !== undefined)
  return found
})

const parts = Effect.fnUntraced(function* (
  { connection }: Store,
  { id, key }: { readonly key: string; readonly id: string }
) {
  const found: Array<{ readonly number: number; readonly tag: string; readonly bytes: number }> = []
  let after: string | undefined
  do {
    const query = { uploadId: id, ...(after === undefined ? {} : { "part-number-marker": after }) }
    const text = S3Request.textOf(yield* S3Request.succeed(connection, { method: "GET", key, query }))
    for (const one of S3Xml.all(text, "Part")) {
      const tag = S3Xml.textOf(one, "ETag") ?? ""
      found.push({
        number: Number(S3Xml.textOf(one, "PartNumber")),
        tag,
        bytes: Number(S3Xml.textOf(one, "Size"))
      })
    }
    after = S3Xml.textOf(text, "IsTruncated") === "true" ? S3Xml.textOf(text, "NextPartNumberMarker") : undefined
  } while (after !== undefined)
  return found
})

/** Gives an object its key. An answer that was lost may have been a success: the identity of what is there says so. */
const create = Effect.fnUntraced(function* (
  self: Store,
  { identity, key, unlessThere }: ObjectStore.Naming,
  request: S3Request.Request
): Effect.fn.Return<void, ObjectStore.ObjectStoreError> {
  const { conditions, connection } = self
  if (unlessThere) {
    const found = yield* head(self, key)
    if (found !== undefined) return yield* found.identity === identity ? Effect.void : exists(self, key)
  }
  const isConditional = unlessThere && (yield* Ref.get(conditions))
  const response = yield* S3Request.send(
    connection,
    isConditional ? { ...request, headers: { ...request.headers, "if-none-match": "*" } } : request
  )
  if (response.code === undefined) return
  if (isConditional && (response.status === 501 || response.status === 400)) {
    yield* create(self, { identity, key, unlessThere: false }, request)
    yield* Ref.set(conditions, false)
    return yield* Effect.logWarning(
      `s3://${connection.bucket} does not know If-None-Match: an object that another program writes at the same moment would be replaced`
    )
  }
  const found = response.status === 412 || response.code === "NoSuchUpload" ? yield* head(self, key) : undefined
  if (found?.identity === identity) return
  return yield* response.status === 412 ? exists(self, key) : S3Request.toError(connection, request, response)
})

const exists = ({ connection: { bucket } }: Store, key: string) =>
  Effect.fail(ObjectStore.failure(`s3://${bucket}/${key}`, { _tag: "Exists" }))
