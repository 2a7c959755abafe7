import * as Tail from "@callstream/core/sync/Tail"
import { assert, describe, it } from "@effect/vitest"
import { random } from "./SyncRandom.ts"

const second = 1_000_000

/** The same half octaves, found by looking for them. */
const edges = [0, ...Array.from({ length: 34 }, (_, i) => 30 * second * 2 ** (i / 2))]

const delaysOf = (seed: number): ReadonlyArray<number> => {
  const { below, next } = random(seed)
  return Array.from({ length: below(300) }, () => Math.floor(second * 10 ** (7 * next())))
}

const tailOf = (delays: ReadonlyArray<number>) => delays.reduce(Tail.observe, Tail.empty)

describe("Tail", () => {
  it("survival is a recount of the delays, with one imagined delay: 200 lists", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const delays = delaysOf(seed)
      const tail = tailOf(delays)
      assert.strictEqual(Tail.total(tail), delays.length)
      for (const [bin, edge] of edges.entries()) {
        const longer = delays.filter((delay) => delay >= edge).length
        const expected = bin === 34 ? 0 : (longer + (35 - bin) / 35) / (delays.length + 1)
        assert.closeTo(Tail.survival(tail, edge), expected, 1e-9, `seed ${seed}, edge ${bin}`)
      }
    }
  })

  it("survival falls from 1 and never rises; what was not seen yet is not ruled out", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const tail = tailOf(delaysOf(seed))
      assert.strictEqual(Tail.survival(tail, 0), 1)
      assert.isAbove(Tail.survival(tail, Tail.longest - second), 0)
      let before = 1
      for (let delay = 1; delay < 2 * Tail.longest; delay *= 1.3) {
        const now = Tail.survival(tail, delay)
        assert.isAtMost(now, before, `seed ${seed}, delay ${delay}`)
        before = now
      }
    }
  })

  it("what two saw is what one would have seen, in any order", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const delays = delaysOf(seed)
      const cut = random(seed).below(delays.length + 1)
      const parts = [delays.slice(cut), delays.slice(0, cut)].map(tailOf)
      assert.deepStrictEqual(parts.reduce(Tail.merge, Tail.empty), tailOf(delays))
    }
  })

  it("a quantile is the end of the half octave in which that share is reached", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const delays = delaysOf(seed)
      for (const share of [0.1, 0.5, 0.99]) {
        const found = Tail.quantile(tailOf(delays), share)
        const within = delays.filter((delay) => delay < found).length
        assert.isAtLeast(within, share * delays.length)
        const below = edges[edges.findIndex((edge) => edge >= found) - 1] ?? edges.at(-1) ?? 0
        if (found > 30 * second)
          assert.isBelow(delays.filter((delay) => delay < below).length, share * delays.length, `seed ${seed}`)
      }
    }
    assert.strictEqual(Tail.quantile(Tail.observe(Tail.empty, 2 * Tail.longest), 0.5), Infinity)
  })
})
