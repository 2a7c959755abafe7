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
