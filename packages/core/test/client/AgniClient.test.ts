import * as AgniClient from "@callstream/core/client/AgniClient"
import { Budget } from "@callstream/core/client/Budget"
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import * as VersionClock from "@callstream/core/client/VersionClock"
import { AgniError } from "@callstream/core/model/AgniError"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Version from "@callstream/core/model/Version"
import * as Rows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as Server from "./Server.ts"

const { id, key, page } = Server

/** The error of a list that must fail, and the time goes on by itself. */
const errorOf = (server: Server.Server, options: Partial<AgniClient.Options> = {}, query: CallSessionQuery = {}) =>
  Effect.gen(function* () {
    const client = yield* Server.clientOf(server, options)
    return yield* Server.failure(yield* Server.settle(client.list(query)))
  })

/** The page of a list that must succeed, and the time goes on by itself. */
const pageOf = (server: Server.Server, options: Partial<AgniClient.Options> = {}, query: CallSessionQuery = {}) =>
  Effect.gen(function* () {
    const client = yield* Server.clientOf(server, options)
    return yield* yield* Server.settle(client.list(query))
  })

const always = (reply: Server.Reply) => Server.make(() => reply)
/** Fails once, then has a page. */
const once = (answer: Server.Answer) => Server.make((number) => (number === 1 ? answer : page))

describe("a request that may fail alone", () => {
  const down: Server.Reply = { status: 500, body: { message: "cannot render" } }
  const listing = (server: Server.Server, options: AgniClient.ListOptions) =>
    Effect.gen(function* () {
      const client = yield* Server.clientOf(server)
      return yield* Server.failure(yield* Server.settle(client.list({}, options)))
    }).pipe(Server.withWaits(1))

  it.effect("is given up after two tries where the server answers another one, and the error says so", () =>
    Effect.gen(function* () {
      const server = always(down)
      const error = yield* listing(server, { isUp: Effect.succeed(true) })
      assert.lengthOf(server.sent, 2)
      assert.deepInclude(error, { attempts: 2, alone: true })
      assert.match(error.message, /\(2 attempts in 500ms; other requests were answered\)$/)
    })
  )

  it.effect("has all tries, asked once whether it is up, where the server is down", () =>
    Effect.gen(function* () {
      const server = always(down)
      let asked = 0
      const isUp = Effect.sync(() => ++asked === 2)
      const error = yield* listing(server, { isUp })
      assert.lengthOf(server.sent, 8)
      assert.strictEqual(asked, 1)
      assert.strictEqual(error.attempts, 8)
      assert.isUndefined(error.alone)
      assert.strictEqual(Duration.toSeconds(error.elapsed), 61.5)
    })
  )

  it.effect("is held back as long as the server asks, whatever it answers to others", () =>
    Effect.gen(function* () {
      const server = always({ status: 429 })
      const error = yield* listing(server, { isUp: Effect.succeed(true) })
      assert.strictEqual(error.attempts, 8)
    })
  )

  it.effect("with short waits has all tries within seconds, and longer waits where the server asks for them", () =>
    Effect.gen(function* () {
      const server = always(down)
      const error = yield* listing(server, { shortWaits: true })
      assert.strictEqual(error.attempts, 8)
      assert.strictEqual(Duration.toSeconds(error.elapsed), 11.5)
      const asking = always({ ...down, headers: { "retry-after": "5" } })
      assert.strictEqual(Duration.toSeconds((yield* listing(asking, { shortWaits: true })).elapsed), 35)
    })
  )
})

describe("a page", () => {
  it.effect("is one request, and what the server said", () =>
    Effect.gen(function* () {
      const server = always(page)
      const found = yield* pageOf(server, {}, { page: 2, pageSize: 50, search: "a b&c", callerNumber: "+14155550123" })
      assert.lengthOf(server.sent, 1)
      assert.strictEqual(server.sent[0]?.method, "GET")
      assert.strictEqual(server.sent[0]?.url.origin, "https://api.ravan.ai")
      assert.strictEqual(server.sent[0]?.url.pathname, "/api/v1/calling/call-sessions")
      assert.deepStrictEqual(
        [...(server.sent[0]?.url.searchParams ?? [])],
        [
          ["page", "2"],
          ["page_size", "50"],
          ["caller_number", "+14155550123"],
          ["search", "a b&c"]
        ]
      )
      assert.strictEqual(found.page, 2)
      assert.deepStrictEqual(found.rows.sessions(), [{ id, status: "completed" }])
      assert.strictEqual(found.edition, "camelCase")
    })
  )

  it.effect("is page 1 when no page was asked for, without a query string", () =>
    Effect.gen(function* () {
      const server = always(page)
      assert.strictEqual((yield* pageOf(server)).page, 1)
      assert.strictEqual(server.sent[0]?.url.href, "https://api.ravan.ai/api/v1/calling/call-sessions")
    })
  )

  it.effect("sends the key, what it takes, that it wants no cached answer, and no trace", () =>
    Effect.gen(function* () {
      const server = always(page)
      yield* pageOf(server).pipe(Effect.withSpan("parent"))
      const headers = server.sent[0]?.headers ?? {}
      assert.strictEqual(headers["x-api-key"], key)
      assert.strictEqual(headers["accept"], "application/json")
      assert.strictEqual(headers["cache-control"], "no-cache")
      assert.strictEqual(headers["user-agent"], "callstream")
      assert.deepStrictEqual(Object.keys(headers).sort(), ["accept", "cache-control", "user-agent", "x-api-key"])
    })
  )

  it.effect("leaves no key, number or search in any span", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* pageOf(always(page), {}, { search: "SEARCHED", callerNumber: "+14155550123" }).pipe(
        Effect.withSpan("parent"),
        Effect.provideService(Tracer.Tracer, tracer)
      )
      const text = spans.map((span) => `${span.name} ${JSON.stringify([...span.attributes])}`).join("\n")
      assert.include(text, "GET /api/v1/calling/call-sessions")
      for (const canary of [key, "4155550123", "SEARCHED"]) assert.notInclude(text, canary)
    })
  )

  it.effect("is refused before a request when the query is wrong", () =>
    Effect.gen(function* () {
      const server = always(page)
      const error = yield* errorOf(server, {}, { agentId: "agent-1" })
      assert.lengthOf(server.sent, 0)
      assert.strictEqual(error.attempts, 0)
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.strictEqual(error.reason._tag === "InvalidRequest" ? error.reason.parameter : "", "agentId")
      assert.isFalse(error.retryable)
    })
  )

  it.effect("keeps records that could not be decoded", () =>
    Effect.gen(function* () {
      const found = yield* pageOf(always({ body: { data: [{ id }, { id: null }], meta: { total: "2" } } }))
      assert.lengthOf(found.rows.sessions(), 1)
      assert.deepStrictEqual(
        found.rejected.map(({ index, raw }) => [index, raw]),
        [[1, { id: null }]]
      )
      assert.strictEqual(found.total, 2)
    })
  )
})

describe("observedAt", () => {
  const now = Date.parse("2026-07-31T07:16:10.117Z")
  const at = (headers: Record<string, string>) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const client = yield* Server.clientOf(always({ ...page, headers }))
      const { age, observedAt } = yield* client.list({})
      return [observedAt / 1000, age]
    })
  const date = "Fri, 31 Jul 2026 07:00:00 GMT"

  it.effect("is the server's Date", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* at({ date }), [Date.parse(date), 0])
    })
  )

  it.effect("is the server's Date also where a cache held the answer, which keeps it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* at({ date, age: "970" }), [Date.parse(date), 970])
    })
  )

  it.effect("is earlier where a cache sends its own time as Date", () =>
    Effect.gen(function* () {
      const own = "Fri, 31 Jul 2026 07:16:10 GMT"
      assert.deepStrictEqual(yield* at({ date: own, age: "970" }), [Date.parse(own) - 970_000, 970])
    })
  )

  it.effect("is the local clock without a usable Date", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* at({}), [now, 0])
      assert.deepStrictEqual(yield* at({ date: "soon", age: "30" }), [now - 30_000, 30])
    })
  )

  it.effect("pays no heed to an Age that is none", () =>
    Effect.gen(function* () {
      for (const age of ["", "-5", "old", "Infinity", "1e999"]) {
        assert.deepStrictEqual(yield* at({ date, age }), [Date.parse(date), 0], age)
      }
    })
  )
})

describe("the version of a page", () => {
  const now = Date.parse("2026-07-31T07:16:10.117Z")
  const http = (millis: number) => new Date(millis).toUTCString()
  const dated = (dates: ReadonlyArray<string>) =>
    Server.make((number) => ({ body: { data: [{ id }, {}] }, headers: { date: dates[number - 1] ?? "" } }))

  it.effect("is the server's clock, and is that of its records, those that cannot be decoded too", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const page = yield* pageOf(dated([http(now)]))
      const version = Date.parse(http(now)) * 1000
      assert.strictEqual<number | undefined>(page.version, version)
      assert.deepStrictEqual<ReadonlyArray<number | undefined>>(
        Rows.items(page.rows).map(({ version }) => version),
        [version]
      )
      assert.strictEqual(page.rejected[0]?.observedAt, version)
    })
  )

  it.effect("rises from page to page of a client, while Date stops, or is wrong for a while", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const dates = [now, now, now + 86_400_000, now + 1000, now - 86_400_000].map(http)
      const client = yield* Server.clientOf(dated(dates))
      const pages = yield* Effect.forEach(dates, () => client.list({}))
      const [first = 0] = dates.map((date) => Date.parse(date) * 1000)
      const ahead = (now + 300_000) * 1000
      assert.deepStrictEqual<ReadonlyArray<number | undefined>>(
        pages.map(({ version }) => version),
        [first, first + 1, ahead, ahead + 1, ahead + 2]
      )
      // What the server's clock says stays what it is.
      assert.deepStrictEqual(
        pages.map(({ observedAt }) => observedAt / 1000),
        dates.map((date) => Date.parse(date))
      )
    })
  )

  it.effect("is given by the clock of the run that asks", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const client = yield* Server.clientOf(dated([http(now), http(now)]))
      const clock = VersionClock.make(Version.clock(Version.of(now * 1000 + 5)))
      const page = yield* Effect.provideService(client.list({}), VersionClock.Current, clock)
      assert.strictEqual<number | undefined>(page.version, now * 1000 + 6)
      const other = yield* client.list({})
      assert.strictEqual<number | undefined>(other.version, Date.parse(http(now)) * 1000)
    })
  )
})

describe("what is not retried", () => {
  it.effect.each([
    [400, "InvalidRequest"],
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "NotFound"],
    [405, "InvalidRequest"],
    [422, "InvalidRequest"],
    [304, "InvalidRequest"]
  ] as const)("%j is one request", ([status, tag]) =>
    Effect.gen(function* () {
      const server = always({ status, body: { code: 3, message: "told so", details: [] } })
      const error = yield* errorOf(server)
      assert.lengthOf(server.sent, 1)
      assert.strictEqual(error.reason._tag, tag)
      assert.strictEqual(error.attempts, 1)
      assert.isFalse(error.retryable)
      assert.include(error.message, String(status))
      if (status !== 404) assert.include(error.message, "told so")
    })
  )

  it.effect("a success without content is one request, and says so", () =>
    Effect.gen(function* () {
      const server = always({ status: 204 })
      const error = yield* errorOf(server)
      assert.lengthOf(server.sent, 1)
      assert.strictEqual(error.reason._tag, "InvalidResponse")
      assert.include(error.message, "without content (204)")
      assert.isFalse(error.retryable)
    })
  )

  it.effect("a Retry-After does not change that", () =>
    Effect.gen(function* () {
      const server = always({ status: 403, headers: { "retry-after": "1" } })
      yield* errorOf(server)
      assert.lengthOf(server.sent, 1)
    })
  )

  it.effect("a 400 has the server's words as they are", () =>
    Effect.gen(function* () {
      const message = "invalid page_size: must be at most 100"
      const { reason } = yield* errorOf(always({ status: 400, body: { code: 3, message } }))
      assert.deepInclude(reason, { _tag: "InvalidRequest", status: 400, quote: message })
      assert.notProperty(reason, "parameter")
      assert.strictEqual(reason.message, `the server refused the request with status 400: "${message}"`)
    })
  )

  it.effect("bodies that are no JSON are no trouble", () =>
    Effect.gen(function* () {
      for (const body of ["", "404 page not found", "<html>", "null", "[]", '"text"', '{"message":5}', '{"mess']) {
        assert.strictEqual((yield* errorOf(always({ status: 401, body }))).reason._tag, "Unauthorized")
      }
    })
  )

  it.effect("an answer that is another endpoint's", () =>
    Effect.gen(function* () {
      const server = always({ body: { success: true, data: { agents: [] } } })
      const error = yield* errorOf(server).pipe(Server.withWaits(1))
      assert.strictEqual(error.reason._tag, "InvalidResponse")
      assert.deepStrictEqual(server.times(), [0, 500, 1500, 3500, 5500, 7500, 9500, 11_500])
    })
  )
})

describe("what is retried", () => {
  it.effect("a 500: eight requests, the waits of the policy, and the time that it took", () =>
    Effect.gen(function* () {
      const server = always({ status: 500, body: { code: 13, message: "database is away" } })
      const error = yield* errorOf(server, {}, { page: 4 }).pipe(Server.withWaits(0.5))
      assert.deepStrictEqual(server.times(), [0, 250, 750, 1750, 3750, 7750, 15_750, 30_750])
      assert.strictEqual(error.attempts, 8)
      assert.strictEqual(Duration.toMillis(error.elapsed), 30_750)
      assert.strictEqual(
        error.message,
        'Unavailable: the server failed with status 500: "database is away": ' +
          "GET https://api.ravan.ai/api/v1/calling/call-sessions (8 attempts in 31s)"
      )
      assert.isTrue(error.retryable)
      assert.deepStrictEqual(
        error.reason._tag === "Unavailable" && error.reason.outage._tag === "Status" ? error.reason.outage.status : 0,
        500
      )
    })
  )

  it.effect.each([408, 425, 429, 500, 501, 502, 503, 504, 520])("%d, and then a page", (status) =>
    Effect.gen(function* () {
      const server = once({ status, body: "<html>" })
      assert.lengthOf((yield* pageOf(server)).rows.sessions(), 1)
      assert.lengthOf(server.sent, 2)
    })
  )

  it.effect.each<[string, Server.Reply]>([
    ["success: false", { body: { success: false, message: "busy" } }],
    ["HTML with 200", { body: "<html><body>maintenance</body></html>" }],
    ["JSON that ends early", { body: '{"success":true,"data":{"callSess' }],
    ["nothing at all", { body: "" }]
  ])("%j", ([, reply]) =>
    Effect.gen(function* () {
      const server = once(reply)
      assert.lengthOf((yield* pageOf(server)).rows.sessions(), 1)
      assert.lengthOf(server.sent, 2)
    })
  )

  it.effect("a connection that fails", () =>
    Effect.gen(function* () {
      const server = Server.make((number, _, request) =>
        number === 1 ? Effect.fail(Server.transportError(request, "ECONNREFUSED")) : page
      )
      assert.lengthOf((yield* pageOf(server)).rows.sessions(), 1)
      assert.lengthOf(server.sent, 2)
    })
  )

  it.effect("a body that is cut off, even if what came is whole JSON", () =>
    Effect.gen(function* () {
      const server = Server.make((number, _, request) =>
        number === 1 ? { ...page, cutOff: Server.transportError(request, "ECONNRESET") } : page
      )
      assert.lengthOf((yield* pageOf(server)).rows.sessions(), 1)
      assert.lengthOf(server.sent, 2)
      const error = yield* errorOf(
        Server.make((_, __, request) => ({ ...page, cutOff: Server.transportError(request, "ECONNRESET") })),
        { retry: { tries: 2 } }
      )
      assert.include(error.message, "cut off")
      assert.include(error.message, "ECONNRESET")
      assert.strictEqual(error.attempts, 2)
    })
  )

  it.effect("a server that says nothing: every attempt ends after 30 s, and its connection with it", () =>
    Effect.gen(function* () {
      const server = Server.make(() => Effect.never)
      const error = yield* errorOf(server, { retry: { tries: 3 } }).pipe(Server.withWaits(0))
      assert.deepStrictEqual(server.times(), [0, 30_000, 60_000])
      assert.strictEqual(Duration.toMillis(error.elapsed), 90_000)
      assert.include(error.message, "no complete response within 30s")
      assert.isTrue(server.sent.every(({ signal }) => signal.aborted))
    })
  )

  it.effect("a body that stops in the middle: the same, and the timeout can be chosen", () =>
    Effect.gen(function* () {
      let cancelled = 0
      const server = Server.make(
        () =>
          new Response(
            new ReadableStream({
              start: (controller) => controller.enqueue(new TextEncoder().encode('{"success":')),
              cancel: () => void cancelled++
            })
          )
      )
      const client = yield* Server.clientOf(server, { timeout: "5 seconds", retry: { tries: 1 } })
      const fiber = yield* Effect.forkChild(Effect.flip(client.list({})))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(cancelled, 0)
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(Duration.toMillis(error.elapsed), 5000)
      assert.isTrue(server.sent[0]?.signal.aborted || cancelled > 0)
    })
  )

  it.effect("counts from the start for every list, even of the same effect", () =>
    Effect.gen(function* () {
      const server = always({ status: 500 })
      const client = yield* Server.clientOf(server, { retry: { tries: 2 } })
      const list = client.list({})
      for (let run = 0; run < 2; run++) {
        assert.strictEqual((yield* Server.failure(yield* Server.settle(list))).attempts, 2)
      }
      assert.lengthOf(server.sent, 4)
    })
  )
})

describe("Retry-After", () => {
  const now = Date.parse("2026-07-31T07:16:10Z")
  const http = (millis: number) => new Date(millis).toUTCString()
  const waited = (headers: Record<string, string>, status = 503) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const server = once({ status, headers })
      yield* pageOf(server).pipe(Server.withWaits(0))
      return server.times()[1]
    })

  it.effect("in seconds", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* waited({ "retry-after": "7" }), 7000)
      assert.strictEqual(yield* waited({ "retry-after": "7" }, 429), 7000)
      assert.strictEqual(yield* waited({ "retry-after": "60" }, 429), 60_000)
      assert.strictEqual(yield* waited({ "retry-after": "0" }), 0)
    })
  )

  it.effect("as a date, by our clock when the server sends none", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* waited({ "retry-after": http(now + 20_000) }), 20_000)
      assert.strictEqual(yield* waited({ "retry-after": http(now - 20_000) }), 0)
    })
  )

  it.effect("as a date, by the server's clock when it sends it", () =>
    Effect.gen(function* () {
      for (const skew of [-3_600_000, 3_600_000]) {
        const theirs = now + skew
        assert.strictEqual(
          yield* waited({ date: http(theirs), "retry-after": http(theirs + 20_000) }),
          20_000,
          `skew ${skew}`
        )
      }
    })
  )

  it.effect("that is none is as if there were none", () =>
    Effect.gen(function* () {
      for (const junk of ["soon", "-5", "1.5", "Infinity", ""]) {
        assert.strictEqual(yield* waited({ "retry-after": junk }), 0, junk)
      }
    })
  )

  it.effect("of more than 60 s is not waited for: the error comes at once and says how long", () =>
    Effect.gen(function* () {
      for (const asked of ["61", "3600", "99999999999999999999999"]) {
        const server = always({ status: 429, headers: { "retry-after": asked } })
        const error = yield* errorOf(server)
        assert.lengthOf(server.sent, 1)
        assert.strictEqual(Duration.toMillis(error.elapsed), 0)
        assert.strictEqual(error.reason._tag, "RateLimited")
        assert.isTrue(error.retryable)
        const wait = error.reason._tag === "RateLimited" ? error.reason.retryAfter : undefined
        assert.closeTo((wait === undefined ? 0 : Duration.toSeconds(wait)) / Number(asked), 1, 1e-9)
      }
    })
  )

  it.effect("the patience can be chosen", () =>
    Effect.gen(function* () {
      const server = once({ status: 429, headers: { "retry-after": "600" } })
      yield* pageOf(server, { retry: { retryAfterCap: "10 minutes" } })
      assert.deepStrictEqual(server.times(), [0, 600_000])
    })
  )
})

describe("the budget", () => {
  it.effect("a 429 holds back the other users of the same client, who ask nothing meanwhile", () =>
    Effect.gen(function* () {
      const server = once({ status: 429, headers: { "retry-after": "10" } })
      const client = yield* Server.clientOf(server)
      const first = yield* Effect.forkChild(client.list({ page: 1 }))
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.forkChild(client.list({ page: 2 }))
      const third = yield* Effect.forkChild(client.list({ page: 3 }))
      yield* TestClock.adjust("8999 millis")
      assert.lengthOf(server.sent, 1)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll([first, second, third])
      const [, ...others] = server.times()
      assert.lengthOf(others, 3)
      for (const time of others) assert.isAtLeast(time, 10_000)
    })
  )

  it.effect("a 429 that one client gets holds back all clients over the same budget, retries too", () =>
    Effect.gen(function* () {
      const server = Server.make((number) =>
        number === 1
          ? { status: 429, headers: { "retry-after": "10" } }
          : number === 2
            ? { status: 429, headers: { "retry-after": "20" } }
            : Server.page
      )
      const keys = ["one", "two", "three"]
      const clients = yield* Effect.forEach(keys, (key) =>
        AgniClient.AgniClient.makeShared({ apiKey: Redacted.make(key) })
      ).pipe(
        Effect.provide(Budget.layer({ requestsPerSecond: 10 })),
        Effect.provideService(HttpClient.HttpClient, server.client)
      )
      const fibers = yield* Effect.forEach(clients, (client) =>
        Effect.tap(Effect.forkChild(client.list({})), () => TestClock.adjust("1 second"))
      )
      assert.deepStrictEqual(server.times(), [0])
      yield* TestClock.adjust("1 hour")
      yield* Fiber.joinAll(fibers)
      const [, second, ...others] = server.times()
      assert.strictEqual(second, 10_000)
      assert.lengthOf(others, 3)
      for (const time of others) assert.isAtLeast(time, 30_000)
      assert.deepStrictEqual(new Set(server.sent.map(({ headers }) => headers["x-api-key"])), new Set(keys))
    })
  )

  it.effect("a 500 does not", () =>
    Effect.gen(function* () {
      const server = once({ status: 500, headers: { "retry-after": "10" } })
      const client = yield* Server.clientOf(server)
      const first = yield* Effect.forkChild(client.list({ page: 1 }))
      yield* TestClock.adjust("1 second")
      yield* client.list({ page: 2 })
      assert.deepStrictEqual(server.times(), [0, 1000])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(first)
    })
  )

  it.effect("nor a 429 that is not waited for", () =>
    Effect.gen(function* () {
      const server = once({ status: 429, headers: { "retry-after": "3600" } })
      const client = yield* Server.clientOf(server)
      yield* Effect.flip(client.list({}))
      yield* client.list({})
      assert.deepStrictEqual(server.times(), [0, 0])
    })
  )

  it.effect("nor a client of its own", () =>
    Effect.gen(function* () {
      const server = once({ status: 429, headers: { "retry-after": "10" } })
      const first = yield* Effect.forkChild((yield* Server.clientOf(server)).list({}))
      yield* TestClock.adjust("1 second")
      yield* (yield* Server.clientOf(server)).list({})
      assert.deepStrictEqual(server.times(), [0, 1000])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(first)
    })
  )

  it.effect("a wait before another try holds no place", () =>
    Effect.gen(function* () {
      const server = once({ status: 500, headers: { "retry-after": "30" } })
      const client = yield* Server.clientOf(server, { maxConcurrentRequests: 1 })
      const first = yield* Effect.forkChild(client.list({ page: 1 }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* client.list({ page: 2 })).page, 2)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(first)
    })
  )

  it.effect("an answer that is decoded holds no place", () =>
    Effect.gen(function* () {
      const server = always(page)
      const decoded = yield* Deferred.make<void>()
      const client = yield* Server.clientOf(server, { maxConcurrentRequests: 1 }).pipe(
        Effect.provideService(PageDecoder.PageDecoder, {
          decode: (body, about) => Effect.andThen(Deferred.await(decoded), PageDecoder.here.decode(body, about))
        })
      )
      const both = yield* Effect.forkChild(
        Effect.all([client.list({ page: 1 }), client.list({ page: 2 })], { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(server.times(), [0, 0])
      yield* Deferred.succeed(decoded, undefined)
      assert.deepStrictEqual(
        (yield* Fiber.join(both)).map(({ page }) => page),
        [1, 2]
      )
    })
  )

  it.effect("spaces tries and retries alike", () =>
    Effect.gen(function* () {
      const server = always({ status: 500 })
      const client = yield* Server.clientOf(server, { requestsPerSecond: 2, retry: { tries: 2 } })
      const both = Effect.all([client.list({ page: 1 }), client.list({ page: 2 })].map(Effect.exit), {
        concurrency: "unbounded"
      })
      yield* Server.settle(both).pipe(Server.withWaits(0))
      assert.deepStrictEqual(server.times(), [0, 518, 1035, 1553])
    })
  )

  it.effect("the time in the queue is not the attempt's", () =>
    Effect.gen(function* () {
      const server = Server.make((number, _, __) => (number === 1 ? Effect.never : page))
      const client = yield* Server.clientOf(server, { maxConcurrentRequests: 1, retry: { tries: 1 } })
      const both = Effect.all([client.list({ page: 1 }), client.list({ page: 2 })].map(Effect.exit), {
        concurrency: "unbounded"
      })
      const [first, second] = yield* yield* Server.settle(both)
      assert.isTrue(first !== undefined && Exit.isFailure(first))
      assert.isTrue(second !== undefined && Exit.isSuccess(second))
      assert.deepStrictEqual(server.times(), [0, 30_000])
    })
  )
})

describe("bodies", () => {
  const endless = () => {
    const state = { pulled: 0, cancelled: 0 }
    const response = new Response(
      new ReadableStream({
        pull: (controller) => {
          state.pulled++
          controller.enqueue(new Uint8Array(1024).fill(32))
        },
        cancel: () => void state.cancelled++
      })
    )
    return { state, response }
  }

  it.effect("larger than allowed end at once, are not retried, and their stream is cancelled", () =>
    Effect.gen(function* () {
      const { response, state } = endless()
      const server = Server.make(() => response)
      const client = yield* Server.clientOf(server, { maxBodyBytes: 10 * 1024 })
      const error = yield* Effect.flip(client.list({}))
      assert.strictEqual(error.reason._tag, "InvalidResponse")
      assert.isFalse(error.retryable)
      assert.include(error.message, "larger than 10240 bytes")
      assert.lengthOf(server.sent, 1)
      assert.strictEqual(state.cancelled, 1)
      assert.isBelow(state.pulled, 20)
    })
  )

  it.effect("of exactly the size allowed are fine", () =>
    Effect.gen(function* () {
      const size = JSON.stringify(page.body).length
      assert.lengthOf((yield* pageOf(always(page), { maxBodyBytes: size })).rows.sessions(), 1)
      assert.strictEqual((yield* errorOf(always(page), { maxBodyBytes: size - 1 })).reason._tag, "InvalidResponse")
    })
  )

  it.effect("characters across two chunks stay whole", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode(JSON.stringify({ data: [{ id, summary: "日本 💥" }] }))
      const server = Server.make(
        () =>
          new Response(
            new ReadableStream({
              start: (controller) => {
                for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
                controller.close()
              }
            })
          )
      )
      const client = yield* Server.clientOf(server)
      assert.strictEqual((yield* client.list({})).rows.sessions()[0]?.summary, "日本 💥")
    })
  )

  it.effect.each([400, 401, 403, 404, 429, 500])("of a %d are read to their end", (status) =>
    Effect.gen(function* () {
      let read = 0
      yield* errorOf(always({ status, body: "x".repeat(1000), onRead: () => void read++ }), { retry: { tries: 2 } })
      assert.strictEqual(read, status === 429 || status === 500 ? 2 : 1)
    })
  )

  it.effect("of an error without an end are cancelled, and the status still counts", () =>
    Effect.gen(function* () {
      const { response, state } = endless()
      const server = Server.make(() => new Response(response.body, { status: 401 }))
      const client = yield* Server.clientOf(server)
      assert.strictEqual((yield* Effect.flip(client.list({}))).reason._tag, "Unauthorized")
      assert.strictEqual(state.cancelled, 1)
    })
  )

  it.effect(
    "of an error that do not come are not waited for: a wrong key is reported within 5 s, not after 8 timeouts",
    () =>
      Effect.gen(function* () {
        const server = Server.make(() => new Response(new ReadableStream(), { status: 401 }))
        const client = yield* Server.clientOf(server)
        const fiber = yield* Effect.forkChild(Effect.flip(client.list({})))
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.reason._tag, "Unauthorized")
        assert.strictEqual(error.attempts, 1)
      })
  )

  it.effect("of an error that are cut off leave the status", () =>
    Effect.gen(function* () {
      const server = Server.make((_, __, request) => ({
        status: 403,
        body: '{"mess',
        cutOff: Server.transportError(request, "ECONNRESET")
      }))
      assert.strictEqual((yield* errorOf(server)).reason._tag, "Forbidden")
      assert.lengthOf(server.sent, 1)
    })
  )
})

describe("redirects", () => {
  const to = (location: string, status = 302, onRead?: () => void): Server.Reply => ({
    status,
    headers: { location },
    body: "moved",
    onRead
  })

  it.effect.each([301, 302, 303, 307, 308])("%d to the same origin is followed, with the key", (status) =>
    Effect.gen(function* () {
      let read = 0
      const server = once(to("https://api.ravan.ai/v2/sessions?page=1", status, () => void read++))
      assert.lengthOf((yield* pageOf(server)).rows.sessions(), 1)
      assert.strictEqual(server.sent[1]?.url.href, "https://api.ravan.ai/v2/sessions?page=1")
      assert.strictEqual(server.sent[1]?.headers["x-api-key"], key)
      assert.strictEqual(read, 1)
    })
  )

  it.effect("a relative one is relative to where it was sent from", () =>
    Effect.gen(function* () {
      const server = Server.make((number) => (number === 1 ? to("/v2/") : number === 2 ? to("next?x=1") : page))
      yield* pageOf(server)
      assert.deepStrictEqual(
        server.sent.slice(1).map(({ url }) => url.pathname + url.search),
        ["/v2/", "/v2/next?x=1"]
      )
    })
  )

  it.effect.each([
    "https://evil.example/steal",
    "http://api.ravan.ai/api/v1/calling/call-sessions",
    "https://api.ravan.ai:8443/",
    "https://api.ravan.ai.evil.example/",
    "https://api.ravan.ai@evil.example/",
    "//evil.example/",
    "\\\\evil.example/",
    "data:application/json,{}",
    "javascript:alert(1)",
    "https://[",
    ""
  ])("to another origin or nowhere, %s, is refused without a second request", (location) =>
    Effect.gen(function* () {
      const server = always(to(location))
      const error = yield* errorOf(server)
      assert.lengthOf(server.sent, 1)
      assert.strictEqual(error.reason._tag, "InvalidResponse")
      assert.isFalse(error.retryable)
    })
  )

  it.effect("says where it should have gone, but not the path, which may hold a token", () =>
    Effect.gen(function* () {
      const error = yield* errorOf(always(to("https://other.example/x?token=SECRET")))
      assert.include(error.message, "https://other.example")
      assert.notInclude(error.message, "SECRET")
    })
  )

  it.effect("a loop is left after five", () =>
    Effect.gen(function* () {
      const server = always(to("/api/v1/calling/call-sessions"))
      const error = yield* errorOf(server)
      assert.lengthOf(server.sent, 6)
      assert.strictEqual(error.attempts, 1)
      assert.include(error.message, "more than 5 redirects")
    })
  )

  it.effect("that a browser hides is refused", () =>
    Effect.gen(function* () {
      const hidden = Object.defineProperty(new Response(null), "status", { value: 0 })
      const server = Server.make(() => hidden)
      assert.strictEqual((yield* errorOf(server)).reason._tag, "InvalidResponse")
    })
  )
})

describe("over fetch", () => {
  const overFetch = (fetch: typeof globalThis.fetch, options: Partial<AgniClient.Options> = {}) =>
    Effect.flatMap(AgniClient.AgniClient, (client) => Effect.exit(client.list({}))).pipe(
      Effect.provide(
        AgniClient.AgniClient.layer({ apiKey: Redacted.make(key), retry: { tries: 1 }, ...options }).pipe(
          Layer.provide(FetchHttpClient.layer)
        )
      ),
      Effect.provideService(FetchHttpClient.Fetch, fetch)
    )

  it.effect("redirects are left to us, and the key goes along in a header", () =>
    Effect.gen(function* () {
      const inits: Array<RequestInit | undefined> = []
      const exit = yield* overFetch((_, init) => {
        inits.push(init)
        return Promise.resolve(new Response(JSON.stringify(page.body)))
      }).pipe(Effect.withSpan("parent"))
      assert.isTrue(Exit.isSuccess(exit))
      assert.strictEqual(inits[0]?.redirect, "manual")
      const headers = new Headers(inits[0]?.headers)
      assert.strictEqual(headers.get("x-api-key"), key)
      for (const name of ["traceparent", "b3", "tracestate"]) assert.isFalse(headers.has(name), name)
    })
  )

  it.effect("even when the app has its own RequestInit", () =>
    Effect.gen(function* () {
      const inits: Array<RequestInit | undefined> = []
      yield* overFetch((_, init) => {
        inits.push(init)
        return Promise.resolve(new Response(JSON.stringify(page.body)))
      }).pipe(Effect.provideService(FetchHttpClient.RequestInit, { redirect: "follow", cache: "no-store" }))
      assert.strictEqual(inits[0]?.redirect, "manual")
      assert.strictEqual(inits[0]?.cache, "no-store")
    })
  )

  it.effect("a failed fetch reports its code and not its message", () =>
    Effect.gen(function* () {
      const exit = yield* overFetch(() =>
        Promise.reject(
          new TypeError(`fetch failed ${key}`, { cause: Object.assign(new Error(key), { code: "ENOTFOUND" }) })
        )
      )
      const error = yield* Server.failure(exit)
      assert.include(error.message, "no such host")
      assert.notInclude(inspect(error, { depth: 20, showHidden: true }), key)
    })
  )
})

describe("the options", () => {
  const server = always(page)
  const made = (options: Partial<AgniClient.Options>) => Effect.exit(Server.clientOf(server, options))
  const urlOf = (baseUrl: string) =>
    Effect.gen(function* () {
      const server = always(page)
      yield* pageOf(server, { baseUrl })
      return server.sent[0]?.url.href
    })

  it.effect.each<[string, Partial<AgniClient.Options>]>([
    ["apiKey", { apiKey: Redacted.make("") }],
    ["apiKey", { apiKey: Redacted.make(" \n") }],
    ["apiKey", { apiKey: Redacted.make("sk-SECRET\nx-evil: 1") }],
    ["apiKey", { apiKey: Redacted.make("sk-SECRET one") }],
    ["apiKey", { apiKey: Redacted.make("sk-SECRET\u0000") }],
    ["apiKey", { apiKey: Redacted.make("“sk-SECRET”") }],
    ["baseUrl", { baseUrl: "api.ravan.ai" }],
    ["baseUrl", { baseUrl: "" }],
    ["baseUrl", { baseUrl: "ftp://api.ravan.ai" }],
    ["baseUrl", { baseUrl: "file:///etc/passwd" }],
    ["baseUrl", { baseUrl: "https://user:SECRET@api.ravan.ai" }],
    ["baseUrl", { baseUrl: "https://api.ravan.ai?x=SECRET" }],
    ["baseUrl", { baseUrl: "https://api.ravan.ai#SECRET" }],
    ["baseUrl", { baseUrl: "http://api.ravan.ai" }],
    ["baseUrl", { baseUrl: "http://127.evil.example" }],
    ["baseUrl", { baseUrl: "http://127.0.0.1.evil.example" }],
    ["baseUrl", { baseUrl: "http://localhost.evil.example" }],
    ["baseUrl", { baseUrl: "http://notlocalhost" }],
    ["baseUrl", { baseUrl: "http://10.0.0.1" }],
    ["baseUrl", { baseUrl: "http://[::2]" }],
    ["maxConcurrentRequests", { maxConcurrentRequests: 0 }],
    ["maxConcurrentRequests", { maxConcurrentRequests: 1.5 }],
    ["requestsPerSecond", { requestsPerSecond: 0 }],
    ["requestsPerSecond", { requestsPerSecond: NaN }],
    ["requestsPerSecond", { requestsPerSecond: Infinity }],
    ["maxBodyBytes", { maxBodyBytes: 0 }],
    ["retry.tries", { retry: { tries: 0 } }],
    ["retry.tries", { retry: { tries: Infinity } }]
  ])("are refused: %j", ([parameter, options]) =>
    Effect.gen(function* () {
      const error = yield* Server.failure(yield* made(options))
      assert.strictEqual(error.reason._tag === "InvalidRequest" ? error.reason.parameter : error.reason._tag, parameter)
      assert.strictEqual(error.attempts, 0)
      assert.notInclude(inspect(error, { depth: 20 }), "SECRET")
      assert.notInclude(JSON.stringify(error), "SECRET")
    })
  )

  it.effect.each([
    "http://127.0.0.1",
    "http://127.0.0.1:8080",
    "http://127.8.9.10",
    "http://[::1]:8080",
    "http://localhost:3000",
    "http://agni.localhost",
    "https://10.0.0.1"
  ])("%s is this machine, or encrypted", (baseUrl) =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* made({ baseUrl })))
    })
  )

  it.effect("plain http elsewhere must be allowed by name", () =>
    Effect.gen(function* () {
      const baseUrl = "http://gateway.internal:8080"
      assert.isTrue(Exit.isFailure(yield* made({ baseUrl, allowInsecureHttp: false })))
      assert.isTrue(Exit.isSuccess(yield* made({ baseUrl, allowInsecureHttp: true })))
    })
  )

  it.effect.each([
    ["https://proxy.example", "https://proxy.example/api/v1/calling/call-sessions"],
    ["https://proxy.example/", "https://proxy.example/api/v1/calling/call-sessions"],
    ["https://proxy.example/agni", "https://proxy.example/agni/api/v1/calling/call-sessions"],
    ["https://proxy.example/agni///", "https://proxy.example/agni/api/v1/calling/call-sessions"],
    ["https://proxy.example:8443/a/b/", "https://proxy.example:8443/a/b/api/v1/calling/call-sessions"]
  ])("the base URL %j", ([baseUrl = "", expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* urlOf(baseUrl), expected)
    })
  )

  it.effect("the key is trimmed", () =>
    Effect.gen(function* () {
      const server = always(page)
      yield* pageOf(server, { apiKey: Redacted.make(` ${key}\r\n`) })
      assert.strictEqual(server.sent[0]?.headers["x-api-key"], key)
    })
  )

  it.effect("transformClient wraps the transport", () =>
    Effect.gen(function* () {
      const server = always(page)
      yield* pageOf(server, {
        transformClient: HttpClient.mapRequest(HttpClientRequest.setHeader("x-proxy", "1"))
      })
      assert.strictEqual(server.sent[0]?.headers["x-proxy"], "1")
    })
  )

  it.effect("transformClient sees requests with the key, which their own printing hides", () =>
    Effect.gen(function* () {
      const seen: Array<HttpClientRequest.HttpClientRequest> = []
      yield* pageOf(always(page), {
        transformClient: HttpClient.tapRequest((request) => Effect.sync(() => void seen.push(request)))
      })
      assert.strictEqual(seen[0]?.headers["x-api-key"], key)
      assert.notInclude(JSON.stringify(seen[0]), key)
      assert.notInclude(inspect(seen[0], { depth: 20 }), key)
    })
  )

  it.effect("layerConfig reads the environment", () =>
    Effect.gen(function* () {
      const server = always(page)
      const run = (env: Record<string, string>) =>
        Effect.flatMap(AgniClient.AgniClient, (client) => client.list({})).pipe(
          Effect.provide(
            AgniClient.AgniClient.layerConfig().pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, server.client)))
          ),
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env)),
          Effect.exit
        )
      assert.isTrue(Exit.isSuccess(yield* run({ AGNI_API_KEY: key, AGNI_BASE_URL: "http://localhost:1" })))
      assert.strictEqual(server.sent[0]?.url.origin, "http://localhost:1")
      assert.strictEqual(server.sent[0]?.headers["x-api-key"], key)
      assert.isTrue(Exit.isSuccess(yield* run({ AGNI_API_KEY: key })))
      assert.strictEqual(server.sent[1]?.url.origin, "https://api.ravan.ai")
      assert.isTrue(Exit.isFailure(yield* run({})))
      assert.lengthOf(server.sent, 2)
    })
  )

  it.effect("layerList answers without HTTP", () =>
    Effect.gen(function* () {
      const found = yield* pageOf(always(page))
      const client = AgniClient.AgniClient.layerList(() => Effect.succeed(found))
      assert.strictEqual(
        yield* AgniClient.AgniClient.use((service) => service.list({})).pipe(Effect.provide(client)),
        found
      )
    })
  )
})

describe("an AgniError", () => {
  it.effect.each<[string, Server.Reply]>([
    ["400", { status: 400, body: { message: "bad page" } }],
    ["401", { status: 401 }],
    ["403", { status: 403 }],
    ["404", { status: 404 }],
    ["429", { status: 429, headers: { "retry-after": "3" } }],
    ["500", { status: 500, headers: { "retry-after": "3" } }],
    ["200", { body: "<html>" }]
  ])("crosses a process boundary and back: %j", ([, reply]) =>
    Effect.gen(function* () {
      const error = yield* errorOf(always(reply), { retry: { tries: 2 } }, { search: "SEARCHED" })
      const json = JSON.stringify(yield* Schema.encodeEffect(AgniError)(error))
      assert.notInclude(json, key)
      assert.notInclude(json, "SEARCHED")
      const back = yield* Schema.decodeUnknownEffect(AgniError)(JSON.parse(json))
      assert.instanceOf(back, AgniError)
      assert.strictEqual(back.message, error.message)
      assert.strictEqual(back.retryable, error.retryable)
      assert.strictEqual(back.reason._tag, error.reason._tag)
      assert.deepStrictEqual(back.elapsed, error.elapsed)
      assert.strictEqual(JSON.stringify(yield* Schema.encodeEffect(AgniError)(back)), json)
    })
  )
})

describe("nothing leaks from a server that repeats all it received", () => {
  const number = "+14155550123"
  const search = "Ada O'Neil & sons"
  const canaries = [key, "4155550123", "O'Neil", "O%27Neil", "TOKEN5d1f"]
  const echo = (sent: Server.Sent) =>
    `key ${sent.headers["x-api-key"]} url ${sent.url.href} raw ${decodeURIComponent(sent.url.search)} ` +
    `${number} ${encodeURIComponent(number)} ${search} ${encodeURIComponent(search)} ${search.toUpperCase()} ` +
    "https://api.ravan.ai/recording?token=TOKEN5d1f https://s3.example?X-Amz-Signature=TOKEN5d1f /recording?token=TOKEN5d1f"
  const words = (text: string) => text.split(/(?=key |url |raw |\+1415|https?:)/)

  /** The canaries in whatever one can print of an error and of the log. */
  const found = (error: AgniError, logs: string) =>
    Effect.gen(function* () {
      const shown = [
        error.message,
        String(error),
        JSON.stringify(error),
        JSON.stringify(yield* Schema.encodeEffect(AgniError)(error)),
        Cause.pretty(Cause.fail(error)),
        JSON.stringify(Cause.fail(error)),
        inspect(error, { depth: 20, showHidden: true }),
        error.stack ?? "",
        logs
      ]
      return canaries.filter((canary) => shown.some((text) => text.includes(canary)))
    })

  const logged = () => {
    const lines: Array<string> = []
    const logger = Logger.make((options) => void lines.push(inspect([options.message, options.cause], { depth: 20 })))
    return { lines, layer: Logger.layer([logger]) }
  }

  const run = (server: Server.Server) =>
    Effect.gen(function* () {
      const { layer, lines } = logged()
      const error = yield* errorOf(server, { retry: { tries: 2 } }, { callerNumber: number, search }).pipe(
        Effect.provide(layer),
        Effect.provideService(References.MinimumLogLevel, "Trace")
      )
      return { error, lines, leaked: yield* found(error, lines.join("\n")) }
    })

  it.effect.each([200, 400, 401, 403, 404, 429, 500, 503])("with status %d", (status) =>
    Effect.gen(function* () {
      const { error, leaked, lines } = yield* run(
        Server.make((_, sent) => ({
          status,
          body: { success: false, code: 3, message: echo(sent), details: [echo(sent)] }
        }))
      )
      assert.isEmpty(leaked)
      assert.include(error.request, "caller_number=…&search=…")
      if (error.attempts === 2) assert.isNotEmpty(lines)
    })
  )

  it.effect("one thing at a time, so that no part hides behind the cut", () =>
    Effect.gen(function* () {
      for (const part of words(
        echo({
          url: new URL(`https://api.ravan.ai/x?${new URLSearchParams({ caller_number: number, search })}`),
          method: "GET",
          headers: { "x-api-key": key },
          signal: new AbortController().signal,
          at: 0
        })
      )) {
        assert.isEmpty((yield* run(always({ status: 400, body: { message: part } }))).leaked, part)
        assert.isEmpty((yield* run(always({ body: { success: false, message: part } }))).leaked, part)
      }
    })
  )

  it.effect("nor from an answer that is not JSON", () =>
    Effect.gen(function* () {
      assert.isEmpty((yield* run(Server.make((_, sent) => ({ body: `<html>${echo(sent)}` })))).leaked)
      assert.isEmpty((yield* run(Server.make((_, sent) => ({ body: echo(sent) })))).leaked)
      assert.isEmpty((yield* run(Server.make((_, sent) => ({ status: 502, body: echo(sent) })))).leaked)
    })
  )

  it.effect("nor from a redirect", () =>
    Effect.gen(function* () {
      const { leaked } = yield* run(
        Server.make((_, sent) => ({
          status: 302,
          headers: { location: `https://evil.example/${encodeURIComponent(echo(sent))}` }
        }))
      )
      assert.isEmpty(leaked)
    })
  )

  it.effect("nor from a transport's error, which holds the request", () =>
    Effect.gen(function* () {
      const { error, leaked } = yield* run(
        Server.make((_, __, request) => Effect.fail(Server.transportError(request, "ECONNREFUSED")))
      )
      assert.isEmpty(leaked)
      assert.include(error.message, "connection refused (ECONNREFUSED)")
      const later = yield* run(
        Server.make((_, __, request) => ({ ...page, cutOff: Server.transportError(request, "UND_ERR_SOCKET") }))
      )
      assert.isEmpty(later.leaked)
    })
  )
})

describe("interruption", () => {
  it.effect("aborts the request in flight", () =>
    Effect.gen(function* () {
      const server = Server.make(() => Effect.never)
      const client = yield* Server.clientOf(server)
      const fiber = yield* Effect.forkChild(client.list({}))
      yield* Effect.yieldNow
      assert.lengthOf(server.sent, 1)
      assert.isFalse(server.sent[0]?.signal.aborted)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(server.sent[0]?.signal.aborted)
    })
  )

  it.effect("during a body too, whose stream is cancelled", () =>
    Effect.gen(function* () {
      let cancelled = 0
      const server = Server.make(() => new Response(new ReadableStream({ cancel: () => void cancelled++ })))
      const client = yield* Server.clientOf(server)
      const fiber = yield* Effect.forkChild(client.list({}))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.isFalse(server.sent[0]?.signal.aborted)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(server.sent[0]?.signal.aborted || cancelled > 0)
    })
  )

  it.effect("during a wait sends nothing more", () =>
    Effect.gen(function* () {
      const server = always({ status: 500 })
      const client = yield* Server.clientOf(server)
      const fiber = yield* Effect.forkChild(client.list({}).pipe(Server.withWaits(1)))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(server.sent, 1)
      assert.strictEqual(yield* Clock.currentTimeMillis, 3_600_100)
    })
  )
})

describe("metrics", () => {
  const measured = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      yield* effect
      const snapshot = yield* Metric.snapshot
      return Object.fromEntries(
        snapshot.flatMap(({ attributes, id: name, state }) => {
          const labels = Object.entries(attributes ?? {})
            .map(([label, value]) => `${label}=${value}`)
            .join()
          return "count" in state ? [[labels === "" ? name : `${name}{${labels}}`, state.count]] : []
        })
      )
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

  it.effect("count requests and retries by reason, and by nothing else", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<Server.Answer> = [
        { status: 500 },
        { status: 429 },
        { body: { data: [{ id }, { id }, { id: [] }] } },
        { status: 401, body: { message: key } }
      ]
      const server = Server.make((number) => answers[number - 1] ?? page)
      const found = yield* measured(
        Effect.gen(function* () {
          const client = yield* Server.clientOf(server)
          const query = { search: "SEARCHED", callerNumber: "+14155550123", agentId: id }
          yield* Server.settle(Effect.andThen(client.list(query), Effect.exit(client.list(query))))
        })
      )
      const of = "callstream.client.name=default"
      const common = `http.request.method=GET,server.address=api.ravan.ai,url.template=/api/v1/calling/call-sessions,${of},server.port=443`
      const duration = (more: string) => `http.client.request.duration{unit=s,${common},${more}}`
      assert.deepStrictEqual<Record<string, unknown>>(found, {
        [duration("http.response.status_code=500,error.type=500")]: 1,
        [duration("http.response.status_code=429,error.type=429")]: 1,
        [duration("http.response.status_code=200")]: 1,
        [duration("http.response.status_code=401,error.type=401")]: 1,
        [`callstream.client.wait.duration{unit=s,${of},callstream.wait.reason=retry}`]: 1,
        [`callstream.client.wait.duration{unit=s,${of},callstream.wait.reason=rate_limit}`]: 1,
        [`callstream.client.retries{unit={request},${of},callstream.retry.reason=Unavailable}`]: 1,
        [`callstream.client.retries{unit={request},${of},callstream.retry.reason=RateLimited}`]: 1,
        [`callstream.client.calls{unit={call},${of}}`]: 2,
        [`callstream.client.rejected{unit={record},${of}}`]: 1,
        [`callstream.client.response.size{unit=By,${of}}`]: JSON.stringify({ data: [{ id }, { id }, { id: [] }] })
          .length
      })
    })
  )

  it.effect("the last try is no retry", () =>
    Effect.gen(function* () {
      const found = yield* measured(errorOf(always({ status: 500 }), { retry: { tries: 3 } }))
      const count = (name: string) =>
        Object.entries(found).reduce((sum, [key, value]) => (key.startsWith(name) ? sum + Number(value) : sum), 0)
      assert.strictEqual(count("http.client.request.duration"), 3)
      assert.strictEqual(count("callstream.client.retries"), 2)
    })
  )
})
