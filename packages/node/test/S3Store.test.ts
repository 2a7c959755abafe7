/** What stores do to their clients, and what becomes of it. */
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Column from "@callstream/core/model/Column"
import * as Version from "@callstream/core/model/Version"
import { afterAll, assert, beforeEach, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Logger from "effect/Logger"
import * as S3Store from "@callstream/node/S3Store"
import * as TestClock from "effect/testing/TestClock"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import * as S3Server from "./S3Server.ts"
import * as S3Sinks from "./S3Sinks.ts"
import { provided } from "./SinkStore.ts"

const server = await S3Server.start(S3Sinks.partBytes)
afterAll(() => server.close())

beforeEach(() => {
  server.fault("drop", 0)
  server.loseUploads()
  Object.assign(server.settings, { conditions: "kept", clock: 0, region: undefined })
})

const bytesOf = (text: string) => new TextEncoder().encode(text)
const naming = (key: string, identity = "one", unlessThere = true) => ({ key, identity, unlessThere })

/** Whole uploads of three parts. */
const upload = Effect.fnUntraced(function* (key: string) {
  const store = yield* S3Sinks.bucketOf(server)
  const id = yield* store.begin({ key, identity: "one" })
  const parts = []
  for (const [at, length] of [500, 500, 20].entries()) {
    const tag = yield* store.part({ key, id }, at + 1, bytesOf("x".repeat(length)))
    parts.push({ number: at + 1, tag })
  }
  yield* store.complete(naming(key), id, parts)
  return yield* store.head(key)
})

describe("S3Store.make", () => {
  it.live("leaves no name of an object in a span of the app, and the store gets no trace headers", () => {
    const spans: Array<string> = []
    const tracer = Tracer.make({
      span: (options) => {
        spans.push(options.name)
        return new Tracer.NativeSpan(options)
      }
    })
    const from = server.requests.length
    return upload("traced/calls").pipe(
      Effect.withSpan("app"),
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.map(() => {
        assert.deepStrictEqual(spans, ["app"])
        const headers = server.requests.slice(from).flatMap((request) => Object.keys(request.headers))
        assert.include(headers, "authorization")
        assert.notInclude(headers, "traceparent")
      })
    )
  })

  for (const fault of ["drop", "lost", "500", "503", "slow"] as const) {
    it.live(`uploads once whatever it meets: ${fault}`, () =>
      Effect.gen(function* () {
        const key = `faults/${fault}`
        for (const which of ["uploads=", "partNumber=2", "POST /calls/faults"]) {
          server.fault(fault, 2, (line) => line.includes(which))
          assert.deepStrictEqual(yield* upload(`${key}/${which}`), { bytes: 1020, identity: "one" })
        }
      })
    )
  }

  it.live("a completion that says 200 and fails in its body is retried", () =>
    Effect.gen(function* () {
      server.fault("error in 200", 2, (line) => line.startsWith("POST") && line.includes("uploadId="))
      assert.deepStrictEqual(yield* upload("odd/200"), { bytes: 1020, identity: "one" })
    })
  )

  it.live("lists the parts of an upload, and refuses one that was replaced", () =>
    Effect.gen(function* () {
      const store = yield* S3Sinks.bucketOf(server)
      const key = "odd/parts"
      const id = yield* store.begin({ key, identity: "one" })
      const sizes = [500, 500, 500, 500, 20]
      const put = (size: number, at: number) =>
        Effect.map(store.part({ key, id }, at + 1, bytesOf("x".repeat(size))), (tag) => ({ number: at + 1, tag }))
      const parts = yield* Effect.forEach(sizes, put)
      const again = yield* put(500, 1)
      const { reason } = yield* Effect.flip(store.complete(naming(key), id, parts))
      assert.strictEqual(reason._tag, "Replaced")
      const there = parts.map((part, at) => ({ ...(at === 1 ? again : part), bytes: sizes[at] ?? 0 }))
      assert.deepStrictEqual(yield* store.parts({ key, id }), there)
      yield* store.complete(naming(key), id, there)
      assert.deepStrictEqual(yield* store.head(key), { bytes: 2020, identity: "one" })
    })
  )

  it.live("an object is complete though attempts of its parts came through late", () =>
    Effect.gen(function* () {
      const store = yield* S3Sinks.bucketOf(server)
      const sink = provided(NdjsonSink.make({ path: "s3://calls/late/calls.ndjson", store }))
      server.fault("again", 10, (line) => line.includes("partNumber="))
      const rows = Array.from({ length: 20 }, (_, nth) => ({ id: `call-${nth}`, summary: "x".repeat(200) }))
      const items = rows.map((row) => ({ id: row.id, start: undefined, row }))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening(Option.none()))
          yield* writer.write({ items, columns: Column.ofSession, observedAt: Version.of(0) })
          yield* writer.flush("end")
          yield* writer.finish
        })
      )
      assert.strictEqual(
        String(server.read("late/calls.ndjson")),
        rows.map((row) => `${JSON.stringify(row)}\n`).join("")
      )
    })
  )

  it.live("a put whose answer was lost is no other program's object", () =>
    Effect.gen(function* () {
      const store = yield* S3Sinks.bucketOf(server)
      server.fault("lost", 1, (line) => line.startsWith("PUT"))
      yield* store.put(naming("odd/put"), bytesOf("a"))
      const error = yield* Effect.flip(store.put(naming("odd/put", "two"), bytesOf("b")))
      assert.strictEqual(error.reason._tag, "Exists")
      assert.strictEqual(String(server.read("odd/put")), "a")
    })
  )

  it.live("asks first where the store has no conditions", () =>
    Effect.gen(function* () {
      server.settings.conditions = "refused"
      const store = yield* S3Sinks.bucketOf(server)
      yield* store.put(naming("odd/condition"), bytesOf("a"))
      const error = yield* Effect.flip(store.put(naming("odd/condition", "two"), bytesOf("b")))
      assert.strictEqual(error.reason._tag, "Exists")
      const sent = server.requests.filter(
        ({ headers, line }) => line === "PUT /calls/odd/condition" && "if-none-match" in headers
      )
      assert.strictEqual(sent.length, 1)
    })
  )

  it.live("asks first, in any case: a store may take no notice of conditions", () =>
    Effect.gen(function* () {
      server.settings.conditions = "ignored"
      const store = yield* S3Sinks.bucketOf(server)
      yield* store.put(naming("odd/ignored"), bytesOf("a"))
      const error = yield* Effect.flip(store.put(naming("odd/ignored", "two"), bytesOf("b")))
      assert.strictEqual(error.reason._tag, "Exists")
      assert.strictEqual(String(server.read("odd/ignored")), "a")
    })
  )

  it.live("follows the store's clock and region", () =>
    Effect.gen(function* () {
      server.settings.clock = 3_600_000
      server.settings.region = "eu-north-1"
      const store = yield* S3Sinks.bucketOf(server)
      yield* store.put(naming("odd/clock"), bytesOf("a"))
      assert.strictEqual(String(server.read("odd/clock")), "a")
    })
  )

  it.live("says what is wrong, and never with a key", () =>
    Effect.gen(function* () {
      const none = yield* S3Sinks.bucketOf(server, { bucket: "no-such-bucket" })
      const secret = "a-secret-that-is-wrong"
      const credentials = { ...S3Sinks.credentials, secretAccessKey: Redacted.make(secret) }
      const wrong = yield* S3Sinks.bucketOf(server, { credentials })
      const errors = [yield* Effect.flip(none.list("")), yield* Effect.flip(wrong.list(""))]
      assert.deepStrictEqual(
        errors.map(({ message }) => message),
        [
          "s3://no-such-bucket/: the bucket does not exist (NoSuchBucket)",
          "s3://calls/: the store does not accept the keys (SignatureDoesNotMatch)"
        ]
      )
      assert.notInclude(JSON.stringify(errors), secret)
    })
  )
})

describe("S3Store.make, with keys of all kinds", () => {
  for (const folder of ["a b", "a+b", "a%20b", "ünï/日本", "~=$@,;:", "date=2026-07-01"]) {
    it.live(`signs as the store does: ${folder}`, () =>
      Effect.gen(function* () {
        const store = yield* S3Sinks.bucketOf(server)
        const key = `signed/${folder}/a (b) *!.csv`
        yield* store.put(naming(key), bytesOf("a"))
        assert.deepStrictEqual(yield* store.head(key), { bytes: 1, identity: "one" })
        assert.strictEqual(String(Buffer.from((yield* store.get(key)) ?? [])), "a")
        assert.deepStrictEqual(
          (yield* store.list(`signed/${folder}/`)).map(({ key }) => key),
          [key]
        )
        yield* store.remove(key)
        assert.deepStrictEqual(yield* store.list(`signed/${folder}/`), [])
      })
    )
  }

  it.live("sends spaces of a prefix as the signature has them", () =>
    Effect.gen(function* () {
      const store = yield* S3Sinks.bucketOf(server)
      yield* store.list("signed/a b/")
      assert.include(server.requests.at(-1)?.line, "prefix=signed/a b/")
    })
  )
})

/** What a client sends, and gets from a function of its address. */
const withClient = (answer: (url: URL) => Response | undefined) => {
  const urls: Array<string> = []
  const client = HttpClient.make((request, url) => {
    urls.push(url.href)
    const response = answer(url)
    return response === undefined
      ? Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({
              request,
              cause: Object.assign(new Error(), { code: "ECONNREFUSED" })
            })
          })
        )
      : Effect.succeed(HttpClientResponse.fromWeb(request, response))
  })
  const make = (options: Partial<S3Store.Options>) =>
    S3Store.make({ bucket: "calls", credentials: S3Sinks.credentials, ...options }).pipe(
      Effect.provideService(HttpClient.HttpClient, client)
    )
  return { urls, make }
}

describe("S3Store.make, where the store is", () => {
  it.effect("asks AWS in the bucket's own region, which its answer names", () =>
    Effect.gen(function* () {
      const { make, urls } = withClient(({ host }) =>
        host.includes("eu-west-1")
          ? new Response("", { headers: { "content-length": "0" } })
          : new Response("", { status: 301, headers: { "x-amz-bucket-region": "eu-west-1" } })
      )
      const store = yield* make({})
      assert.deepStrictEqual(yield* store.head("a.csv"), { bytes: 0, identity: undefined })
      yield* store.head("b.csv")
      assert.deepStrictEqual(urls, [
        "https://calls.s3.us-east-1.amazonaws.com/a.csv",
        "https://calls.s3.eu-west-1.amazonaws.com/a.csv",
        "https://calls.s3.eu-west-1.amazonaws.com/b.csv"
      ])
    })
  )

  it.effect("has other addresses in China, and for a bucket with a dot", () =>
    Effect.gen(function* () {
      const { make, urls } = withClient(() => new Response(""))
      yield* (yield* make({ region: "cn-north-1" })).head("a")
      yield* (yield* make({ bucket: "calls.example.com", region: "eu-west-1" })).head("a")
      assert.deepStrictEqual(urls, [
        "https://calls.s3.cn-north-1.amazonaws.com.cn/a",
        "https://s3.eu-west-1.amazonaws.com/calls.example.com/a"
      ])
    })
  )

  it.effect("a region that is none leads nowhere", () =>
    Effect.gen(function* () {
      const { make, urls } = withClient(
        () => new Response("", { status: 301, headers: { "x-amz-bucket-region": "evil.example.com/" } })
      )
      const error = yield* Effect.flip((yield* make({})).list(""))
      assert.strictEqual(error.reason._tag, "OtherRegion")
      assert.isTrue(urls.every((url) => new URL(url).host === "calls.s3.us-east-1.amazonaws.com"))
    })
  )

  it.effect("refuses at once an address that is no URL", () =>
    Effect.gen(function* () {
      const { make, urls } = withClient(() => new Response(""))
      for (const options of [
        { endpoint: "localhost:9000" },
        { endpoint: "minio.internal" },
        { endpoint: "http://[" },
        { region: "us east" }
      ]) {
        const error = yield* Effect.flip((yield* make(options)).head("a"))
        assert.strictEqual(error.reason._tag, "NoAddress", JSON.stringify(options))
      }
      assert.deepStrictEqual(urls, [])
    })
  )

  it.effect("says once that the store does not answer, while it tries again", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const logger = Logger.make(({ message }) => void told.push(String(message)))
      const { make, urls } = withClient(() => undefined)
      const store = yield* make({})
      const asked = yield* Effect.forkChild(
        Effect.flip(store.list("")).pipe(
          Effect.andThen(Effect.flip(store.head("a"))),
          Effect.provide(Logger.layer([logger]))
        )
      )
      // A signature takes several digests one after another, outside of the test's clock: time passes only after as many.
      const signed = async () => {
        for (let digest = 0; digest < 12; digest++) await crypto.subtle.digest("SHA-256", new Uint8Array(1))
      }
      while (asked.pollUnsafe() === undefined) {
        yield* Effect.promise(signed)
        yield* TestClock.adjust("500 millis")
      }
      assert.strictEqual((yield* Fiber.join(asked)).reason._tag, "Unreachable")
      assert.isAbove(urls.length, 4)
      assert.deepStrictEqual(told, [
        "s3://calls: the store did not take it (ECONNREFUSED); callstream tries again for about a minute"
      ])
    })
  )
})

const batch = (from: number) => ({
  items: Array.from({ length: 20 }, (_, at) => ({
    id: `${from + at}`,
    start: undefined,
    row: { id: `${from + at}`, text: "x".repeat(50) }
  })),
  columns: Column.ofSession,
  observedAt: Version.of(1)
})

describe("a sink in a bucket", () => {
  it.live("says that the upload of an earlier run is gone, and leaves no half object", () =>
    Effect.gen(function* () {
      const store = yield* S3Sinks.bucketOf(server)
      const sink = provided(NdjsonSink.make({ path: "s3://calls/lost/calls.ndjson", store }))
      const committed = yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening())
          yield* writer.write(batch(0))
          return yield* writer.flush("end")
        })
      )
      assert.strictEqual(server.uploads().length, 1)
      server.loseUploads()
      const error = yield* Effect.flip(
        Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.some(committed)))
            yield* writer.finish
          })
        )
      )
      assert.include(error.message, "the file that the earlier run left is not there (NoSuchUpload)")
      assert.isUndefined(server.read("lost/calls.ndjson"))
    })
  )

  it.live("aborts the upload that a run began after its last commit", () =>
    Effect.gen(function* () {
      const store = yield* S3Sinks.bucketOf(server)
      const sink = provided(NdjsonSink.make({ path: "s3://calls/dead/calls.ndjson", store }))
      const committed = yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening())
          const left = yield* writer.flush("end")
          yield* writer.write(batch(0))
          return left
        })
      )
      const [dead] = server.uploads()
      assert.isDefined(dead)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening(Option.some(committed)))
          assert.notInclude(server.uploads(), dead)
          yield* writer.write(batch(0))
          yield* writer.flush("end")
          yield* writer.finish
        })
      )
      assert.deepStrictEqual(server.uploads(), [])
      assert.deepStrictEqual(
        server.keys().filter((key) => key.startsWith("dead/")),
        ["dead/calls.ndjson"]
      )
    })
  )
})
