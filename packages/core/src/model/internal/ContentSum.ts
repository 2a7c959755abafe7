/**
 * Content as 64 bits: equal for what two answers may write differently of the same thing. Not content: the order of keys, members
 * that are `null`, `1` or `"1"`, and what signs a URL. It has no key, so it is nothing to keep: `Change` makes a digest of it.
 */
import { ExactNumber } from "../ExactNumber.ts"
import * as Canonical from "./CanonicalJson.ts"
import { isObject } from "./Json.ts"

/** Two sums of 32 bits each. They are variables of the module, because an object for each value would cost more than its sum. */
let low = 0
let high = 0

/** Each step is a permutation of what was there: texts that differ in one place never meet. */
const feed = (word: number): void => {
  low = Math.imul(((low << 13) | (low >>> 19)) ^ word, 0x9e3779b1)
  high = Math.imul(((high << 17) | (high >>> 15)) ^ word, 0x5f356495)
}

const text = (value: string): void => {
  const { length } = value
  feed(length)
  // The loop's own variables stay in registers, and four characters are a word. Where one is beyond Latin-1 they are two words, which
  // are multiplied by other numbers, so that they are not taken for four others.
  let a = low
  let b = high
  let i = 0
  for (; i + 3 < length; i += 4) {
    const c0 = value.charCodeAt(i)
    const c1 = value.charCodeAt(i + 1)
    const c2 = value.charCodeAt(i + 2)
    const c3 = value.charCodeAt(i + 3)
    if ((c0 | c1 | c2 | c3) < 256) {
      const word = c0 | (c1 << 8) | (c2 << 16) | (c3 << 24)
      a = Math.imul(((a << 13) | (a >>> 19)) ^ word, 0x9e3779b1)
      b = Math.imul(((b << 17) | (b >>> 15)) ^ word, 0x5f356495)
    } else {
      const [first, second] = [c0 | (c1 << 16), c2 | (c3 << 16)]
      a = Math.imul(((a << 13) | (a >>> 19)) ^ first, 0x85ebca6b)
      b = Math.imul(((b << 17) | (b >>> 15)) ^ first, 0xc2b2ae35)
      a = Math.imul(((a << 13) | (a >>> 19)) ^ second, 0x85ebca6b)
      b = Math.imul(((b << 17) | (b >>> 15)) ^ second, 0xc2b2ae35)
    }
  }
  for (; i < length; i++) {
    const word = value.charCodeAt(i)
    a = Math.imul(((a << 13) | (a >>> 19)) ^ word, 0x9e3779b1)
    b = Math.imul(((b << 17) | (b >>> 15)) ^ word, 0x5f356495)
  }
  low = a
  high = b
}

/** The sums of a name, with which those of its value begin. */
interface Name {
  readonly low: number
  readonly high: number
}

const nameOf = (name: string): Name => {
  const [outerLow, outerHigh] = [low, high]
  low = 0
  high = 0
  text(name)
  const sums = { low, high }
  low = outerLow
  high = outerHigh
  return sums
}

/** Members of objects have the same few names again and again. */
const names = new Map<string, Name>()
const mostNames = 1000

const knownName = (name: string): Name => {
  const known = names.get(name)
  if (known !== undefined) return known
  const sums = nameOf(name)
  if (names.size < mostNames) names.set(name, sums)
  return sums
}

/** What a value begins with, so that a list is none of its items. */
const marks = { text: 1, yes: 2, no: 3, none: 4, list: 5, object: 6, end: 7, deep: 8 } as const

/** Deeper values are written as text, which needs no stack. */
const deepest = 100

type Spell = (value: unknown) => unknown

const put = (value: unknown, depth: number): void => {
  if (typeof value === "string") {
    feed(marks.text)
    text(Canonical.withoutSignature(value))
  } else if (typeof value === "number" || value instanceof ExactNumber) {
    feed(marks.text)
    text(Canonical.numberText(value))
  } else if (value === true || value === false) feed(value ? marks.yes : marks.no)
  else if (depth >= deepest && typeof value === "object" && value !== null) {
    feed(marks.deep)
    text(Canonical.write(value))
  } else if (Array.isArray(value)) {
    feed(marks.list)
    for (const one of value) put(one, depth + 1)
    feed(marks.end)
  } else if (isObject(value)) members(value, depth + 1, undefined)
  else feed(marks.none)
}

/** Spreads what differs over all bits. */
const mixed = (sum: number): number => {
  let mix = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}

/** Of each member a sum of its own, added up: no order to bring them into. */
const members = (value: Readonly<Record<string, unknown>>, depth: number, spell: Spell | undefined): void => {
  const [outerLow, outerHigh] = [low, high]
  let [allLow, allHigh] = [0, 0]
  for (const name of Object.keys(value)) {
    const member = spell === undefined ? value[name] : spell(value[name])
    if (member === null || member === undefined) continue
    const begin = knownName(name)
    low = begin.low
    high = begin.high
    put(member, depth)
    allLow = (allLow + mixed(low)) | 0
    allHigh = (allHigh + mixed(high)) | 0
  }
  low = outerLow
  high = outerHigh
  feed(marks.object)
  feed(allLow)
  feed(allHigh)
}

/** A named value: where its sum is added, and how it is spelt, or each of its members. */
export interface Field extends Name {
  readonly place: number
  readonly spell: Spell | undefined
  readonly spellMembers: Spell | undefined
}

export const field = (name: string, about: Omit<Field, keyof Name>): Field => ({ ...nameOf(name), ...about })

/**
 * Adds the members of a record to sums, two words each: `fieldOf` says to which one. `sums` begin with zeros, from `at` on.
 */
export const add = (
  record: Readonly<Record<string, unknown>>,
  fieldOf: (name: string) => Field,
  sums: Uint32Array,
  at: number
): void => {
  for (const name of Object.keys(record)) {
    const raw = record[name]
    if (raw === null || raw === undefined) continue
    const field = fieldOf(name)
    const { place, spell, spellMembers } = field
    const value = spell === undefined ? raw : spell(raw)
    if (value === null || value === undefined) continue
    low = field.low
    high = field.high
    if (spellMembers !== undefined && isObject(value)) members(value, 1, spellMembers)
    else put(value, 0)
    const to = at + 2 * place
    sums[to] = (sums[to] ?? 0) + mixed(low)
    sums[to + 1] = (sums[to + 1] ?? 0) + mixed(high)
  }
}

/** The two words of one value. */
export const of = (value: unknown): readonly [low: number, high: number] => {
  low = 0
  high = 0
  put(value, 0)
  return [mixed(low), mixed(high)]
}
