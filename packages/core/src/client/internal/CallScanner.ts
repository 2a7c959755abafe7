/** Finds where calls end in a response, and what columns need of them, without making objects of them. */
import * as ExactNumber from "../../model/ExactNumber.ts"

/** Read by columns: see `Packed.columnsOf`, which reads these fields of a call and no others. */
const read = ["id", "startedAt", "createdAt", "endedAt", "status", "costTotal"] as const
/** An exponent of a cost is written out. */
const cost = read.indexOf("costTotal")
/** A text in them becomes a number, in the record itself and in its credits. */
const numbers = ["durationSec", "callLatencyMs"]
const credits = ["duration_sec", "model_credits", "provider_credits", "total_credits"]

const encoder = new TextEncoder()

/** FNV-1a, as keys are hashed while they are read. */
const hashOf = (name: Uint8Array): number => name.reduce((hash, byte) => Math.imul(hash ^ byte, prime), basis)
const basis = 0x811c9dc5 | 0
const prime = 0x01000193

interface Name {
  readonly bytes: Uint8Array
  readonly hash: number
  /** Its place among those that are read. */
  readonly place: number
  readonly depth: number
}

const slots = 256
const names: ReadonlyArray<Name | undefined> = (() => {
  const all: Array<Name | undefined> = Array.from({ length: slots })
  const put = (name: string, place: number, depth: number) => {
    const bytes = encoder.encode(name)
    const hash = hashOf(bytes)
    all[hash & (slots - 1)] = { bytes, hash, place, depth }
  }
  for (const [place, name] of read.entries()) put(name, place, 0)
  for (const name of numbers) put(name, -1, 0)
  for (const name of credits) put(name, -1, 1)
  return all
})()

const [plain, quote, escape, wide, control, special, specialWide] = [0, 1, 2, 3, 4, 5, 6]
const [quoteMark, comma, point, colon, backslash, underscore] = [34, 44, 46, 58, 92, 95]
const [openList, closeList, openObject, closeObject] = [91, 93, 123, 125]
const [zero, nine, minus] = [48, 57, 45]

/** What a byte is within a text. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 32 ? control : byte === quoteMark ? quote : byte === backslash ? escape : byte < 128 ? plain : wide
)

/** Fields and characters that are looked for, by bytes. */
export interface Sought {
  readonly kinds: Uint8Array
  /** By the hash of its name, whether a field may be one of them: others that have the same one are taken, too. */
  readonly fields: Uint8Array
}

/** @param characters All that begin with the same byte as one beyond ASCII are found. */
export const sought = (fields: Iterable<string>, characters: string): Sought => {
  const [kindOf, found] = [kinds.slice(), new Uint8Array(slots)]
  for (const character of characters) {
    const [byte = 0] = encoder.encode(character)
    kindOf[byte] = byte < 128 ? special : specialWide
  }
  for (const field of fields) found[hashOf(encoder.encode(field)) & (slots - 1)] = 1
  return { kinds: kindOf, fields: found }
}
const nothing: Sought = { kinds, fields: new Uint8Array(slots) }

/** Escapes that `JSON.stringify` writes, and the two that it does not, behind the backslash. */
const usual = new Set(encoder.encode('"\\bfnrt'))
const unusual = new Set(encoder.encode("/u"))
const literals = ["true", "false", "null"].map((literal) => encoder.encode(literal))

/** Of open objects together, and one in another. */
const mostKeys = 1024
const mostDepth = 64
/** Each decimal of so many digits is the shortest that stands for its double. */
const safeDigits = 15
/** From so many zeros on, `JSON.stringify` writes an exponent. */
const mostZeros = 5

/** Thrown where a response is of no form that is scanned. */
export const notPlain = new Error("the response is not of the documented form")

/** Of the keys of all open objects. */
const hashes = new Int32Array(mostKeys)
/**
 * By depth and hash, the last object with such a key: only where it is the same one, keys are compared. Those that are open
 * together are of different depths.
 */
const marksOfDepth = 1024
const marks = new Int32Array((mostDepth + 2) * marksOfDepth)
let objects = 0

const isDigit = (byte: number): boolean => byte >= zero && byte <= nine

/** Positions are those of bytes; `shift` makes them places in the text. */
export class CallScanner {
  /** Bytes so far that are not a character of their own. */
  shift = 0
  /** The call has to be parsed: its JSON is another one than `JSON.stringify` writes, or its fields are not as documented. */
  odd = false
  /** A number that a double may not hold. */
  rounds = false
  /** Where the values begin and end that columns need, in the text. */
  readonly values = new Int32Array(2 * read.length)
  /** Where the fields begin and end, in the text, that are looked for, or hold such a character. */
  readonly parts: Array<number> = []
  private special = false
  private escaped = false
  private keys = 0
  readonly bytes: Uint8Array
  readonly text: string
  private readonly kinds: Uint8Array
  private readonly fields: Uint8Array

  constructor(bytes: Uint8Array, text: string, { fields, kinds }: Sought = nothing) {
    this.bytes = bytes
    this.text = text
    this.kinds = kinds
    this.fields = fields
  }

  /** From behind a call's brace to behind its other one. */
  call(at: number): number {
    this.odd = false
    this.keys = 0
    this.parts.length = 0
    this.values.fill(0)
    return this.object(at, 0)
  }

  /** The value of a text at its place among the fields that are read. */
  valueAt(place: number): string | undefined {
    const begin = this.values[2 * place] ?? 0
    return begin === 0 ? undefined : this.text.slice(begin + 1, (this.values[2 * place + 1] ?? 0) - 1)
  }

  private object(first: number, depth: number): number {
    const { bytes } = this
    const base = this.keys
    objects = (objects + 1) | 0
    const object = objects
    if (bytes[first] === closeObject) return first + 1
    for (let at = first; ; at++) {
      if (bytes[at] !== quoteMark) throw notPlain
      const place = at - this.shift
      if (depth === 0) this.special = false
      const end = this.key(at + 1, depth, base, object)
      const hash = hashes[this.keys - 1] ?? 0
      if (bytes[end] !== colon) throw notPlain
      const begin = end + 1 - this.shift
      this.escaped = false
      const behind = this.value(end + 1, depth)
      if (depth < 2) this.field(at + 1, end - 1, depth, hash, begin, behind)
      if (depth === 0 && (this.special || this.fields[hash & (slots - 1)] === 1))
        this.parts.push(place, behind - this.shift)
      at = behind
      if (bytes[at] === comma) continue
      if (bytes[at] !== closeObject) throw notPlain
      this.keys = base
      return at + 1
    }
  }

  /** Notes the hash of a key. A key that may be there twice, or that begins with a digit, is odd. */
  private key(first: number, depth: number, base: number, object: number): number {
    const { bytes, kinds } = this
    let hash = basis
    let at = first
    let byte = bytes[at] ?? 0
    if (isDigit(byte)) this.odd = true
    for (; kinds[byte] === plain; byte = bytes[++at] ?? 0) {
      // The edition with snake_case is parsed.
      if (byte === underscore && depth === 0) this.odd = true
      hash = Math.imul(hash ^ byte, prime)
    }
    if (byte !== quoteMark) {
      const end = this.string(at) - 1
      for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), prime)
    }
    if (this.keys === mostKeys) throw notPlain
    const mark = depth * marksOfDepth + (hash & (marksOfDepth - 1))
    if (marks[mark] === object) for (let i = base; i < this.keys; i++) if (hashes[i] === hash) this.odd = true
    marks[mark] = object
    hashes[this.keys++] = hash
    return at + 1
  }

  /** Looks at the value of a field that columns or numbers are read of. */
  private field(from: number, to: number, depth: number, hash: number, begin: number, behind: number): void {
    const name = names[hash & (slots - 1)]
    if (name === undefined || name.hash !== hash || name.depth !== depth || !this.isAt(name.bytes, from, to)) return
    const { place } = name
    const end = behind - this.shift
    const isText = this.text.charCodeAt(begin) === quoteMark
    if (place < 0) {
      if (isText) this.odd = true
      return
    }
    const isNull = this.text.startsWith("null", begin)
    if (isText ? this.escaped || (place === cost && /[eE]/.test(this.text.slice(begin, end))) : !isNull) this.odd = true
    if (isNull) return
    this.values[2 * place] = begin
    this.values[2 * place + 1] = end
  }

  private isAt(name: Uint8Array, from: number, to: number): boolean {
    if (to - from !== name.length) return false
    for (let i = 0; i < name.length; i++) if (name[i] !== this.bytes[from + i]) return false
    return true
  }

  private value(at: number, depth: number): number {
    const byte = this.bytes[at] ?? 0
    if (byte === quoteMark) return this.string(at + 1)
    if (byte === minus || isDigit(byte)) return this.number(at)
    if (byte !== openObject && byte !== openList) return this.literal(at)
    if (depth === mostDepth) throw notPlain
    return byte === openObject ? this.object(at + 1, depth + 1) : this.list(at + 1, depth + 1)
  }

  private list(first: number, depth: number): number {
    const { bytes } = this
    if (bytes[first] === closeList) return first + 1
    for (let at = first; ; at++) {
      // The calls of a list are none of the columns' fields.
      at = this.value(at, Math.max(depth, 2))
      if (bytes[at] === comma) continue
      if (bytes[at] !== closeList) throw notPlain
      return at + 1
    }
  }

  /** From behind a quotation mark, or from within, to behind the next one. */
  private string(first: number): number {
    const { bytes, kinds } = this
    for (let at = first; ; at++) {
      const byte = bytes[at] ?? 0
      const kind = kinds[byte]
      if (kind === plain) continue
      if (kind === quote) return at + 1
      if (kind === control) throw notPlain
      if (kind === special || kind === specialWide) this.special = true
      if (kind !== special) at = kind === escape ? this.escape(at + 1) : this.wide(at, byte)
    }
  }

  private escape(at: number): number {
    const byte = this.bytes[at] ?? 0
    this.escaped = true
    if (unusual.has(byte)) this.odd = true
    else if (!usual.has(byte)) throw notPlain
    return at
  }

  /** The text was decoded, so the bytes are UTF-8. U+2028 and U+2029 are written as escapes. */
  private wide(at: number, byte: number): number {
    const { bytes } = this
    if (byte < 0xe0) {
      this.shift++
      return at + 1
    }
    this.shift += 2
    if (byte >= 0xf0) return at + 3
    if (byte === 0xe2 && bytes[at + 1] === 0x80 && (bytes[at + 2] ?? 0) >> 1 === 0xa8 >> 1) this.odd = true
    return at + 2
  }

  /** Digits, and where they end. */
  private digits(first: number): number {
    let at = first
    while (isDigit(this.bytes[at] ?? 0)) at++
    if (at === first) throw notPlain
    return at
  }

  private number(first: number): number {
    const { bytes } = this
    const begin = bytes[first] === minus ? first + 1 : first
    let end = this.digits(begin)
    if (bytes[begin] === zero && end > begin + 1) throw notPlain
    let usual = end - begin <= safeDigits && (begin === first || bytes[begin] !== zero)
    if (bytes[end] === point) {
      const from = end + 1
      end = this.digits(from)
      usual &&= end - begin <= safeDigits && bytes[end - 1] !== zero && !this.isTiny(begin, from)
    }
    if (bytes[end] === 101 || bytes[end] === 69) {
      const sign = bytes[end + 1]
      end = this.digits(sign === 43 || sign === minus ? end + 2 : end + 1)
      usual = false
    }
    if (!usual) this.check(this.text.slice(first - this.shift, end - this.shift))
    return end
  }

  private isTiny(begin: number, from: number): boolean {
    if (this.bytes[begin] !== zero) return false
    let at = from
    while (this.bytes[at] === zero) at++
    return at - from > mostZeros
  }

  private check(token: string): void {
    if (String(Number(token)) === token) return
    this.odd = true
    this.rounds ||= ExactNumber.mayRound(token)
  }

  private literal(at: number): number {
    for (const literal of literals) if (this.isAt(literal, at, at + literal.length)) return at + literal.length
    throw notPlain
  }
}
