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

/** Takes the next 64 bytes into the state. */
const mix = (state: Int32Array, view: DataView, from: number): void => {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(from + 4 * i)
  for (let i = 16; i < 64; i++) {
    const [w2 = 0, w7 = 0, w15 = 0, w16 = 0] = [words[i - 2], words[i - 7], words[i - 15], words[i - 16]]
    const s0 = rotated(w15, 7) ^ rotated(w15, 18) ^ (w15 >>> 3)
    const s1 = rotated(w2, 17) ^ rotated(w2, 19) ^ (w2 >>> 10)
    words[i] = w16 + s0 + w7 + s1
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < 64; i++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (roundConstants[i] ?? 0) + (words[i] ?? 0)) | 0
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
  state[0] = (state[0] ?? 0) + a
  state[1] = (state[1] ?? 0) + b
  state[2] = (state[2] ?? 0) + c
  state[3] = (state[3] ?? 0) + d
  state[4] = (state[4] ?? 0) + e
  state[5] = (state[5] ?? 0) + f
  state[6] = (state[6] ?? 0) + g
  state[7] = (state[7] ?? 0) + h
}

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
  const view = new DataView(buffer.buffer)
  view.setUint32(length - 8, Math.floor(written / 2 ** 29))
  view.setUint32(length - 4, written << 3)
  const state = beginning.slice()
  for (let from = 0; from < length; from += 64) mix(state, view, from)
  let all = ""
  for (let i = 0; 8 * i < digits; i++) all += ((state[i] ?? 0) >>> 0).toString(16).padStart(8, "0")
  return all.slice(0, digits)
}
