import { assert, describe, it } from "@effect/vitest"
import { ByteWords } from "../../src/client/internal/ByteWords.ts"
import { make } from "./Responses.ts"

/** Quotation mark, backslash, control characters, the two that are asked for, and what is beyond ASCII. */
const isPlain = (byte: number, others: ReadonlyArray<number>) =>
  byte >= 32 && byte < 128 && byte !== 34 && byte !== 92 && !others.includes(byte)

const edges = [0, 1, 31, 32, 33, 34, 35, 63, 64, 65, 91, 92, 93, 126, 127, 128, 129, 160, 162, 220, 254, 255]

describe("ByteWords", () => {
  const seed = Number(process.env["SEED"] ?? 1)

  it("finds each byte at each place of four, beside each other one", () => {
    for (const others of [[], [64], [64, 37], [127, 32]]) {
      for (const first of edges)
        for (const second of edges)
          for (let place = 0; place < 4; place++) {
            const bytes = new Uint8Array(12).fill(97)
            bytes[place] = first
            bytes[place + 1] = second
            const at = bytes.findIndex((byte) => !isPlain(byte, others))
            const found = new ByteWords(bytes, others[0], others[1]).plainUntil(0)
            assert.strictEqual(found, at === -1 ? 12 : at, `${first}, ${second} at ${place}`)
          }
    }
  })

  it(`stops at the first byte that is not plain, or within three of the end (seed ${seed})`, () => {
    const random = make(seed)
    for (let i = 0; i < 3000; i++) {
      const whole = Uint8Array.from({ length: 8 + random.next(40) }, () =>
        random.next(8) === 0 ? (edges[random.next(edges.length)] ?? 0) : 97 + random.next(26)
      )
      // The words of a part of a buffer are those of the part.
      const bytes = whole.subarray(random.next(4))
      const first = random.next(bytes.length)
      const found = new ByteWords(bytes).plainUntil(first)
      const expected = bytes.findIndex((byte, at) => at >= first && !isPlain(byte, []))
      if (expected === -1 || found < expected) {
        assert.isAbove(found + 4, bytes.length)
        assert.isTrue(bytes.subarray(first, found).every((byte) => isPlain(byte, [])))
      } else assert.strictEqual(found, expected)
    }
  })

  it(`compares as byte for byte does, up to the end (seed ${seed})`, () => {
    const random = make(seed)
    for (let i = 0; i < 3000; i++) {
      const bytes = Uint8Array.from({ length: 1 + random.next(30) }, () => 97 + random.next(2))
      const [left, right, length] = [random.next(bytes.length), random.next(bytes.length), random.next(14)]
      const [one, other] = [left, right].map((from) => bytes.subarray(from, from + length))
      const isSame = one?.length === length && other?.length === length && String(one) === String(other)
      assert.strictEqual(
        new ByteWords(bytes).same(left, right, length),
        isSame,
        `${String(bytes)} ${left} ${right} ${length}`
      )
    }
  })
})
