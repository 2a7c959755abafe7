import { assert, describe, it } from "@effect/vitest"
import * as Step from "../../../src/history/internal/Step.ts"

describe("Step.overlapping", () => {
  it("begins before the rows that were read end, and brings as many more as any size can", () => {
    for (const most of [2, 5, 7, 10, 37, 100]) {
      for (const overlap of [1, 2, 3]) {
        for (let read = overlap; read <= 12 * most; read++) {
          const step = Step.overlapping(read, most, overlap)
          const gains = Array.from({ length: most }, (_, i) => i + 1)
            .filter((size) => size >= most * 0.6)
            .map((size) => Math.floor((read - overlap) / size) * size + size - read)
          const best = Math.max(...gains)
          const told = `${read} rows, ${most} a page, ${overlap} again`
          if (step === undefined) {
            assert.isAtMost(best, 0, told)
            continue
          }
          assert.strictEqual(step.skip, (step.page - 1) * step.size, told)
          assert.isAtMost(step.skip, read - overlap, told)
          assert.isAtMost(step.size, most, told)
          assert.strictEqual(step.skip + step.size - read, best, told)
        }
      }
    }
  })
})
