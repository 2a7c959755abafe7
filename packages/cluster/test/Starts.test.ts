/** What a process makes of its grants: the row is a model in memory, and those who sleep wake up late. */
import { type Limit, limitOf } from "@callstream/core/client/Budget"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { lateClock } from "../../core/test/client/lateClock.ts"
import { mostInASecond } from "../../core/test/client/mostInASecond.ts"
import type * as Grants from "../src/internal/Grants.ts"
import * as StartsOf from "../src/internal/Starts.ts"

/** Of the database: an hour ahead of the processes. */
const seconds = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9 + 3600)

/** A row, and how long it takes until an answer of it has come. */
const rowOf = ({ most, spacing: even, window }: Limit, delay: Effect.Effect<number>) => {
  const spacing = 0.8 * even
  const row = { starts: new Array<number>(), latest: 0, held: 0, asked: 0 }
  const grants: Grants.Grants = {
    take: Effect.fnUntraced(function* (count, corrections) {
      row.asked++
      const now = yield* seconds
      row.starts = row.starts
        .filter((at) => !corrections.some(({ granted }) => granted === at))
        .concat(corrections.map(({ counts }) => counts))
        .filter((at) => at > now - window)
        .sort((a, b) => a - b)
      const granted = Array.from({ length: count }, () => {
        const before = row.starts.at(-most) ?? 0
        const at = Math.max(now, row.held, row.latest + spacing, row.starts.length < most ? 0 : before + window)
        row.latest = at
        row.starts.push(at)
        row.starts.sort((a, b) => a - b)
        return at
      })
      yield* Effect.sleep(Duration.millis(yield* delay))
      return { granted, now, held: row.held }
    }),
    hold: (pause) => Effect.map(seconds, (now) => void (row.held = Math.max(row.held, now + pause)))
  }
  return { row, grants }
}

interface Play {
  readonly rate: number
  /** In milliseconds: sleepers wake up late, and requests are sent late, by so much at most. */
  readonly late: number
  readonly unsent: number
  readonly seed: number
}

/** When the requests of three processes are sent, so many in each. */
const play = Effect.fnUntraced(function* ({ late, rate, seed, unsent }: Play, each: number) {
  const limit = limitOf(rate)
  const { grants, row } = rowOf(limit, Effect.succeed(3))
  const times: Array<number> = []
  const clock = yield* Clock.Clock
  const numbers = yield* Random.withSeed(Effect.replicateEffect(Random.next, 1000), seed)
  let drawn = 0
  const random = () => numbers[drawn++ % numbers.length] ?? 0
  const process = Effect.gen(function* () {
    const { turn } = yield* StartsOf.make(grants, limit, Effect.orDie)
    const request = Effect.gen(function* () {
      const onSent = yield* turn
      yield* Effect.provideService(Effect.sleep(Duration.millis(unsent * random())), Clock.Clock, clock)
      onSent()
      times.push(yield* seconds)
    })
    yield* Effect.replicateEffect(request, each, { concurrency: 16, discard: true })
  })
  const one = Effect.provideService(process, Clock.Clock, lateClock(clock, late, random))
  const all = yield* Effect.forkChild(Effect.replicateEffect(one, 3, { concurrency: 3, discard: true }))
  for (let n = 0; n < 100_000 && all.pollUnsafe() === undefined; n++) yield* TestClock.adjust("2 millis")
  yield* Fiber.join(all)
  return { times: times.sort((a, b) => a - b), row }
})

describe("starts of requests", () => {
  for (const [rate, late, unsent] of [
    [5, 0, 0],
    [40, 0, 0],
    [40, 8, 0],
    [40, 30, 0],
    [40, 150, 0],
    [40, 0, 100],
    [250, 30, 30]
  ] as const) {
    const what = `${rate} a second, up to ${late} ms late, sent up to ${unsent} ms later`
    it.effect(`${what}: never more in any second, and as many as that allows`, () =>
      Effect.gen(function* () {
        const seed = Date.now()
        console.log(`${what}: seed ${seed}`)
        const { times } = yield* play({ rate, late, unsent, seed }, 2 * rate)
        assert.lengthOf(times, 6 * rate)
        assert.isAtMost(mostInASecond(times), rate)
        const rest = times.slice(rate)
        const share = (rest.length - 1) / ((rest.at(-1) ?? 0) - (rest[0] ?? 0)) / rate
        // What is late by less than the slack costs nothing.
        assert.isAtLeast(share, 0.955 / (1 + (late + unsent <= 8 ? 0 : late + unsent) / 1000))
      })
    )
  }

  it.effect("one that has a start does not use it once the server asks for a pause", () =>
    Effect.gen(function* () {
      const limit = limitOf(5)
      const { grants } = rowOf(limit, Effect.succeed(0))
      const make = StartsOf.make(grants, limit, Effect.orDie)
      const [first, second] = [yield* Effect.forkChild(make), yield* Effect.forkChild(make)]
      yield* TestClock.adjust("1 millis")
      const [one, other] = [yield* Fiber.join(first), yield* Fiber.join(second)]
      const begun = yield* seconds
      const times: Array<number> = []
      const started = Effect.map(seconds, (at) => void times.push(at - begun))
      const all = yield* Effect.forkChild(
        Effect.replicateEffect(Effect.andThen(one.turn, started), 3, { concurrency: 3, discard: true })
      )
      yield* TestClock.adjust("10 millis")
      assert.lengthOf(times, 1)
      yield* one.hold("10 seconds")
      assert.closeTo(yield* one.pause, 10_000, 20)
      const next = yield* Effect.forkChild(Effect.andThen(other.turn, started))
      yield* TestClock.adjust("9900 millis")
      assert.lengthOf(times, 1)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(all)
      yield* Fiber.join(next)
      assert.lengthOf(times, 4)
    })
  )

  it.effect("one that stops waiting gives its start back", () =>
    Effect.gen(function* () {
      const limit = limitOf(1)
      const { grants, row } = rowOf(limit, Effect.succeed(0))
      const made = yield* Effect.forkChild(StartsOf.make(grants, limit, Effect.orDie))
      yield* TestClock.adjust("1 millis")
      const { turn } = yield* Fiber.join(made)
      const first = yield* Effect.forkChild(turn)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(first)
      const second = yield* Effect.forkChild(turn)
      yield* TestClock.adjust("1 millis")
      const before = row.starts.length
      yield* Fiber.interrupt(second)
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual([before, row.starts.length], [2, 1])
    })
  )
})
