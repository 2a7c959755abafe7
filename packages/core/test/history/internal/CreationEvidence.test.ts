import { assert, describe, it } from "@effect/vitest"
import * as Instant from "@callstream/core/model/Instant"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as CreationEvidence from "../../../src/history/internal/CreationEvidence.ts"

/** A row for each letter, created as late as the letter is in the alphabet; capital ones have no start. */
const rowsOf = (letters: string): ReadonlyArray<Rows.Row> =>
  letters.split("").map((letter) => ({
    key: letter,
    start: letter === letter.toUpperCase() ? undefined : Instant.of(1),
    item: undefined,
    rejected: undefined
  }))

const areInOrder = (rows: ReadonlyArray<Rows.Row>) =>
  rows.every(({ key }, i) => i === 0 || key.toLowerCase() <= (rows[i - 1]?.key ?? "").toLowerCase())

const isLoose = ({ start }: Rows.Row) => start === undefined
const make = () => CreationEvidence.make(areInOrder, isLoose)

const isSeen = (...pages: ReadonlyArray<string>): boolean => {
  const evidence = make()
  for (const page of pages) evidence.note(rowsOf(page))
  return evidence.isUnderstood()
}

const isFollowed = (...pages: ReadonlyArray<string>): boolean => {
  const evidence = make()
  for (const page of pages) evidence.follow(rowsOf(page))
  return evidence.isUnderstood()
}

describe("CreationEvidence", () => {
  it("is a call without a start time between others on a page in order", () => {
    assert.isTrue(isSeen("zYx"))
    assert.isTrue(isSeen("zyx", "wVUt"))
    // Those at an end of the list may be there because they have no start time.
    for (const pages of [["zyx"], ["ZYX"], ["zyX"], ["Zyx"], ["zY", "xw"], ["aZy"], ["zXy"], [""], []])
      assert.isFalse(isSeen(...pages), pages.join(" "))
  })

  it("is one among others on a page of the range", () => {
    for (const [page, is] of [
      ["zY", true],
      ["Zy", true],
      ["zy", false],
      ["ZY", false]
    ] as const) {
      const evidence = make()
      evidence.noteMeant(rowsOf(page))
      assert.strictEqual(evidence.isUnderstood(), is, page)
    }
  })

  it("is a page of such calls where the pages of a walk are in order together", () => {
    assert.isTrue(isFollowed("zyx", "WVU", "tsr"))
    assert.isTrue(isFollowed("zyx", "W", "", "VUt"))
    for (const pages of [
      ["zyx", "WVU"],
      ["ZYX", "wvu"],
      ["cba", "ZYX", "wv"],
      ["zyx", "CBA", "wvu"],
      ["zC", "", "yx"],
      ["dCA", "cb"],
      ["zyx", "wvu"],
      ["ZYX"],
      []
    ])
      assert.isFalse(isFollowed(...pages), pages.join(" "))
    assert.isTrue(isFollowed("CBA", "zyx", "WVU", "t"))
  })
})
