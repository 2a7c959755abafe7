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

  it("has the hashes of its ids in the order in which they came, whatever is looked for", () => {
    const ids = IdSet.make()
    const alone = (id: string) => {
      const one = IdSet.make()
      one.add(id)
      return [...one.hashes({ first: 0, end: 1 })]
    }
    const some = Array.from({ length: 3000 }, (_, i) => `call-${i % 2000}`)
    for (const id of some) {
      ids.add(id)
      ids.has(`${id}-other`)
    }
    assert.deepStrictEqual([...ids.hashes({ first: 0, end: 2000 })], some.slice(0, 2000).flatMap(alone))
    const other = IdSet.make()
    other.add("call-7")
    assert.strictEqual(other.addHashes(ids.hashes({ first: 5, end: 10 })), 1)
    assert.deepStrictEqual([other.size(), other.has("call-9"), other.has("call-10")], [5, true, false])
    ids.clear()
    assert.deepStrictEqual([ids.size(), ids.has("call-1"), ids.add("call-1")], [0, false, true])
  })
})
