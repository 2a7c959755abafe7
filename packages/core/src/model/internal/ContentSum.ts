/**
 * Content as 64 bits: equal for what two answers may write differently of the same thing. Not content: the order of keys, members
 * that are `null`, `1` or `"1"`, and what signs a URL. It has no key, so it is nothing to keep: `Change` makes a digest of it.
 */
import { ExactNumber } from "../ExactNumber.ts"
import * as Canonical from "./CanonicalJson.ts"
import { begin, feed, high, low, marks, mixed, text } from "./ContentMix.ts"
import { isObject } from "./Json.ts"

/** The sums of a name, with which those of its value begin. */
interface Name {
  readonly low: number
  readonly high: number
}

const nameOf = (name: string): Name => {
  const [outerLow, outerHigh] = [low, high]
  begin(0, 0)
  text(name)
  const sums = { low, high }
  begin(outerLow, outerHigh)
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

/** Of each member a sum of its own, added up: no order to bring them into. */
const members = (value: Readonly<Record<string, unknown>>, depth: number, spell: Spell | undefined): void => {
  const [outerLow, outerHigh] = [low, high]
  let [allLow, allHigh] = [0, 0]
  for (const name of Object.keys(value)) {
    const member = spell === undefined ? value[name] : spell(value[name])
    if (member === null || member === undefined) continue
    const sums = knownName(name)
    begin(sums.low, sums.high)
    put(member, depth)
    allLow = (allLow + mixed(low)) | 0
    allHigh = (allHigh + mixed(high)) | 0
  }
  begin(outerLow, outerHigh)
  feed(marks.object)
  feed(allLow)
  feed(allHigh)
}

/** A named value: where its sum is added, and how it is spelt, or each of its members. */
export interface Field extends Name {
  readonly place: number
  /** What text means. @default itself */
  readonly spell: ((text: string) => Spelt) | undefined
  readonly spellMembers: Spell | undefined
}

/** An instant, text, or nothing. */
export type Spelt = number | string | null

export const field = (name: string, about: Omit<Field, keyof Name>): Field => ({ ...nameOf(name), ...about })

/** Text of a field by what it means. Whether there is anything. */
export const spelt = (value: Spelt): boolean => {
  if (value === null) return false
  if (typeof value === "string") put(value, 0)
  else {
    feed(marks.time)
    feed(value | 0)
    feed(Math.floor(value / 2 ** 32))
  }
  return true
}

/** Adds what was mixed to the sums of a facet. */
export const addTo = (sums: Uint32Array, at: number, place: number): void => {
  const to = at + 2 * place
  sums[to] = (sums[to] ?? 0) + mixed(low)
  sums[to + 1] = (sums[to + 1] ?? 0) + mixed(high)
}

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
    const value = record[name]
    if (value === null || value === undefined) continue
    const field = fieldOf(name)
    const { place, spell, spellMembers } = field
    begin(field.low, field.high)
    if (spell !== undefined && typeof value === "string") {
      if (!spelt(spell(value))) continue
    } else if (spellMembers !== undefined && isObject(value)) members(value, 1, spellMembers)
    else put(value, 0)
    addTo(sums, at, place)
  }
}

/** The two words of one value. */
export const of = (value: unknown): readonly [low: number, high: number] => {
  begin(0, 0)
  put(value, 0)
  return [mixed(low), mixed(high)]
}
