/** Records as a table that fits a terminal. */
import * as CliOutput from "effect/cli/CliOutput"
import { toPrintable } from "./Screen.ts"

/** The widest cell: another column is more useful than the end of a long text. */
const widest = 24

const between = "  "

/** Text that is no wider than this; what is cut off is shown by an ellipsis. */
export const cut = (text: string, width: number): string => {
  if (CliOutput.displayWidth(text) <= width) return text
  let short = ""
  for (const character of text) {
    if (CliOutput.displayWidth(short + character) >= width) break
    short += character
  }
  return `${short}…`
}

const cell = (value: unknown): string => {
  if (value === undefined || value === null) return ""
  return toPrintable(typeof value === "string" ? value : JSON.stringify(value))
}

const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))

/** Words in lines of this width, each a little indented. */
const flow = (words: ReadonlyArray<string>, start: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = start
  for (const [i, word] of words.entries()) {
    const text = i === words.length - 1 ? word : `${word},`
    if (CliOutput.displayWidth(`${line} ${text}`) > columns && line !== start) {
      lines.push(line)
      line = " "
    }
    line += ` ${text}`
  }
  return [...lines, cut(line, columns)]
}

/** A line of names, a line a record, and the names of the fields that do not fit. Leaves out fields without values. */
export const render = (
  records: ReadonlyArray<object>,
  names: ReadonlyArray<string>,
  columns: number
): ReadonlyArray<string> => {
  const values = records.map((record) => new Map<string, unknown>(Object.entries(record)))
  const known = [...new Set([...names, ...values.flatMap((value) => [...value.keys()])])]
  const filled = known.filter((name) => values.some((value) => cell(value.get(name)) !== ""))
  const empty = known.filter((name) => !filled.includes(name))
  const shown: Array<{ readonly name: string; readonly width: number }> = []
  let room = columns
  for (const name of filled) {
    const cells = values.map((value) => CliOutput.displayWidth(cell(value.get(name))))
    const width = Math.min(widest, columns, Math.max(CliOutput.displayWidth(toPrintable(name)), ...cells))
    const needed = width + (shown.length === 0 ? 0 : between.length)
    if (needed > room) break
    shown.push({ name, width })
    room -= needed
  }
  const row = (text: (name: string) => string) =>
    shown
      .map(({ name, width }) => pad(cut(text(name), width), width))
      .join(between)
      .trimEnd()
  const hidden = filled.slice(shown.length).map((name) => toPrintable(name))
  return [
    row((name) => toPrintable(name)),
    ...values.map((value) => row((name) => cell(value.get(name)))),
    ...(hidden.length === 0 ? [] : flow(hidden, "  and:", columns)),
    ...(empty.length === 0
      ? []
      : flow(
          empty.map((name) => toPrintable(name)),
          "  empty:",
          columns
        ))
  ]
}
