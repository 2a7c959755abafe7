import * as Change from "@callstream/core/model/Change"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Lines from "../../../src/sink/file/internal/Lines.ts"
import * as ChangeEvent from "../../../src/sink/internal/ChangeEvent.ts"

const changeOf = (id: string): Change.Change => ({
  kind: "created",
  id,
  facets: Change.facets,
  milestones: ["completed", "cost"],
  sequence: Version.of(1_785_482_170_117_605),
  previous: null
})

const row = { id: "a", summary: "é漢😀", metadata: { n: 1 } }

/** The same row, held as bytes of a longer text, and as an object. */
const both = (id: string) => {
  const bytes = new TextEncoder().encode(`[{},${JSON.stringify(row)}]`)
  const item = { id, start: undefined, row }
  return [{ ...item, json: { bytes, begin: 4, end: bytes.length - 1 } }, item].map((one) =>
    ChangeEvent.events('the "organization"')(one, changeOf(id))
  )
}

describe("ChangeEvent", () => {
  it("bytes of a row become the line that its object becomes", () => {
    const [held, plain] = both("call-1")
    assert.isDefined(held?.json)
    const lines = [...Lines.pieces(held === undefined ? [] : [held], [], ({ json }) => json)].flat()
    const text = new TextDecoder().decode(Lines.makeEncoder("\n")("", lines))
    assert.strictEqual(text, `${JSON.stringify(plain?.row)}\n`)
    assert.strictEqual(lines[0]?.text, JSON.stringify(plain?.row))
    assert.deepStrictEqual(held?.row, plain?.row)
  })

  it("an id that a file cannot hold as it is is left to the sink", () => {
    for (const id of ["half \ud83d", "line\u2028end", 'with "quotes"', "é"])
      assert.deepStrictEqual(
        both(id).map(({ json }) => json),
        [undefined, undefined]
      )
  })
})
