import type * as AgniClient from "@callstream/core/client/AgniClient"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Server from "./Server.ts"

const clientOf = (simulator: AgniSimulator.AgniSimulator, options: Partial<AgniClient.Options> = {}) =>
  Server.clientOf({ client: simulator.httpClient }, { apiKey: Redacted.make(simulator.apiKey), ...options })

/** All sessions of a quiet simulator, page after page. */
const everything = (options: AgniSimulator.Options, pageSize = 50) =>
  Effect.gen(function* () {
    const simulator = yield* AgniSimulator.make({ sessions: 120, ...options })
    const client = yield* clientOf(simulator)
    const pages = yield* Effect.forEach([1, 2, 3, 4], (page) => client.list({ page, pageSize }))
    return { simulator, pages, sessions: pages.flatMap(({ rows }) => rows.sessions()) }
  })

describe("tries", () => {
  it.effect("may be fewer for one request, except where the server asks to wait", () =>
    Effect.gen(function* () {
      const failing = yield* AgniSimulator.make({ sessions: 5 })
      failing.failNext(9, Fault.status(500))
      const client = yield* clientOf(failing, { retry: { tries: 8, base: "1 millis" } })
      const fiber = yield* Effect.forkChild(Effect.flip(client.list({}, { tries: 2 })))
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error.attempts, 2)
      const busy = yield* AgniSimulator.make({ sessions: 5 })
      busy.failNext(5, Fault.tooManyRequests({ retryAfter: "0 seconds" }))
      const patient = yield* clientOf(busy, { retry: { tries: 8, base: "1 millis" } })
      const page = yield* Effect.forkChild(patient.list({}, { tries: 2 }))
      yield* TestClock.adjust("1 minute")
      assert.lengthOf((yield* Fiber.join(page)).rows.sessions(), 5)
    })
  )
})

describe("what the endpoint may write", () => {
  const wires: ReadonlyArray<AgniSimulator.Options> = [
    { wire: "documented" },
    { wire: "seen" },
    { edition: "snake" },
    { wire: "seen", edition: "snake" },
    {
      edition: "camel",
      integers: "mixed",
      cost: "mixed",
      missing: "mixed",
      timestamps: "mixed",
      undatedAs: "mixed",
      undated: 0.2
    },
    {
      edition: "snake",
      integers: "mixed",
      cost: "mixed",
      missing: "mixed",
      timestamps: "mixed",
      undatedAs: "mixed",
      undated: 0.2
    },
    { missing: "null", content: "hostile", unknownFields: true, zeros: "omitted", emptyList: "absent" },
    {
      edition: "snake",
      missing: "null",
      content: "hostile",
      unknownFields: true,
      zeros: "omitted",
      emptyList: "null",
      metaTotal: "string"
    }
  ]

  it.effect.each(wires)("is read whole: %j", (options) =>
    Effect.gen(function* () {
      const { pages, sessions, simulator } = yield* everything(options)
      assert.isEmpty(pages.flatMap(({ rejected }) => rejected).map(({ reason }) => reason))
      assert.sameMembers(
        sessions.map(({ id }) => id),
        simulator.truth().map(({ id }) => id)
      )
      assert.isEmpty(pages[3]?.rows.sessions())
      assert.strictEqual(pages[0]?.total, options.edition === "snake" ? 120 : undefined)
    })
  )

  it.effect("is the same in both editions", () =>
    Effect.gen(function* () {
      const same: AgniSimulator.Options = { seed: 5, content: "hostile", cost: "string" }
      const camel = yield* everything({ ...same, edition: "camel" })
      const snake = yield* everything({ ...same, edition: "snake" })
      assert.deepStrictEqual(snake.sessions, camel.sessions)
    })
  )
})

describe("what may go wrong once", () => {
  it.effect.each<[string, Fault.Fault, number?]>([
    ["408", Fault.status(408)],
    ["425", Fault.status(425)],
    ["429", Fault.tooManyRequests()],
    ["429 with seconds", Fault.tooManyRequests({ retryAfter: "7 seconds" }), 7000],
    ["429 with a date", Fault.tooManyRequests({ retryAfter: "7 seconds", retryAfterAs: "date" }), 7000],
    ["500", Fault.status(500)],
    ["502 as HTML", Fault.htmlError()],
    ["503 without a body", Fault.status(503, { body: "empty" })],
    ["reset", Fault.reset],
    ["hang", Fault.hang, 30_000],
    ["a body slower than the timeout", Fault.slow("40 seconds"), 30_000],
    ["cut", Fault.cut()],
    ["cut at once", Fault.cut(0)],
    ["truncated", Fault.truncated()],
    ["unsuccessful", Fault.unsuccessful],
    ["HTML", Fault.html]
  ])("%j is made good", ([, fault, wait = 0]) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5, clockOffset: "3 hours" })
      simulator.failNext(1, fault)
      const client = yield* clientOf(simulator)
      const page = yield* yield* Server.settle(client.list({})).pipe(Server.withWaits(0))
      assert.lengthOf(page.rows.sessions(), 5)
      assert.deepStrictEqual(
        simulator.requests.map(({ outcome }) => outcome),
        ["fault", "answered"]
      )
      const [first, second] = simulator.requests
      // Virtual time may go on while a body arrives, never the other way.
      assert.isAtLeast(((second?.at ?? 0) - (first?.at ?? 0)) / 1000, wait)
    })
  )

  it.effect("a slow body within the timeout is only slow", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5 })
      simulator.failNext(1, Fault.slow("20 seconds"))
      const client = yield* clientOf(simulator)
      assert.lengthOf((yield* yield* Server.settle(client.list({}))).rows.sessions(), 5)
      assert.lengthOf(simulator.requests, 1)
    })
  )

  it.effect.each<[string, AgniSimulator.Options, Partial<AgniClient.Options>, string]>([
    ["a wrong key", {}, { apiKey: Redacted.make("wrong") }, "Unauthorized"],
    ["a plan without API access", { forbidden: true }, {}, "Forbidden"],
    ["a wrong path", {}, { baseUrl: "https://api.ravan.ai/v9" }, "NotFound"],
    ["another origin", { script: [{ on: 1, fault: Fault.redirect("other-origin") }] }, {}, "InvalidResponse"],
    [
      "a body without end",
      { script: [{ on: 1, fault: Fault.oversized(100_000) }] },
      { maxBodyBytes: 50_000 },
      "InvalidResponse"
    ]
  ])("%j is told at once", ([, options, clientOptions, tag]) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5, ...options })
      const client = yield* clientOf(simulator, clientOptions)
      const error = yield* Server.failure(yield* Server.settle(client.list({})))
      assert.strictEqual(error.reason._tag, tag)
      assert.strictEqual(error.attempts, 1)
      assert.lengthOf(simulator.requests, 1)
    })
  )

  it.effect("a redirect to the same origin is followed", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5 })
      simulator.failNext(1, Fault.redirect("same-origin"))
      const client = yield* clientOf(simulator)
      assert.lengthOf((yield* client.list({})).rows.sessions(), 5)
      assert.deepStrictEqual(
        simulator.requests.map(({ key }) => key),
        ["right", "right"]
      )
    })
  )
})

describe("a server with a limit", () => {
  const pages = Array.from({ length: 40 }, (_, index) => index + 1)

  it.effect("is respected in the end: every page comes, without a single error", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 800, rateLimit: 3 })
      const client = yield* clientOf(simulator)
      const all = Effect.forEach(pages, (page) => client.list({ page }), { concurrency: 8 })
      const found = yield* yield* Server.settle(all)
      assert.sameMembers(
        found.flatMap(({ rows }) => rows.sessions().map(({ id }) => id)),
        simulator.truth().map(({ id }) => id)
      )
    })
  )

  it.effect("is never exceeded by a client that spaces its requests", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 800, rateLimit: 3 })
      const client = yield* clientOf(simulator, { requestsPerSecond: 3 })
      const all = Effect.forEach(pages, (page) => client.list({ page }), { concurrency: 8 })
      yield* yield* Server.settle(all)
      assert.isFalse(simulator.requests.some(({ outcome }) => outcome === "rate-limited"))
    })
  )
})

describe("a cache in between", () => {
  it.effect("is passed by", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5, cache: { ttl: "1 hour" } })
      const client = yield* clientOf(simulator)
      yield* client.list({})
      yield* client.list({})
      assert.deepStrictEqual(
        simulator.requests.map(({ outcome }) => outcome),
        ["answered", "answered"]
      )
    })
  )

  it.effect("that does not let itself be passed by is seen in the page's age", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5, cache: { ttl: "1 hour", respectNoCache: false } })
      const client = yield* clientOf(simulator)
      const fresh = yield* client.list({})
      simulator.advance("90 seconds")
      const cached = yield* client.list({})
      assert.strictEqual(simulator.requests[1]?.outcome, "cached")
      assert.strictEqual(fresh.age, 0)
      assert.strictEqual(cached.age, 90)
      assert.isAtMost(cached.observedAt, fresh.observedAt)
    })
  )

  it.effect("the server's clock decides, not ours", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 5, clockOffset: "3 hours" })
      const client = yield* clientOf(simulator)
      const { observedAt } = yield* client.list({})
      assert.isAbove(simulator.now(), Date.parse("2026-06-01T02:59:59Z") * 1000)
      assert.closeTo(observedAt, simulator.now(), 1_000_000)
    })
  )
})
