/** CSV files as a program reads them that knows nothing of how they were written. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import * as Csv from "@callstream/core/sink/Csv"
import * as CsvSink from "@callstream/core/sink/CsvSink"
import * as BigDecimal from "effect/BigDecimal"
import type * as NdjsonFiles from "./NdjsonFiles.ts"

/** A cell as it stands in the file; `null` for one with nothing in it, not even quotes. */
export type Field = string | null

/** RFC 4180, and nothing beyond it: each line ends with CRLF, a quote stands at the edges of a cell or twice. */
export const parse = (text: string): ReadonlyArray<ReadonlyArray<Field>> => {
  const lines: Array<Array<Field>> = []
  let at = 0
  while (at < text.length) {
    const line: Array<Field> = []
    for (;;) {
      if (text[at] === '"') {
        let value = ""
        for (;;) {
          const end = text.indexOf('"', at + 1)
          if (end < 0) throw new Error(`a quote that begins at ${at} has no end`)
          value += text.slice(at + 1, end)
          at = end + 1
          if (text[at] !== '"') break
          value += '"'
        }
        line.push(value)
      } else {
        const begin = at
        while (at < text.length && text[at] !== "," && text[at] !== "\r" && text[at] !== "\n" && text[at] !== '"') at++
        line.push(begin === at ? null : text.slice(begin, at))
      }
      if (text[at] !== ",") break
      at++
    }
    if (text.slice(at, at + 2) !== "\r\n") throw new Error(`a line that ends at ${at} without CRLF`)
    at += 2
    lines.push(line)
  }
  return lines
}

/** Rows by the names of the header, without the cells that are null, text as it was before it was guarded. */
export const rows = (text: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  // No batch ever said what the columns are.
  if (text === "") return []
  const [header, ...lines] = parse(text.startsWith("\ufeff") ? text.slice(1) : text)
  if (header === undefined) throw new Error("there is no header")
  return lines.map((line) => {
    if (line.length !== header.length) throw new Error(`${line.length} cells under ${header.length} names`)
    return Object.fromEntries(
      line.flatMap((cell, place) => (cell === null ? [] : [[header[place] ?? "", Csv.unguard(cell)]]))
    )
  })
}

/** What `rows` gives for a session: said again here, in the words of the documentation. */
export const holds = (session: CallSession): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(session).flatMap(([name, value]): ReadonlyArray<[string, string]> => {
      if (value === null || value === undefined) return []
      const text = typeof value === "string" ? value : JSON.stringify(value)
      const type = Column.typeOf(Column.ofSession, name)
      if (type === "json") {
        const escaped = JSON.stringify(value).replace(
          /[\u2028\u2029]/g,
          (one) => `\\u${one.charCodeAt(0).toString(16)}`
        )
        return [[name, escaped]]
      }
      if (type === "decimal") {
        return [[name, BigDecimal.format(BigDecimal.normalize(BigDecimal.fromStringUnsafe(text)))]]
      }
      return [[name, text]]
    })
  )

export const csv: NdjsonFiles.Kind = { path: "/d/calls.csv", file: CsvSink.make, parse: rows }
