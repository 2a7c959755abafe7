/**
 * Numbers of JSON that a double would round.
 *
 * @since 0.1.0
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Decimal from "./internal/DecimalText.ts"

/**
 * A number that no double holds exactly, such as the id `4876876000000420001` or `1e400`. `text` is its one spelling:
 * two of them are the same number when their texts are the same, and then `Equal.equals` says so.
 *
 * `JSON.stringify` writes the digits as they are. Engines without `JSON.rawJSON` write them as a string, because a number
 * would be rounded. `String(…)` gives the digits, `Number(…)` the nearest double. `structuredClone` and `postMessage` make
 * a plain `{ text }` of it: send JSON instead.
 *
 * @since 0.1.0
 * @category models
 */
export class ExactNumber implements Equal.Equal {
  readonly text: string
  private constructor(text: string) {
    this.text = text
  }
  /** @internal What `fromText` calls. */
  static ofCanonical(text: string): ExactNumber {
    return new ExactNumber(text)
  }
  toString(): string {
    return this.text
  }
  toJSON(): unknown {
    const rawJson: unknown = Reflect.get(JSON, "rawJSON")
    return typeof rawJson === "function" ? rawJson(this.text) : this.text
  }
  [Equal.symbol](that: unknown): boolean {
    return that instanceof ExactNumber && that.text === this.text
  }
  [Hash.symbol](): number {
    return Hash.string(this.text)
  }
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isExactNumber = (value: unknown): value is ExactNumber => value instanceof ExactNumber

/**
 * The number that the text is, a decimal with or without an exponent: a double where that prints back as the same value,
 * an `ExactNumber` otherwise; `undefined` for other text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromText = (text: string): number | ExactNumber | undefined => {
  const canonical = Decimal.canonical(text)
  if (canonical === undefined) return undefined
  const double = Number(text)
  return Number.isFinite(double) && Decimal.canonical(String(double)) === canonical
    ? double
    : ExactNumber.ofCanonical(canonical)
}

/**
 * Below 0 when the first one is less, above 0 when it is greater, 0 when they are the same: as decimals, so nothing is
 * rounded. A double counts as the decimal that it prints as.
 *
 * @since 0.1.0
 * @category comparing
 */
export const compare = (left: number | ExactNumber, right: number | ExactNumber): number =>
  typeof left === "number" && typeof right === "number" ? left - right : Decimal.compare(String(left), String(right))

/**
 * The number with the other sign.
 *
 * @since 0.1.0
 * @category math
 */
export const negate = ({ text }: ExactNumber): ExactNumber =>
  ExactNumber.ofCanonical(text.startsWith("-") ? text.slice(1) : `-${text}`)

/**
 * The whole part, in plain digits; `undefined` when it has more than `most` of them.
 *
 * @since 0.1.0
 * @category math
 */
export const truncate = ({ text }: ExactNumber, most = 1000): number | ExactNumber | undefined => {
  const plain = Decimal.plain(text, most)
  return plain === undefined ? undefined : fromText(plain.replace(/\..*$/, ""))
}

/**
 * `JSON.parse` that rounds no number. A text that holds neither 16 digits in a row nor an exponent of three, which are
 * the only ones that a double may not hold, goes to `JSON.parse` as it is.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parseJson = (text: string): unknown => {
  const marked = mayRound(text) ? mark(text) : text
  const value: unknown = JSON.parse(marked)
  return marked === text ? value : unmark(value)
}

const digitOrPoint = (code: number): boolean => (code >= 48 && code <= 57) || code === 46

/** How many digits every double holds: of more, some are rounded. */
const safe = 15

/** Numbers of up to 15 digits leave the range of doubles only with an exponent of three digits or more. */
const exponent = /\d[eE][+-]?\d{3}/g

/** Whether a number begins there, or text that looks like one: ids, hashes and times do not. */
const beginsNumber = (text: string, from: number): boolean => {
  let at = from - 1
  if (text.charCodeAt(at) === 45) at--
  while (at >= 0 && text.charCodeAt(at) <= 32) at--
  if (at < 0) return true
  const code = text.charCodeAt(at)
  return code === 58 || code === 44 || code === 91
}

const beginOf = (text: string, within: number): number => {
  let begin = within
  while (begin > 0 && digitOrPoint(text.charCodeAt(begin - 1))) begin--
  return begin
}

/** Characters that may follow the first digits of a number. */
const isNumeric = (code: number): boolean =>
  digitOrPoint(code) || code === 101 || code === 69 || code === 43 || code === 45

/** Whether a double rounds what is written there, where that is a number. */
const isRounded = (text: string, begin: number): boolean => {
  let end = begin
  while (end < text.length && isNumeric(text.charCodeAt(end))) end++
  const token = text.slice(text.charCodeAt(begin - 1) === 45 ? begin - 1 : begin, end)
  // Nearly all are written as the double that they are is printed.
  return String(Number(token)) !== token && fromText(token) instanceof ExactNumber
}

/** A glance at each sixteenth character finds every run of sixteen. */
const hasLongNumber = (text: string): boolean => {
  const { length } = text
  for (let at = safe; at < length; at += safe + 1) {
    if (!digitOrPoint(text.charCodeAt(at))) continue
    const begin = beginOf(text, at)
    let end = at
    while (end < length && digitOrPoint(text.charCodeAt(end))) end++
    if (end - begin > safe && beginsNumber(text, begin) && isRounded(text, begin)) return true
    at = Math.max(at, end - 1)
  }
  return false
}

const hasExponent = (text: string): boolean => {
  exponent.lastIndex = 0
  for (let found = exponent.exec(text); found !== null; found = exponent.exec(text)) {
    const begin = beginOf(text, found.index)
    if (beginsNumber(text, begin) && isRounded(text, begin)) return true
  }
  return false
}

/**
 * True for every text with a number that a double may not hold, and hardly for another one: a page is asked once.
 *
 * @internal
 */
export const mayRound = (text: string): boolean => hasLongNumber(text) || hasExponent(text)

/** Unknown to writers of JSON, so that no text of a record is mistaken for a number. */
let prefix = ""

const newPrefix = (): string => {
  const words = crypto.getRandomValues(new Uint32Array(4))
  return `exact-${[...words].map((word) => word.toString(36)).join("-")}:`
}

/** A possible number, to its end: an expression that can backtrack would read long ones again and again. */
const word = /[-+.\w]+/g
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** In the place of a key a number is a mistake, and stays one. */
const isKey = (text: string, end: number): boolean => {
  let at = end
  while (text.charCodeAt(at) <= 32) at++
  return text.charCodeAt(at) === 58
}

const markNumber = (token: string, at: number, piece: string): string => {
  if (token.length < shortest || !number.test(token)) return token
  const value = fromText(token)
  return value instanceof ExactNumber && !isKey(piece, at + token.length) ? `"${prefix}${value.text}"` : token
}

/** `1e309`, and no shorter one. */
const shortest = 5

/** Where a text that begins at `open` ends; -1 when it does not. */
const closing = (text: string, open: number): number => {
  let at = open
  for (;;) {
    at = text.indexOf('"', at + 1)
    if (at === -1) return -1
    let before = at - 1
    while (text.charCodeAt(before) === 92) before--
    if ((at - before) % 2 === 1) return at
  }
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** Between two strings there are few characters: nearly always only the bracket, comma or colon. */
const hasExponentIn = (text: string, begin: number, end: number): boolean => {
  for (let at = begin + 1; at + 3 < end; at++) {
    if ((text.charCodeAt(at) | 32) === 101 && isDigit(text.charCodeAt(at - 1))) return true
  }
  return false
}

/**
 * The numbers that a double does not hold as strings behind the prefix. A reviver with the source text would do the same in
 * twice the time, runs out of stack where records are nested deep, and is not there in every browser.
 */
const mark = (text: string): string => {
  if (prefix === "") prefix = newPrefix()
  let out = ""
  let done = 0
  let at = 0
  for (;;) {
    const open = text.indexOf('"', at)
    const end = open === -1 ? text.length : open
    if (end - at > safe || hasExponentIn(text, at, end)) {
      const piece = text.slice(at, end)
      const marked = piece.replace(word, markNumber)
      if (marked !== piece) {
        out += text.slice(done, at) + marked
        done = end
      }
    }
    if (open === -1) break
    const close = closing(text, open)
    if (close === -1) break
    at = close + 1
  }
  return done === 0 ? text : out + text.slice(done)
}

const unmarkOne = (value: unknown): ExactNumber | undefined =>
  typeof value === "string" && value.startsWith(prefix)
    ? ExactNumber.ofCanonical(value.slice(prefix.length))
    : undefined

type Container = Record<string, unknown>
const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null

/** Without recursion: a record may be nested deeper than the stack. */
const unmark = (root: unknown): unknown => {
  const waiting: Array<Container> = isContainer(root) ? [root] : []
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const key of Object.keys(next)) {
      const value = next[key]
      const exact = unmarkOne(value)
      // Its own `__proto__`, which JSON may hold, is written too: only one that is not there would be the prototype.
      if (exact !== undefined) next[key] = exact
      else if (isContainer(value)) waiting.push(value)
    }
  }
  return unmarkOne(root) ?? root
}
