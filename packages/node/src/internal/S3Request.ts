/** Requests to a store: signed, sent, retried, and what their failures mean. */
import { ObjectStore } from "@callstream/core"
import { withTransportRules } from "@callstream/core/client/TransportRules"
import { AwsV4Signer } from "aws4fetch"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type { Credentials } from "../S3Credentials.ts"
import * as S3Xml from "./S3Xml.ts"

export interface Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE"
  /** Empty for the bucket. */
  readonly key: string
  readonly query?: Readonly<Record<string, string>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array<ArrayBuffer> | undefined
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The store's code of a failure. */
  readonly code: string | undefined
}

export interface Connection {
  readonly client: HttpClient.HttpClient
  readonly credentials: Credentials
  /** Keys for signatures, which are derived from the secret once a day and region: most of a signature's time. */
  readonly derived: Redacted.Redacted<Map<string, ArrayBuffer>>
  readonly bucket: string
  /** The bucket's own address in a region, without a slash at its end. */
  readonly url: (region: string) => string
  readonly learned: Ref.Ref<Learned>
  /** Whether it was said that the store does not answer, since it last did. */
  readonly isAway: Ref.Ref<boolean>
}

/** What the store's answers showed. */
interface Learned {
  readonly region: string
  /** How far this machine's clock is behind the store's, in milliseconds. */
  readonly skew: number
}

/** A part of 8 MiB over a slow line. */
const timeout = Duration.minutes(2)

const passing = new Set([
  "InternalError",
  "SlowDown",
  "ServiceUnavailable",
  "RequestTimeout",
  "OperationAborted",
  "503 SlowDown",
  "ConditionalRequestConflict"
])

/** Seven attempts in about 12 seconds; the pipeline's own patience comes after that. */
const schedule = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("4 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 6 }),
  Schedule.setInputType<ObjectStore.ObjectStoreError>()
)

/** The retry by which about a second has passed. */
const afterASecond = 3

const none = new Uint8Array()
const decoder = new TextDecoder()

export const textOf = ({ bytes }: Pick<Response, "bytes">): string => decoder.decode(bytes)

const encoded = (key: string): string => key.split("/").map(encode).join("/")

/** As a signature wants it. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)

const sha256 = (bytes: Uint8Array<ArrayBuffer>) =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", bytes)),
    (hash) => Hex.encode(new Uint8Array(hash))
  )

const signed = Effect.fnUntraced(function* (self: Connection, request: Request) {
  const { body = none, headers = {}, key, method, query = {} } = request
  const { region, skew } = yield* Ref.get(self.learned)
  const now = (yield* Clock.currentTimeMillis) + skew
  const words = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`)
  const { accessKeyId, secretAccessKey, sessionToken } = self.credentials
  const signer = new AwsV4Signer({
    method,
    url: `${self.url(region)}${key === "" ? "" : `/${encoded(key)}`}${words.length === 0 ? "" : `?${words.join("&")}`}`,
    headers: { ...headers, "x-amz-content-sha256": yield* sha256(body) },
    accessKeyId: Redacted.value(accessKeyId),
    secretAccessKey: Redacted.value(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: Redacted.value(sessionToken) }),
    cache: Redacted.value(self.derived),
    service: "s3",
    region,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "")
  })
  const done = yield* Effect.promise(() => signer.sign())
  // As text: a URL would be taken apart, and its spaces would become other than the signature has them.
  const made = HttpClientRequest.make(method)(done.url.href, { headers: Object.fromEntries(done.headers.entries()) })
  return request.body === undefined
    ? made
    : HttpClientRequest.bodyUint8Array(made, body, headers["content-type"] ?? "application/octet-stream")
})

const failure = (self: Connection, key: string, reason: ObjectStore.ObjectStoreError["reason"], code?: string) =>
  ObjectStore.failure(`s3://${self.bucket}/${key}`, reason, code)

const codeIn = (error: unknown): string | undefined => {
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    if ("code" in cause && typeof cause.code === "string") return cause.code
    cause = "reason" in cause ? cause.reason : "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

const attempt = Effect.fnUntraced(function* (
  self: Connection,
  request: Request
): Effect.fn.Return<Response, ObjectStore.ObjectStoreError> {
  const unreachable = (code: string | undefined) => failure(self, request.key, { _tag: "Unreachable" }, code)
  const { bytes, headers, status } = yield* Effect.gen(function* () {
    const response = yield* self.client.execute(yield* signed(self, request))
    return { status: response.status, headers: response.headers, bytes: new Uint8Array(yield* response.arrayBuffer) }
  }).pipe(
    Effect.scoped,
    withTransportRules,
    Effect.mapError((error) => unreachable(codeIn(error))),
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(unreachable("ETIMEDOUT")) })
  )
  const text = status < 300 && request.method !== "POST" ? "" : decoder.decode(bytes)
  // The answer to a completed upload begins before it is known how it ends.
  const isFailed = status >= 300 || S3Xml.isError(text)
  const code = isFailed ? (S3Xml.textOf(text, "Code") ?? `HTTP_${status}`) : undefined
  if (isFailed) yield* learn(self, headers, text, code)
  const isPassing = code !== undefined && (passing.has(code) || (status >= 500 && status !== 501) || status === 429)
  return isPassing ? yield* unreachable(code) : { status, headers, bytes, code }
})

/** Corrects the clock and the region by what the store says of them, for the next attempt. */
const learn = Effect.fnUntraced(function* (
  self: Connection,
  headers: Response["headers"],
  text: string,
  code: string | undefined
) {
  const region = headers["x-amz-bucket-region"] ?? S3Xml.textOf(text, "Region")
  if (region !== undefined && /^[a-z0-9-]+$/.test(region))
    yield* Ref.update(self.learned, (known) => (known.region === region ? known : { ...known, region }))
  if (code !== "RequestTimeTooSkewed") return
  const theirs = Date.parse(S3Xml.textOf(text, "ServerTime") ?? headers["date"] ?? "")
  if (Number.isNaN(theirs)) return
  const skew = theirs - (yield* Clock.currentTimeMillis)
  yield* Ref.update(self.learned, (known) => ({ ...known, skew }))
})

const reasons: Readonly<Record<string, ObjectStore.ObjectStoreError["reason"]>> = {
  NoSuchBucket: { _tag: "NoBucket" },
  AccessDenied: { _tag: "NotAllowed" },
  AllAccessDisabled: { _tag: "NotAllowed" },
  InvalidAccessKeyId: { _tag: "KeysRejected" },
  SignatureDoesNotMatch: { _tag: "KeysRejected" },
  ExpiredToken: { _tag: "KeysRejected" },
  InvalidToken: { _tag: "KeysRejected" },
  HTTP_401: { _tag: "KeysRejected" },
  HTTP_403: { _tag: "NotAllowed" },
  AuthorizationHeaderMalformed: { _tag: "OtherRegion" },
  PermanentRedirect: { _tag: "OtherRegion" },
  HTTP_301: { _tag: "OtherRegion" },
  RequestTimeTooSkewed: { _tag: "WrongClock" },
  NoSuchUpload: { _tag: "Missing" },
  InvalidPart: { _tag: "Replaced" }
}

const isCorrected = ({ code, status }: Response): boolean =>
  code === "RequestTimeTooSkewed" || code === "AuthorizationHeaderMalformed" || status === 301 || status === 400

/** Says once that a store does not answer: nothing else is seen of a run meanwhile. */
const retried = ({ bucket, isAway }: Connection) =>
  Schedule.tap(schedule, ({ attempt, input: { code, reason } }) =>
    attempt < afterASecond
      ? Effect.void
      : Effect.flatMap(Ref.getAndSet(isAway, true), (known) =>
          known
            ? Effect.void
            : Effect.logWarning(
                `${ObjectStore.failure(`s3://${bucket}`, reason, code).message}; callstream tries again for about a minute`
              )
        )
  )

/** Sends it until there is an answer that another attempt would not change. */
export const send = Effect.fnUntraced(function* (
  self: Connection,
  request: Request
): Effect.fn.Return<Response, ObjectStore.ObjectStoreError> {
  for (let corrections = 0; ; corrections++) {
    const before = yield* Ref.get(self.learned)
    const url = self.url(before.region)
    if (!/^https?:/i.test(url) || !URL.canParse(url)) return yield* failure(self, request.key, { _tag: "NoAddress" })
    const response = yield* Effect.retry(attempt(self, request), retried(self))
    yield* Ref.set(self.isAway, false)
    const hasLearned = (yield* Ref.get(self.learned)) !== before
    // The clock, and then the region.
    if (!hasLearned || corrections === 2 || !isCorrected(response)) return response
  }
})

/** The failure that an answer is, if it is one; `undefined` codes are of a success. */
export const toError = (self: Connection, { key }: Request, { code, status }: Response) =>
  failure(self, key, (code === undefined ? undefined : reasons[code]) ?? { _tag: "Other" }, code ?? `HTTP_${status}`)

/** Fails where the answer is a failure. */
export const succeed = (self: Connection, request: Request): Effect.Effect<Response, ObjectStore.ObjectStoreError> =>
  Effect.flatMap(send(self, request), (response) =>
    response.code === undefined ? Effect.succeed(response) : Effect.fail(toError(self, request, response))
  )
