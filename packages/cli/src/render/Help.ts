/** Help that fits the terminal. */
import * as CliOutput from "effect/cli/CliOutput"

/** Breaks lines between words; a continued line stays in its column. */
export const wrap = (text: string, columns: number): string =>
  text
    .split("\n")
    .map((line) => (CliOutput.displayWidth(line) <= columns ? line : wrapLine(line, columns)))
    .join("\n")

/** The name of a flag and the gap after it, or the indentation. */
const margin = /^ +(?:\S.*? {2,})?/

const wrapLine = (line: string, columns: number): string => {
  const start = margin.exec(line)?.[0] ?? ""
  const width = CliOutput.displayWidth(start)
  // Too narrow for two columns: below each other.
  const indent = width > columns / 2 ? 4 : width
  const rows = [start]
  let room = columns - width
  let first = true
  for (const word of line.slice(start.length).split(" ")) {
    const needed = CliOutput.displayWidth(word) + (first ? 0 : 1)
    if (needed > room && room < columns - indent) {
      rows.push(" ".repeat(indent))
      room = columns - indent
      first = true
    }
    rows[rows.length - 1] += first ? word : ` ${word}`
    room -= needed
    first = false
  }
  return rows.map((row) => row.trimEnd()).join("\n")
}
