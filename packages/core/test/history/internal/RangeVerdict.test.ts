import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fold } from "../../../src/history/internal/Known.ts"
import { readRange } from "../../../src/history/internal/ReadRange.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import type { Task } from "../../../src/history/internal/Task.ts"
import * as Reading from "../../torture/SmallReading.ts"
import { rules } from "../../torture/SmallRules.ts"
import { began, control, hour, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

describe("the verdict on a window", () => {
  for (const { events, isProven, requests = Infinity, rule, shape } of rules)
    it(`needs: ${rule}`, () => {
      const read = Reading.run({ shape, events })
      assert.deepStrictEqual(read.wrong, [])
      assert.deepStrictEqual(read.missing, [])
      if (isProven !== undefined) assert.strictEqual(read.proven === read.windows, isProven)
      assert.isAtMost(read.requests, requests)
    })
})

const minutes = 60 * second

/** A window and its parts, and what is known then. */
const readAll = Effect.fnUntraced(function* (settings: Settings, whole: Task, before = known()) {
  let now = before
  const tasks = [whole]
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const outcome = yield* readRange(settings, now, task)
    now = fold(now, outcome.evidence)
    if (outcome._tag === "Split") tasks.unshift(...outcome.parts)
  }
  return now
})

/** Rows of a few hours, one of which leaves while their pages are read in no order of time. */
const readUnordered = (rows: number) => {
  const starts = Array.from({ length: rows }, (_, i) => began - 4 * hour - (i + 1) * minutes)
  const leaving = rowsAt(starts).map((row) => (row.id === "row-50" ? { ...row, gone: began + 12_500 } : row))
  const server = open(leaving, { order: "id" }, 1000)
  const settings = settingsOf(server, { controls: [control("row-1", began - 4 * hour - 2 * minutes)], perWindow: 400 })
  const task = { from: began - (5 + rows / 60) * hour, to: began - 4 * hour, expected: rows }
  return readRange(settings, known({ order: "other" }), task)
}

it.effect("more than twenty pages in no order of time are cut before they are read again, fewer are not", () =>
  Effect.gen(function* () {
    assert.strictEqual((yield* readUnordered(150))._tag, "Read")
    assert.strictEqual((yield* readUnordered(250))._tag, "Split")
  })
)

it.effect("halves are not counted where a window with more calls was whole", () =>
  Effect.gen(function* () {
    const starts = Array.from({ length: 25 }, (_, i) => began - 4 * hour - (i + 1) * minutes)
    const task = { from: began - 6 * hour, to: began - 4 * hour, expected: 25 }
    const requests = Effect.fnUntraced(function* (whole: number) {
      const server = open(rowsAt(starts), { order: "id" })
      const settings = settingsOf(server, { controls: [control("row-1", began - 4 * hour - 2 * minutes)] })
      const outcome = yield* readRange(settings, known({ order: "other", whole }), task)
      assert.strictEqual(outcome._tag, "Read")
      return server.requests()
    })
    assert.isBelow(yield* requests(100), (yield* requests(25)) - 2)
  })
)

describe("what a window shows of the next ones", () => {
  it.effect("a limit that cut a count", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 50 }, (_, i) => began - 4 * hour - (i + 1) * minutes)
      const server = open(rowsAt(starts), { results: { most: 30, cut: "first" } })
      const settings = settingsOf(server, {
        controls: [control("row-0", began - 4 * hour - minutes)],
        mostOverlapping: 2
      })
      const outcome = yield* readRange(settings, known(), {
        from: began - 6 * hour,
        to: began - 4 * hour,
        expected: 50
      })
      assert.strictEqual(outcome._tag, "Split")
      assert.strictEqual(outcome.evidence.deepest, 30)
    })
  )

  it.effect("calls that begin meanwhile are no answers that differ", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 25 }, (_, i) => began - hour - (i + 1) * minutes)
      const whole = { from: began - 4 * hour, to: began + hour, expected: 25 }
      for (let every = 1; every <= 4; every++) {
        const later = Array.from({ length: 200 }, (_, i) => began + i * every * 1000 + 1)
        const come = later.map((start, i) => ({ id: `new-${i}`, start, created: start, seen: start }))
        const server = open([...rowsAt(starts), ...come], {}, 1000)
        const now = yield* readAll(settingsOf(server, { controls: [control("row-0", began - hour - minutes)] }), whole)
        assert.isFalse(now.differs, `a call after each ${every}`)
      }
    })
  )

  it.effect("what may still change is read once, also where answers differed", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 25 }, (_, i) => began - hour - (i + 1) * minutes)
      const whole = { from: began - 4 * hour, to: began, expected: 25 }
      const requests: Array<number> = []
      for (const differs of [false, true]) {
        const server = open(rowsAt(starts))
        const settings = settingsOf(server, { controls: [control("row-0", began - hour - minutes)] })
        yield* readAll(settings, whole, known({ differs }))
        requests.push(server.requests())
      }
      assert.strictEqual(requests[0], requests[1])
    })
  )
})
