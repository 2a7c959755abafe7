import { assert, describe, it } from "@effect/vitest"
import * as Partitioner from "../../../src/history/internal/Partitioner.ts"
import * as Readers from "../../../src/history/internal/Readers.ts"

const seenOf = (about: number) => ({ about, charactersPerPage: 130_000, profile: { pageSize: 100 } })

describe("Readers", () => {
  it("one more than requests at once, where all windows are read at once: a large history holds no window more", () => {
    for (const requests of [1, 4, 8])
      for (let pages = 20; pages <= 1000; pages += 7) {
        const seen = seenOf(pages * 100)
        const readers = Readers.readersFor(requests, seen)
        const held = readers * Partitioner.pagesPerWindow(seen, readers)
        const most = (requests + 1) * Math.ceil((pages / (requests + 1)) * 1.02)
        if (readers > requests) assert.isAtMost(held, Math.max(most, readers * Partitioner.least), `${pages}`)
        else assert.isAbove(pages, 45 * (requests + 1), `${pages}`)
      }
  })

  it("a stretch has a few more readers than its share, and no more than requests at once", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 8, 20].map((stretches) => Readers.perReader(8, stretches)),
      [8, 5, 4, 2, 2]
    )
  })
})
