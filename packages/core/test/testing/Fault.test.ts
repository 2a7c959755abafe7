import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpEffect from "effect/http/HttpEffect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { AgniSimulator, Fault } from "../../src/testing/index.ts"
import { get, ids, iso, list, text, url } from "./Asking.ts"

const make = (options: AgniSimulator.Options = {}) => AgniSimulator.make({ sessions: 30, ...options })

/** The answer to a request that meets the fault. */
const meet = Effect.fnUntraced(function* (fault: Fault.Fault) {
  const simulator = yield* make()
  simulator.failNext(1, fault)
  const response = yield* get(simulator)
  const next = yield* get(simulator)
  assert.strictEqual(next.status, 200)
  assert.deepStrictEqual(
    simulator.requests.map(({ fault }) => fault),
    [fault, undefined]
  )
  assert.deepStrictEqual(
    simulator.requests.map(({ outcome }) => outcome),
    ["fault", "answered"]
  )
  return response
})

describe("faults in process", () => {
  it.effect("statuses have the vendor's bodies", () =>
    Effect.gen(function* () {
      for (const [status, code] of [
        [400, 3],
        [401, 16],
        [429, 8],
        [500, 13],
        [503, 14],
        [504, 4]
      ] as const) {
        const response = yield* meet(Fault.status(status))
        assert.strictEqual(response.status, status)
        assert.strictEqual(JSON.parse(yield* response.text).code, code)
        assert.isUndefined(response.headers["retry-after"])
      }
      const page = yield* meet(Fault.htmlError(502))
      assert.strictEqual(page.status, 502)
      assert.match(yield* page.text, /^<html>/)
      const nothing = yield* meet(Fault.status(503, { body: "empty" }))
      assert.strictEqual(yield* nothing.text, "")
      assert.strictEqual((yield* Effect.flip(Stream.runCollect(nothing.stream))).reason._tag, "EmptyBodyError")
      assert.strictEqual(yield* (yield* meet(Fault.status(404))).text, "404 page not found\n")
    })
  )

  it.effect("Retry-After in seconds and as a date", () =>
    Effect.gen(function* () {
      const seconds = yield* meet(Fault.tooManyRequests({ retryAfter: "7 seconds" }))
      assert.strictEqual(seconds.headers["retry-after"], "7")
      const date = yield* meet(Fault.tooManyRequests({ retryAfter: "7 seconds", retryAfterAs: "date" }))
      assert.strictEqual(date.headers["retry-after"], "Mon, 01 Jun 2026 00:00:07 GMT")
    })
  )

  it.effect("reset is a transport error", () =>
    Effect.gen(function* () {
      const simulator = yield* make()
      simulator.failNext(1, Fault.reset)
      const error = yield* Effect.flip(get(simulator))
      assert.strictEqual(error.reason._tag, "TransportError")
      assert.strictEqual((yield* get(simulator)).status, 200)
    })
  )

  it.effect("hang never answers, and can be interrupted", () =>
    Effect.gen(function* () {
      const simulator = yield* make()
      simulator.failNext(1, Fault.hang)
      const fiber = yield* Effect.forkChild(Effect.exit(Effect.timeout(get(simulator), "1 hour")))
      yield* TestClock.adjust("59 minutes")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
    })
  )

  it.effect("a slow body trickles in virtual time", () =>
    Effect.gen(function* () {
      const response = yield* meet(Fault.slow("10 seconds", 5))
      let bytes = 0
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(response.stream, (chunk) => Effect.sync(() => void (bytes += chunk.length)))
      )
      yield* TestClock.adjust("5 seconds")
      const half = bytes
      assert.isAbove(half, 0)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      assert.isAbove(bytes, half)
      const whole = yield* Effect.forkChild(response.text)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(JSON.parse(yield* Fiber.join(whole)).success, true)
    })
  )

  it.effect("a body that is cut off is shorter than its head says", () =>
    Effect.gen(function* () {
      const response = yield* meet(Fault.cut(0.25))
      let bytes = 0
      const error = yield* Effect.flip(
        Stream.runForEach(response.stream, (chunk) => Effect.sync(() => void (bytes += chunk.length)))
      )
      assert.strictEqual(error.reason._tag, "DecodeError")
      assert.strictEqual(bytes, Math.floor(Number(response.headers["content-length"]) / 4))
      assert.strictEqual((yield* Effect.flip(response.text)).reason._tag, "DecodeError")
    })
  )

  it.effect("JSON that ends early", () =>
    Effect.gen(function* () {
      const response = yield* meet(Fault.truncated(0.5))
      assert.match(yield* response.text, /^\{"success":true/)
      assert.strictEqual((yield* Effect.flip(response.json)).reason._tag, "DecodeError")
    })
  )

  it.effect("answers with status 200 that are none", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* (yield* meet(Fault.unsuccessful)).json, { success: false })
      assert.deepStrictEqual(yield* (yield* meet(Fault.emptyAnswer)).json, { success: true, data: {} })
      assert.match(yield* (yield* meet(Fault.html)).text, /^<html>/)
    })
  )

  it.effect("redirects", () =>
    Effect.gen(function* () {
      const here = yield* meet(Fault.redirect())
      assert.strictEqual(here.status, 307)
      assert.strictEqual(here.headers["location"], AgniSimulator.endpointPath)
      const there = yield* meet(Fault.redirect("other-origin", 302))
      assert.strictEqual(there.status, 302)
      assert.match(there.headers["location"] ?? "", /^https:\/\/elsewhere\.example\//)
    })
  )

  it.effect("an oversized body is a true one behind padding", () =>
    Effect.gen(function* () {
      const response = yield* meet(Fault.oversized(200_001))
      const body = yield* response.text
      assert.strictEqual(body.length - body.replace(/^\{ +/, "{").length, 200_001)
      assert.strictEqual(JSON.parse(body).data.callSessions.length, 20)
    })
  )
})

describe("which request meets a fault", () => {
  it.effect("by script", () =>
    Effect.gen(function* () {
      const simulator = yield* make({
        script: [
          { on: 2, fault: Fault.status(500) },
          { on: { page: 3 }, fault: Fault.status(502), times: 2 },
          { on: { every: 5, from: 8 }, fault: Fault.status(503), times: Infinity },
          { on: { where: ({ pageSize }) => pageSize === 99 }, fault: Fault.status(504) }
        ]
      })
      const statuses: Array<number> = []
      for (const page of [1, 1, 3, 3, 3, 1, 1, 1, 1, 1]) statuses.push((yield* get(simulator, { page })).status)
      statuses.push((yield* get(simulator, { page_size: 99 })).status)
      assert.deepStrictEqual(statuses, [200, 500, 502, 502, 200, 200, 200, 200, 200, 503, 504])
    })
  )

  it.effect("by chance, at the rate, never for ever, and the same with the same seed", () =>
    Effect.gen(function* () {
      const statuses = Effect.fnUntraced(function* (seed: number, faultRate: number) {
        const simulator = yield* make({ seed, faultRate, faults: [Fault.status(503)], faultsInARow: 2 })
        const found: Array<number> = []
        for (let i = 0; i < 300; i++) found.push((yield* get(simulator)).status)
        return found
      })
      const some = yield* statuses(1, 0.2)
      assert.deepStrictEqual(yield* statuses(1, 0.2), some)
      assert.notDeepEqual(yield* statuses(2, 0.2), some)
      assert.approximately(some.filter((status) => status === 503).length, 58, 20)
      assert.deepStrictEqual((yield* statuses(1, 1)).slice(0, 6), [503, 503, 200, 503, 503, 200])
    })
  )

  it.effect("a poison row fails every page it is on", () =>
    Effect.gen(function* () {
      const simulator = yield* make({ poison: [7], undated: 0 })
      const id = simulator.truth()[7]?.id ?? ""
      const start = simulator.truth()[7]?.startedAt ?? 0
      const statuses: Array<number> = []
      for (let page = 1; page <= 15; page++) statuses.push((yield* get(simulator, { page, page_size: 2 })).status)
      assert.strictEqual(statuses.filter((status) => status === 500).length, 1)
      assert.strictEqual((yield* get(simulator, { started_after: iso(start), started_before: iso(start) })).status, 500)
      assert.strictEqual(simulator.requests.at(-1)?.outcome, "poisoned")
      assert.isTrue(simulator.poison(id, false))
      assert.deepStrictEqual(yield* ids(simulator, { started_after: iso(start), started_before: iso(start) }), [id])
      const shared = yield* make({ poison: 1 })
      assert.strictEqual((yield* get(shared)).status, 500)
    })
  )

  it.effect("a message over the limit is an error, a smaller page isn't", () =>
    Effect.gen(function* () {
      const simulator = yield* make({ messageLimit: 15_000, messageLimitStatus: 429 })
      const large = yield* get(simulator, { page_size: 30 })
      assert.strictEqual(large.status, 429)
      assert.strictEqual(JSON.parse(yield* large.text).code, 8)
      assert.strictEqual((yield* get(simulator, { page_size: 3 })).status, 200)
    })
  )

  it.effect("a rate limit holds for any one second", () =>
    Effect.gen(function* () {
      const simulator = yield* make({ rateLimit: 3 })
      const burst = Effect.map(
        Effect.forEach([1, 2, 3, 4, 5], () => get(simulator), { concurrency: 5 }),
        (responses) => responses.filter(({ status }) => status === 200).length
      )
      assert.strictEqual(yield* burst, 3)
      assert.strictEqual(simulator.requests.at(-1)?.outcome, "rate-limited")
      assert.strictEqual((yield* get(simulator)).headers["retry-after"], "1")
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* burst, 0)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* burst, 3)
    })
  )
})

describe("latency, clock and cache", () => {
  it.effect("latency and jitter pass in virtual time", () =>
    Effect.gen(function* () {
      const simulator = yield* make({ latency: "200 millis", jitter: "100 millis" })
      const fiber = yield* Effect.forkChild(Effect.timed(get(simulator)))
      yield* TestClock.adjust("1 second")
      const [took] = yield* Fiber.join(fiber)
      assert.isAtLeast(Duration.toMillis(took), 200)
      assert.isBelow(Duration.toMillis(took), 301)
    })
  )

  it.effect("Date runs, stops, or is missing", () =>
    Effect.gen(function* () {
      const dates = Effect.fnUntraced(function* (date: "clock" | "frozen" | "absent") {
        const simulator = yield* make({ date })
        const { headers: first } = yield* get(simulator)
        simulator.advance("5 seconds")
        const { headers: second } = yield* get(simulator)
        return [first["date"], second["date"]]
      })
      const [start, later] = ["Mon, 01 Jun 2026 00:00:00 GMT", "Mon, 01 Jun 2026 00:00:05 GMT"]
      assert.deepStrictEqual(yield* dates("clock"), [start, later])
      assert.deepStrictEqual(yield* dates("frozen"), [start, start])
      assert.deepStrictEqual(yield* dates("absent"), [undefined, undefined])
    })
  )

  it.effect("a cache repeats an answer for its time, and says so", () =>
    Effect.gen(function* () {
      const simulator = yield* make({ cache: { ttl: "10 seconds" } })
      const first = yield* get(simulator)
      simulator.add()
      simulator.advance("4 seconds")
      const second = yield* get(simulator)
      assert.strictEqual(yield* second.text, yield* first.text)
      assert.deepStrictEqual([second.headers["age"], second.headers["date"]], ["4", first.headers["date"]])
      assert.notStrictEqual(yield* text(simulator, {}, { "cache-control": "no-cache" }), yield* first.text)
      assert.strictEqual((yield* list(simulator, { page_size: 21 })).length, 21)
      simulator.advance("10 seconds")
      assert.isUndefined((yield* get(simulator)).headers["age"])
      assert.deepStrictEqual(
        simulator.requests.map(({ outcome }) => outcome),
        ["answered", "cached", "answered", "answered", "answered"]
      )
    })
  )

  it.effect("a cache may neither obey nor tell", () =>
    Effect.gen(function* () {
      const simulator = yield* make({ cache: { ttl: "10 seconds", respectNoCache: false, age: false } })
      const first = yield* text(simulator)
      const second = yield* get(simulator, {}, { "cache-control": "no-cache" })
      assert.strictEqual(yield* second.text, first)
      assert.isUndefined(second.headers["age"])
    })
  )
})

describe("faults over HTTP", () => {
  const web = (simulator: AgniSimulator.AgniSimulator) => {
    const handler = HttpEffect.toWebHandler(simulator.httpApp)
    return () =>
      Effect.promise(() => handler(new Request(`${url}?page_size=5`, { headers: { "x-api-key": simulator.apiKey } })))
  }

  it.effect("the app answers as the client does", () =>
    Effect.gen(function* () {
      const simulator = yield* make()
      const response = yield* web(simulator)()
      const body = yield* Effect.promise(() => response.text())
      assert.strictEqual(response.headers.get("content-type"), "application/json")
      assert.deepStrictEqual(
        JSON.parse(body).data.callSessions.map(({ id }: { readonly id: string }) => id),
        yield* ids(simulator, { page_size: 5 })
      )
      simulator.failNext(1, Fault.tooManyRequests({ retryAfter: "3 seconds" }))
      const limited = yield* web(simulator)()
      assert.deepStrictEqual([limited.status, limited.headers.get("retry-after")], [429, "3"])
      simulator.failNext(1, Fault.redirect())
      assert.strictEqual((yield* web(simulator)()).status, 307)
    })
  )

  it.effect("what breaks on a socket is a body that fails", () =>
    Effect.gen(function* () {
      const simulator = yield* make()
      for (const fault of [Fault.reset, Fault.cut(0)]) {
        simulator.failNext(1, fault)
        const response = yield* web(simulator)()
        assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.tryPromise(() => response.text()))))
      }
    })
  )
})
