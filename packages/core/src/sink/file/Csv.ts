/**
 * Comma-separated values as RFC 4180 says: cells in quotes where they need it, lines ended by CRLF.
 *
 * @since 0.1.0
 */
import type { Calendar } from "../../model/Calendar.ts"
import type { Column } from "../../model/Column.ts"
import * as Instant from "../../model/Instant.ts"
import type { Cell } from "../Table.ts"

/**
 * What ends a line.
 *
 * @since 0.1.0
 * @category constants
 */
export const lineEnd = "\r\n"

/**
 * How cells are written.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * Text as it is, also where a spreadsheet would take it for a formula. For programs; a person who opens such a file
   * runs what others wrote into it. @default false
   */
  readonly raw?: boolean | undefined
  /**
   * Timestamps as a date and a time of this calendar, to the second: `2026-07-31 12:46:10`, which Excel reads as a time.
   *
   * @default ISO 8601 in UTC
   */
  readonly local?: Calendar | undefined
}

// A number as JSON writes it. To a spreadsheet it is that number, also with a minus before it, and never runs anything.
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

// What a spreadsheet reads as a formula, even after spaces, quotes and invisible characters. Some locales read the wide
// forms as the narrow ones; a tab or a line break at the start may begin a cell of its own.
// oxlint-disable-next-line no-control-regex
const formula = /^[\s"'\u0000-\u001f\u007f-\u009f\p{Cf}]*[=+\-@\t\r\n＝＋－＠]/u

const isFormula = (text: string): boolean => formula.test(text) && !number.test(text)

/** Only what begins with a letter or a digit, which is nearly everything, is known to be none at a glance. */
const isPlain = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57)

/**
 * Text that no spreadsheet takes for a formula: an apostrophe goes before what begins with `=`, `+`, `-`, `@`, a tab or a
 * line break, also behind spaces, quotes and invisible characters. A phone number in international form is such text; a
 * number, such as `-12.5`, is not.
 * No two texts become the same, and `unguard` gives back what it was.
 *
 * @since 0.1.0
 * @category encoding
 */
export const guard = (text: string): string =>
  text === "" || isPlain(text.charCodeAt(0)) || !isFormula(text) ? text : `'${text}`

/**
 * The text that `guard` was given.
 *
 * @since 0.1.0
 * @category decoding
 */
export const unguard = (text: string): string =>
  text.startsWith("'") && isFormula(text.slice(1)) ? text.slice(1) : text

const comma = 44
const quote = 34
const space = 32

/** Some readers drop a space at an end, and control characters without quotes. */
const needsQuotes = (text: string): boolean => {
  const { length } = text
  if (text.charCodeAt(0) === space || text.charCodeAt(length - 1) === space) return true
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === comma || code === quote || code < space) return true
  }
  return false
}

const quoted = (text: string): string => {
  if (text === "") return '""'
  return needsQuotes(text) ? `"${text.includes('"') ? text.replaceAll('"', '""') : text}"` : text
}

const textual = (text: string, raw: boolean): string => quoted(raw ? text : guard(text))

/**
 * The line of names, without its end.
 *
 * @since 0.1.0
 * @category encoding
 */
export const header = (columns: ReadonlyArray<Column>, options: Options = {}): string =>
  columns.map(({ name }) => textual(name, options.raw === true)).join(",")

/**
 * A line of a table, without its end. Timestamps are ISO 8601 in UTC unless there is a calendar, decimals exact, objects
 * and lists their JSON. An empty cell is `null`; `""` is empty text.
 *
 * @since 0.1.0
 * @category encoding
 */
export const record = (columns: ReadonlyArray<Column>, cells: ReadonlyArray<Cell>, options: Options = {}): string => {
  const raw = options.raw === true
  // A line with nothing in it at all is passed over by many readers.
  if (columns.length === 1 && cells[0] === null) return '""'
  let line = ""
  for (let place = 0; place < columns.length; place++) {
    if (place > 0) line += ","
    const cell = cells[place]
    if (cell === null || cell === undefined) continue
    if (typeof cell === "string") {
      line += textual(cell, raw)
    } else if (typeof cell === "number") {
      line += columns[place]?.type === "timestamp" ? timeOf(Instant.of(cell), options) : String(cell)
    } else line += cell ? "true" : "false"
  }
  return line
}

const timeOf = (instant: Instant.Instant, { local }: Options): string =>
  local === undefined
    ? Instant.format(instant)
    : Instant.format(local.toLocal(instant)).slice(0, "2026-07-31T07:16:10".length).replace("T", " ")
