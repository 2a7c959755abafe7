import { assert, describe, it } from "@effect/vitest"
import * as Murmur128 from "../../../src/sink/internal/Murmur128.ts"
import { random } from "../../sync/SyncRandom.ts"

const two32 = 1n << 32n
const word = (value: bigint): bigint => ((value % two32) + two32) % two32
const rotated = (value: bigint, bits: bigint): bigint => word((value << bits) | (value >> (32n - bits)))
const final = (value: bigint): bigint => {
  let mix = word((value ^ (value >> 16n)) * 0x85ebca6bn)
  mix = word((mix ^ (mix >> 13n)) * 0xc2b2ae35n)
  return mix ^ (mix >> 16n)
}

/** As its author published it, byte by byte. */
const published = (bytes: Uint8Array, seed: Murmur128.Words): string => {
  const c = [0x239b961bn, 0xab0e9789n, 0x38b34ae5n, 0xa1e38b93n] as const
  const turns = [15n, 16n, 17n, 18n] as const
  const after = [19n, 17n, 15n, 13n] as const
  const added = [0x561ccd1bn, 0x0bcaa747n, 0x96cd1c35n, 0x32ac3b17n] as const
  const h = seed.map((one) => word(BigInt(one)))
  const lane = (i: number, k: bigint) => word(rotated(word(k * (c[i] ?? 0n)), turns[i] ?? 0n) * (c[(i + 1) % 4] ?? 0n))
  const at = (i: number) => BigInt(bytes[i] ?? 0)
  const wordAt = (i: number) => at(i) | (at(i + 1) << 8n) | (at(i + 2) << 16n) | (at(i + 3) << 24n)
  const whole = bytes.length - (bytes.length % 16)
  for (let from = 0; from < whole; from += 16) {
    for (let i = 0; i < 4; i++) {
      const mixed = rotated((h[i] ?? 0n) ^ lane(i, wordAt(from + 4 * i)), after[i] ?? 0n) + (h[(i + 1) % 4] ?? 0n)
      h[i] = word(mixed * 5n + (added[i] ?? 0n))
    }
  }
  for (let i = 0; i < 4; i++) h[i] = (h[i] ?? 0n) ^ lane(i, wordAt(whole + 4 * i)) ^ BigInt(bytes.length)
  const sum = () => {
    h[0] = word(h.reduce((all, one) => all + one, 0n))
    for (let i = 1; i < 4; i++) h[i] = word((h[i] ?? 0n) + (h[0] ?? 0n))
  }
  sum()
  for (let i = 0; i < 4; i++) h[i] = final(h[i] ?? 0n)
  sum()
  return h.map((one) => one.toString(16).padStart(8, "0")).join("")
}

describe("Murmur128", () => {
  const seed = Number(process.env["SEED"] ?? 1)

  it("the published form gives the published value", () => {
    const text = new TextEncoder().encode("The quick brown fox jumps over the lazy dog")
    assert.strictEqual(published(text, [0, 0, 0, 0]), "2f1583c3ecee2c675d7bf66ce5e91d2c")
  })

  it(`is the published form, of texts in UTF-16 (seed ${seed})`, () => {
    const { below } = random(seed)
    for (let i = 0; i < 400; i++) {
      const text = Array.from({ length: i % 50 }, () => String.fromCharCode(below(i % 2 === 0 ? 128 : 65_536))).join("")
      const bytes = new Uint8Array(2 * text.length)
      for (let at = 0; at < text.length; at++) {
        bytes[2 * at] = text.charCodeAt(at) & 255
        bytes[2 * at + 1] = text.charCodeAt(at) >> 8
      }
      const words = [below(2 ** 32), below(2 ** 32), below(2 ** 32), below(2 ** 32)] as const
      const expected = published(bytes, words)
      assert.strictEqual(Murmur128.hex(text, 0, words), expected, `${i}: ${JSON.stringify(text)}`)
      const written = new Uint8Array(Murmur128.digits + 2)
      const number = below(2 ** 52)
      Murmur128.write(text, number, words, written, 1)
      assert.strictEqual(new TextDecoder().decode(written), `\0${Murmur128.hex(text, number, words)}\0`)
      assert.notStrictEqual(Murmur128.hex(text, number + 1, words), Murmur128.hex(text, number, words))
      assert.notStrictEqual(Murmur128.hex(text, number + 2 ** 32, words), Murmur128.hex(text, number, words))
    }
  })
})
