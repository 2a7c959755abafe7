import { AgniClient, type AgniError, CallSessions, Health } from "@callstream/effect3"
import { AgniSimulator } from "@callstream/effect3/testing"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"

const apiKey = Redacted.make("key")
const count = Stream.runCount(CallSessions.sessions())

/** A client over a transport of one's own. */
const over = (http: HttpClient.HttpClient, options: Partial<Parameters<typeof AgniClient.layer>[0]> = {}) =>
  Layer.provide(AgniClient.layer({ apiKey, ...options }), Layer.succeed(HttpClient.HttpClient, http))

/** A transport that answers nothing, and hears when nobody waits. */
const hanging = () => {
  const seen = { requests: 0, ended: 0 }
  const http = HttpClient.make(() =>
    Effect.onInterrupt(
      Effect.suspend(() => {
        seen.requests++
        return Effect.never
      }),
      () => Effect.sync(() => void seen.ended++)
    )
  )
  return { seen, http }
}

const turns = (turns: number) =>
  Effect.promise(async () => {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  })

describe("a server that hangs", () => {
  const readings: Readonly<Record<string, Effect.Effect<unknown, AgniError, AgniClient>>> = {
    sessions: count,
    windows: Stream.runCount(CallSessions.windows()),
    pages: Stream.runCount(CallSessions.pages()),
    list: Effect.flatMap(AgniClient, ({ list }) => list({}))
  }
  for (const [name, reading] of Object.entries(readings)) {
    it.effect(`is left at once by ${name}, with its requests`, () => {
      const { http, seen } = hanging()
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(reading)
        yield* turns(50)
        assert.isAbove(seen.requests, 0)
        const late = Effect.zipRight(turns(20), Effect.dieMessage("it did not end at once"))
        const exit = yield* Effect.raceFirst(Fiber.interrupt(fiber), late)
        assert.isTrue(Exit.isInterrupted(exit))
        yield* turns(2)
        assert.strictEqual(seen.ended, seen.requests)
      }).pipe(Effect.provide(over(http)))
    })
  }
})

describe("the app's HttpClient", () => {
  it.effect("sends what is asked, with the key, and without trace headers", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const read = count.pipe(Effect.provide(over(simulator.httpClient, { apiKey: Redacted.make(simulator.apiKey) })))
      assert.strictEqual(yield* Effect.withSpan(read, "app"), 105)
      const headers = simulator.requests.flatMap((request) => Object.keys(request.headers))
      assert.include(headers, "x-api-key")
      assert.notInclude(headers, "traceparent")
      assert.notInclude(headers, "b3")
    }).pipe(Effect.provide(AgniSimulator.layer({ sessions: 105, content: "minimal" })))
  )

  it.effect("reports its failures as reasons, after as many tries as there may be", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      simulator.failNext(100, { _tag: "Status", status: 503 })
      const error = yield* Effect.flip(Effect.flatMap(AgniClient, ({ list }) => list({ callerNumber: "+15551234567" })))
      assert.deepInclude(error, { _tag: "AgniError", attempts: 3, retryable: true })
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.notInclude(`${error.message} ${error.request} ${JSON.stringify(error)}`, "15551234567")
    }).pipe(AgniSimulator.inTime, Effect.provide(AgniSimulator.layerClient({}, { retry: { tries: 3 } })))
  )

  it.effect("logs a failed try once, as the reading does, and nothing of the query", () => {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ cause, message }) => {
      lines.push(`${String(message)} ${Cause.pretty(cause)}`)
    })
    const http = HttpClient.make((request) =>
      Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", description: "away" }))
    )
    return Effect.flatMap(AgniClient, ({ list }) => list({ callerNumber: "+15551234567" })).pipe(
      Effect.flip,
      AgniSimulator.inTime,
      Effect.tap(({ reason }) => assert.strictEqual(reason._tag, "Unavailable")),
      Effect.provide(over(http, { retry: { tries: 2 } })),
      Effect.map(() => {
        assert.isTrue(lines.some((line) => line.includes("try 1 of 2 failed")))
        assert.notInclude(lines.join("\n"), "15551234567")
        assert.isFalse(lines.some((line) => line.startsWith("Fiber terminated")))
      }),
      Logger.withMinimumLogLevel(LogLevel.All),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    )
  })

  it.effect("does not follow a redirect to another origin", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      simulator.failNext(1, { _tag: "Redirect", to: "other-origin", status: 302 })
      const error = yield* Effect.flip(Effect.flatMap(AgniClient, ({ list }) => list({})))
      assert.strictEqual(error.reason._tag, "InvalidResponse")
    }).pipe(Effect.provide(AgniSimulator.layerClient()))
  )

  it.effect("ends a body that is too large", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.flatMap(AgniClient, ({ list }) => list({})))
      assert.deepInclude(error.reason, { _tag: "InvalidResponse", problem: { _tag: "TooLarge", limit: 100 } })
    }).pipe(Effect.provide(AgniSimulator.layerClient({}, { maxBodyBytes: 100 })))
  )
})

describe("an API key that is an effect", () => {
  it.effect("is read for each request, and again after a 401", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const keys = ["old", simulator.apiKey]
      const read = { times: 0 }
      const apiKey = Effect.sync(() => Redacted.make(keys[Math.min(read.times++, 1)] ?? ""))
      assert.strictEqual(yield* Effect.provide(count, over(simulator.httpClient, { apiKey })), 5)
      assert.strictEqual(simulator.requests[0]?.status, 401)
      assert.isAbove(read.times, simulator.requests.length - 1)
      const wrong = over(simulator.httpClient, { apiKey: Effect.succeed(Redacted.make("old")) })
      assert.strictEqual((yield* Effect.flip(Effect.provide(count, wrong))).reason._tag, "Unauthorized")
    }).pipe(AgniSimulator.inTime, Effect.provide(AgniSimulator.layer({ sessions: 5, content: "minimal", undated: 0 })))
  )
})

describe("Health.check", () => {
  it.effect("takes one request, and never fails", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const health = yield* AgniSimulator.inTime(Health.check)
      assert.deepInclude(health, { ok: true, reachable: true, authorized: true, error: undefined })
      assert.strictEqual(Duration.toMillis(health.latency), 400)
      simulator.failNext(1, { _tag: "Status", status: 401 })
      const refused = yield* AgniSimulator.inTime(Health.check)
      assert.deepInclude(refused, { ok: false, reachable: true, authorized: false })
      assert.strictEqual(refused.error?.reason._tag, "Unauthorized")
      assert.lengthOf(simulator.requests, 2)
    }).pipe(Effect.provide(AgniSimulator.layerClient({ latency: "400 millis" })))
  )
})

describe("the app's Clock", () => {
  it.effect("is what retries wait by, and delays of the simulator", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      simulator.failNext(2, { _tag: "Status", status: 429, retryAfter: "30 seconds" })
      const fiber = yield* Effect.fork(Effect.flatMap(AgniClient, ({ list }) => list({})))
      yield* turns(50)
      yield* TestClock.adjust("29 seconds")
      yield* turns(50)
      assert.strictEqual(simulator.requests.length, 1)
      yield* TestClock.adjust("1 second")
      yield* turns(50)
      assert.strictEqual(simulator.requests.length, 2)
      const { rows } = yield* AgniSimulator.inTime(Fiber.join(fiber))
      assert.strictEqual(rows.length, 20)
      assert.strictEqual(simulator.requests.length, 3)
    }).pipe(Effect.provide(AgniSimulator.layerClient({ sessions: 105, content: "minimal" })))
  )
})

/** The spans that are begun. */
const traced = () => {
  const spans: Array<Tracer.Span> = []
  const native = Effect.runSync(Effect.tracer)
  const tracer = Tracer.make({
    span: (...options) => {
      const made = native.span(...options)
      spans.push(made)
      return made
    },
    context: (run) => run()
  })
  return { spans, tracer }
}

describe("the app's Tracer", () => {
  it.effect("has the spans of a reading below its own, and nothing of the query", () => {
    const { spans, tracer } = traced()
    return Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      simulator.failNext(1, { _tag: "Status", status: 503 })
      const [agentId = ""] = simulator.agentIds
      yield* CallSessions.sessions({ agentId, callerNumber: "+15551234567", search: "secret words" }).pipe(
        Stream.runDrain,
        Effect.withSpan("app"),
        AgniSimulator.inTime
      )
      const [app, ...own] = spans
      assert.strictEqual(app?.name, "app")
      assert.isAbove(own.length, 0)
      for (const { parent, status, traceId } of own) {
        assert.isTrue(Option.isSome(parent))
        assert.strictEqual(traceId, app?.traceId)
        assert.strictEqual(status._tag, "Ended")
      }
      const seen = spans.map(({ attributes, name, status }) => [
        name,
        ...attributes,
        status._tag === "Ended" ? String(status.exit) : ""
      ])
      const text = JSON.stringify(seen)
      for (const secret of ["15551234567", "secret", agentId, simulator.apiKey]) assert.notInclude(text, secret)
    }).pipe(Effect.provide(AgniSimulator.layerClient({ sessions: 105 })), Effect.withTracer(tracer))
  })

  it.effect("has the annotations of the app, and the name of the client", () => {
    const { spans, tracer } = traced()
    return count.pipe(
      Effect.annotateSpans("tenant", "acme"),
      Effect.provide(AgniSimulator.layerClient({ sessions: 5 }, { name: "acme calls" })),
      Effect.withTracer(tracer),
      Effect.map(() => {
        assert.isAbove(spans.length, 1)
        assert.isTrue(spans.every(({ attributes }) => attributes.get("tenant") === "acme"))
        const requests = spans.filter(({ kind }) => kind === "client")
        assert.isTrue(requests.every(({ attributes }) => attributes.get("callstream.client.name") === "acme calls"))
        assert.isAbove(requests.length, 0)
      })
    )
  })

  it.effect("is not asked where tracing is off", () => {
    const { spans, tracer } = traced()
    return count.pipe(
      Effect.provide(AgniSimulator.layerClient({ sessions: 5 })),
      Effect.withTracerEnabled(false),
      Effect.withTracer(tracer),
      Effect.map(() => assert.isEmpty(spans))
    )
  })
})

describe("the app's metrics and log", () => {
  it.effect("have those of core, with the labels and the annotations of the app", () => {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ annotations, message }) => {
      lines.push(`${String(message)} ${JSON.stringify([...annotations])}`)
    })
    return Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      simulator.failNext(1, { _tag: "Status", status: 503 })
      yield* Effect.flatMap(AgniClient, ({ list }) => list({})).pipe(
        Effect.tagMetrics("app", "test of metrics"),
        Effect.annotateLogs("app", "test"),
        AgniSimulator.inTime
      )
      const own = (yield* Metric.snapshot).filter(({ metricKey }) =>
        [...metricKey.tags].some(({ value }) => value === "test of metrics")
      )
      assert.isAbove(own.length, 2)
      const sums = new Map<string, number>()
      for (const { metricKey, metricState } of own) {
        const count = "count" in metricState ? Number(metricState.count) : 0
        sums.set(metricKey.name, count + (sums.get(metricKey.name) ?? 0))
      }
      // One request failed, and one succeeded with the 20 calls of a page.
      const counts = [...sums].flatMap(([name, count]) => (name.startsWith("effect_") ? [] : [count]))
      assert.includeMembers(counts, [2, 1, 20])
      assert.isTrue(lines.some((line) => line.includes("try 1 of 8 failed") && line.includes('["app","test"]')))
    }).pipe(
      Effect.provide(AgniSimulator.layerClient({ sessions: 105 })),
      Logger.withMinimumLogLevel(LogLevel.Debug),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    )
  })
})

describe("layers", () => {
  it.effect("refuse wrong options before a request", () =>
    Effect.gen(function* () {
      const { http, seen } = hanging()
      const error = yield* Effect.flip(Effect.provide(count, over(http, { apiKey: Redacted.make(" ") })))
      assert.deepInclude(error.reason, { _tag: "InvalidRequest", parameter: "apiKey" })
      assert.deepInclude(error, { request: "options of AgniClient", attempts: 0 })
      assert.strictEqual(seen.requests, 0)
    })
  )

  it.effect("layerConfig reads the key and the address from the ConfigProvider", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.AgniSimulator
      const variables = new Map([
        ["AGNI_API_KEY", simulator.apiKey],
        ["AGNI_BASE_URL", "https://agni.example"]
      ])
      const config = Layer.setConfigProvider(ConfigProvider.fromMap(variables))
      assert.strictEqual(yield* Effect.provide(count, Layer.provide(AgniClient.layerConfig(), config)), 5)
      assert.strictEqual(simulator.requests[0]?.origin, "https://agni.example")
      const none = Layer.setConfigProvider(ConfigProvider.fromMap(new Map()))
      const missing = yield* Effect.flip(Effect.provide(count, Layer.provide(AgniClient.layerConfig(), none)))
      assert.include(JSON.stringify(missing), "AGNI_API_KEY")
    }).pipe(Effect.provide(AgniSimulator.layer({ sessions: 5, content: "minimal", undated: 0 })))
  )
})
