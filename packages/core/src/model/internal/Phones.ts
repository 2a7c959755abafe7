/**
 * Phone numbers inside text. Nothing marks them but their digits, so other digits have to be excluded:
 * dates, times, amounts, ids, IP addresses. In doubt it counts as a number.
 */

const digitSets = /\p{Nd}/u
const gap = String.raw`[ \t\u00a0\u2002-\u200b\u2010-\u2015\u202f\u2060\u2212()./\uff08\uff09\u00ad-]`
const plusSign = String.raw`(?:[+\uff0b]|%(?:25)*2[Bb])`
const run = new RegExp(`(?:${plusSign}[ (]{0,2})?[(\uff08]?\\p{Nd}(?:${gap}{0,3}\\p{Nd})*`, "gu")
export const startsWithPlus = new RegExp(`^${plusSign}`)

export const isAsciiDigit = (code: number): boolean => code >= 48 && code <= 57

export const otherDigit = /[^\P{Nd}0-9]/u

/** Cheap, and true for every text that holds a number: seven digits, or some of another script. */
export const mayHold = (text: string): boolean => {
  if (text.length < 7) return false
  let digits = 0
  let wide = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 48 && code <= 57) {
      if (++digits === 7) return true
    } else if (code >= 0x660) wide = true
  }
  return wide && otherDigit.test(text)
}

const mayHoldMarked = (text: string): boolean => text.includes("+") || text.includes("%") || text.includes("\uff0b")

/** The digits alone, in ASCII. Unicode keeps the ten of a script together, zero first. */
export const digitsOf = (text: string): string => {
  let out = ""
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (isAsciiDigit(unit)) out += text[index]
    else if (unit >= 0x660) {
      const code = text.codePointAt(index) ?? 0
      if (digitSets.test(String.fromCodePoint(code))) out += String(valueOf(code))
    }
  }
  return out
}

const valueOf = (code: number): number => {
  // Five alphabets of mathematical digits follow one another.
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10
  let zero = code
  while (code - zero < 9 && digitSets.test(String.fromCodePoint(zero - 1))) zero--
  return code - zero
}

interface Group {
  readonly digits: string
  readonly begin: number
  readonly end: number
  /** The text between it and the next one. */
  readonly gap: string
}

const groupsIn = (found: string, begin: number): ReadonlyArray<Group> => {
  const matches = [...found.matchAll(/\p{Nd}+/gu)]
  return matches.map((match, index) => {
    const end = match.index + match[0].length
    return {
      digits: digitsOf(match[0]),
      begin: begin + match.index,
      end: begin + end,
      gap: found.slice(end, matches[index + 1]?.index ?? end)
    }
  })
}

const count = (groups: ReadonlyArray<Group>): number => groups.reduce((sum, { digits }) => sum + digits.length, 0)

const year = /^(?:19|20)\d\d$/
const isDay = (digits: string): boolean => digits.length <= 2 && Number(digits) >= 1 && Number(digits) <= 31

/** `2026-07-31`, `31.07.2026`, `7/31/26`: three groups with the same sign between them. */
const startsWithDate = ([a, b, c]: ReadonlyArray<Group>): boolean =>
  a !== undefined &&
  b !== undefined &&
  c !== undefined &&
  a.gap === b.gap &&
  /^[-./]$/.test(a.gap) &&
  ((year.test(a.digits) && isDay(b.digits) && isDay(c.digits)) ||
    (isDay(a.digits) &&
      isDay(b.digits) &&
      (year.test(c.digits) || c.digits.length === 2) &&
      !(/^[-./]$/.test(c.gap) && c.digits.length === 2)))

/** `1.234.567`, `12 345 678`, `12345.678901`, `192.168.100.200`; but `0151.23456789` and `12.34.56.78` are dialled. */
const isAmount = (groups: ReadonlyArray<Group>): boolean => {
  const [first, ...rest] = groups
  if (first === undefined || groups.slice(0, -1).some(({ gap }) => gap !== first.gap)) return false
  const thousands =
    !first.digits.startsWith("0") && first.digits.length <= 3 && rest.every(({ digits }) => digits.length === 3)
  if (first.gap !== ".") return thousands && /^\s$/.test(first.gap) && count(groups) <= 8
  if (groups.length === 2) return !/^0\d{2}/.test(first.digits)
  const address = groups.length === 4 && groups.every(({ digits }) => digits.length <= 3)
  return thousands || (address && groups.some(({ digits }) => digits.length !== 2))
}

/** `20260731071610`. */
const stamp = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?$/

/** Whether these groups, without a `+` before them, are a number. */
const isDialled = (groups: ReadonlyArray<Group>): boolean => {
  const [first, second] = groups
  const total = count(groups)
  if (first === undefined) return false
  if (/^00[1-9]/.test(first.digits + (second?.digits ?? "")) && total >= 9 && total <= 17) return true
  if (total > 15) return false
  if (second === undefined) {
    // Seconds and milliseconds since 1970 begin with a 1; a national number of that length does not.
    if (first.digits.startsWith("1") && (total === 10 || total === 13)) return false
    if (stamp.test(first.digits)) return false
    return total >= (first.digits.startsWith("0") ? 9 : 10)
  }
  if (total === 7) return groups.length === 2 && first.digits.length === 3 && first.gap === "-"
  if (total < 8) return false
  if (groups.length === 2 && year.test(first.digits) && year.test(second.digits)) return false
  // The postal code of the United States with its four further digits.
  if (groups.length === 2 && first.gap === "-" && first.digits.length === 5 && second.digits.length === 4) return false
  return !isAmount(groups)
}

const word = /[A-Za-z0-9_]/

/** An id such as `ORD-1234567890`, or a part of a UUID, continues across a hyphen; a time across a colon. */
const isJoined = (near: string, beyond: string): boolean =>
  word.test(near) || (near === "-" && word.test(beyond)) || (near === ":" && isAsciiDigit(beyond.charCodeAt(0)))

const isExtension = (text: string, end: number): boolean => /^\s?(?:x|ext)[.\s]?\d/i.test(text.slice(end, end + 8))

export interface Span {
  readonly begin: number
  readonly end: number
}

/** A number has no more digits, so no more groups of them either, its `00` included. */
const longest = 17

/** As many whole groups as a number can have: what follows a `+` is a number without further signs of it. */
const marked = (groups: ReadonlyArray<Group>): ReadonlyArray<Group> => {
  // Written in one piece, it is complete.
  const [first] = groups
  if (first !== undefined && first.digits.length >= 9 && first.digits.length <= 15) return [first]
  let taken = Math.min(groups.length, longest)
  while (taken > 0 && count(groups.slice(0, taken)) > 15) taken--
  return count(groups.slice(0, taken)) < 7 ? [] : groups.slice(0, taken)
}

/** The longest number that begins with a certain group, and ends with the run or before a space. */
const longestFrom = (groups: ReadonlyArray<Group>, at: number, endIsFree: boolean): ReadonlyArray<Group> => {
  for (let end = Math.min(groups.length, at + longest); end > at; end--) {
    const some = groups.slice(at, end)
    const free = end === groups.length ? endIsFree : /\s/.test(groups[end - 1]?.gap ?? "")
    if (free && isDialled(some)) return some
  }
  return []
}

const spanOf = (text: string, groups: ReadonlyArray<Group>, from?: number): Span | undefined => {
  const [first] = groups
  const last = groups.at(-1)
  if (first === undefined || last === undefined) return undefined
  // `(415) 555-0123` begins with its bracket.
  const bracket = /[(\uff08]/.test(text[first.begin - 1] ?? "") && /^[)\uff09]/.test(text.slice(first.end))
  return { begin: from ?? (bracket ? first.begin - 1 : first.begin), end: last.end }
}

const spansIn = (text: string, found: string, begin: number, loose: boolean): ReadonlyArray<Span> => {
  const spans: Array<Span> = []
  const end = begin + found.length
  const groups = groupsIn(found, begin)
  let at = 0
  let free = !isJoined(text[begin - 1] ?? "", text[begin - 2] ?? "")
  const endIsFree = isExtension(text, end) || !isJoined(text[end] ?? "", text[end + 1] ?? "")
  if (startsWithPlus.test(found) && groups[0]?.digits.startsWith("0") === false) {
    const date = groups.findIndex((_, index) => index > 0 && startsWithDate(groups.slice(index, index + 3)))
    const taken = marked(date < 0 ? groups : groups.slice(0, date))
    const span = spanOf(text, taken, begin)
    if (span !== undefined) spans.push(span)
    at = taken.length
    free = true
  }
  while (loose && at < groups.length) {
    const date = startsWithDate(groups.slice(at, at + 3))
    const taken = !date && free ? longestFrom(groups, at, endIsFree) : []
    const span = spanOf(text, taken)
    if (span !== undefined) spans.push(span)
    at += date ? 3 : Math.max(1, taken.length)
    // In the middle of `1234-5678` nothing begins.
    free = date || taken.length > 0 || /\s/.test(groups[at - 1]?.gap ?? "")
  }
  return spans
}

export const replaceSpans = (text: string, spans: ReadonlyArray<Span>, by: (found: string) => string): string => {
  let out = ""
  let done = 0
  for (const { begin, end } of spans) {
    out += text.slice(done, begin) + by(text.slice(begin, end))
    done = end
  }
  return done === 0 ? text : out + text.slice(done)
}

/**
 * The text with every number replaced; the same text when there is none. `marked` numbers begin with a `+`; `any` also
 * finds those that only look like one.
 */
export const replace = (text: string, which: "marked" | "any", by: (phone: string) => string): string => {
  if (which === "marked" ? !mayHoldMarked(text) : !mayHold(text)) return text
  const spans: Array<Span> = []
  for (const match of text.matchAll(run)) spans.push(...spansIn(text, match[0], match.index, which === "any"))
  return replaceSpans(text, spans, by)
}
