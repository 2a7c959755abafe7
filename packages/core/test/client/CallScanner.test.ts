import { assert, describe, it } from "@effect/vitest"
import { CallScanner, sought } from "../../src/client/internal/CallScanner.ts"

const partsOf = (text: string, fields: ReadonlyArray<string>, characters: string): ReadonlyArray<string> => {
  const scanner = new CallScanner(new TextEncoder().encode(text), text, sought(fields, characters))
  assert.strictEqual(scanner.call(1), text.length)
  const { parts } = scanner
  return parts.flatMap((begin, i) => (i % 2 === 0 ? [text.slice(begin, parts[i + 1])] : []))
}

describe("CallScanner", () => {
  it.each(["", "@", "@%", "@%#", "@%#&"])("finds the fields that hold one of: %s", (characters) => {
    const holding = Array.from(
      "@%#&",
      (character, i) => [`"f${i}":"a long text, then ${character}"`, character] as const
    )
    const text = `{"id":"a",${holding.map(([field]) => field).join(",")},"g":"none of them"}`
    const found = holding.flatMap(([field, character]) => (characters.includes(character) ? [field] : []))
    assert.deepStrictEqual(partsOf(text, [], characters), found)
  })

  it("knows a field by its name, however it is written", () => {
    assert.deepStrictEqual(partsOf('{"id":"a","b\\"c":1,"b":{"c":2},"c":3}', ['b"c', "c"], ""), ['"b\\"c":1', '"c":3'])
  })
})
