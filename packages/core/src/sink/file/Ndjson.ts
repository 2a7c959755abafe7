/**
 * Newline-delimited JSON: one value a line.
 *
 * @since 0.1.0
 */
import { stringify } from "../../model/internal/Json.ts"

/**
 * The values as lines, each ended by a newline; the empty text for none. Half of a surrogate pair becomes `U+FFFD`, and
 * `U+2028` and `U+2029` are JSON escapes: some readers refuse the one, and take the other for the end of a line.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (values: ReadonlyArray<unknown>): string =>
  values.length === 0 ? "" : `${values.map((value) => stringify(value) ?? "").join("\n")}\n`

/**
 * Line by line what `encode` makes, with every character that a terminal could take for a command, or that hides or
 * reorders text, written as a JSON escape. The JSON says the same.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeForTerminal = (values: ReadonlyArray<unknown>): string => escape(encode(values))

/**
 * The same for lines that are encoded already.
 *
 * @since 0.1.0
 * @category encoding
 */
export const escape = (lines: string): string =>
  lines.replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join("")
  )

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, "0")}`
