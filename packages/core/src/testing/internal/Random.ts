/**
 * Seeded chance, without state where possible: `hash(seed, salt, index)` answers the same for a row independent of the caller
 * first, so that a million records need no storage and any one of them can be made on demand.
 */

/** Scrambles 32 bits (the "lowbias32" finalizer). */
const mix = (value: number): number => {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 0
}

/** 32 bits that depend on nothing but the three arguments. */
export const hash = (seed: number, salt: number, index: number): number =>
  mix((mix(seed ^ Math.imul(salt + 1, 0x9e3779b1)) + Math.imul(index, 0x85ebca6b) + index / 0x1_0000_0000) | 0)

/** `hash` as a number in [0, 1). */
export const unit = (seed: number, salt: number, index: number): number => hash(seed, salt, index) / 0x1_0000_0000

/** 32 bits of a text: FNV-1a, mixed. */
export const hashText = (seed: number, text: string): number => {
  let h = (seed ^ 0x811c9dc5) >>> 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}

/** A sequence of numbers in [0, 1): for what has a true order, such as the gaps between calls. */
export const sequence = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    return mix(state) / 0x1_0000_0000
  }
}

/** An exponentially distributed number of the mean, from a number in [0, 1). */
export const exponential = (mean: number, u: number): number => -Math.log(1 - u) * mean

const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** The last `count` hexadecimal digits (at most 8) of 32 bits. */
export const hex = (value: number, count: number): string => {
  const low = (bytes[(value >>> 8) & 255] ?? "") + (bytes[value & 255] ?? "")
  if (count <= 4) return low.slice(4 - count)
  return ((bytes[value >>> 24] ?? "") + (bytes[(value >>> 16) & 255] ?? "") + low).slice(8 - count)
}

/** A UUIDv4 that depends on nothing but the arguments. */
export const uuid4 = (seed: number, salt: number, index: number): string => {
  const a = hash(seed, salt, index)
  const b = hash(seed, salt + 7919, index)
  const c = hash(seed, salt + 15_838, index)
  const d = hash(seed, salt + 23_757, index)
  const variant = (8 + ((b >>> 12) & 3)).toString(16)
  return `${hex(a, 8)}-${hex(b, 4)}-4${hex(c >>> 4, 3)}-${variant}${hex(c, 3)}-${hex(b >>> 16, 4)}${hex(d, 8)}`
}
