import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Scheduler from "../../../src/history/internal/Scheduler.ts"
import * as Histories from "../../torture/Histories.ts"

interface Task {
  readonly from: number
  readonly to: number
}

type Work = Scheduler.Work<Task, number, string>

const done = ({ from, to }: Task): Work => ({
  _tag: "Done",
  outputs: Array.from({ length: to - from }, (_, i) => from + i)
})

const collect = <E>(stream: Stream.Stream<number, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Stream.runCollect(stream))
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

describe("Scheduler", () => {
  it.effect("whatever takes long, is split or handed over: outputs come once and in order", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 120; seed++) {
        const newestFirst = seed % 2 === 0
        const { next, pick } = Histories.random(seed)
        const concurrency = pick(1, 2, 3, 8)
        let busy = 0
        let most = 0
        const work = (task: Task, handOver: Scheduler.HandOver<Task>): Effect.Effect<Work> =>
          Effect.gen(function* () {
            most = Math.max(most, ++busy)
            yield* Effect.sleep(Math.floor(next() * 1000))
            const middle = (task.from + task.to) >>> 1
            const way = task.to - task.from < 2 ? 1 : next()
            if (way < 0.2) {
              busy--
              const parts = [
                { from: task.from, to: middle },
                { from: middle, to: task.to }
              ]
              return { _tag: "Split", parts } as const
            }
            const from = way < 0.5 && (yield* handOver({ from: task.from, to: middle })) ? middle : task.from
            yield* Effect.sleep(Math.floor(next() * 1000))
            busy--
            return done({ from, to: task.to })
          })
        const tasks = Array.from({ length: 10 }, (_, i) => ({ from: 10 * i, to: 10 * i + 10 }))
        const given = newestFirst ? tasks.toReversed() : tasks
        const outputs = yield* collect(Scheduler.run(given, { concurrency, work, newestFirst }))
        assert.deepStrictEqual(
          outputs,
          Array.from({ length: 100 }, (_, i) => (newestFirst ? 99 - i : i)),
          `seed ${seed}`
        )
        assert.isAtMost(most, concurrency, `seed ${seed}`)
      }
    })
  )

  it.effect("no more is begun than may wait for its turn", () =>
    Effect.gen(function* () {
      const begun: Array<number> = []
      const work = (task: Task) =>
        Effect.gen(function* () {
          begun.push(task.from)
          yield* Effect.sleep(task.from === 0 ? "1 minute" : "1 second")
          return done(task)
        })
      const tasks = Array.from({ length: 20 }, (_, i) => ({ from: i, to: i + 1 }))
      const fiber = yield* Effect.forkChild(Stream.runCollect(Scheduler.run(tasks, { concurrency: 3, work })))
      yield* TestClock.adjust("30 seconds")
      // The first is not done: two others are, and are held.
      assert.deepStrictEqual(begun, [0, 1, 2])
      yield* TestClock.adjust("5 minutes")
      assert.lengthOf(yield* Fiber.join(fiber), 20)
    })
  )

  it.effect("when no task is left, all outputs are delivered and the end is reported before they are taken", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const note = (event: string) => Effect.sync(() => void events.push(event))
      const tasks = Array.from({ length: 4 }, (_, i) => ({ from: i, to: i + 1 }))
      const outputs = Scheduler.run(tasks, {
        concurrency: 4,
        work: (task) => Effect.delay(Effect.succeed(done(task)), task.from === 3 ? "90 seconds" : "1 second"),
        deliver: (output) => Effect.as(note(`delivered ${output}`), 10 * output),
        ended: note("ended")
      })
      const taking = Stream.runForEach(outputs, (output) =>
        Effect.andThen(note(`taken ${output}`), Effect.sleep("1 minute"))
      )
      const fiber = yield* Effect.forkChild(taking)
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(events, [
        "delivered 0",
        "taken 0",
        "delivered 1",
        "taken 10",
        "delivered 2",
        "delivered 3",
        "ended",
        "taken 20",
        "taken 30"
      ])
    })
  )

  it.effect("where a task failed, no end is reported", () =>
    Effect.gen(function* () {
      let ended = false
      const work = (task: Task): Effect.Effect<Work, string> =>
        task.from === 2 ? Effect.fail("broken") : Effect.succeed(done(task))
      const tasks = Array.from({ length: 3 }, (_, i) => ({ from: i, to: i + 1 }))
      const run = Scheduler.run(tasks, { concurrency: 3, work, ended: Effect.sync(() => void (ended = true)) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Stream.runDrain(run))))
      assert.isFalse(ended)
    })
  )

  it.effect("an error comes behind what is before it", () =>
    Effect.gen(function* () {
      const work = (task: Task): Effect.Effect<Work, string> =>
        Effect.delay(task.from === 2 ? Effect.fail("broken") : Effect.succeed(done(task)), "1 second")
      const tasks = Array.from({ length: 5 }, (_, i) => ({ from: i, to: i + 1 }))
      const seen: Array<number> = []
      const run = Stream.runForEach(Scheduler.run(tasks, { concurrency: 5, work }), (output) =>
        Effect.sync(() => seen.push(output))
      )
      const fiber = yield* Effect.forkChild(Effect.exit(run))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.deepStrictEqual(seen, [0, 1])
    })
  )

  it.effect("a part is handed over only to one who is idle", () =>
    Effect.gen(function* () {
      const taken: Array<boolean> = []
      const work = (task: Task, handOver: Scheduler.HandOver<Task>) =>
        Effect.gen(function* () {
          if (task.to - task.from > 1) taken.push(yield* handOver({ from: task.from, to: task.to - 1 }))
          yield* Effect.sleep("1 second")
          return done({ from: taken.at(-1) === true && task.to - task.from > 1 ? task.to - 1 : task.from, to: task.to })
        })
      assert.deepStrictEqual(yield* collect(Scheduler.run([{ from: 0, to: 2 }], { concurrency: 1, work })), [0, 1])
      assert.deepStrictEqual(yield* collect(Scheduler.run([{ from: 0, to: 2 }], { concurrency: 2, work })), [0, 1])
      assert.deepStrictEqual(taken, [false, true])
    })
  )

  /** Each task asks after its time, in seconds, whether somebody takes a part of it, and takes as long again. */
  const asking = (times: ReadonlyArray<number>, options: { readonly concurrency: number; readonly enough?: number }) =>
    Effect.gen(function* () {
      const taken: Record<number, boolean> = {}
      const work = (task: Task, handOver: Scheduler.HandOver<Task>) =>
        Effect.gen(function* () {
          if (task.to - task.from === 1) return done(task)
          const time = `${times[task.from / 2] ?? 0} seconds` as const
          yield* Effect.sleep(time)
          const isTaken = yield* handOver({ from: task.from, to: task.from + 1 })
          taken[task.from / 2] = isTaken
          yield* Effect.sleep(time)
          return done({ from: isTaken ? task.from + 1 : task.from, to: task.to })
        })
      const tasks = times.map((_, nth) => ({ from: 2 * nth, to: 2 * nth + 2 }))
      const outputs = yield* collect(Scheduler.run(tasks, { ...options, work }))
      assert.deepStrictEqual(
        outputs,
        Array.from({ length: 2 * times.length }, (_, i) => i)
      )
      return times.map((_, nth) => taken[nth])
    })

  it.effect("nobody takes a part while as many work as are enough", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* asking([3, 4], { concurrency: 3 }), [true, true])
      assert.deepStrictEqual(yield* asking([3, 4], { concurrency: 3, enough: 2 }), [false, false])
    })
  )

  it.effect("where what is done fills the memory, only a part of the first one is taken", () =>
    Effect.gen(function* () {
      const taken = yield* asking([4, 3, 1, 1, 1], { concurrency: 3 })
      assert.deepStrictEqual(taken.slice(0, 3), [true, false, false])
    })
  )
})
