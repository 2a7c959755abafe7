/** SHA-256 of short texts, at once: a promise for each would take ten times as long as its digest. */

const roundConstants = new Int32Array(64)
const beginning = new Int32Array(8)

/** The first 32 bits of the fraction of a root. */
const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0

const isPrime = (n: number): boolean => {
  for (let by = 2; by * by <= n; by++) if (n % by === 0) return false
  return true
}

for (let n = 2, place = 0; place < 64; n++) {
  if (!isPrime(n)) continue
  if (place < 8) beginning[place] = fraction(Math.sqrt(n))
  roundConstants[place++] = fraction(Math.cbrt(n))
}

const rotated = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))

const words = new Int32Array(64)

/** The places are there: nothing is read beyond the end. */
const at = (list: Int32Array, place: number): number => list[place] ?? 0

/** Takes the next 64 bytes into the state. */
const mix = (state: Int32Array, bytes: Uint8Array, from: number): void => {
  const byte = (place: number): number => bytes[from + place] ?? 0
  for (let i = 0; i < 64; i += 4) {
    words[i >> 2] = (byte(i) << 24) | (byte(i + 1) << 16) | (byte(i + 2) << 8) | byte(i + 3)
  }
  for (let i = 16; i < 64; i++) {
    const [early, late] = [at(words, i - 15), at(words, i - 2)]
    const s0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3)
    const s1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10)
    words[i] = at(words, i - 16) + s0 + at(words, i - 7) + s1
  }
  let a = at(state, 0)
  let b = at(state, 1)
  let c = at(state, 2)
  let d = at(state, 3)
  let e = at(state, 4)
  let f = at(state, 5)
  let g = at(state, 6)
  let h = at(state, 7)
  for (let i = 0; i < 64; i++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(roundConstants, i) + at(words, i)) | 0
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0] = at(state, 0) + a
  state[1] = at(state, 1) + b
  state[2] = at(state, 2) + c
  state[3] = at(state, 3) + d
  state[4] = at(state, 4) + e
  state[5] = at(state, 5) + f
  state[6] = at(state, 6) + g
  state[7] = at(state, 7) + h
}

const state = new Int32Array(8)
const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const encoder = new TextEncoder()
let buffer = new Uint8Array(1024)

/** In lowercase hex, as many digits of it. */
export const hex = (text: string, digits: number): string => {
  // A character takes three bytes at most, and the end 72.
  if (buffer.length < 3 * text.length + 72) buffer = new Uint8Array(6 * text.length + 144)
  const { written } = encoder.encodeInto(text, buffer)
  const length = 64 * Math.ceil((written + 9) / 64)
  buffer.fill(0, written, length)
  buffer[written] = 0x80
  // A text of more than 512 MB is not short.
  for (let i = 0; i < 4; i++) buffer[length - 1 - i] = (written << 3) >>> (8 * i)
  state.set(beginning)
  for (let from = 0; from < length; from += 64) mix(state, buffer, from)
  let all = ""
  for (let i = 0; 2 * i < digits; i++) all += bytes[(at(state, i >> 2) >>> (24 - 8 * (i & 3))) & 255]
  return all.slice(0, digits)
}
