/** The receiver of a whole run is down for a day, and then back. */
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { settle } from "../sink/webhook/run.ts"
import * as Whole from "./Whole.ts"

const minute = 60_000
const day = 24 * 60 * minute

const world = (options: Partial<Whole.Options>) =>
  Effect.gen(function* () {
    const whole = yield* Whole.make({
      simulator: { sessions: 1200, undated: 0.01, age: "1 day" },
      history: { pageSize: 50, pagesPerWindow: 2 },
      ...options,
      webhook: { batchSize: 10, giveUpAfter: "3 days", ...options.webhook }
    })
    const ids = whole.simulator
      .truth()
      .map(({ id }) => id)
      .sort()
    whole.receiver.delay(40)
    return { ...whole, ids }
  })

const steps = (fiber: Fiber.Fiber<unknown, unknown>, step: Duration.Input, times: number) =>
  Effect.gen(function* () {
    for (let done = 0; done < times && fiber.pollUnsafe() === undefined; done++) {
      yield* settle
      yield* TestClock.adjust(step)
    }
  })

/** In files that are not the result: what waits for the receiver, and what a step of the checkpoint holds. */
const waiting = ({ files }: { readonly files: Whole.Whole["files"] }) =>
  files.names().filter((name) => name.startsWith("/d/state/spool/"))

const within = (times: ReadonlyArray<number>, millis: number) =>
  times.filter((at) => at - (times[0] ?? 0) < millis).length

describe("a whole run whose webhook's receiver is down for a day", () => {
  it.effect(
    "waits with little in memory and on disk, reads no further, comes back slowly, and ends with everything",
    () =>
      Effect.gen(function* () {
        const one = yield* world({ onSinkFailure: "stop", commitEvery: "1 second" })
        const failures = ["reset", 503, "hang", 500, { code: "ECONNREFUSED" }] as const
        one.receiver.answer(({ at, number }) =>
          at > 1000 && at < 1000 + day ? (failures[number % failures.length] ?? 503) : 204
        )
        const fiber = yield* Effect.forkChild(Effect.exit(one.run))
        yield* steps(fiber, "20 millis", 60)
        const taken = one.receiver.taken.length
        assert.isAbove(taken, 0)
        yield* steps(fiber, "1 minute", 5)
        // From here on nothing more is read or written but what is tried again.
        const read = one.simulator.requests.length
        const length = one.files.text(`${Whole.path}.partial`)?.length
        const operations = one.operations.length
        let most = 0
        for (let hour = 0; hour < 23; hour++) {
          yield* steps(fiber, "1 minute", 60)
          most = Math.max(most, waiting(one).length)
        }
        assert.isUndefined(fiber.pollUnsafe())
        assert.strictEqual(one.simulator.requests.length, read)
        assert.strictEqual(one.files.text(`${Whole.path}.partial`)?.length, length)
        assert.strictEqual(one.receiver.taken.length, taken)
        assert.isAtMost(most, 4)
        assert.isBelow(one.receiver.messages.length, 1700)
        // A request at a time, and no file is touched.
        assert.strictEqual(one.operations.slice(operations).filter(({ what }) => !what.startsWith("POST")).length, 0)

        yield* steps(fiber, "40 millis", 120_000)
        yield* steps(fiber, "1 second", 5000)
        const exit = fiber.pollUnsafe()
        assert.isDefined(exit)
        const back = one.receiver.taken.slice(taken).map(({ at }) => at)
        assert.isAtMost(within(back, 1000), 2)
        assert.isAtMost(within(back, 5000), 9)
        assert.deepStrictEqual([...one.receiver.state().keys()].sort(), one.ids)
        assert.deepStrictEqual(one.fileIds()?.toSorted(), one.ids)
        assert.deepStrictEqual(waiting(one), [])
        assert.deepStrictEqual(one.files.names(), [Whole.path, Whole.epochPath, Whole.statePath])
      })
  )

  it.effect("that gives up before: the file is finished without it, and the next run brings it up, slowly", () =>
    Effect.gen(function* () {
      const one = yield* world({ onSinkFailure: "continue", commitEvery: 0, webhook: { giveUpAfter: "1 hour" } })
      one.receiver.answer(({ at }) => (at > 1000 && at < 1000 + day ? 503 : 204))
      const first = yield* Effect.forkChild(one.run)
      yield* steps(first, "20 millis", 60)
      yield* steps(first, "1 minute", 30)
      assert.isUndefined(first.pollUnsafe())
      yield* steps(first, "1 minute", 23 * 60)
      const summary = first.pollUnsafe()
      assert(summary !== undefined && Exit.isSuccess(summary))
      const [file, hook] = summary.value.sinks
      assert.deepInclude(file, { sink: Whole.path, written: 1200, failure: undefined })
      assert.instanceOf(hook?.failure, SinkError)
      assert.deepStrictEqual(one.fileIds()?.toSorted(), one.ids)
      assert.isAtMost(waiting(one).length, 4)
      const text = one.files.text(Whole.path)
      const had = new Set(one.receiver.state().keys()).size
      assert.isBelow(had, 1200)

      yield* TestClock.adjust("1 day")
      const before = one.receiver.taken.length
      const second = yield* Effect.forkChild(one.run)
      yield* steps(second, "40 millis", 120_000)
      const caughtUp = second.pollUnsafe()
      assert(caughtUp !== undefined && Exit.isSuccess(caughtUp))
      assert.isUndefined(caughtUp.value.sinks[1]?.failure)
      assert.deepStrictEqual([...one.receiver.state().keys()].sort(), one.ids)
      // The file is left as it was, and the receiver gets little that it has.
      assert.strictEqual(one.files.text(Whole.path), text)
      const again = one.receiver.taken.slice(before).flatMap(({ events }) => events).length
      assert.isBelow(again, 1200)
      assert.isAtMost(one.receiver.most(), 4)
      assert.deepStrictEqual(waiting(one), [])
    })
  )
})
