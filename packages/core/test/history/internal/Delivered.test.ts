import { assert, describe, it } from "@effect/vitest"
import type { Window } from "@callstream/core/history/Coverage"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as Version from "@callstream/core/model/Version"
import * as Duration from "effect/Duration"
import * as Delivered from "../../../src/history/internal/Delivered.ts"
import * as IdSet from "../../../src/history/internal/IdSet.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { item } from "./FakeServer.ts"
import * as Histories from "../../torture/Histories.ts"

const opened = () => {
  const delivered = Delivered.make(IdSet.make())
  return { ...delivered, add: (window: Window) => delivered.add(window, { first: 0, end: 0 }) }
}

describe("Delivered", () => {
  it("counts what lies between any bounds, and what lies on them, as a plain filter does", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { next } = Histories.random(seed)
      const starts = Array.from({ length: 60 }, () => Math.floor(next() * 40)).sort((a, b) => a - b)
      const delivered = opened()
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
    const delivered = opened()
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
    const delivered = opened()
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
    const delivered = opened()
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
    const delivered = opened()
    delivered.add({ ...Windows.make([], { ...about, coverage: gap, from: 10 * second, to: 13 * second }), extra: 1 })
    const within = (after: number, before: number) =>
      delivered.between({ after: after * second, before: before * second }).within
    assert.deepStrictEqual([within(0, 12), within(11, 30)], [1, 1])
  })

  it("a record that fails lies inside its gap, not where the bounds of the windows beside it reach", () => {
    const delivered = opened()
    delivered.add({ ...Windows.make([], { ...about, coverage: gap, from: 10 * second, to: 18 * second }), extra: 1 })
    const within = (after: number, before: number) =>
      delivered.between({ after: after * second, before: before * second }).within
    assert.deepStrictEqual([within(0, 12), within(16, 30), within(0, 13), within(15, 30)], [0, 0, 1, 1])
  })

  it("a range that is read again forgets its own ids, and no others", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { next } = Histories.random(seed)
      const ids = IdSet.make()
      const delivered = Delivered.make(ids)
      const model: Array<{ readonly from: number; readonly ids: ReadonlyArray<string> }> = []
      const read = (from: number) => {
        const some = Array.from({ length: Math.floor(next() * 600) }, (_, i) => `${seed}-${from}-${i}`)
        const first = ids.size()
        for (const id of some) ids.add(id)
        const items = some.map((id) => item(id, from))
        delivered.add(Windows.make(items, { ...about, from, to: from + 10 }), { first, end: ids.size() })
        model.push({ from, ids: some })
      }
      for (let from = 0; from < 60; from += 10) read(from)
      for (let round = 0; round < 3; round++) {
        // One that comes after all windows is of none.
        ids.add("late")
        const from = 10 * Math.floor(next() * 6)
        const to = from + 10 * (1 + Math.floor(next() * 3))
        delivered.remove({ from, to })
        const kept = model.filter((one) => one.from < from || one.from >= to)
        const gone = model.filter((one) => !kept.includes(one))
        model.splice(0, model.length, ...kept)
        const there = [...kept, ...gone].map((one) => one.ids.filter((id) => ids.has(id)).length)
        assert.deepStrictEqual(there, [...kept.map((one) => one.ids.length), ...gone.map(() => 0)], `seed ${seed}`)
        assert.isFalse(ids.has("late"))
        assert.strictEqual(ids.size(), delivered.rows(), `seed ${seed}`)
        for (const one of gone) read(one.from)
      }
    }
  })

  it("what another process delivered has the ids that it had", () => {
    const [there, here] = [IdSet.make(), IdSet.make()]
    for (const id of ["a", "b", "c"]) there.add(id)
    here.add("b")
    const delivered = Delivered.make(here)
    const piece = {
      from: 0,
      to: 1,
      proven: true,
      calls: 2,
      rows: 2,
      starts: Float64Array.of(0, 0),
      extra: 0,
      inside: 0
    }
    assert.strictEqual(delivered.put(piece, there.hashes({ first: 1, end: 3 })), 1)
    assert.deepStrictEqual(
      ["a", "b", "c"].map((id) => here.has(id)),
      [false, true, true]
    )
  })
})
