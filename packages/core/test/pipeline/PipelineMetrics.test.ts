import type { CallSession } from "@callstream/core/model/CallSession"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import type { SinkError } from "@callstream/core/sink/SinkError"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/testing/TestClock"
import * as Parts from "./Parts.ts"

const { checkpoint, letterBox, recording, source, trouble } = Parts

/** Of the pipeline, or of one of its sinks. */
const counted = (sink?: string): Effect.Effect<Record<string, unknown>> =>
  Effect.map(Metric.snapshot, (metrics) =>
    Object.fromEntries(
      metrics.flatMap(({ attributes, id, state }) =>
        attributes?.["callstream.sink.name"] === sink &&
        "count" in state &&
        !("buckets" in state) &&
        attributes?.["callstream.pipeline.name"] === "calls"
          ? [
              [
                [id.replace(/^callstream\.(pipeline\.|sink\.)?/, ""), attributes["callstream.stage"] ?? []]
                  .flat()
                  .join(" "),
                state.count
              ]
            ]
          : []
      )
    )
  )

const fresh = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

/** Every third call is left out, one of them fails; a sink rejects one and fails twice. */
const pipelineOf = (first: Parts.Recording, ...others: ReadonlyArray<Parts.Recording>) =>
  Pipeline.make({
    name: "calls",
    source: source(3).windows,
    transform: Transform.make<CallSession, CallSession>({
      label: "some",
      columns: (columns) => columns,
      apply: (session) => {
        if (session.id === "7") throw new TypeError("no")
        return Number(session.id) % 3 === 0 ? undefined : session
      }
    }),
    sinks: [first.sink, ...others.map(({ sink }) => sink)],
    deadLetters: letterBox().sink,
    commitEvery: 0,
    maxDeadShare: 1
  })

const failing = (times: number, error: SinkError) =>
  Effect.map(Ref.make(times), (left) =>
    Effect.flatMap(
      Ref.getAndUpdate(left, (n) => n - 1),
      (n) => (n > 0 ? Effect.fail(error) : Effect.void)
    )
  )

/** Waits are over as soon as they begin. */
const soon = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  for (let step = 0; step < 50 && fiber.pollUnsafe() === undefined; step++) yield* TestClock.adjust("1 second")
  return yield* Fiber.join(fiber)
})

describe("the metrics of a pipeline", () => {
  it.effect("are what became of the calls, by sink", () =>
    fresh(
      Effect.gen(function* () {
        const flaky = yield* failing(2, trouble("a", "write", true))
        const a = recording("a", { write: () => Effect.as(flaky, []) })
        const b = recording("b", {
          write: ({ items }) =>
            Effect.succeed(items.flatMap(({ id }) => (id === "11" ? [{ id, reason: "no room" }] : [])))
        })
        const { dead, filtered, received, sinks, totals } = yield* checkpoint().run({
          run: () => soon(pipelineOf(a, b).run())
        })
        assert.deepStrictEqual({ received, filtered, dead }, { received: 30, filtered: 10, dead: 2 })
        assert.deepStrictEqual(yield* counted(), {
          read: 30,
          delivered: totals.delivered,
          filtered: 10,
          "dead_letters transform": 1,
          "dead_letters sink": 1,
          commits: 5
        })
        assert.deepStrictEqual(yield* counted("a"), { rows: 19, retries: 2 })
        assert.deepStrictEqual(yield* counted("b"), { rows: 18, rejected: 1 })
        assert.deepStrictEqual(
          sinks.map(({ refused, written }) => [written, refused]),
          [
            [19, 0],
            [18, 1]
          ]
        )
      })
    )
  )

  it.effect("have what a run did that fails in the middle of a unit, and add up over runs", () =>
    fresh(
      Effect.gen(function* () {
        const state = checkpoint()
        const a = recording("a", {
          write: ({ items }) =>
            items.some(({ id }) => id === "25") ? Effect.fail(trouble("a", "write")) : Effect.succeed([])
        })
        const b = recording("b")
        yield* Effect.flip(state.run({ run: () => pipelineOf(a, b).run() }))
        const half = yield* counted()
        assert.deepStrictEqual(half["read"], 30)
        assert.deepStrictEqual([half["delivered"], half["commits"]], [12, 2])
        assert.deepStrictEqual(yield* counted("a"), { rows: 12 })
        yield* state.run({ run: () => pipelineOf(recording("a"), recording("b")).run() })
        const whole = yield* counted()
        assert.deepStrictEqual([whole["read"], whole["delivered"], whole["filtered"]], [40, 19, 13])
        assert.deepStrictEqual(yield* counted("a"), { rows: 19 })
      })
    )
  )

  it.effect("count retries of an opening that fails permanently", () =>
    fresh(
      Effect.gen(function* () {
        const a = recording("a", { open: Effect.fail(trouble("a", "open", true)) })
        yield* checkpoint().run({ run: () => Effect.flip(soon(pipelineOf(a).run())) })
        assert.deepStrictEqual(yield* counted("a"), { retries: 4 })
      })
    )
  )
})
