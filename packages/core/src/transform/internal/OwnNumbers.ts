/** Finds the record's own numbers in any notation and anywhere, even inside ids and URLs. */
import * as DialledNumber from "./DialledNumber.ts"
import * as Phones from "../../model/internal/Phones.ts"
import * as Spelling from "./Spelling.ts"

/** The number of last digits that identify a number, whatever precedes them. */
const telling = 9

/** A number to look for in any notation. */
export interface Known {
  /** As it was given. */
  readonly text: string
  readonly digits: string
  /** `undefined` for a short number, which is found only as a whole word. */
  readonly ending: string | undefined
}

export const knownOf = (phone: string): Known | undefined => {
  const digits = Phones.digitsOf(DialledNumber.userPart(phone))
  return digits.length < 4
    ? undefined
    : { text: phone, digits, ending: digits.length < 7 ? undefined : digits.slice(-telling) }
}

/** Which of the numbers these digits end with. */
export const knownIn = (digits: string, known: ReadonlyArray<Known>): Known | undefined =>
  known.find(({ digits: own, ending }) => (ending === undefined ? digits === own : digits.endsWith(ending)))

/** How long the sign, or the escape of one, at this place is: 0 for a letter or a digit. */
const signAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  if (code === 37) {
    const [escape = ""] = /^%(?:25)*[2-7][\dA-Fa-f]/.exec(text.slice(at, at + 16)) ?? []
    return /[3-7].$/.test(escape) ? 0 : Math.max(1, escape.length)
  }
  if (code === 38) return text.startsWith("&nbsp;", at) || text.startsWith("&#160;", at) ? 6 : 1
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return isLetter || Phones.isAsciiDigit(code) ? 0 : 1
}

const startsWith = (text: string, ending: string, begin: number): boolean => {
  let at = begin
  for (let next = 0; next < ending.length;) {
    if (text.charCodeAt(at) === ending.charCodeAt(next)) {
      at++
      next++
    } else {
      const sign = at < text.length ? signAt(text, at) : 0
      if (sign === 0) return false
      at += sign
    }
  }
  return true
}

/** Whether these digits are in a text as they are, with nothing but signs between them. */
const holds = (text: string, ending: string): boolean => {
  if (text.length < ending.length) return false
  const first = ending.charAt(0)
  for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + 1)) {
    if (startsWith(text, ending, at)) return true
  }
  return false
}

/** Whether digits themselves may be escaped, or of another script. */
const isOdd = (text: string): boolean => (text.includes("%") && escapedDigit.test(text)) || Phones.otherDigit.test(text)

const escapedDigit = /%(?:25)*(?:3\d|[89A-Fa-f][\dA-Fa-f])/

/** The digits of a text, and where they are. */
interface Places {
  readonly digits: string
  readonly begins: ReadonlyArray<number>
  readonly ends: ReadonlyArray<number>
  /** Whether only signs are between a digit and the one before it. */
  readonly linked: ReadonlyArray<boolean>
}

/** The most signs inside one number. */
const mostSigns = 4

const placesIn = (text: string): Places => {
  const spelled = Spelling.of(text)
  const begins: Array<number> = []
  const ends: Array<number> = []
  const linked: Array<boolean> = []
  let digits = ""
  let signs = mostSigns + 1
  let unit = 0
  for (const character of spelled.text) {
    const found = Phones.digitsOf(character)
    if (found !== "") {
      digits += found
      begins.push(spelled.begins[unit] ?? 0)
      ends.push(spelled.ends[unit] ?? 0)
      linked.push(signs <= mostSigns)
      signs = 0
    } else signs = /\p{L}/u.test(character) ? mostSigns + 1 : signs + 1
    unit += character.length
  }
  return { digits, begins, ends, linked }
}

/** What begins a number, before its first digit. */
const opening = /(?:[+\uff0b(\uff08]|%(?:25)*2[Bb8])+$/

/** Where a number that ends with what is at `at` begins: with its own first digit, or what else is there in one piece. */
const beginOf = (text: string, { begins, digits, ends, linked }: Places, at: number, own: string): number => {
  let first = at
  for (let left = own.length - telling - 1; left >= 0 && first > 0; left--) {
    if (linked[first] !== true || digits[first - 1] !== own[left]) break
    first--
  }
  while (first > 0 && ends[first - 1] === begins[first]) first--
  const begin = begins[first] ?? 0
  return begin - (opening.exec(text.slice(Math.max(0, begin - 12), begin))?.[0].length ?? 0)
}

/** The text with the known numbers replaced everywhere, even inside a longer word. */
export const replace = (text: string, known: ReadonlyArray<Known>, by: (known: Known) => string): string => {
  if (known.length === 0) return text
  let left = text
  const odd = text.length > 6 && isOdd(text)
  for (const one of known) {
    if (one.ending !== undefined && (odd || holds(left, one.ending))) left = replaceOne(left, one, one.ending, by)
  }
  return left
}

const replaceOne = (text: string, known: Known, ending: string, by: (known: Known) => string): string => {
  const places = placesIn(text)
  const { digits, ends, linked } = places
  const spans: Array<Phones.Span> = []
  for (let at = digits.indexOf(ending); at >= 0; at = digits.indexOf(ending, at + 1)) {
    const together = linked.slice(at + 1, at + ending.length).every((one) => one)
    const begin = beginOf(text, places, at, known.digits)
    if (together && begin >= (spans.at(-1)?.end ?? 0)) spans.push({ begin, end: ends[at + ending.length - 1] ?? 0 })
  }
  return Phones.replaceSpans(text, spans, () => by(known))
}
