import { OnSent } from "@callstream/core/client/Budget"
import * as AgniTransport from "@callstream/node/AgniTransport"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Download from "../src/internal/Download.ts"
import * as Loopback from "./LoopbackServer.ts"

const bytesOf = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 251))

const whole = ({ arrayBuffer }: HttpClientResponse.HttpClientResponse) =>
  Effect.map(arrayBuffer, (body) => Buffer.from(body))
const streamed = ({ stream }: HttpClientResponse.HttpClientResponse) =>
  Effect.map(Stream.runCollect(stream), (pieces) => Buffer.concat(pieces))

/** Sends a body in pieces, so that one may arrive after its reader, or before. */
const inPieces = (body: Buffer, size: number, isDeclared: boolean) =>
  Loopback.make((response) => {
    if (isDeclared) response.setHeader("content-length", body.length)
    response.flushHeaders()
    const send = (at: number): void => {
      if (at >= body.length) response.end()
      else response.write(body.subarray(at, at + size), () => setImmediate(send, at + size))
    }
    send(0)
  })

describe("Download", () => {
  it.live.prop(
    "brings each body as it was sent, however it is read",
    {
      length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300_000 })),
      size: Schema.Int.check(Schema.isBetween({ minimum: 2000, maximum: 200_000 })),
      isDeclared: Schema.Boolean,
      isStreamed: Schema.Boolean,
      isLate: Schema.Boolean
    },
    ({ isDeclared, isLate, isStreamed, length, size }) =>
      Effect.gen(function* () {
        const body = bytesOf(length)
        const server = yield* inPieces(body, size, isDeclared)
        const response = yield* HttpClient.get(server.url)
        // Another request, so that the body is there before it is read.
        if (isLate) yield* Effect.flatMap(HttpClient.get(server.url), whole)
        assert.isTrue(body.equals(yield* (isStreamed ? streamed : whole)(response)))
        // A second reader gets the same.
        if (!isStreamed) assert.isTrue(body.equals(yield* whole(response)))
      }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer)),
    { arbitrary: { runs: 40 } }
  )

  it.live("says when a request is written, on a new connection and on one that was kept", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const server = yield* Loopback.make((response) => {
        seen.push("arrived")
        response.end("ok")
      })
      const get = Effect.provideService(HttpClient.get(server.url), OnSent, () => void seen.push("sent"))
      yield* Effect.flatMap(get, whole)
      // Without one it is nobody's.
      yield* Effect.flatMap(HttpClient.get(server.url), whole)
      yield* Effect.flatMap(get, whole)
      assert.deepStrictEqual(seen, ["sent", "arrived", "arrived", "sent", "arrived"])
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live("brings a body that is too long to be kept whole, and leaves the server waiting for its reader", () =>
    Effect.gen(function* () {
      const body = Buffer.alloc(12 * Download.wholeAtMost, "abc")
      let sent = false
      const server = yield* Loopback.make((response, { method }) => {
        response.setHeader("content-length", body.length)
        response.end(body, () => (sent ||= method === "GET"))
      })
      const response = yield* HttpClient.get(server.url)
      yield* Effect.flatMap(HttpClient.head(server.url), whole)
      assert.isFalse(sent)
      assert.isTrue(body.equals(yield* streamed(response)))
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live("shows nothing of the memory that a body was to have, where there is none", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => {
        response.writeHead(304, { "content-length": 1000 })
        response.end()
      })
      for (const read of [whole, streamed]) {
        assert.lengthOf(yield* Effect.flatMap(HttpClient.get(server.url), read), 0)
      }
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live.each(["whole", "streamed"] as const)("fails where a body is cut off, read %s", (how) =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => {
        response.setHeader("content-length", 100_000)
        response.write(Buffer.alloc(50_000), () => setImmediate(() => response.socket?.destroy()))
      })
      const response = yield* HttpClient.get(server.url)
      const error = yield* Effect.flip((how === "whole" ? whole : streamed)(response))
      assert.strictEqual(error._tag, "HttpClientError")
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live("ends the connection of a request that is interrupted while its body comes", () =>
    Effect.gen(function* () {
      let isReading = false
      const server = yield* Loopback.make((response) => {
        response.setHeader("content-length", 100_000)
        response.write("x")
        isReading = true
      })
      const fiber = yield* Effect.forkChild(Effect.flatMap(HttpClient.get(server.url), whole))
      yield* Loopback.until(() => isReading)
      yield* Fiber.interrupt(fiber)
      yield* Loopback.until(() => server.aborted() > 0)
      assert.strictEqual(server.aborted(), 1)
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )
})
