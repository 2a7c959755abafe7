import { assert, describe, it } from "@effect/vitest"
import { show } from "../../src/expression/Mistake.ts"

describe("Mistake.show", () => {
  it("repeats the line and points at the place", () => {
    assert.deepStrictEqual(show("a\nbc de\nf", { problem: "", begin: 5, end: 7 }), ["bc de", "   ^^"])
  })

  it("counts the cells of wide characters", () => {
    assert.deepStrictEqual(show("日本 x", { problem: "", begin: 3, end: 4 }), ["日本 x", "     ^"])
  })

  it("shows the part of a long line that the place is in", () => {
    for (const begin of [0, 80, 5000, 9999]) {
      const text = `${"a".repeat(begin)}X${"b".repeat(10_000 - begin)}`
      const [line = "", mark = ""] = show(text, { problem: "", begin, end: begin + 1 })
      assert.isAtMost(line.length, 162)
      assert.strictEqual(line[mark.indexOf("^")], "X")
      assert.strictEqual(mark.trim(), "^")
    }
  })
})
