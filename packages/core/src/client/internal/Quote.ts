/** Makes a server's words safe to repeat. */
import * as Emails from "../../model/internal/Emails.ts"
import * as Phones from "../../model/internal/Phones.ts"

/**
 * A server's words, safe to repeat in an error: one line, at most 200 characters, without the values that must not leak
 * (the key, the personal values of a query, phone numbers and e-mail addresses of a record), without paths and queries of URLs (a recording's carry a token) and without
 * control characters.
 */
export const make =
  (secrets: ReadonlyArray<string>) =>
  (text: string): string => {
    // The longest first: a secret may hold another.
    const forms = secrets.flatMap(echoes).sort((a, b) => b.length - a.length)
    const line = toLine(text)
    const safe = (forms.length === 0 ? line : line.replace(new RegExp(forms.map(escape).join("|"), "gi"), "…"))
      .replace(/\b([a-z][a-z\d+.-]*:\/\/)(?:[^\s/?#"'<>]*@)?([^\s/?#"'<>]*)[^\s"'<>]*/gi, "$1$2/…")
      .replace(/[?&][^\s=&"'<>]+=[^\s"'<>]*/g, "?…")
      .trim()
    const quoted = Phones.replace(Emails.replace(safe, hidden), "any", hidden)
    return quoted.length > 200 ? `${quoted.slice(0, 199).replace(/[\ud800-\udbff]$/, "")}…` : quoted
  }

const hidden = (): string => "…"

const toLine = (text: string): string => text.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")

/** The ways a secret may come back: as it is, as either encoding of a URL writes it, a number without its plus. */
const echoes = (secret: string): ReadonlyArray<string> => {
  const text = secret.toWellFormed()
  const form = new URLSearchParams([["", text]]).toString().slice(1)
  return [toLine(text), encodeURIComponent(text), form, toLine(text).replace(/^\+(?=\d)/, "")].filter(
    (echo) => echo !== ""
  )
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
