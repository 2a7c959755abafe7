import type { CallSession } from "@callstream/core/model/CallSession"
import * as Checkpoint from "@callstream/core/checkpoint/Checkpoint"
import * as Instant from "@callstream/core/model/Instant"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Parts from "./Parts.ts"

const { begin, checkpoint, letterBox, recording, source, sourceOf, trouble } = Parts

const pipelineOf = (a: Parts.Recording, windows = source(3).windows) =>
  Pipeline.make({
    name: "calls",
    source: windows,
    transform: Transform.identity<CallSession>(),
    sinks: [a.sink],
    deadLetters: letterBox().sink,
    commitEvery: 0
  })

const told = (event: Pipeline.RunEvent): string =>
  event._tag === "Committed"
    ? `Committed ${event.at === "end" ? "end" : event.at - begin}`
    : `${event._tag} ${event.totals.read} ${event.totals.delivered}`

const all = [
  "Started 0 0",
  "Read 10 0",
  "Delivered 10 10",
  "Committed 10",
  "Read 20 10",
  "Delivered 20 20",
  "Committed 20",
  "Read 30 20",
  "Delivered 30 30",
  "Committed 30",
  "Committed end",
  "Committed end",
  "Finished 30 30"
]

describe("the events of a run", () => {
  it.effect("have running totals, and the last one is that it finished", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const { coverage, totals } = yield* checkpoint().run({
        run: () => pipelineOf(recording("a")).run((event) => Effect.sync(() => void heard.push(told(event))))
      })
      assert.deepStrictEqual(heard, all)
      const end = Instant.of(begin + 29)
      assert.deepInclude(totals, { read: 30, delivered: 30, earliest: begin, latest: end, last: end })
      assert.deepStrictEqual(
        coverage.entries.map(({ count, range }) => [range.from - begin, range.to - begin, count]),
        [[0, 30, 30]]
      )
      const again: Array<string> = []
      const { service } = checkpoint()
      const streamed = pipelineOf(recording("a")).events.pipe(Stream.provideService(Checkpoint.Checkpoint, service))
      yield* Stream.runForEach(streamed, (event) => Effect.sync(() => void again.push(told(event))))
      assert.deepStrictEqual(again, all)
    })
  )

  it.effect("say that something is committed only when the checkpoint was written", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const { service } = checkpoint()
      const slow: Checkpoint.Checkpoint["Service"] = {
        open: (...asked) =>
          Effect.map(service.open(...asked), (lease) => ({
            ...lease,
            commit: (state) =>
              Effect.gen(function* () {
                yield* Effect.yieldNow
                yield* lease.commit(state)
                if (Object.keys(state.sinks).length > 0) order.push("written")
              })
          }))
      }
      yield* pipelineOf(recording("a"))
        .run((event) => Effect.sync(() => void (event._tag === "Committed" && order.push("told"))))
        .pipe(Effect.provideService(Checkpoint.Checkpoint, slow))
      // Told later, perhaps, never earlier.
      let written = 0
      let toldOf = 0
      for (const one of order) {
        if (one === "written") written++
        else assert.isAtMost(++toldOf, written)
      }
      assert.strictEqual(toldOf, 5)
    })
  )

  it.effect("hold nothing up: who is slow misses some, never the last one, and who fails hears the next", () =>
    Effect.gen(function* () {
      const heard: Array<Pipeline.RunEvent> = []
      const a = recording("a")
      const state = checkpoint()
      const fiber = yield* state
        .run({
          run: () =>
            pipelineOf(a, source(60).windows).run((event) =>
              heard.push(event) === 1 ? Effect.sleep("4 seconds") : Effect.die("a listener's bug")
            )
        })
        .pipe(Effect.forkChild)
      // Each step lets the run do some of its work.
      for (let step = 0; step < 100; step++) yield* TestClock.adjust("10 millis")
      assert.include(a.calls, "finish")
      assert.isTrue(state.saved.at(-1)?.finished)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(fiber)
      assert.isBelow(heard.length, 150)
      assert.strictEqual(heard.at(-1)?._tag, "Finished")
      assert.strictEqual(heard.at(-1)?.totals.delivered, 600)
    })
  )

  it.effect("do not wait for a listener that hangs for longer than five seconds", () =>
    Effect.gen(function* () {
      const run = checkpoint().run({ run: () => pipelineOf(recording("a")).run(() => Effect.never) })
      const fiber = yield* Effect.forkChild(run)
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isFalse((yield* Fiber.join(fiber)).finishedBefore)
    })
  )

  it.effect("fail as the run does, after what happened before", () =>
    Effect.gen(function* () {
      const a = recording("a", {
        write: ({ items }) => (items[0]?.id === "20" ? Effect.fail(trouble("a", "write")) : Effect.succeed([]))
      })
      const heard: Array<string> = []
      const exit = yield* pipelineOf(a).events.pipe(
        Stream.provideService(Checkpoint.Checkpoint, checkpoint().service),
        Stream.runForEach((event) => Effect.sync(() => void heard.push(told(event)))),
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("no room"))
      assert.deepStrictEqual(heard, [...all.slice(0, 8), "Stopped 30 20"])
    })
  )

  it.effect("interrupt the run when nobody wants them any more, which commits what was delivered", () =>
    Effect.gen(function* () {
      const a = recording("a")
      const state = checkpoint()
      const windows = sourceOf((at) =>
        Stream.concat(
          Stream.map(source(2).windows.units(null, at), () => Parts.window(0)),
          Stream.never
        )
      )
      const pipeline = Pipeline.make({
        name: "calls",
        source: windows,
        transform: Transform.identity<CallSession>(),
        sinks: [a.sink],
        deadLetters: letterBox().sink
      })
      yield* pipeline.events.pipe(
        Stream.provideService(Checkpoint.Checkpoint, state.service),
        Stream.takeUntil(({ _tag }) => _tag === "Delivered"),
        Stream.runDrain
      )
      assert.deepStrictEqual(a.calls.at(-1), "close")
      assert.strictEqual(Number(state.saved.at(-1)?.sinks["a"]?.at), begin + 10)
      assert.isFalse(state.saved.at(-1)?.finished)
    })
  )
})
