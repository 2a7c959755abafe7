/**
 * Two sums of 32 bits each, into which content is mixed. They are variables of the module, because an object for each value would
 * cost more than its sum. Text is mixed as the bytes that `JSON.stringify` writes of it, so that a response need not be parsed.
 */

export let low = 0
export let high = 0

export const begin = (newLow: number, newHigh: number): void => {
  low = newLow
  high = newHigh
}

/** Each step is a permutation of what was there: texts that differ in one place never meet. */
export const feed = (word: number): void => {
  low = Math.imul(((low << 13) | (low >>> 19)) ^ word, 0x9e3779b1)
  high = Math.imul(((high << 17) | (high >>> 15)) ^ word, 0x5f356495)
}

/** Spreads what differs over all bits. */
export const mixed = (sum: number): number => {
  let mix = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}

/** What a value begins with, so that a list is none of its items. */
export const marks = { text: 1, yes: 2, no: 3, none: 4, list: 5, object: 6, end: 7, deep: 8, time: 9 } as const

/** Of the four bytes of a word: those below a space, a quotation mark, a backslash, and beyond ASCII have their highest bit set. */
export const notPlain = (word: number): number => {
  const quotes = word ^ 0x22222222
  const escapes = word ^ 0x5c5c5c5c
  return (
    (word | ((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((escapes - 0x01010101) & ~escapes)) &
    0x80808080
  )
}

/** The first bytes of a word, up to three. */
export const firstOf = (word: number, count: number): number => word & ((1 << (8 * count)) - 1)

/** Mixes bytes in: words of four, then what is left, then how many there are in the whole text. */
export const bytes = (view: DataView, from: number, to: number, length: number = to - from): void => {
  // The loop's own variables stay in registers.
  let a = low
  let b = high
  let at = from
  for (; at + 3 < to; at += 4) {
    const word = view.getInt32(at, true)
    a = Math.imul(((a << 13) | (a >>> 19)) ^ word, 0x9e3779b1)
    b = Math.imul(((b << 17) | (b >>> 15)) ^ word, 0x5f356495)
  }
  low = a
  high = b
  let rest = 0
  for (let i = at; i < to; i++) rest |= view.getUint8(i) << (8 * (i - at))
  if (at < to) feed(rest)
  feed(length)
}

const encoder = new TextEncoder()

/** Text of which a character is an escape in JSON, or not ASCII. */
const encoded = (value: string): void => {
  const { buffer, length } = encoder.encode(JSON.stringify(value))
  bytes(new DataView(buffer), 1, length - 1)
}

/** The same of text, as JSON has it between its quotation marks. */
export const text = (value: string): void => {
  const { length } = value
  const outerLow = low
  const outerHigh = high
  let a = low
  let b = high
  let i = 0
  let odd = 0
  for (; i + 3 < length; i += 4) {
    const c0 = value.charCodeAt(i)
    const c1 = value.charCodeAt(i + 1)
    const c2 = value.charCodeAt(i + 2)
    const c3 = value.charCodeAt(i + 3)
    const word = c0 | (c1 << 8) | (c2 << 16) | (c3 << 24)
    odd |= ((c0 | c1 | c2 | c3) & ~127) | notPlain(word)
    a = Math.imul(((a << 13) | (a >>> 19)) ^ word, 0x9e3779b1)
    b = Math.imul(((b << 17) | (b >>> 15)) ^ word, 0x5f356495)
  }
  let rest = 0
  for (let at = i; at < length; at++) {
    const code = value.charCodeAt(at)
    odd |= (code & ~127) | notPlain(code | 0x20202000)
    rest |= code << (8 * (at - i))
  }
  low = a
  high = b
  if (i < length) feed(rest)
  feed(length)
  if (odd === 0) return
  begin(outerLow, outerHigh)
  encoded(value)
}
