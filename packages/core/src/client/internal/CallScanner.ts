/** Finds where calls end in a response, and what columns need of them, without making objects of them. */
import * as ExactNumber from "../../model/ExactNumber.ts"
import { ByteWords } from "./ByteWords.ts"
import * as Keys from "./Keys.ts"

const encoder = new TextEncoder()

const [plain, quote, escape, wide, control, special, specialWide] = [0, 1, 2, 3, 4, 5, 6]
const [quoteMark, comma, point, colon, backslash] = [34, 44, 46, 58, 92]
const [openList, closeList, openObject, closeObject] = [91, 93, 123, 125]
const [zero, nine, minus] = [48, 57, 45]

/** What a byte is within a text. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 32 ? control : byte === quoteMark ? quote : byte === backslash ? escape : byte < 128 ? plain : wide
)

/** Fields and characters that are looked for. */
export interface Sought {
  readonly fields: ReadonlySet<string>
  readonly kinds: Uint8Array
  /** Those of its bytes below 128. */
  readonly ascii: ReadonlyArray<number>
}

/** @param characters All that begin with the same byte as one beyond ASCII are found. */
export const sought = (fields: Iterable<string>, characters: string): Sought => {
  const kindOf = kinds.slice()
  const ascii = new Set<number>()
  for (const character of characters) {
    const [byte = 0] = encoder.encode(character)
    kindOf[byte] = byte < 128 ? special : specialWide
    if (byte < 128) ascii.add(byte)
  }
  return { fields: new Set(fields), kinds: kindOf, ascii: [...ascii] }
}
const nothing = sought([], "")

/** Escapes that `JSON.stringify` writes, and the two that it does not, behind the backslash. */
const usual = new Set(encoder.encode('"\\bfnrt'))
const unusual = new Set(encoder.encode("/u"))
/** By their first byte. */
const literals: ReadonlyArray<Uint8Array | undefined> = (() => {
  const all: Array<Uint8Array | undefined> = Array.from({ length: 256 })
  for (const literal of ["true", "false", "null"]) all[literal.charCodeAt(0)] = encoder.encode(literal)
  return all
})()

/** Of objects, one in another. */
const mostDepth = 64
/** Each decimal of so many digits is the shortest that stands for its double. */
const safeDigits = 15
/** From so many zeros on, `JSON.stringify` writes an exponent. */
const mostZeros = 5

/** Thrown where a response is of no form that is scanned. */
export const notPlain = new Error("the response is not of the documented form")

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
  readonly values = new Int32Array(2 * Keys.read.length)
  /** Where the fields begin and end, in the text, that are looked for, or hold such a character. */
  readonly parts: Array<number> = []
  private special = false
  private escaped = false
  readonly bytes: Uint8Array
  readonly text: string
  private readonly kinds: Uint8Array
  private readonly keys: Keys.Keys
  /** `undefined` where more characters are looked for than it finds. */
  private readonly words: ByteWords | undefined

  constructor(bytes: Uint8Array, text: string, { ascii, fields, kinds }: Sought = nothing) {
    this.bytes = bytes
    this.text = text
    this.kinds = kinds
    this.keys = new Keys.Keys(bytes, fields)
    this.words = ascii.length > 2 ? undefined : new ByteWords(bytes, ascii[0], ascii[1])
  }

  /** From behind a call's brace to behind its other one. */
  call(at: number): number {
    this.odd = false
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
    const { bytes, keys } = this
    if (bytes[first] === closeObject) return first + 1
    const object = keys.open()
    for (let at = first; ; at++) {
      if (bytes[at] !== quoteMark) throw notPlain
      const place = at - this.shift
      if (depth === 0) this.special = false
      const key = keys.next(at + 1, depth) ?? this.key(at + 1, depth)
      if (key.isOdd || key.object === object) this.odd = true
      key.object = object
      const end = at + key.length + 2
      if (bytes[end] !== colon) throw notPlain
      const begin = end + 1 - this.shift
      this.escaped = false
      const behind = this.value(end + 1, depth)
      if (key.role !== Keys.other) this.field(key.role, begin, behind)
      if (depth === 0 && (this.special || key.isSought)) this.parts.push(place, behind - this.shift)
      at = behind
      if (bytes[at] === comma) continue
      if (bytes[at] !== closeObject) throw notPlain
      return at + 1
    }
  }

  /** A key that did not come where it was expected. */
  private key(first: number, depth: number): Keys.Key {
    const { bytes, shift, text } = this
    let end = this.words?.plainUntil(first) ?? first
    const isPlain = bytes[end] === quoteMark
    if (!isPlain) end = this.string(end) - 1
    return this.keys.found({ first, end, depth, isPlain, text: text.slice(first - shift, end - this.shift) })
  }

  /** Looks at the value of a field that columns or numbers are read of. */
  private field(role: number, begin: number, behind: number): void {
    const end = behind - this.shift
    const isText = this.text.charCodeAt(begin) === quoteMark
    if (role === Keys.number) {
      if (isText) this.odd = true
      return
    }
    const isNull = this.text.startsWith("null", begin)
    if (isText ? this.escaped || (role === Keys.cost && /[eE]/.test(this.text.slice(begin, end))) : !isNull)
      this.odd = true
    if (isNull) return
    this.values[2 * role] = begin
    this.values[2 * role + 1] = end
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
    const { bytes, kinds, words } = this
    for (let at = first; ; at++) {
      if (words !== undefined) at = words.plainUntil(at)
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
    const literal = literals[this.bytes[at] ?? 0]
    if (literal === undefined) throw notPlain
    for (let i = 1; i < literal.length; i++) if (literal[i] !== this.bytes[at + i]) throw notPlain
    return at + literal.length
  }
}
