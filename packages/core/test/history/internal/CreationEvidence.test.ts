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
  it("is a call without a start time among others on a page in order", () => {
    assert.isTrue(isSeen("zYx"))
    assert.isTrue(isSeen("zyx", "Wv"))
    for (const pages of [["zyx"], ["ZYX"], ["zyx", "WVU"], ["zXy"], [""], []]) assert.isFalse(isSeen(...pages))
  })

  it("is a page of such calls where the pages of a walk are in order together", () => {
    assert.isTrue(isFollowed("zyx", "WVU"))
    assert.isTrue(isFollowed("ZYX", "", "wvu"))
    assert.isTrue(isFollowed("ZYX", "WVU", "tsr"))
    // Those at an end of the list are in order by themselves.
    for (const pages of [["CBA", "zyx"], ["cba", "ZYX"], ["ZYX", "CBA", "wvu"], ["zyx", "wvu"], ["ZYX"], []])
      assert.isFalse(isFollowed(...pages), pages.join(" "))
    assert.isTrue(isFollowed("CBA", "zyx", "WVU"))
    assert.isFalse(isFollowed("CBA", "", "zyx"))
    assert.isFalse(isFollowed("DCA", "cb"))
  })
})
