/** Text and JSON that PostgreSQL has no way to hold: the character NUL. Cells are well-formed otherwise. */

import { ExactNumber, parseJson } from "../../../model/ExactNumber.ts"

const isObject = (u: unknown): u is Record<string, unknown> =>
  typeof u === "object" && u !== null && !(u instanceof ExactNumber)

/** Whether a text column can hold the text. */
export const holdsText = (text: string): boolean => !text.includes("\0")

const holdsValue = (value: unknown): boolean =>
  typeof value === "string"
    ? holdsText(value)
    : !isObject(value) || Object.entries(value).every(([key, inner]) => holdsText(key) && holdsValue(inner))

/** Whether a jsonb column can hold the JSON text. Escapes are rare, and only then the text is checked. */
export const holds = (json: string): boolean => !json.includes("\\u0000") || holdsValue(parseJson(json))

const shown = (text: string): string => text.replaceAll("\0", "\ufffd")

/** With U+FFFD in place of what cannot be held. */
export const showText = shown

const showValue = (value: unknown): unknown =>
  typeof value === "string"
    ? shown(value)
    : Array.isArray(value)
      ? value.map(showValue)
      : isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [shown(key), showValue(inner)]))
        : value

/** The same JSON with U+FFFD in place of what cannot be held. */
export const show = (json: string): string => JSON.stringify(showValue(parseJson(json)))

const mark = '{"$json":'

/** Whether `extra` can hold an object unchanged. An object with the mark itself would be misread. */
export const holdsExtra = (json: string): boolean => holds(json) && !json.includes(mark)

/**
 * The JSON object `extra`, and more members as their JSON. What cannot be held of it is `{ "$json": "…" }` there: its JSON
 * text, in which such a character is an escape.
 */
export const extra = (json: string | null, more: ReadonlyArray<readonly [name: string, json: string]>): string => {
  const members: Array<readonly [string, string]> = json === null ? [] : entriesOf(parseJson(json))
  // What the table put there before is the value itself: it wins over its cell, which already lacks something.
  const known = new Set(members.map(([name]) => name))
  const all = [...members, ...more.filter(([name]) => !known.has(name))]
  const told = all.map(([name, value]) => {
    const safe = holdsExtra(value) ? value : `${mark}${JSON.stringify(value)}}`
    return `${JSON.stringify(shown(name))}:${safe}`
  })
  return `{${told.join(",")}}`
}

const entriesOf = (value: unknown): Array<readonly [string, string]> =>
  isObject(value) ? Object.entries(value).map(([name, inner]) => [name, JSON.stringify(inner)] as const) : []
