/** Long lines in a terminal. */
import { assert, describe, it } from "@effect/vitest"
import * as CliOutput from "effect/cli/CliOutput"
import { wrapped } from "../../src/render/Wrap.ts"

describe("wrapped", () => {
  it("breaks between words and indents what follows", () => {
    assert.deepStrictEqual(wrapped("  one two three", 11), ["  one two", "    three"])
    assert.deepStrictEqual(wrapped("name  one two", 9, 6), ["name  one", "      two"])
    assert.deepStrictEqual(wrapped("one two three", 13), ["one two three"])
    assert.deepStrictEqual(wrapped("one two three", undefined), ["one two three"])
  })

  it("counts columns, not characters, and leaves a long word whole", () => {
    assert.deepStrictEqual(wrapped("予約 予約 予約", 9), ["予約 予約", "  予約"])
    assert.deepStrictEqual(wrapped("a https://example.com/long b", 10), ["a", "  https://example.com/long", "  b"])
  })

  it("loses no word, and only a word alone is wider", () => {
    const text = "Complete up to 29 Nov 2026 05:13, checked by count. What is later is not proven."
    for (let width = 3; width < 90; width++) {
      const lines = wrapped(text, width)
      assert.strictEqual(lines.map((line) => line.trim()).join(" "), text)
      for (const line of lines) assert.isTrue(CliOutput.displayWidth(line) <= width || !line.trim().includes(" "))
    }
  })
})
