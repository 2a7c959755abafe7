import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as ShortSha256 from "../../../src/sink/internal/ShortSha256.ts"

describe("ShortSha256", () => {
  it("is SHA-256, for texts of each length up to four blocks, and of many scripts", () => {
    const texts = Array.from({ length: 260 }, (_, length) => "aé漢😀".repeat(70).slice(0, length))
    for (const text of [...texts, "x".repeat(5000), ""]) {
      const expected = createHash("sha256").update(new TextEncoder().encode(text)).digest("hex")
      assert.strictEqual(ShortSha256.hex(text, 64), expected)
      assert.strictEqual(ShortSha256.hex(text, 32), expected.slice(0, 32))
    }
  })
})
