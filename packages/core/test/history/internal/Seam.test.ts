import { assert, describe, it } from "@effect/vitest"
import * as Instant from "@callstream/core/model/Instant"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Seam from "../../../src/history/internal/Seam.ts"
import { began, second } from "./FakeServer.ts"

/** One for each second before the beginning that is given. */
const rowsAt = (seconds: ReadonlyArray<number>): ReadonlyArray<Rows.Row> =>
  seconds.map((ago, i) => ({
    key: `row-${i}`,
    start: Instant.of(began - ago * second),
    item: undefined,
    rejected: undefined
  }))

const byStart = (rows: ReadonlyArray<Rows.Row>): boolean => Seam.differ(rows, ({ start }) => start)

const after = (seconds: ReadonlyArray<number>, size = seconds.length) =>
  Seam.after(rowsAt(seconds), seconds.length, size, byStart)

describe("Seam.after", () => {
  it("two rows that start at different times must come again", () => {
    const { keys, step, tied } = after([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert.deepStrictEqual({ keys, tied }, { keys: ["row-8", "row-9"], tied: false })
    assert.deepStrictEqual(step, { page: 2, size: 8, skip: 8 })
  })

  it("more of them where the last ones start together", () => {
    const { keys, step, tied } = after([1, 2, 3, 4, 5, 6, 7, 8, 8, 8])
    assert.deepStrictEqual({ keys, tied }, { keys: ["row-6", "row-7", "row-8", "row-9"], tied: false })
    assert.deepStrictEqual(step, { page: 2, size: 6, skip: 6 })
  })

  it("the last one alone where all start together, or pages are too small", () => {
    assert.deepInclude(after([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), { keys: ["row-9"], tied: true })
    assert.deepInclude(after([1, 2, 3, 4]), { keys: ["row-3"], tied: true, step: { page: 2, size: 3, skip: 3 } })
    assert.deepInclude(after([1, 2]), { step: undefined })
  })
})

describe("Seam.isLost", () => {
  it("unless all of its rows are in their places", () => {
    const rows = rowsAt([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const seam = Seam.after(rows, 10, 10, byStart)
    const next = rows.slice(8)
    assert.isFalse(Seam.isLost(seam, next, 10, 8))
    for (const others of [next.slice(1), next.toReversed(), [...rows.slice(7, 8), ...next], []])
      assert.isTrue(Seam.isLost(seam, others, 10, 8))
    assert.isFalse(Seam.isLost(Seam.first({ page: 1, size: 10, skip: 0 }), rows, 0, 0))
  })
})
