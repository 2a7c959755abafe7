import * as CallSession from "@callstream/core/model/CallSession"
import { AgniSimulator, DocumentedCall } from "@callstream/core/testing"
import { AgniClient, CallSessions } from "@callstream/core"
import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const seen = { started: 0, cost: 0, directed: 0, all: 0 }

describe("DocumentedCall.schema", () => {
  it.effect.prop(
    "makes calls that the contract and the model accept as they are",
    { call: DocumentedCall.schema },
    ({ call }) =>
      Effect.sync(() => {
        assert.isTrue(Schema.is(CallSession.CallSession)(call))
        assert.strictEqual(Result.getOrThrow(CallSession.fromWire(call)), call)
        seen.all++
        if (CallSession.startInstant(call) !== undefined) seen.started++
        if (CallSession.cost(call) !== undefined) seen.cost++
        if (CallSession.direction(call) !== "unknown") seen.directed++
        assert.strictEqual(CallSession.startInstant(call) === undefined, (call.startedAt ?? null) === null)
      }),
    { arbitrary: { runs: 200 } }
  )

  it("with every field of it, whose values mean something", () => {
    assert.strictEqual(seen.all, 200)
    assert.isAbove(seen.started, 20)
    assert.isAbove(seen.cost, 20)
    assert.isAbove(seen.directed, 20)
  })
})

const read = Effect.gen(function* () {
  const calls = yield* Stream.runCollect(CallSessions.sessions())
  const simulator = yield* AgniSimulator.AgniSimulator
  return { missed: simulator.missed(calls.map(({ id }) => id)), requests: simulator.requests.length }
})

describe("AgniSimulator.layerClient and inTime", () => {
  it.effect("read with latency and pauses in virtual time", () =>
    Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis
      const script = [{ on: 2, fault: Fault.tooManyRequests({ retryAfter: "20 seconds" }) }]
      const layer = AgniSimulator.layerClient({ sessions: 120, latency: "3 seconds", script })
      const { missed, requests } = yield* AgniSimulator.inTime(Effect.provide(read, layer))
      assert.isEmpty(missed)
      assert.isAbove(requests, 5)
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 29_000)
    })
  )

  it.effect("take options of the client, and fail with what they are given", () =>
    Effect.gen(function* () {
      const layer = AgniSimulator.layerClient({ faultRate: 1, faults: [Fault.reset] }, { retry: { tries: 1 } })
      const error = yield* AgniSimulator.inTime(
        Effect.flip(AgniClient.use(({ list }) => list({})).pipe(Effect.provide(layer)))
      )
      assert.strictEqual(error.attempts, 1)
    })
  )

  it.effect("die where nothing would ever end", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(AgniSimulator.inTime(Effect.never))
      assert.isTrue(Exit.isFailure(exit))
    })
  )
})
