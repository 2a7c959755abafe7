import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as Collector from "../../../src/run/otlp/Collector.ts"

const of = { url: "https://collector.example/canary/v1/traces?token=canary", timeout: 3000 }
const request = HttpClientRequest.post(of.url)

/** A collector, the requests that were sent, and what was logged. */
const world = (answer: (number: number) => Effect.Effect<number, HttpClientError.HttpClientError>) => {
  const sent = { count: 0 }
  const logged: Array<string> = []
  const collector = Collector.make()
  const client = collector.watched(of)(
    HttpClient.make((request) =>
      Effect.suspend(() =>
        Effect.map(answer(++sent.count), (status) =>
          HttpClientResponse.fromWeb(request, new Response(null, { status }))
        )
      )
    )
  )
  const logger = Logger.make<unknown, void>(({ message }) => void logged.push(String(message)))
  return { collector, logged, sent, send: client.execute(request), provide: Effect.provide(Logger.layer([logger])) }
}

const refused = Effect.fail(
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      cause: Object.assign(new Error("canary"), { code: "ECONNREFUSED" })
    })
  })
)

describe("a collector", () => {
  it.effect("that is away is reported once, by its origin, and requests may be retried while the run continues", () => {
    const { logged, provide, send } = world(() => refused)
    return Effect.gen(function* () {
      for (let turn = 0; turn < 3; turn++) assert.strictEqual((yield* Effect.flip(send)).reason._tag, "TransportError")
      assert.deepStrictEqual(logged, [
        "telemetry is not exported: https://collector.example could not be reached (ECONNREFUSED); the run does not wait for it"
      ])
    }).pipe(provide)
  })

  it.effect("shows the exporter, which logs what fails, nothing of its address but the origin", () => {
    const away = world(() => refused)
    const broken = world(() => Effect.succeed(503))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(away.send)
      const status = yield* Effect.flip(Effect.flatMap(broken.send, HttpClientResponse.filterStatusOk))
      assert.strictEqual(status.reason._tag, "StatusCodeError")
      for (const one of [error, status]) {
        const text = `${Cause.pretty(Cause.fail(one))} ${JSON.stringify(one)}`
        assert.include(text, "https://collector.example")
        assert.notInclude(text, "canary")
      }
    }).pipe(away.provide)
  })

  it.effect("that is away at the end gets no second request", () => {
    const { collector, provide, send, sent } = world(() => refused)
    return Effect.gen(function* () {
      yield* collector.ending(
        Effect.flatMap(Effect.orDie(send), ({ status }) => Effect.sync(() => assert.strictEqual(status, 400))),
        3000
      )
      assert.strictEqual(sent.count, 1)
    }).pipe(provide)
  })

  it.effect("that hangs holds up the end for as long as it may, and nothing is sent after it", () => {
    const { collector, logged, provide, send, sent } = world(() => Effect.never)
    return Effect.gen(function* () {
      const before = yield* Effect.forkChild(send)
      const ending = yield* Effect.forkChild(collector.ending(Effect.asVoid(Effect.orDie(send)), 2000))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(ending.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(ending)
      // Also one that began before.
      assert.strictEqual((yield* Fiber.join(before)).status, 400)
      assert.strictEqual((yield* send).status, 200)
      assert.strictEqual(sent.count, 2)
      yield* TestClock.adjust("1 hour")
      assert.isEmpty(logged)
    }).pipe(provide)
  })

  it.effect("that answers gets what is left", () => {
    const { collector, logged, provide, send, sent } = world(() => Effect.succeed(200))
    return Effect.gen(function* () {
      assert.strictEqual((yield* send).status, 200)
      yield* collector.ending(Effect.asVoid(Effect.orDie(send)), 3000)
      assert.strictEqual(sent.count, 2)
      assert.isEmpty(logged)
    }).pipe(provide)
  })

  it.effect("is a reason to warn when it refuses, and when it is slow", () => {
    const { logged, provide, send } = world((number) => (number === 1 ? Effect.succeed(503) : Effect.never))
    return Effect.gen(function* () {
      assert.strictEqual((yield* send).status, 503)
      const slow = yield* Effect.forkChild(send)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(slow)).status, 400)
      assert.deepStrictEqual(logged, [
        "telemetry is not exported: https://collector.example answered 503; the run does not wait for it"
      ])
    }).pipe(provide)
  })
})
