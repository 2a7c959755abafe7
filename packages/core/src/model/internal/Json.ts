/** Text of JSON that every reader takes: whole surrogate pairs, and no line that ends early. */
import { ExactNumber } from "../ExactNumber.ts"

/** An object of JSON, which is no list, and no number either. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)

/** How many texts had half of a surrogate pair, and have U+FFFD instead. */
export interface Repairs {
  texts: number
}

/** A backslash that is escaped itself comes first: what follows it is text. */
const halves = /\\\\|\\ud[89a-f][0-9a-f]{2}/g

const texts = /"[^"\\]*(?:\\.[^"\\]*)*"/g

/** `JSON.stringify` writes no pair as an escape, only half of one. */
export const hasHalf = (json: string): boolean =>
  json.includes("\\ud") && (json.match(halves) ?? []).some((found) => found !== "\\\\")

/** U+2028 and U+2029 as escapes: many readers take them for the end of a line. */
export const escapeLineEnds = (json: string): string =>
  json.includes("\u2028") || json.includes("\u2029")
    ? json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")
    : json

/**
 * `JSON.stringify` for readers of every kind: no half of a surrogate pair, which UTF-8 has no way to write and for which
 * some refuse a whole file, and nothing but an escape that could be mistaken for the end of a line.
 */
export const stringify = (value: unknown, repairs?: Repairs): string | undefined => {
  // The types promise text for everything.
  const json: string | undefined = JSON.stringify(value)
  return json === undefined ? undefined : fit(json, repairs)
}

/** The same for what `JSON.stringify` gave. */
export const fit = (json: string, repairs?: Repairs): string =>
  escapeLineEnds(json.includes("\\ud") ? repair(json, repairs) : json)

const repair = (json: string, repairs: Repairs | undefined): string =>
  json.replace(texts, (text) => {
    const whole = text.replace(halves, (found) => (found === "\\\\" ? found : "\ufffd"))
    if (whole !== text && repairs !== undefined) repairs.texts++
    return whole
  })
