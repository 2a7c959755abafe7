import * as Position from "@callstream/core/model/Position"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const { of } = Position

describe("Position", () => {
  it("orders nothing, positions and the end", () => {
    const ascending = [undefined, of(-5), of(0), of(1_785_482_170_117_605), of(Number.MAX_SAFE_INTEGER), "end"] as const
    for (const [i, left] of ascending.entries()) {
      for (const [j, right] of ascending.entries()) {
        assert.strictEqual(Position.order(left, right), Math.sign(i - j))
        assert.strictEqual(Position.isBefore(left, right), i < j)
        assert.strictEqual(Position.least([left, right]), ascending[Math.min(i, j)])
        if (left !== undefined) assert.strictEqual(Position.greatest(left, right), ascending[Math.max(i, j)])
      }
    }
    assert.strictEqual(Position.least([]), "end")
  })

  it("a checkpoint keeps safe integers and the end", () => {
    const decode = Schema.decodeUnknownOption(Position.Cursor)
    for (const kept of [0, -1, 1_785_482_170_117_605, "end"]) assert.strictEqual(decode(kept)._tag, "Some")
    for (const kept of [null, 1.5, "7", "begin", Number.MAX_SAFE_INTEGER + 1]) {
      assert.strictEqual(decode(kept)._tag, "None", String(kept))
    }
  })
})
