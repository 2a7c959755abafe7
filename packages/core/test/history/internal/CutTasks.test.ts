import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CutTasks from "../../../src/history/internal/CutTasks.ts"
import { began, day, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const minute = 60 * second

interface Given {
  readonly calls: number
  /** Of what was measured. */
  readonly expected: number
  readonly repeats?: boolean
}

/** A list with a call a minute, and windows of twenty. */
const cut = Effect.fnUntraced(function* ({ calls, expected, repeats = false }: Given) {
  const range = { from: began - 30 * day, to: began - 3 * hour }
  const server = open(rowsAt(Array.from({ length: calls }, (_, i) => range.to - (i + 1) * minute)))
  const settings = settingsOf(server, { perWindow: 20, concurrency: 4, repeats: Effect.succeed(repeats) })
  const { log, order, tasks } = yield* CutTasks.measured(settings, [{ ...range, expected }])
  return { calls, range, tasks, log, order, requests: server.requests() }
})

type Cut = Effect.Success<ReturnType<typeof cut>>

const assertTiles = ({ range, tasks }: Cut) => {
  assert.strictEqual(tasks[0]?.from, range.from)
  assert.strictEqual(tasks.at(-1)?.to, range.to)
  for (const [i, { from }] of tasks.entries()) if (i > 0) assert.strictEqual(from, tasks[i - 1]?.to)
}

const between = (minimum: number, maximum: number) =>
  Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum })))

describe("CutTasks.measured", () => {
  it.effect.prop(
    "cuts at known calls, whatever the measure is off by; only of the oldest part the number is not sure",
    { calls: between(80, 400), off: between(-30, 30) },
    ({ calls, off }) =>
      Effect.gen(function* () {
        const one = yield* cut({ calls, expected: calls * (1 + off / 100) })
        assertTiles(one)
        assert.isAbove(one.tasks.length, 2)
        for (const [i, { counted, expected, from, to }] of one.tasks.entries()) {
          assert.strictEqual(counted, i > 0)
          const there = Math.min(calls, (one.range.to - from) / minute) - (one.range.to - to) / minute
          // A look at the last page may be at its end.
          if (i > 0) assert.isAtMost(Math.abs(expected - there), 5)
        }
        // As far as these answers reach, bounds are trusted.
        assert.isAbove(one.log.width, ((one.tasks.length - 2) * (calls * minute)) / one.tasks.length / 2)
      })
  )

  it.effect("leaves a range to its reader where less than half of the measure is there", () =>
    Effect.gen(function* () {
      const one = yield* cut({ calls: 50, expected: 200 })
      assertTiles(one)
      assert.lengthOf(one.tasks, 1)
    })
  )

  it.effect("asks nothing about a range that is one window, nor where a page beyond the end brings others again", () =>
    Effect.gen(function* () {
      for (const given of [
        { calls: 25, expected: 25 },
        { calls: 200, expected: 200, repeats: true }
      ]) {
        const one = yield* cut(given)
        assertTiles(one)
        assert.lengthOf(one.tasks, 1)
        assert.strictEqual(one.requests, 0)
      }
    })
  )
})
