/** Files of groups in a format that is easily read: what holds for it holds for Parquet. */
import * as Column from "@callstream/core/model/Column"
import * as RowGroups from "@callstream/core/sink/RowGroups"
import * as Schema from "effect/Schema"
import type * as NdjsonFiles from "./NdjsonFiles.ts"

const encoder = new TextEncoder()
const magic = "TOY1"

/** Only ASCII, so that places in the text are those in the bytes. */
const ascii = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

const About = Schema.Struct({ at: Schema.Int, length: Schema.Int, rows: Schema.Int })
const End = Schema.Struct({ columns: Schema.Array(Schema.String), groups: Schema.Array(Schema.fromJsonString(About)) })
const decodeEnd = Schema.decodeUnknownSync(Schema.fromJsonString(End))
const decodeRows = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.Array(Schema.Unknown))))

const format = (rowsPerGroup: number): RowGroups.Format => ({
  name: "toy",
  begin: encoder.encode(magic),
  rowsPerGroup,
  charactersPerGroup: 1000,
  group: (_, rows, at) => {
    const bytes = encoder.encode(ascii(rows))
    return { bytes, about: JSON.stringify({ at, length: bytes.length, rows: rows.length }) }
  },
  end: (columns, groups) => {
    const text = ascii({ columns: Column.names(columns), groups })
    return encoder.encode(`${text}${text.length.toString(36).padStart(4, "0")}${magic}`)
  },
  endLength: (last) => {
    const text = new TextDecoder().decode(last)
    return text.endsWith(magic) ? Number.parseInt(text.slice(0, 4), 36) + 8 : undefined
  }
})

/** Rows without what is null; JSON as values. */
const parse = (text: string): ReadonlyArray<unknown> => {
  if (!text.startsWith(magic) || !text.endsWith(magic)) throw new Error("it does not begin and end as it has to")
  const length = Number.parseInt(text.slice(-8, -4), 36)
  const { columns, groups } = decodeEnd(text.slice(-8 - length, -8))
  return groups.flatMap(({ at, length, rows }) => {
    const found = decodeRows(text.slice(at, at + length))
    if (found.length !== rows) throw new Error(`${found.length} rows in a group of ${rows}`)
    return found.map((cells) =>
      Object.fromEntries(
        cells.flatMap((cell, place) => {
          const name = columns[place] ?? ""
          const type = Column.typeOf(Column.ofSession, name)
          if (cell === null) return []
          if (type === "timestamp") return [[name, new Date(Number(cell) / 1000).toISOString().replace(".000Z", "Z")]]
          return [[name, type === "json" && typeof cell === "string" ? (JSON.parse(cell) as unknown) : cell]]
        })
      )
    )
  })
}

export const kind = (rowsPerGroup: number): NdjsonFiles.Kind => ({
  path: "/d/calls.toy",
  file: (options) => RowGroups.make({ ...options, format: format(rowsPerGroup) }),
  parse
})
