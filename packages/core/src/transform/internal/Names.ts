/** What keys say of the values under them, and a known name inside text. */

import * as Emails from "./Emails.ts"
import * as Phones from "./Phones.ts"

type Kind = "name" | "phone" | "recording" | "other"

// `name`, `customer_name`, `Caller First Name`, `lastName`; not `Plan Name`, `campaignName`.
const person =
  /^(?:customer|caller|callee|contact|client|lead|patient|guest|user|member|person|recipient|employee|owner|borrower|debtor|tenant|student|parent|subscriber|policyholder|accountholder|applicant|candidate|buyer|seller|visitor|your|my)?s?(?:full|first|last|middle|given|family|birth|maiden|nick|legal|preferred|display)?(?:name|surname|forename)$/
const phone =
  /phone|mobile|msisdn|whatsapp|^(?:tel|telno|telnumber|cell|cellnumber|fax|faxnumber|e164|ani|dnis|sms|smsnumber)$|^(?:caller|callee|customer|contact|callback|from|to|alternate|dialed|dialled)number$/

const recording = /^(?:call)?recording(?:url|uri|link)$/

/** What is known of a key. */
export interface Key {
  readonly kind: Kind
  /** Whether patterns might find something in the key itself. */
  readonly open: boolean
}

const known = new Map<string, Key>()

/** Keys repeat from record to record; those that do not must not fill the memory. */
const most = 4096

/** What a customer's key says, whatever its spelling. */
export const keyOf = (text: string): Key => {
  const found = known.get(text)
  if (found !== undefined) return found
  const letters = text.length > 64 ? "" : text.toLowerCase().replace(/[^a-z0-9]/g, "")
  const kind = person.test(letters)
    ? "name"
    : phone.test(letters)
      ? "phone"
      : recording.test(letters)
        ? "recording"
        : "other"
  if (known.size >= most) known.clear()
  const key: Key = { kind, open: Emails.mayHold(text) || Phones.mayHold(text) }
  known.set(text, key)
  return key
}

const letter = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}_]/u

/**
 * The text with each occurrence of a name replaced; the same text when there is none. A single word counts only where it
 * stands alone, because `Ana` is also in `analysis`; several words never stand together by chance.
 */
export const replaceKnown = (text: string, name: string, by: (name: string) => string): string => {
  let at = text.indexOf(name)
  if (at < 0) return text
  const several = /\s/.test(name)
  let out = ""
  let done = 0
  for (; at >= 0; at = text.indexOf(name, at + name.length)) {
    const end = at + name.length
    if (!several && (letter.test(text[at - 1] ?? "") || letter.test(text[end] ?? ""))) continue
    out += text.slice(done, at) + by(name)
    done = end
  }
  return out + text.slice(done)
}

/** The same for each way to write one name. */
export const normalize = (name: string): string => name.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase()
