/** Replaces personal data. Redaction recognizes the replacement, so redacting twice changes nothing. */

const plain = String.raw`\[(?:phone|email|name|recording|freeText)\]`
const standIn = String.raw`${plain}|(?:phone|email|name|recording|freeText|id)_[\da-f]{32}`
const whole = new RegExp(`^(?:${standIn})$`)
const some = new RegExp(standIn)
const each = new RegExp(`(${standIn})`, "g")
const eachPlain = new RegExp(`(${plain})`, "g")

/** Hashes, which take long to look for, have an underscore. */
const eachIn = (text: string): RegExp => (text.includes("_") ? each : eachPlain)

/** What replaces each phone number that is masked: the same for all, so it is nobody's. */
export const phoneMask = "[phone]"

export const is = (text: string): boolean => (text.startsWith("[") || text.includes("_")) && whole.test(text)

export const isIn = (text: string): boolean => (text.includes("[") || text.includes("_")) && some.test(text)

/** The text with everything but the placeholders changed. */
export const between = (text: string, change: (part: string) => string): string =>
  // With a group, what it splits at is given too, at the odd places.
  text
    .split(eachIn(text))
    .map((part, at) => (at % 2 === 1 || part === "" ? part : change(part)))
    .join("")

/** The text without its placeholders. */
export const without = (text: string): string => text.replace(eachIn(text), "")
