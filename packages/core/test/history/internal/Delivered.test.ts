import { assert, describe, it } from "@effect/vitest"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
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

  it("a record that fails lies inside its gap, not where the bounds of the windows beside it reach", () => {
    const second = 1_000_000
    const delivered = Delivered.make()
    const error = new AgniError({ reason: new NotFound(), request: "GET", attempts: 1, elapsed: Duration.zero })
    const coverage = { _tag: "Gap", reason: { _tag: "Unreadable", problem: "fails" }, error } as const
    const gap = { from: 10 * second, to: 18 * second, rejected: [], coverage, requests: 0, observedAt: 0 }
    delivered.add({ ...Windows.make([], gap), extra: 1 })
    const within = (after: number, before: number) =>
      delivered.between({ after: after * second, before: before * second }).within
    assert.deepStrictEqual([within(0, 12), within(16, 30), within(0, 13), within(15, 30)], [0, 0, 1, 1])
  })
})
