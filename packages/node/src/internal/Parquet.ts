/** The bytes of a Parquet file: row groups as they come, and the footer that says where they are. */
import { type Column, Instant, type RowGroups, type Table } from "@callstream/core"
import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement, type Writer } from "hyparquet-writer"
import { zstdCompressSync } from "node:zlib"

/** Of DECIMAL(38, 18): what a cell of the type `decimal` holds. */
const precision = 38
const scale = 18

const magic = new TextEncoder().encode("PAR1")

const text: Omit<SchemaElement, "name"> = {
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  logical_type: { type: "STRING" }
}

const elements: Readonly<Record<Column.Type, Omit<SchemaElement, "name">>> = {
  text,
  any: text,
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  decimal: {
    type: "FIXED_LEN_BYTE_ARRAY",
    type_length: 16,
    converted_type: "DECIMAL",
    logical_type: { type: "DECIMAL", precision, scale },
    precision,
    scale
  },
  timestamp: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" }
  },
  date: { type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } },
  boolean: { type: "BOOLEAN" },
  json: { type: "BYTE_ARRAY", logical_type: { type: "JSON" } }
}

/** @param footer The older name of a type, as readers of the footer want it; a writer of values would encode them again. */
const schemaOf = (columns: ReadonlyArray<Column.Column>, footer: boolean): Array<SchemaElement> => [
  { name: "calls", num_children: columns.length },
  ...columns.map(({ name, type }): SchemaElement => ({
    ...elements[type],
    ...(footer && type === "json" ? { converted_type: "JSON" } : {}),
    name,
    repetition_type: "OPTIONAL"
  }))
]

const encoder = new TextEncoder()

/** A decimal's digits as a whole number of its least unit. */
const unscaled = (decimal: string): bigint => {
  const dot = decimal.indexOf(".")
  const digits = dot === -1 ? decimal : decimal.slice(0, dot) + decimal.slice(dot + 1)
  return BigInt(digits + "0".repeat(scale - (dot === -1 ? 0 : decimal.length - dot - 1)))
}

const microsPerDay = 86_400_000_000

/** A cell as the writer takes it. */
const valueOf = (type: Column.Type, cell: Table.Cell): unknown => {
  if (cell === null) return null
  if (typeof cell === "number") return type === "number" ? cell : BigInt(cell)
  if (typeof cell !== "string") return cell
  if (type === "decimal") return unscaled(cell)
  if (type === "integer") return BigInt(cell)
  if (type === "date") return Math.floor((Instant.parse(cell) ?? 0) / microsPerDay)
  return type === "json" ? encoder.encode(cell) : cell
}

/** The least and greatest value of text says little where it is, and takes room in the footer. */
const hasStatistics = (type: Column.Type): boolean => type !== "text" && type !== "any" && type !== "json"

/** A writer that begins there, having written its magic. */
const writerAt = (columns: ReadonlyArray<Column.Column>, at: number, footer: boolean) => {
  const bytes: Writer = new ByteWriter()
  bytes.offset = at - magic.length
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns, footer),
    codec: "ZSTD",
    compressors: { ZSTD: (page) => zstdCompressSync(page) },
    createdBy: "callstream"
  })
  return { writer, written: () => bytes.getBytes().slice(magic.length) }
}

type RowGroup = ParquetWriter["row_groups"][number]

/** JSON has no 64-bit integers, and a decimal's least and greatest value are such. */
const toText = (group: RowGroup): string =>
  JSON.stringify(group, (_, value: unknown) => (typeof value === "bigint" ? { bigint: String(value) } : value))

const isBigint = (value: unknown): value is { readonly bigint: string } =>
  typeof value === "object" && value !== null && "bigint" in value && typeof value.bigint === "string"

const isRowGroup = (value: unknown): value is RowGroup =>
  typeof value === "object" && value !== null && "columns" in value && Array.isArray(value.columns)

const fromText = (about: string): ReadonlyArray<RowGroup> => {
  const value: unknown = JSON.parse(about, (_, inner: unknown) => (isBigint(inner) ? BigInt(inner.bigint) : inner))
  return isRowGroup(value) ? [value] : []
}

/**
 * The number of rows, 0, and the list of row groups, in the footer's encoding. The writer takes the type of a list from its
 * first element and gives an empty one the type 0, which readers may refuse; a row group is a struct.
 */
const noGroups = { written: [0x16, 0x00, 0x19, 0x00], right: [0x16, 0x00, 0x19, 0x0c] }

const withTypedGroups = (end: Uint8Array): Uint8Array => {
  const at = end.findLastIndex((_, start) => noGroups.written.every((byte, place) => end[start + place] === byte))
  // A writer that knows better needs no help.
  if (at < 0) return end
  const mended = end.slice()
  mended.set(noGroups.right, at)
  return mended
}

export const format: RowGroups.Format = {
  name: "parquet",
  begin: magic,
  rowsPerGroup: 50_000,
  // A group is encoded in one go: of four times as much, files are 7 % smaller, and nothing else happens for 0.4 s.
  charactersPerGroup: 2 * 1024 * 1024,
  group: (columns, rows, at) => {
    const { writer, written } = writerAt(columns, at, false)
    const columnData = columns.map(({ name, type }, place): ColumnSource => {
      const data: Array<unknown> = []
      for (const cells of rows) data.push(valueOf(type, cells[place] ?? null))
      return { name, data, statistics: hasStatistics(type), offsetIndex: false }
    })
    // Without a promise to wait for: nothing here flushes.
    void writer.write({ columnData, rowGroupSize: Math.max(1, rows.length) })
    return { bytes: written(), about: writer.row_groups.map(toText).join("") }
  },
  end: (columns, about) => {
    const { writer, written } = writerAt(columns, magic.length, true)
    for (const group of about.flatMap(fromText)) {
      writer.row_groups.push(group)
      writer.num_rows += group.num_rows
    }
    void writer.finish()
    return about.length === 0 ? withTypedGroups(written()) : written()
  },
  endLength: (last) => {
    const view = new DataView(last.buffer, last.byteOffset, last.byteLength)
    const isEnd = last.length === 8 && magic.every((byte, at) => last[at + 4] === byte)
    return isEnd ? view.getUint32(0, true) + 8 : undefined
  }
}
