import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const decode = Schema.decodeUnknownSync(CoverageReason.CoverageReason)

describe("CoverageReason", () => {
  it("has words for each tag, without the end of a sentence", () => {
    const fields = {
      calls: 3,
      read: 2,
      counted: 5,
      limit: 7,
      unit: "minute",
      requests: 8000,
      filter: "status",
      answer: "ignored",
      problem: "it answers 500"
    }
    const words = CoverageReason.CoverageReason.members.map(({ fields: { _tag } }) => {
      const tag = _tag.schema.literal
      return CoverageReason.describe(
        decode({ ...fields, _tag: tag, ...(tag === "FilterFails" ? { filter: "channel" } : {}) })
      )
    })
    assert.lengthOf(new Set(words), words.length)
    for (const text of words) {
      assert.match(text, /^[a-z0-9].*[^.]$/)
      assert.notInclude(text, "undefined")
    }
  })

  it("is kept once of each, and of calls that came in some answers only the greatest number", () => {
    const differ = (calls: number): CoverageReason.CoverageReason => ({ _tag: "AnswersDiffer", calls })
    const read = (read: number): CoverageReason.CoverageReason => ({ _tag: "Incomplete", read, counted: 9 })
    const reasons = [differ(1), read(1), { _tag: "NotBack" }, differ(4), read(1), read(2), { _tag: "NotBack" }] as const
    assert.deepStrictEqual(CoverageReason.merge(reasons), [differ(4), read(1), { _tag: "NotBack" }, read(2)])
    assert.deepStrictEqual(CoverageReason.merge([]), [])
    // Some of them name calls that the others do not.
    assert.strictEqual(CoverageReason.describe(differ(4)), "answers differ: at least 4 calls came in some of them only")
    assert.strictEqual(CoverageReason.describe(differ(1)), "answers differ: at least 1 call came in some of them only")
  })
})
