import { assert, describe, it } from "@effect/vitest"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as PagePlaces from "../../../src/endpoint/internal/PagePlaces.ts"

/** How many rows there are at least, where the third page of five comes, and then the same rows as the fourth page. */
const countOf = (rows: number): number => {
  const log = Ask.makeLog()
  const note = PagePlaces.make(log)
  const page = Array.from({ length: rows }, (_, i) => ({ key: `row-${i}`, start: 1_000_000 * i }))
  for (const number of [3, 4]) note({ bounds: {}, page: number, size: 5, order: "newest" }, page)
  return NotedCounts.countOf(log, {}, false)
}

describe("a page that is an earlier one again", () => {
  it("has more rows in front of it if it is not full, because a limit on the depth repeats full pages", () => {
    assert.strictEqual(countOf(2), 17)
  })

  it("says nothing if it is full", () => {
    assert.strictEqual(countOf(5), 15)
  })
})

/**
 * Whether a page may be the first one again, where rows with these numbers came as the first page, and then as the third of another size, or
 * the other way round.
 */
const isFirst = (first: ReadonlyArray<number>, third: ReadonlyArray<number>): boolean | undefined => {
  const [after, before] = [true, false].map((isAfter) => isFirstIn(first, third, isAfter))
  assert.strictEqual(before, after)
  return after
}

const isFirstIn = (first: ReadonlyArray<number>, third: ReadonlyArray<number>, isAfter: boolean) => {
  const log = Ask.makeLog()
  const note = PagePlaces.make(log)
  const rowsOf = (numbers: ReadonlyArray<number>) => numbers.map((i) => ({ key: `row-${i}`, start: 1_000_000 * i }))
  const pages = [
    { page: 1, numbers: first },
    { page: 3, numbers: third }
  ]
  for (const { numbers, page } of isAfter ? pages : pages.toReversed())
    note({ bounds: {}, page, size: numbers.length, order: "newest" }, rowsOf(numbers))
  assert.strictEqual(log.lengths.size, 1)
  return [...log.lengths.values()][0]?.isFirst
}

describe("a page of another size", () => {
  it("may be the first one again if the shorter of both is a part of the longer one", () => {
    assert.isTrue(isFirst([1, 2, 3, 4, 5], [1, 2, 3]))
    assert.isTrue(isFirst([1, 2, 3], [1, 2, 3, 4, 5]))
  })

  it("is not the first one again for a row that is on both, because one that was left out gives others another place", () => {
    assert.isFalse(isFirst([1, 3, 4, 5, 6], [6, 7, 8]))
    assert.isFalse(isFirst([1, 2, 3], [3, 4, 5, 6]))
  })
})
