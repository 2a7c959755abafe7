import { AgniClient, CallSessions } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Server from "./Server.ts"
import { settle } from "../history/Walking.ts"

/** A simulator whose right key is replaced: it takes what `key` is at the time. */
const rotating = Effect.fnUntraced(function* (right: () => string) {
  const simulator = yield* AgniSimulator.make({ sessions: 300 })
  const sent: Array<string> = []
  const httpClient = HttpClient.mapRequest(simulator.httpClient, (request) => {
    const key = request.headers["x-api-key"] ?? ""
    sent.push(key)
    return HttpClientRequest.setHeader(request, "x-api-key", key === right() ? simulator.apiKey : "wrong")
  })
  const run = <A, E>(effect: Effect.Effect<A, E, AgniClient>, apiKey: Effect.Effect<Redacted.Redacted>, tries = 8) =>
    settle(
      Effect.flatMap(AgniClient.make({ apiKey, retry: { tries } }), (client) =>
        Effect.provideService(effect, AgniClient, client)
      ).pipe(Effect.provideService(HttpClient.HttpClient, httpClient))
    )
  return { simulator, sent, run }
})

const list = AgniClient.use((agni) => agni.list({ pageSize: 10 }))

describe("an API key that is an effect", () => {
  it.effect("is read for each request, so that it can be replaced under a stream", () =>
    Effect.gen(function* () {
      let requests = 0
      const server = yield* rotating(() => (++requests > 8 ? "second" : "first"))
      // What holds the secret has the new one as soon as the server does; requests with the old one are on their way.
      const held = Effect.sync(() => Redacted.make(requests >= 8 ? "second" : "first"))
      const sessions = yield* server.run(Stream.runCollect(CallSessions.sessions({ pageSize: 20 })), held)
      assert.isEmpty(server.simulator.missed(sessions.map(({ id }) => id)))
      assert.deepStrictEqual([...new Set(server.sent)], ["first", "second"])
    })
  )

  it.effect("is read again after a 401, and the request is made again only with another one", () =>
    Effect.gen(function* () {
      const server = yield* rotating(() => "second")
      const keys = ["first", "second", "second"]
      let read = 0
      const page = yield* server.run(
        list,
        Effect.sync(() => Redacted.make(keys[Math.min(read++, 2)] ?? ""))
      )
      assert.lengthOf(page.rows.sessions(), 10)
      assert.deepStrictEqual(server.sent, ["first", "second"])

      const same = yield* rotating(() => "second")
      const error = yield* Effect.flip(same.run(list, Effect.succeed(Redacted.make("first"))))
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.deepStrictEqual(same.sent, ["first"])

      // A source of ever new keys ends with the tries.
      const wild = yield* rotating(() => "none")
      let count = 0
      const other = yield* Effect.flip(
        wild.run(
          list,
          Effect.sync(() => Redacted.make(`key-${count++}`)),
          3
        )
      )
      assert.strictEqual(other.reason._tag, "Unauthorized")
      assert.strictEqual(other.attempts, 3)
      assert.lengthOf(wild.sent, 3)
    })
  )

  it.effect("is checked when it is read, trimmed, and in no error", () =>
    Effect.gen(function* () {
      const { client, sent } = Server.make(() => ({ status: 401, body: { message: `no ${Server.key}` } }))
      const run = (text: string) =>
        Effect.flip(
          settle(
            Effect.flatMap(AgniClient.make({ apiKey: Effect.succeed(Redacted.make(text)) }), ({ list }) => list({}))
          ).pipe(Effect.provideService(HttpClient.HttpClient, client))
        )
      const refused = yield* run(` ${Server.key}\n`)
      assert.strictEqual(sent[0]?.headers["x-api-key"], Server.key)
      assert.notInclude(JSON.stringify(refused) + refused.message, Server.key)
      for (const text of ["", "two words"]) {
        const error = yield* run(text)
        assert.deepInclude(error.reason, { _tag: "InvalidRequest", parameter: "apiKey" })
        assert.strictEqual(error.attempts, 0)
      }
      assert.lengthOf(sent, 1)
    })
  )
})
