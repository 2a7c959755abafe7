/**
 * MurmurHash3 of 128 bits, from operations on 32 bits only: for ids that no two events share by chance. It costs a tenth of SHA-256,
 * and resists nobody who looks for two texts with the same hash.
 */

/** Four words of 32 bits. */
export type Words = readonly [number, number, number, number]

export const nothing: Words = [0, 0, 0, 0]

const [c1, c2, c3, c4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93]

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

const product = (word: number, first: number, bits: number, second: number): number =>
  Math.imul(rotated(Math.imul(word, first), bits), second)

const mixed = (word: number): number => {
  let mix = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}

/** Two characters of a text: zeros behind its end. */
const wordAt = (text: string, at: number): number => {
  const { length } = text
  return at + 1 < length ? text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16) : at < length ? text.charCodeAt(at) : 0
}

const found = new Int32Array(4)

/** Of a text in UTF-16, with a seed of four words instead of one, and a number. What it gives holds until the next call. */
const hashed = (text: string, seed: Words, number: number): Int32Array => {
  const { length } = text
  let h1 = seed[0] ^ number
  let h2 = seed[1] ^ Math.floor(number / 2 ** 32)
  let h3 = seed[2] | 0
  let h4 = seed[3] | 0
  let at = 0
  for (; at + 8 <= length; at += 8) {
    h1 ^= product(wordAt(text, at), c1, 15, c2)
    h1 = (Math.imul((rotated(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0
    h2 ^= product(wordAt(text, at + 2), c2, 16, c3)
    h2 = (Math.imul((rotated(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0
    h3 ^= product(wordAt(text, at + 4), c3, 17, c4)
    h3 = (Math.imul((rotated(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0
    h4 ^= product(wordAt(text, at + 6), c4, 18, c1)
    h4 = (Math.imul((rotated(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0
  }
  const bytes = 2 * length
  h1 ^= product(wordAt(text, at), c1, 15, c2) ^ bytes
  h2 ^= product(wordAt(text, at + 2), c2, 16, c3) ^ bytes
  h3 ^= product(wordAt(text, at + 4), c3, 17, c4) ^ bytes
  h4 ^= product(wordAt(text, at + 6), c4, 18, c1) ^ bytes
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = mixed((h2 + h1) | 0)
  h3 = mixed((h3 + h1) | 0)
  h4 = mixed((h4 + h1) | 0)
  h1 = (mixed(h1) + h2 + h3 + h4) | 0
  found[0] = h1
  found[1] = h2 + h1
  found[2] = h3 + h1
  found[3] = h4 + h1
  return found
}

export const hash = (text: string, seed: Words): Words => {
  const [h1 = 0, h2 = 0, h3 = 0, h4 = 0] = hashed(text, seed, 0)
  return [h1, h2, h3, h4]
}

/** Of a text and a whole number, in lowercase hex. Two numbers with the same text never have the same hash. */
export const hex = (text: string, number: number, seed: Words): string => {
  let digits = ""
  for (const word of hashed(text, seed, number)) digits += (word >>> 0).toString(16).padStart(8, "0")
  return digits
}

/** How many digits there are. */
export const digits = 32

const [zero, ten] = [48, 87]

/** Writes the same as bytes. */
export const write = (text: string, number: number, seed: Words, into: Uint8Array, at: number): void => {
  const words = hashed(text, seed, number)
  for (let i = 0; i < digits; i++) {
    const digit = ((words[i >> 3] ?? 0) >>> (28 - 4 * (i & 7))) & 15
    into[at + i] = digit < 10 ? zero + digit : ten + digit
  }
}
