import { assert, describe, it } from "@effect/vitest"
import { digest } from "../../src/model/internal/HalfSipHash.ts"

/** The first vectors of the reference implementation: the key is 00…07, and message n is the bytes 0…n − 1. */
const vectors = ["a9359f5b", "27475ab8", "fa62a603", "8afee704"]

describe("HalfSipHash", () => {
  it("gives what the reference implementation gives", () => {
    for (const [length, expected] of vectors.entries()) {
      const found = digest(
        Uint8Array.from({ length }, (_, i) => i),
        [0x03020100, 0x07060504]
      )
      const bytes = [0, 8, 16, 24].map((shift) => ((found >>> shift) & 0xff).toString(16).padStart(2, "0"))
      assert.strictEqual(bytes.join(""), expected)
    }
  })
})
