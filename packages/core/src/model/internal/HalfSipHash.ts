/** HalfSipHash-2-4: a keyed digest of 32 bits, from operations on 32 bits only. */

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/** The digest as an unsigned number. The key is two words of 32 bits. */
export const digest = (bytes: Uint8Array, [low, high]: readonly [number, number]): number => {
  let v0 = low
  let v1 = high
  let v2 = 0x6c796765 ^ low
  let v3 = 0x74656462 ^ high
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0
      v1 = rotate(v1, 5) ^ v0
      v0 = rotate(v0, 16)
      v2 = (v2 + v3) | 0
      v3 = rotate(v3, 8) ^ v2
      v0 = (v0 + v3) | 0
      v3 = rotate(v3, 7) ^ v0
      v2 = (v2 + v1) | 0
      v1 = rotate(v1, 13) ^ v2
      v2 = rotate(v2, 16)
    }
  }
  const add = (word: number) => {
    v3 ^= word
    rounds(2)
    v0 ^= word
  }
  const { length } = bytes
  const at = (i: number) => bytes[i] ?? 0
  const whole = length - (length % 4)
  for (let i = 0; i < whole; i += 4) add(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24))
  let last = length << 24
  for (let i = whole; i < length; i++) last |= at(i) << (8 * (i - whole))
  add(last)
  v2 ^= 0xff
  rounds(4)
  return (v1 ^ v3) >>> 0
}
