/** HalfSipHash-2-4: a keyed digest of 32 bits, from operations on 32 bits only. */

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/** The digest of the first bytes as an unsigned number. The key is two words of 32 bits. */
export const digest = (
  bytes: Uint8Array,
  [low, high]: readonly [number, number],
  length: number = bytes.length
): number => {
  let v0 = low
  let v1 = high
  let v2 = 0x6c796765 ^ low
  let v3 = 0x74656462 ^ high
  const at = (i: number) => bytes[i] ?? 0
  const whole = length - (length % 4)
  let last = length << 24
  for (let i = whole; i < length; i++) last |= at(i) << (8 * (i - whole))
  // Two rounds a word, and four at the end. In a function of their own they would take three times as long.
  for (let i = 0; i <= whole + 4; i += 4) {
    const isEnd = i === whole + 4
    const word = i < whole ? at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24) : last
    if (isEnd) v2 ^= 0xff
    else v3 ^= word
    for (let round = isEnd ? 4 : 2; round > 0; round--) {
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
    if (!isEnd) v0 ^= word
  }
  return (v1 ^ v3) >>> 0
}

/** The same of two words of 32 bits. */
export const ofWords = (first: number, second: number, key: readonly [number, number]): number =>
  signedOf(first, second, key) >>> 0

/** The same as a signed number: most unsigned ones would be objects. */
export const signedOf = (first: number, second: number, key: readonly [number, number]): number => {
  // Taken by their places: until a function is optimized, a pattern walks an iterator.
  const low = key[0]
  const high = key[1]
  let v0 = low
  let v1 = high
  let v2 = 0x6c796765 ^ low
  let v3 = 0x74656462 ^ high
  for (let i = 0; i < 4; i++) {
    const word = i === 0 ? first : i === 1 ? second : 8 << 24
    if (i === 3) v2 ^= 0xff
    else v3 ^= word
    for (let round = i === 3 ? 4 : 2; round > 0; round--) {
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
    if (i !== 3) v0 ^= word
  }
  return v1 ^ v3
}
