import * as Instant from "../../src/model/Instant.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { AgniSimulator } from "../../src/testing/index.ts"
import { get, ids, list, text, url, walk } from "./Asking.ts"

const unsigned = (body: string): string => body.replaceAll(/token=\w+&expires=\d+/g, "")

describe("AgniSimulator", () => {
  it.effect("the same seed answers the same bytes, but for signatures", () =>
    Effect.gen(function* () {
      const options = { seed: 7, sessions: 60, content: "hostile", timestamps: "mixed" } as const
      const one = yield* AgniSimulator.make(options)
      const two = yield* AgniSimulator.make(options)
      const other = yield* AgniSimulator.make({ ...options, seed: 8 })
      const body = yield* text(one, { page_size: 60 })
      assert.strictEqual(body, yield* text(two, { page_size: 60 }))
      const again = yield* text(one, { page_size: 60 })
      assert.notStrictEqual(body, again)
      assert.strictEqual(unsigned(body), unsigned(again))
      assert.notStrictEqual(unsigned(body), unsigned(yield* text(other, { page_size: 60 })))
    })
  )

  it.effect("a walk over a quiet history misses nothing and repeats nothing", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 333 })
      const found = yield* walk(simulator, {}, 50)
      assert.strictEqual(found.length, 333)
      assert.strictEqual(new Set(found).size, 333)
      assert.deepStrictEqual(simulator.missed(found), [])
      const [first, ...rest] = found
      assert.deepStrictEqual(simulator.missed(rest), first === undefined ? [] : [first])
      assert.deepStrictEqual(new Set(simulator.truth().map((session) => session.id)), new Set(found))
    })
  )

  it.effect("the clock before 2000 starts the server in 2026, and time runs with the Clock", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 1 })
      assert.strictEqual(simulator.now(), Date.UTC(2026, 5, 1) * 1000)
      simulator.advance("2 seconds")
      const { headers } = yield* get(simulator)
      assert.strictEqual(headers["date"], "Mon, 01 Jun 2026 00:00:02 GMT")
      const ahead = yield* AgniSimulator.make({ sessions: 1, startAt: Instant.of(1.7e15), clockOffset: "1 hour" })
      assert.strictEqual(ahead.now(), 1.7e15 + 3600e6)
    })
  )

  it.effect("a missing or wrong key is 401, and no key is kept", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 1, apiKey: "right-key" })
      const missing = yield* simulator.httpClient.get(url)
      const wrong = yield* get(simulator, {}, { "x-api-key": "wrong-key" })
      assert.deepStrictEqual([missing.status, wrong.status, (yield* get(simulator)).status], [401, 401, 200])
      assert.deepStrictEqual(yield* wrong.json, { code: 16, message: "API key is missing or invalid", details: [] })
      assert.deepStrictEqual(
        simulator.requests.map(({ key }) => key),
        ["missing", "wrong", "right"]
      )
      assert.notMatch(JSON.stringify(simulator.requests), /right-key|wrong-key/)
    })
  )

  it.effect("a plan without access is 403, another path is the proxy's 404", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ forbidden: true, sessions: 1 })
      const forbidden = yield* get(simulator)
      assert.strictEqual(forbidden.status, 403)
      assert.include(yield* forbidden.text, `"code":"FORBIDDEN"`)
      const lost = yield* simulator.httpClient.get("https://api.ravan.ai/calling/call-sessions")
      assert.strictEqual(lost.status, 404)
      assert.match(lost.headers["content-type"] ?? "", /text\/plain/)
      const posted = yield* simulator.httpClient.post(url)
      assert.strictEqual(posted.status, 501)
    })
  )

  it.effect("requests tell what was asked and what came", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 30 })
      const found = yield* ids(simulator, { page: 2, page_size: 7 })
      const [request] = simulator.requests
      assert.deepInclude(request, {
        number: 1,
        method: "GET",
        origin: "https://api.ravan.ai",
        status: 200,
        outcome: "answered",
        page: 2,
        pageSize: 7,
        params: { page: "2", page_size: "7" },
        at: simulator.now()
      })
      assert.deepStrictEqual(request?.ids, found)
    })
  )

  it.effect("keeps the newest requests only", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 1, keepRequests: 10 })
      for (let i = 0; i < 300; i++) yield* get(simulator)
      assert.isBelow(simulator.requests.length, 120)
      assert.strictEqual(simulator.requests.at(-1)?.number, 300)
    })
  )

  it.effect("ids are version 7 UUIDs in order of creation, and every row has its own", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({
        sessions: 500,
        ties: { share: 0.5, ways: 10 },
        granularity: "second"
      })
      const truth = simulator.truth()
      assert.strictEqual(new Set(truth.map(({ id }) => id)).size, 500)
      for (const { createdAt, id } of truth) {
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        assert.strictEqual(Number.parseInt(id.replace("-", "").slice(0, 12), 16), Math.floor(createdAt / 1000))
      }
      for (const { id } of truth) assert.isTrue(simulator.poison(id))
      assert.isFalse(simulator.poison("01a20393-fce6-7000-aa99-b44c03f7d7b7"))
      assert.isFalse(simulator.remove("nobody"))
    })
  )

  it.effect("serves as a service and as the HttpClient of one layer", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const client = yield* HttpClient.HttpClient
      yield* client.get(url)
      assert.strictEqual(simulator.requests.length, 1)
    }).pipe(Effect.provide(AgniSimulator.layer({ sessions: 1 })))
  )

  it.effect("callers call again", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100 })
      const records = yield* list(simulator, { page_size: 100 })
      const numbers = records.flatMap(({ callerNumber }) => callerNumber ?? [])
      assert.isBelow(new Set(numbers).size, numbers.length)
    })
  )
})
