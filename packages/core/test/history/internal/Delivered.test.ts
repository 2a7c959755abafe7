import { assert, describe, it } from "@effect/vitest"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as Version from "@callstream/core/model/Version"
import * as Duration from "effect/Duration"
import * as Delivered from "../../../src/history/internal/Delivered.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { item } from "./FakeServer.ts"
import * as Histories from "../../torture/Histories.ts"

describe("Delivered", () => {
  it("counts what lies between any bounds, and what lies on them, as a plain filter does", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { next } = Histories.random(seed)
      const starts = Array.from({ length: 60 }, () => Math.floor(next() * 40)).sort((a, b) => a - b)
      const delivered = Delivered.make()
      for (let from = 0; from < 40; from += 10) {
        const items = starts
          .filter((start) => start >= from && start < from + 10)
          .map((start, i) => item(`${i}`, start))
        delivered.add(
          Windows.make(items, {
            from,
            to: from + 10,
            rejected: [],
            coverage: { _tag: "Proven" },
            requests: 0,
            observedAt: 0
          })
        )
      }
      assert.strictEqual(delivered.rows(), 60, `seed ${seed}`)
      for (let i = 0; i < 50; i++) {
        const after = Math.floor(next() * 44) - 2
        const before = after + 1 + Math.floor(next() * 20)
        assert.deepStrictEqual(
          delivered.between({ after, before }),
          {
            within: starts.filter((start) => start > after && start < before).length,
            at: starts.filter((start) => start === after || start === before).length
          },
          `seed ${seed}: ${after} to ${before}`
        )
      }
      assert.deepStrictEqual(delivered.between({}), { within: 60, at: 0 })
    }
  })

  it("bounds of one instant hold the calls that start then, each once", () => {
    const at = Delivered.count(Float64Array.from([1, 3, 3, 3, 5]), { after: 3, before: 3 })
    assert.deepStrictEqual(at, { within: 0, at: 3 })
  })

  const second = 1_000_000
  const about = { rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: 0 } as const
  const error = new AgniError({ reason: new NotFound(), request: "GET", attempts: 1, elapsed: Duration.zero })
  const gap = { _tag: "Gap", reason: { _tag: "Unreadable", problem: "fails" }, error } as const
  const record = (id: string, start?: number): Rejected => ({
    stage: "decode",
    reason: "not a call",
    raw: { id, startedAt: start === undefined ? "half past nine" : Instant.format(Instant.of(start)) },
    page: 1,
    index: 0,
    observedAt: Version.of(Instant.of(0))
  })

  it("records that cannot be decoded are counted where they start, among the calls", () => {
    const began = Date.UTC(2026, 5, 1) * 1000
    const delivered = Delivered.make()
    const window = { ...about, from: began, to: began + 100 * second }
    const rejected = [record("bad-1", began + 30 * second), record("bad-2", began + 50 * second)]
    delivered.add(
      Windows.make(
        [10, 40].map((at) => item(`${at}`, began + at * second)),
        { ...window, rejected }
      )
    )
    delivered.add({ ...Windows.make([], { ...window, from: window.to, to: window.to + second }), extra: 3 })
    assert.strictEqual(delivered.rows(), 7)
    const within = (after: number, before: number) =>
      delivered.between({ after: began + after * second, before: began + before * second }).within
    assert.deepStrictEqual([within(0, 35), within(35, 45), within(45, 60)], [2, 1, 1])
  })

  it("a call at which a window begins, and one listed twice at its end, are counted by bounds that end there", () => {
    const delivered = Delivered.make()
    delivered.add({
      ...Windows.make([item("first", 10 * second)], { ...about, from: 10 * second, to: 18 * second }),
      extra: 1
    })
    const between = (after: number, before: number) => {
      const { at, within } = delivered.between({ after: after * second, before: before * second })
      return [within, at]
    }
    // Where the server lists a call twice is not known.
    assert.deepStrictEqual(between(0, 10), [1, 1])
    assert.deepStrictEqual(between(18, 30), [1, 0])
    assert.deepStrictEqual(between(19, 30), [0, 0])
    assert.deepStrictEqual(between(0, 9), [0, 0])
    assert.deepStrictEqual(between(0, 12), [2, 0])
  })

  it("a record whose start is not understood lies in its window, and not where that of another one reaches", () => {
    const delivered = Delivered.make()
    const window = {
      ...about,
      from: 10 * second,
      to: 18 * second,
      rejected: [record("odd"), record("bad", 14 * second)]
    }
    delivered.add(Windows.make([item("call", 12 * second)], window))
    assert.strictEqual(delivered.rows(), 3)
    const within = (after: number, before: number) =>
      delivered.between({ after: after * second, before: before * second }).within
    assert.deepStrictEqual([within(8, 20), within(13, 15), within(0, 12), within(16, 30)], [3, 2, 0, 0])
  })

  it("a narrow gap may hold its record anywhere", () => {
    const delivered = Delivered.make()
    delivered.add({ ...Windows.make([], { ...about, coverage: gap, from: 10 * second, to: 13 * second }), extra: 1 })
    const within = (after: number, before: number) =>
      delivered.between({ after: after * second, before: before * second }).within
    assert.deepStrictEqual([within(0, 12), within(11, 30)], [1, 1])
  })

  it("a record that fails lies inside its gap, not where the bounds of the windows beside it reach", () => {
    const delivered = Delivered.make()
    delivered.add({ ...Windows.make([], { ...about, coverage: gap, from: 10 * second, to: 18 * second }), extra: 1 })
    const within = (after: number, before: number) =>
      delivered.between({ after: after * second, before: before * second }).within
    assert.deepStrictEqual([within(0, 12), within(16, 30), within(0, 13), within(15, 30)], [0, 0, 1, 1])
  })
})
