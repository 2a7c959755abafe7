/** Rows and sheets of a spreadsheet as its XML. */
import type { Calendar } from "../../../model/Calendar.ts"
import type { Column, Type } from "../../../model/Column.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Cell } from "../../Table.ts"

/** Stands for the number of a row until it is known. No text of XML can hold it. */
const numberMark = "\u0000"

/** A cell holds no more characters. */
const mostCharacters = 32_767

/** Spreadsheets keep 15 digits of a number: one with more stays text. */
const mostDigits = 15

/** The first day that spreadsheets agree on: they count a day before it that there never was. */
const firstSerial = 61

const microsPerDay = 86_400_000_000

/** Days from the day that spreadsheets count from to 1 January 1970. */
const epoch = 25_569

/** The places of `cellXfs` in the styles. */
const styles = { timestamp: 1, date: 2, text: 3, name: 4 }

/** How many texts were too long for their cell. */
export interface Cuts {
  texts: number
}

// oxlint-disable-next-line no-control-regex
const special = /[&<>\u0000-\u0008\u000b-\u001f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/

const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" }

const hex = (character: string): string => character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")

/** What XML cannot hold, and text that looks like such an escape, is written as `_xHHHH_`, as spreadsheets do. */
const escape = (text: string): string =>
  special.test(text) ? text.replace(new RegExp(special, "g"), (found) => names[found] ?? `_x${hex(found)}_`) : text

/** Text that is too long ends with a remark that it was cut. */
const fitting = (text: string, cuts: Cuts): string => {
  if (text.length <= mostCharacters) return text
  cuts.texts++
  const remark = ` … [cut by callstream: ${text.length.toLocaleString("en-US")} characters, a cell holds 32,767]`
  return `${text.slice(0, mostCharacters - remark.length).replace(/[\ud800-\udbff]$/, "")}${remark}`
}

/** The content of a cell of text. Strings of their own kind are never formulas. */
const inline = (text: string, cuts: Cuts): string => {
  const space = text.trim() === text ? "" : ' xml:space="preserve"'
  return ` t="inlineStr"><is><t${space}>${escape(fitting(text, cuts))}</t></is></c>`
}

/** `A`, …, `Z`, `AA`, …: the name of a column by its place. */
const letters = (place: number): string => {
  let rest = place
  let name = ""
  do {
    name = String.fromCharCode(65 + (rest % 26)) + name
    rest = Math.floor(rest / 26) - 1
  } while (rest >= 0)
  return name
}

const digitsOf = (number: string): number => number.replace(/^-?[0.]*|\D/g, "").length

/** Days since the day that spreadsheets count from; `undefined` before the first one that all of them agree on. */
const serialOf = (local: number): number | undefined => {
  const serial = local / microsPerDay + epoch
  return serial < firstSerial ? undefined : serial
}

/** What follows the reference of a cell. */
const content = (type: Type, cell: string | number | boolean, { toLocal }: Calendar, cuts: Cuts): string => {
  if (typeof cell === "boolean") return ` t="b"><v>${cell ? 1 : 0}</v></c>`
  const text = (value: string) => ` s="${styles.text}"${inline(value, cuts)}`
  if (typeof cell === "number") {
    if (type === "timestamp") {
      const instant = Instant.of(cell)
      const serial = serialOf(toLocal(instant))
      return serial === undefined ? text(Instant.format(instant)) : ` s="${styles.timestamp}"><v>${serial}</v></c>`
    }
    return type === "integer" && digitsOf(String(cell)) > mostDigits ? text(String(cell)) : `><v>${cell}</v></c>`
  }
  if (type === "decimal") return digitsOf(cell) > mostDigits ? text(cell) : `><v>${cell}</v></c>`
  if (type === "date") {
    const serial = serialOf(Instant.parse(cell) ?? Number.NEGATIVE_INFINITY)
    return serial === undefined ? text(cell) : ` s="${styles.date}"><v>${serial}</v></c>`
  }
  return text(cell)
}

/**
 * Makes rows of which the number is not known yet.
 *
 * @param calendar Whose clock the times show: a cell has no time zone.
 */
export const rowsOf = (
  columns: ReadonlyArray<Column>,
  calendar: Calendar,
  cuts: Cuts
): ((cells: ReadonlyArray<Cell>) => string) => {
  const known = columns.map(({ type }, place) => ({ type, start: `<c r="${letters(place)}${numberMark}"` }))
  return (cells) => {
    let row = `<row r="${numberMark}">`
    for (const [place, { start, type }] of known.entries()) {
      const cell = cells[place] ?? null
      if (cell !== null) row += start + content(type, cell, calendar, cuts)
    }
    return `${row}</row>`
  }
}

/** The row with its number, which counts from 1. */
export const numbered = (row: string, number: number): string => row.replaceAll(numberMark, String(number))

const spreadsheetml = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

export const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

const widths: Readonly<Record<Type, number>> = {
  text: 18,
  any: 18,
  integer: 12,
  number: 12,
  decimal: 12,
  timestamp: 20,
  date: 12,
  boolean: 10,
  json: 30
}

/** In characters: ids are longer than most text. */
const widthOf = ({ name, type }: Column): number => {
  const usual = type === "text" && /(?:^i|I)d$/.test(name) ? 38 : widths[type]
  return Math.min(60, Math.max(usual, name.length + 2))
}

/** What a sheet begins with, its row of names included, which stays in sight. */
export const begin = (columns: ReadonlyArray<Column>): string => {
  const cols = columns.map(
    (column, place) => `<col min="${place + 1}" max="${place + 1}" width="${widthOf(column)}" customWidth="1"/>`
  )
  const cells = columns.map(({ name }, place) => {
    const text = inline(name.toWellFormed(), { texts: 0 })
    return `<c r="${letters(place)}1" s="${styles.name}"${text}`
  })
  return `${declaration}<worksheet xmlns="${spreadsheetml}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>${
    cols.length === 0 ? "" : `<cols>${cols.join("")}</cols>`
  }<sheetData>\n<row r="1">${cells.join("")}</row>\n`
}

/**
 * What a sheet ends with: digits that are text are no mistake.
 *
 * @param rows With the row of names.
 */
export const end = (width: number, rows: number): string =>
  `</sheetData>${
    width === 0
      ? ""
      : `<ignoredErrors><ignoredError sqref="A1:${letters(width - 1)}${rows}" numberStoredAsText="1"/></ignoredErrors>`
  }</worksheet>`

export const stylesXml = `${declaration}<styleSheet xmlns="${spreadsheetml}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font><font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
