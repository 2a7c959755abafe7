/** E-mail addresses inside text. */

// `@` as it is in plain text, full width, small, and in the query of a URL.
const sign = /[@\uff20\ufe6b]|%(?:25)*40/g
const outside = /[\s<>()[\]{},;:"'`\\|/=&?@“”„‘’«»\uff20\ufe6b]/u
const wrapping = /^[.*_~'-]+/
const host = /[\p{L}\p{M}\p{N}._\u3002\uff0e\uff61-]/u
const address = /^(?:\d{1,3}\.){3}\d{1,3}$/

/** What an expression says of the characters of ASCII, which are nearly all: to look is faster than to ask it. */
const asciiOf = (expression: RegExp): Uint8Array =>
  Uint8Array.from({ length: 128 }, (_, code) => (expression.test(String.fromCharCode(code)) ? 1 : 0))
const asciiOutside = asciiOf(outside)
const asciiHost = asciiOf(host)

/** Longer than any address may be: what is not found in so many characters is none. */
const longest = 320

/** Text without any of them holds no address. */
export const characters = "@%\uff20\ufe6b"
const marks = new RegExp(`[${characters}]`)

/** Cheap, and true for every text that holds an address. */
export const mayHold = (text: string): boolean => text.length > 2 && marks.test(text)

const isOutside = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code < 128 ? asciiOutside[code] === 1 : outside.test(text[at] ?? "")
}

/** How many characters of the host's name are here, in UTF-16: none, one or two. */
const hostAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  if (code < 128) return asciiHost[code] ?? 0
  const character = characterAt(text, at)
  return host.test(character) ? character.length : 0
}

const beginOf = (text: string, at: number, from: number): number => {
  if (text[at - 1] === '"') {
    const open = text.lastIndexOf('"', at - 2)
    return open >= from && at - open <= longest ? open : at
  }
  let begin = at
  while (begin > from && at - begin < longest) {
    // O'Neill's address holds a quote; a quote around an address does not belong to it.
    if (
      isOutside(text, begin - 1) &&
      !(/['’]/.test(text[begin - 1] ?? "") && /[\p{L}\p{N}]/u.test(text[begin - 2] ?? ""))
    )
      break
    begin--
  }
  return begin + (wrapping.exec(text.slice(begin, at))?.[0].length ?? 0)
}

const endOf = (text: string, at: number): number => {
  if (text[at] === "[") {
    const close = text.indexOf("]", at)
    return close > at + 1 && close - at <= longest ? close + 1 : at
  }
  let end = at
  while (end < text.length && end - at < longest) {
    const length = hostAt(text, end)
    if (length === 0) break
    end += length
  }
  while (end > at && /[._\u3002\uff0e\uff61-]/.test(text[end - 1] ?? "")) end--
  const found = text.slice(at, end)
  return /\p{L}/u.test(found) || address.test(found) ? end : at
}

const characterAt = (text: string, index: number): string => String.fromCodePoint(text.codePointAt(index) ?? 0)

/** The text with every address replaced; the same text when there is none. */
export const replace = (text: string, by: (email: string) => string): string => {
  if (!mayHold(text)) return text
  let out = ""
  let done = 0
  for (const match of text.matchAll(sign)) {
    if (match.index < done) continue
    const after = match.index + match[0].length
    const begin = beginOf(text, match.index, done)
    const end = begin === match.index ? after : endOf(text, after)
    if (end === after) continue
    out += text.slice(done, begin) + by(text.slice(begin, end))
    done = end
  }
  return done === 0 ? text : out + text.slice(done)
}

/** The same for each way to write one address. */
export const normalize = (email: string): string =>
  email
    .replace(/%(?:25)*40/, "@")
    .normalize("NFKC")
    .replaceAll("\u3002", ".")
    .trim()
    .toLowerCase()
