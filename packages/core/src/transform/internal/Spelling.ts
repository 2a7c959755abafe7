/**
 * Text without differences of case, Unicode form and escapes, with the place of each character in the original: matches in
 * the one are replaced in the other.
 */

export interface Spelled {
  readonly text: string
  /** Where the character that gave this one begins in the original. */
  readonly begins: ReadonlyArray<number>
  readonly ends: ReadonlyArray<number>
}

/** One escape of a URL, however often it was escaped; the escapes of one character; a space of HTML; or a character. */
const segment =
  /%(?:25)*[0-7][\dA-Fa-f]|(?:%(?:25)*[89A-Fa-f][\dA-Fa-f])+|&(?:nbsp|#160|#[xX][aA]0);|\P{M}\p{M}*|\p{M}+/gu

const onlyAscii = /^[\0-\x7f]*$/

export const isAscii = (text: string): boolean => onlyAscii.test(text)

const meant = (found: string): string => {
  if (found.startsWith("&") && found.length > 1) return " "
  if (!found.startsWith("%") || found.length < 3) return found
  try {
    return decodeURIComponent(found.replace(/%(?:25)+(?=[\dA-Fa-f]{2})/g, "%"))
  } catch {
    return found
  }
}

const longEscape = /%(?:25)*[89A-Fa-f][\dA-Fa-f]/

/** Whether a character beyond ASCII is escaped. */
export const hasLongEscape = (text: string): boolean => longEscape.test(text)

/** Upper case first: it makes one of `ß` and `ss`, and of the forms of sigma. */
const folded = (text: string): string =>
  text
    .normalize("NFKD")
    .toUpperCase()
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll("ς", "σ")
    .replaceAll("i\u0307", "i")
    .replaceAll(/[\u2018\u2019\u02bc]/g, "'")

/** The same for each way to spell one text. */
export const fold = (text: string): string => (onlyAscii.test(text) ? text.toLowerCase() : folded(text))

/** Each character is itself, in one case or another. */
export const isPlain = (text: string): boolean => onlyAscii.test(text) && !text.includes("%") && !text.includes("&")

export const of = (original: string): Spelled => {
  const begins: Array<number> = []
  const ends: Array<number> = []
  let text = ""
  for (const { 0: found, index } of original.matchAll(segment)) {
    const own = fold(meant(found))
    for (let unit = 0; unit < own.length; unit++) {
      begins.push(index)
      ends.push(index + found.length)
    }
    text += own
  }
  return { text, begins, ends }
}
