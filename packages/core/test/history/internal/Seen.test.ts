import { assert, describe, it } from "@effect/vitest"
import * as Seen from "../../../src/history/internal/Seen.ts"
import { page, session } from "../Walking.ts"

/** Whether a record is met as if for the first time. */
const isNew = (seen: Seen.Seen, id: string) => seen.keepNew(page(1, [session(id)])).rows.sessions().length === 1

describe("Seen", () => {
  it("knows the first page and the last ten thousand records, and forgets most of 100,000", () => {
    const seen = Seen.make()
    const size = 100
    const total = 100_000
    for (let from = 0; from < total; from += size) {
      const made = page(
        from / size + 1,
        Array.from({ length: size }, (_, index) => session(`id-${from + index}`))
      )
      assert.strictEqual(seen.keepNew(made), made, "a page of new records stays the same object")
    }
    // Newest first, because what is new to it is remembered in place of the oldest.
    let known = 0
    let firstForgotten = -1
    for (let index = total - 1; index >= size; index--) {
      if (!isNew(seen, `id-${index}`)) known++
      else if (firstForgotten === -1) firstForgotten = index
    }
    assert.isAtLeast(total - 1 - firstForgotten, 10_000)
    assert.isAtMost(known, 20_000 + size)
    for (let index = 0; index < size; index++) assert.isFalse(isNew(seen, `id-${index}`), `id-${index}`)
  })

  it("drops repeats within a page and keeps the order of the rest", () => {
    const seen = Seen.make()
    const kept = seen.keepNew(
      page(
        1,
        ["b", "a", "b", "c", "a"].map((id) => session(id))
      )
    )
    assert.deepStrictEqual(
      kept.rows.sessions().map(({ id }) => id),
      ["b", "a", "c"]
    )
  })

  it("knows a rejected record by its id, whatever else it says, and one without by what it says", () => {
    const seen = Seen.make()
    const raws = [{ id: "x", n: 1 }, { id: "x", n: 2 }, { id: "", n: 1 }, { id: "", n: 2 }, { n: 1 }, { n: 1 }, null, 7]
    assert.deepStrictEqual(
      seen.keepNew(page(1, [], raws)).rejected.map(({ raw }) => raw),
      [{ id: "x", n: 1 }, { id: "", n: 1 }, { id: "", n: 2 }, { n: 1 }, null, 7]
    )
    assert.isEmpty(seen.keepNew(page(2, [], raws)).rejected)
  })

  it("does not take a session for a rejected record that says the same as its id", () => {
    const seen = Seen.make()
    seen.keepNew(page(1, [], [{ n: 1 }]))
    assert.isTrue(isNew(seen, JSON.stringify({ n: 1 })))
    // Once it decodes, once it does not: it is one record.
    seen.keepNew(page(2, [session("y")]))
    assert.isEmpty(seen.keepNew(page(3, [], [{ id: "y", n: 1 }])).rejected)
  })

  it("holds a page larger than its memory as a whole", () => {
    const seen = Seen.make()
    const huge = page(
      1,
      Array.from({ length: 30_000 }, (_, index) => session(String(index)))
    )
    seen.keepNew(page(0, [session("before")]))
    seen.keepNew(huge)
    for (let times = 0; times < 3; times++) assert.isEmpty(seen.keepNew(huge).rows.sessions())
  })
})
