import { assert, describe, it } from "@effect/vitest"
import * as IdSet from "../../../src/history/internal/IdSet.ts"
import * as Histories from "../../torture/Histories.ts"

describe("IdSet", () => {
  it("is a set", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { next } = Histories.random(seed)
      const ids = IdSet.make()
      const model = new Set<string>()
      let wrong = 0
      for (let i = 0; i < 3000; i++) {
        const id = `019b${Math.floor(next() * 2000)}-${seed}`
        if (ids.has(id) !== model.has(id) || ids.add(id) === model.has(id)) wrong++
        model.add(id)
      }
      assert.strictEqual(wrong, 0, `seed ${seed}`)
      assert.strictEqual(ids.size(), model.size, `seed ${seed}`)
    }
  })

  it("distinguishes 200,000 ids that differ in a few digits", () => {
    const ids = IdSet.make()
    for (let i = 0; i < 200_000; i++) ids.add(`019b7a00-0000-7000-8000-${String(i).padStart(12, "0")}`)
    assert.strictEqual(ids.size(), 200_000)
  })

  it("beyond its limit remembers no further id, and calls it new each time", () => {
    const ids = IdSet.make(2)
    assert.deepStrictEqual(
      ["a", "b", "c", "c", "a"].map((id) => ids.add(id)),
      [true, true, true, true, false]
    )
    assert.strictEqual(ids.size(), 2)
  })
})
