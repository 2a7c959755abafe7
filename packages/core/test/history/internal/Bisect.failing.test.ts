import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { calls, failure, first, idsOf, minute, read, startOf } from "./BisectedRange.ts"
import { control, rowsAt, second } from "./FakeServer.ts"

describe("Bisect.read of what is known to hold a record that fails", () => {
  const task = { from: startOf(45) - 3 * second, to: startOf(45) + 4 * second, expected: 1, fails: failure }

  it.effect("tries with all patience, and fails with the error that names it", () =>
    Effect.gen(function* () {
      const waits: Array<boolean | undefined> = []
      const { error, tag, vain } = yield* read(task, {
        traits: { poison: "row-45" },
        fails: ({ shortWaits }) => {
          waits.push(shortWaits)
          return undefined
        }
      })
      assert.deepStrictEqual([tag, error?.alone, vain], ["Failed", true, 0])
      assert.isTrue(waits.includes(true))
    })
  )

  it.effect("what could be read after all was in vain", () =>
    Effect.gen(function* () {
      for (const keepGoing of [false, true]) {
        const { tag, vain, windows } = yield* read(task, { keepGoing, vain: 2 })
        assert.deepStrictEqual([tag, vain, idsOf(windows)], ["Done", 3, ["row-45"]])
        assert.deepStrictEqual(
          windows.map(({ coverage }) => coverage._tag),
          ["Proven"]
        )
      }
    })
  )

  it.effect("with keepGoing it is a gap with what comes row by row", () =>
    Effect.gen(function* () {
      const rows = [...calls, ...rowsAt([startOf(45) + 1]).map((row) => ({ ...row, id: "beside" }))]
      const { tag, vain, windows } = yield* read(task, { keepGoing: true, rows, traits: { poison: "row-45" } })
      assert.deepStrictEqual([tag, vain, idsOf(windows)], ["Done", 0, ["beside"]])
      assert.deepStrictEqual<unknown>(
        windows.map(({ coverage, from, to }) => [coverage._tag, from, to]),
        [["Gap", task.from, task.to]]
      )
    })
  )

  it.effect("with keepGoing it is a gap, too, where all rows come, and the range fails again", () =>
    Effect.gen(function* () {
      const { tag, vain, windows } = yield* read(task, {
        keepGoing: true,
        // The rows come one by one, and no count does.
        fails: ({ insist }) => (insist === undefined ? undefined : failure)
      })
      assert.deepStrictEqual([tag, vain, idsOf(windows)], ["Done", 1, ["row-45"]])
      assert.strictEqual(windows[0]?.coverage._tag, "Gap")
    })
  )
})

describe("Bisect.read beside an idle reader", () => {
  /** Six hundred calls, in the order of their start, which the server shows. */
  const rows = Array.from({ length: 600 }, (_, i) => ({
    id: `row-${i}`,
    start: first + i * minute,
    created: first - i * second
  }))
  const task = { from: first, to: first + 600 * minute, expected: 600, top: "row-599" }
  const facts = { order: "start" } as const
  const given = { rows, facts, settings: { mostOverlapping: 2, controls: [control("row-0", first)] } }

  it.effect("hands over the lower half of what is left, and reads the rest", () =>
    Effect.gen(function* () {
      const whole = { ...task, bottom: "row-0", located: 2 }
      const { given: parts, tag, windows } = yield* read(whole, { ...given, handOver: () => true })
      assert.strictEqual(tag, "Done")
      const [part] = parts
      assert.isDefined(part)
      assert.strictEqual(part.from, task.from)
      assert.approximately(part.to, (task.from + task.to) / 2, 15 * minute)
      assert.strictEqual(part.to % second, 0)
      assert.approximately(part.expected, 290, 15)
      assert.deepStrictEqual([part.counted, part.top, part.bottom, part.located], [false, undefined, "row-0", 2])
      assert.deepStrictEqual<unknown>(
        windows.map(({ coverage, from, to }) => [coverage._tag, from, to]),
        [["Proven", parts.at(-1)?.to ?? 0, task.to]]
      )
      // What another one reads is not cut off from it again.
      for (const [i, part] of parts.entries()) assert.strictEqual(part.from, parts[i - 1]?.to ?? task.from)
      assert.strictEqual(
        idsOf(windows).length,
        600 - parts.reduce((sum, part) => sum + (part.to - part.from) / minute, 0)
      )
    })
  )

  it.effect("hands over nothing of a single second, whatever came before it", () =>
    Effect.gen(function* () {
      const at = first + 10 * minute
      // Far more calls in one second, above, than there can be below.
      const burst = Array.from({ length: 1900 }, (_, i) => ({ start: at + 4 * second + i * 500, created: first - i }))
      const below = Array.from({ length: 15 }, (_, i) => ({ start: at + second / 2 + i * 230_000, created: first + i }))
      const all = [...burst, ...below].map((row, i) => ({ id: `row-${i}`, ...row }))
      const { given: parts, windows } = yield* read(
        { from: at + 2 * second, to: at + 6 * second, expected: 1910 },
        { ...given, rows: all, handOver: () => true, settings: { ...given.settings, perWindow: 5000, controls: [] } }
      )
      assert.deepStrictEqual(parts, [])
      assert.isAbove(idsOf(windows).length, 1900)
    })
  )

  it.effect("reads all of it where nobody is free", () =>
    Effect.gen(function* () {
      const { given: parts, windows } = yield* read(task, given)
      assert.isAbove(parts.length, 1)
      assert.deepStrictEqual<unknown>(
        windows.map(({ from, to }) => [from, to]),
        [[task.from, task.to]]
      )
      assert.lengthOf(idsOf(windows), 600)
    })
  )

  it.effect("a record that fails in the rest is one of the rest", () =>
    Effect.gen(function* () {
      const { given: parts, parts: cut } = yield* read(task, {
        ...given,
        handOver: () => true,
        traits: { poison: "row-500" }
      })
      assert.strictEqual(cut[0]?.from, parts.at(-1)?.to)
      assert.strictEqual(cut.at(-1)?.to, task.to)
    })
  )
})
