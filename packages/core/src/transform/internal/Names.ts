/** Recognizes keys of personal data, and finds a known name inside text. */

import * as Emails from "../../model/internal/Emails.ts"
import * as Phones from "../../model/internal/Phones.ts"
import * as Spelling from "./Spelling.ts"
import * as StandIn from "../../model/internal/StandIn.ts"

type Kind = "name" | "phone" | "recording" | "other"

// `name`, `customer_name`, `Caller First Name`, `lastName`; not `Plan Name`, `campaignName`.
const person =
  /^(?:customer|caller|callee|contact|client|lead|patient|guest|user|member|person|recipient|employee|owner|borrower|debtor|tenant|student|parent|subscriber|policyholder|accountholder|applicant|candidate|buyer|seller|visitor|your|my)?s?(?:full|first|last|middle|given|family|birth|maiden|nick|legal|preferred|display)?(?:name|surname|forename)$/
const phone =
  /phone|mobile|msisdn|whatsapp|^(?:tel|telno|telnumber|cell|cellnumber|fax|faxnumber|e164|ani|dnis|sms|smsnumber)$|^(?:caller|callee|customer|contact|callback|from|to|alternate|dialed|dialled)number$/

const recording = /^(?:call)?recording(?:url|uri|link)$/

/** The facts about a key. */
export interface Key {
  readonly kind: Kind
  /** Whether patterns might find something in the key itself. */
  readonly open: boolean
  /** The key in the spelling in which names are compared. */
  readonly folded: string
}

const known = new Map<string, Key>()

/** Keys repeat from record to record; those that do not must not fill the memory. */
const most = 4096

/** The class that a customer's key implies, in any spelling. A redacted number as a key implies none. */
export const keyOf = (text: string): Key => {
  const found = known.get(text)
  if (found !== undefined) return found
  const letters =
    text.length > 64
      ? ""
      : StandIn.without(text)
          .toLowerCase()
          .replace(/[^a-z0-9]/g, "")
  const kind = person.test(letters)
    ? "name"
    : phone.test(letters)
      ? "phone"
      : recording.test(letters)
        ? "recording"
        : "other"
  if (known.size >= most) known.clear()
  const key: Key = { kind, open: Emails.mayHold(text) || Phones.mayHold(text), folded: Spelling.of(text).text }
  known.set(text, key)
  return key
}

/** A name to look for, in any case, Unicode form and with any kind of space. */
export interface Name {
  readonly text: string
  /** The longest piece of it in plain letters: every text that holds the name holds that, in one case or another. */
  readonly probe: string
  readonly rarest: number
  readonly word: string
  readonly several: boolean
  /** The word behind the first one. */
  readonly second: string | undefined
  readonly pattern: () => RegExp
}

/** In a folded text. A letter with a mark may be one character elsewhere. */
const plainLetters = /[a-z]+(?![\u0300-\u036f])/g

/** Letters, those first that texts have least of. */
const rare = "qxzjkvwybfpghumdcltnrsioae"

const space = String.raw`[\s\u200b-\u200d\u2060\ufeff+_.-]{1,4}`

/** `undefined` for a name that is too short to search for. */
export const nameOf = (given: string): Name | undefined => {
  const text = given.trim()
  const words = Spelling.fold(text)
    .split(/[\s\u200b-\u200d\u2060\ufeff]+/)
    .filter((word) => word !== "")
  const [word, second] = words
  if (text.length < 2 || word === undefined || StandIn.is(text)) return undefined
  let probe = ""
  for (const [piece] of words.join(" ").matchAll(plainLetters)) if (piece.length > probe.length) probe = piece
  let rarest = 0
  for (let at = 1; at < probe.length; at++) {
    if (rare.indexOf(probe.charAt(at)) < rare.indexOf(probe.charAt(rarest))) rarest = at
  }
  let pattern: RegExp | undefined
  return {
    text,
    probe,
    rarest,
    word,
    several: words.length > 1,
    second,
    pattern: () => (pattern ??= new RegExp(`${words.map(escape).join(space)}(?![\u0300-\u036f])`, "gu"))
  }
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

const letter = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}_]/u

/** What another letter may stand for, or more than one. */
const odd = /[ßẞſıİK\ufb00-\ufb06\uff01-\uff5e]/

const isAt = (text: string, probe: string, begin: number): boolean => {
  if (begin < 0) return false
  for (let at = 0; at < probe.length; at++) {
    // Both cases of a plain letter differ in this bit only.
    if ((text.charCodeAt(begin + at) | 32) !== probe.charCodeAt(at)) return false
  }
  return true
}

/** By its rarest letter, which costs a third of making the text lower case. */
const holdsProbe = (text: string, probe: string, rarest: number): boolean => {
  const lower = probe.charAt(rarest)
  for (let at = text.indexOf(lower); at >= 0; at = text.indexOf(lower, at + 1)) {
    if (isAt(text, probe, at - rarest)) return true
  }
  const upper = lower.toUpperCase()
  for (let at = text.indexOf(upper); at >= 0; at = text.indexOf(upper, at + 1)) {
    if (isAt(text, probe, at - rarest)) return true
  }
  return false
}

/** Cheap, and true for every text that holds the name. */
const mayHold = (text: string, { probe, rarest, word }: Name): boolean =>
  probe.length > 1
    ? holdsProbe(text, probe, rarest) || odd.test(text)
    : !Spelling.isAscii(text)
      ? Spelling.fold(text).includes(word)
      : word.length === probe.length
        ? text.toLowerCase().includes(word)
        : text.includes("%") && Spelling.hasLongEscape(text)

const plainLetter = /[a-z\d_]/

/** The same for plain text in lower case: an expression for each name costs more to make than to run. */
const mayStandIn = (lower: string, { second, word }: Name): boolean => {
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1)) {
    const after = at + word.length
    if (second === undefined) {
      if (!plainLetter.test(lower.charAt(at - 1)) && !plainLetter.test(lower.charAt(after))) return true
      continue
    }
    for (let gap = 1; gap <= 4; gap++) if (lower.startsWith(second, after + gap)) return true
  }
  return false
}

/**
 * The text with each occurrence of a name replaced; the same text when there is none. A single word must be a
 * whole word, because `Ana` is also in `analysis`; several words do not meet by chance.
 */
export const replaceKnown = (text: string, name: Name, by: () => string): string => {
  if (!mayHold(text, name)) return text
  const { pattern, several } = name
  if (Spelling.isPlain(text) && !mayStandIn(text.toLowerCase(), name)) return text
  const spelled = Spelling.of(text)
  let out = ""
  let done = 0
  for (const { 0: found, index } of spelled.text.matchAll(pattern())) {
    const after = index + found.length
    if (!several && (letter.test(spelled.text[index - 1] ?? "") || letter.test(spelled.text[after] ?? ""))) continue
    const begin = spelled.begins[index] ?? 0
    if (begin < done) continue
    out += text.slice(done, begin) + by()
    done = spelled.ends[after - 1] ?? text.length
  }
  return done === 0 ? text : out + text.slice(done)
}

/** The same for each way to write one name. */
export const normalize = (name: string): string => name.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase()
