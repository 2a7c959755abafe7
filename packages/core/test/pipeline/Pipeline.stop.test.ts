import type { CallSession } from "@callstream/core/model/CallSession"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Parts from "./Parts.ts"

const { begin, checkpoint, letterBox, recording, session, sourceOf, window } = Parts

/** 120 calls in two windows. */
const windows = sourceOf(() =>
  Stream.fromIterable([0, 60]).pipe(
    Stream.map((from) => ({
      ...window(
        from / 10,
        Array.from({ length: 60 }, (_, at) => session(from + at))
      ),
      to: window(from / 10 + 5).to
    }))
  )
)

/** Asked to stop after a second, and told what it had done then. */
const stopped = Effect.fnUntraced(function* (
  sink: Parts.Recording,
  commitEvery: Pipeline.Options<CallSession, null, never, never, readonly [], never, never, never>["commitEvery"] = 0
) {
  const state = checkpoint()
  const events: Array<Pipeline.RunEvent> = []
  const pipeline = Pipeline.make({
    name: "calls",
    source: windows,
    transform: Transform.identity<CallSession>(),
    sinks: [sink.sink],
    deadLetters: letterBox().sink,
    commitEvery
  })
  const run = state.run({ run: () => pipeline.run((event) => Effect.sync(() => void events.push(event))) })
  const fiber = yield* Effect.forkChild(run)
  yield* TestClock.adjust("1 second")
  yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
  yield* TestClock.adjust("20 seconds")
  const last = events.at(-1)
  assert(last?._tag === "Stopped")
  const { committed, inFlight, safe, stage, written } = last.totals
  return { state, totals: { committed, inFlight, safe, stage, written } }
})

/** It lasts from before the signal until after it. */
const slowly = Effect.sleep("3 seconds")

describe("a run that is stopped reports what its sink has", () => {
  for (const [how, wait, written, inFlight] of [
    ["that end", slowly, 120, 0],
    ["that never end", Effect.never, 60, 60]
  ] as const)
    it.effect(`in the middle of a later unit, with rows in flight ${how}`, () =>
      Effect.gen(function* () {
        const sink = recording("out", {
          delivery: "append",
          write: ({ items }) => (items[0]?.id === "60" ? Effect.as(wait, []) : Effect.succeed([]))
        })
        const { totals } = yield* stopped(sink)
        assert.deepStrictEqual({ ...totals }, { committed: begin + 60, inFlight, safe: 60, stage: "reading", written })
        assert.strictEqual(sink.ids.length, written)
      })
    )

  it.effect("in the middle of a write of a whole unit, which finishes", () =>
    Effect.gen(function* () {
      const { totals } = yield* stopped(recording("table", { write: () => Effect.as(slowly, []) }))
      assert.deepStrictEqual(totals, { committed: undefined, inFlight: 0, safe: 0, stage: "reading", written: 60 })
    })
  )

  it.effect("in the middle of a commit, which finishes", () =>
    Effect.gen(function* () {
      const sink = recording("table", { flush: (at) => (at === "end" ? Effect.void : slowly) })
      const { state, totals } = yield* stopped(sink)
      const at = begin + 60
      assert.deepStrictEqual({ ...totals }, { committed: at, inFlight: 0, safe: 60, stage: "reading", written: 60 })
      assert.strictEqual(Number(state.saved.at(-1)?.sinks["table"]?.at), at)
    })
  )

  it.effect("in the last commit, which finishes though none was before it", () =>
    Effect.gen(function* () {
      const sink = recording("table", { flush: () => slowly })
      const { state, totals } = yield* stopped(sink, "1 hour")
      assert.deepStrictEqual(totals, { committed: "end", inFlight: 0, safe: 120, stage: "written", written: 120 })
      assert.deepInclude(state.saved.at(-1)?.sinks["table"], { at: "end" })
      assert.notInclude(sink.calls, "finish")
    })
  )

  it.effect("in the last commit of a sink that hangs", () =>
    Effect.gen(function* () {
      const { state, totals } = yield* stopped(recording("table", { flush: () => Effect.never }), "1 hour")
      assert.deepStrictEqual(totals, { committed: undefined, inFlight: 0, safe: 0, stage: "reading", written: 120 })
      assert.deepStrictEqual(state.saved, [])
    })
  )

  it.effect("while the sink finishes", () =>
    Effect.gen(function* () {
      const { state, totals } = yield* stopped(recording("table", { finish: slowly }))
      assert.deepStrictEqual(totals, { committed: "end", inFlight: 0, safe: 120, stage: "written", written: 120 })
      assert.isFalse(state.saved.at(-1)?.finished)
    })
  )
})
