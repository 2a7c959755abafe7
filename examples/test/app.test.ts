import { AgniClient } from "@callstream/core"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Logger, Redacted } from "effect"
import { HttpClient, HttpServer } from "effect/http"
import { type IncomingMessage, type ServerResponse, createServer, get } from "node:http"
import { once } from "node:events"
import { vi } from "vitest"
import { app } from "../src/app.ts"

/** The app on a free loopback port, reading from a simulator; what it answers is kept to look at. */
const start = Effect.fnUntraced(function* (options: AgniSimulator.Options) {
  const simulator = yield* AgniSimulator.make({ latency: "1 millis", ...options })
  const responses: Array<ServerResponse> = []
  const reading = { now: 0, most: 0 }
  const watched = <A, E, R>(request: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      reading.most = Math.max(reading.most, ++reading.now)
      return Effect.ensuring(
        request,
        Effect.sync(() => reading.now--)
      )
    })
  const agni = AgniClient.layer({
    apiKey: Redacted.make(simulator.apiKey),
    maxConcurrentRequests: 3,
    retry: { tries: 2, base: "1 millis" },
    transformClient: HttpClient.transformResponse(watched)
  })
  const server = NodeHttpServer.layer(
    () => createServer().on("request", (_request, response) => responses.push(response)),
    { port: 0, host: "127.0.0.1" }
  )
  const context = yield* Layer.build(
    app.pipe(
      Layer.provide(Layer.provide(agni, simulator.layer)),
      Layer.provideMerge(server),
      Layer.provide(Logger.layer([]))
    )
  )
  const { address } = yield* Effect.provideContext(HttpServer.HttpServer, context)
  return { simulator, responses, reading, url: HttpServer.formatAddress(address) }
})

const open = async (url: string): Promise<IncomingMessage> => {
  const [response] = await once(get(url, { agent: false }), "response")
  return response
}

const ids = async (response: IncomingMessage): Promise<ReadonlyArray<string>> => {
  let text = ""
  for await (const chunk of response.setEncoding("utf8")) text += chunk
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).id)
}

const sessions = 50_000
const pages = sessions / 100

describe("app", () => {
  it.live("lets a slow reader set the pace, and gives it everything in the end", () =>
    Effect.gen(function* () {
      const { responses, simulator, url } = yield* start({ sessions })
      const response = yield* Effect.promise(() => open(`${url}/calls`))

      // Nothing is read: the sockets fill, and then the pages must stop as well.
      let before = -1
      yield* Effect.promise(() =>
        vi.waitFor(
          () => {
            const asked = simulator.requests.length
            const still = asked === before && responses[0]?.writableNeedDrain === true
            before = asked
            assert.isTrue(still, "still reading")
          },
          { timeout: 60_000, interval: 100 }
        )
      )
      // At most concurrency + 1 windows are held.
      assert.isBelow(before, 0.7 * pages)

      const got = yield* Effect.promise(() => ids(response))
      assert.strictEqual(new Set(got).size, sessions)
      assert.isEmpty(simulator.missed(got))
    })
  )

  it.live("stops reading when the reader goes away", () =>
    Effect.gen(function* () {
      const { reading, responses, simulator, url } = yield* start({ sessions })
      yield* Effect.promise(async () => {
        const response = await open(`${url}/calls`)
        await once(response, "data")
        response.destroy()
        await vi.waitFor(() => assert.isTrue(responses[0]?.closed === true && reading.now === 0), { timeout: 60_000 })
      })
      assert.isBelow(simulator.requests.length, pages / 2)
    })
  )

  it.live("spends one budget on all its readers", () =>
    Effect.gen(function* () {
      const { reading, url } = yield* start({ sessions: 1500 })
      const all = yield* Effect.promise(() =>
        Promise.all(["calls", "calls", "calls"].map(async (path) => ids(await open(`${url}/${path}`))))
      )
      assert.deepStrictEqual(
        all.map((got) => got.length),
        [1500, 1500, 1500]
      )
      assert.strictEqual(reading.most, 3)
    })
  )

  it.live("reports a failure before the first window by its status, and a later one by cutting the body off", () =>
    Effect.gen(function* () {
      const { simulator, url } = yield* start({ sessions: 1500 })
      const newest = simulator.truth().reduce((a, b) => ((a.startedAt ?? 0) > (b.startedAt ?? 0) ? a : b))
      simulator.poison(newest.id)
      const ask = (path: string) => Effect.promise(() => open(`${url}${path}`))
      const cut = yield* ask("/calls")
      const error = yield* Effect.promise(() => ids(cut).catch((cause: unknown) => cause))
      assert.strictEqual(error instanceof Error && "code" in error ? error.code : error, "ECONNRESET")

      assert.strictEqual((yield* ask("/calls?since=yesterday")).statusCode, 400)
      simulator.failNext(1, Fault.status(401))
      assert.strictEqual((yield* ask("/calls?status=completed")).statusCode, 502)
      assert.strictEqual((yield* ask("/health")).statusCode, 200)
    })
  )
})
