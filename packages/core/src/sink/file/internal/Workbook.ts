/** A workbook that grows: sheets of rows, one after another, in a ZIP archive. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Column } from "../../../model/Column.ts"
import { concat } from "../../../model/internal/Bytes.ts"
import type { Deflater } from "../Deflater.ts"
import { type Line, makeEncoder } from "./Lines.ts"
import * as SheetXml from "./SheetXml.ts"
import * as Zip from "./Zip.ts"

const Sheet = Schema.Struct({
  ...Zip.Entry.fields,
  /** Without the row of names. */
  rows: Schema.Int
})
type Sheet = typeof Sheet.Type

/** All that is needed to continue a workbook, and to end it. */
export const State = Schema.Struct({
  /** Of the bytes of the archive so far, and how many they are. */
  crc: Schema.Int,
  bytes: Schema.Int,
  /** The number of columns. */
  width: Schema.Int,
  /** All but the last one are complete, and so is that of a workbook that has its end. */
  sheets: Schema.Array(Sheet)
})
export type State = typeof State.Type

export const empty: State = { crc: 0, bytes: 0, width: 0, sheets: [] }

/** What a sheet and an archive hold at most. */
export interface Limits {
  /** Without the row of names. */
  readonly rows: number
  /** Of the XML of a sheet: below 4 GiB no sheet needs ZIP64, of which spreadsheets complain. */
  readonly bytes: number
  /** Places in the archive from there on are written in the way of ZIP64. */
  readonly plain: number
}

export const limits: Limits = { rows: 1_048_575, bytes: 4_000_000_000, plain: Zip.mostPlain }

/** Bytes to append, and the workbook that has them. */
export interface Step {
  readonly bytes: Uint8Array
  readonly state: State
}

const encoder = new TextEncoder()

const relations = "http://schemas.openxmlformats.org/package/2006/relationships"
const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
const types = "application/vnd.openxmlformats-officedocument.spreadsheetml"

/** Programs that look at the start of a file alone know by these parts what it is. */
const first: ReadonlyArray<readonly [name: string, content: string]> = [
  [
    "_rels/.rels",
    `${SheetXml.declaration}<Relationships xmlns="${relations}"><Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`
  ],
  ["xl/styles.xml", SheetXml.stylesXml]
]

const last = (sheets: number): ReadonlyArray<readonly [name: string, content: string]> => {
  const numbers = Array.from({ length: sheets }, (_, place) => place + 1)
  const sheetName = (number: number) => (number === 1 ? "calls" : `calls ${number}`)
  return [
    [
      "xl/workbook.xml",
      `${SheetXml.declaration}<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="${office}"><bookViews><workbookView/></bookViews><sheets>${numbers
        .map((number) => `<sheet name="${sheetName(number)}" sheetId="${number}" r:id="rId${number}"/>`)
        .join("")}</sheets></workbook>`
    ],
    [
      "xl/_rels/workbook.xml.rels",
      `${SheetXml.declaration}<Relationships xmlns="${relations}">${numbers
        .map(
          (number) =>
            `<Relationship Id="rId${number}" Type="${office}/worksheet" Target="worksheets/sheet${number}.xml"/>`
        )
        .join("")}<Relationship Id="rId${sheets + 1}" Type="${office}/styles" Target="styles.xml"/></Relationships>`
    ],
    [
      "[Content_Types].xml",
      `${SheetXml.declaration}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${types}.styles+xml"/>${numbers
        .map(
          (number) => `<Override PartName="/xl/worksheets/sheet${number}.xml" ContentType="${types}.worksheet+xml"/>`
        )
        .join("")}</Types>`
    ]
  ]
}

const sheetName = (place: number): string => `xl/worksheets/sheet${place + 1}.xml`

const append = ({ crc32 }: Deflater, state: State, bytes: Uint8Array): State => ({
  ...state,
  crc: crc32(bytes, state.crc),
  bytes: state.bytes + bytes.length
})

/** Parts that are not compressed, and their entries. */
const stored = (deflater: Deflater, parts: ReadonlyArray<readonly [name: string, content: string]>, start: number) => {
  const entries: Array<Zip.Named> = []
  const pieces: Array<Uint8Array> = []
  let at = start
  for (const [name, content] of parts) {
    const bytes = encoder.encode(content)
    const size = bytes.length
    const entry = { name, at, crc: deflater.crc32(bytes, 0), compressed: size, size, method: "stored" } as const
    const header = Zip.header(entry)
    pieces.push(header, bytes)
    entries.push(entry)
    at += header.length + size
  }
  return { bytes: concat(pieces), entries }
}

const put = (deflater: Deflater, step: Step, bytes: Uint8Array): Step => ({
  bytes: concat([step.bytes, bytes]),
  state: append(deflater, step.state, bytes)
})

/** A new last sheet, with nothing in it yet. */
const withSheet = (deflater: Deflater, step: Step, columns: ReadonlyArray<Column>): Step => {
  const begun = step.state.bytes === 0 ? put(deflater, step, stored(deflater, first, 0).bytes) : step
  const { bytes: at, sheets } = begun.state
  const header = Zip.header({ name: sheetName(sheets.length), crc: 0, size: 0, method: "deflated" })
  const { bytes, state } = put(deflater, begun, header)
  const sheet: Sheet = { at, crc: 0, compressed: 0, size: 0, rows: 0 }
  return { bytes, state: { ...state, width: columns.length, sheets: [...sheets, sheet] } }
}

/** Ends the last sheet. */
const ended = (deflater: Deflater, step: Step): Step => {
  const { sheets, width } = step.state
  const sheet = sheets.at(-1)
  if (sheet === undefined) return step
  const text = encoder.encode(SheetXml.end(width, sheet.rows + 1))
  const block = Zip.lastBlock(text)
  const whole = {
    ...sheet,
    crc: deflater.crc32(text, sheet.crc),
    compressed: sheet.compressed + block.length,
    size: sheet.size + text.length
  }
  const { bytes, state } = put(deflater, step, concat([block, Zip.descriptor(whole)]))
  return { bytes, state: { ...state, sheets: [...sheets.slice(0, -1), whole] } }
}

export interface Writer {
  /** Appends rows, in a new sheet where they do not fit into the last one; without rows, only what is before the first. */
  readonly add: (state: State, lines: ReadonlyArray<Line>) => Effect.Effect<Step>
  /** Without this nobody can read it. */
  readonly end: (state: State) => Step
}

export const make = (
  deflater: Deflater,
  columns: () => ReadonlyArray<Column>,
  { bytes: mostBytes, plain, rows: mostRows }: Limits = limits
): Writer => {
  const encode = makeEncoder("\n")

  /** Into the last sheet. */
  const addTo = Effect.fnUntraced(function* (step: Step, begin: string, lines: ReadonlyArray<Line>) {
    const { sheets } = step.state
    const sheet = sheets.at(-1)
    if (sheet === undefined) return step
    const { rows } = sheet
    const numbered = lines.map(({ start, text }, place): Line => {
      return { start, text: SheetXml.numbered(text, rows + place + 2) }
    })
    const text = encode(begin, numbered)
    const block = yield* deflater.deflate(text)
    const grown: Sheet = {
      at: sheet.at,
      crc: deflater.crc32(text, sheet.crc),
      compressed: sheet.compressed + block.length,
      size: sheet.size + text.length,
      rows: rows + lines.length
    }
    const { bytes, state } = put(deflater, step, block)
    return { bytes, state: { ...state, sheets: [...sheets.slice(0, -1), grown] } }
  })

  return {
    add: Effect.fnUntraced(function* (state, lines) {
      let step: Step = { bytes: new Uint8Array(), state }
      let rest = lines
      do {
        const sheet = step.state.sheets.at(-1)
        const isFull = sheet !== undefined && (sheet.rows >= mostRows || sheet.size >= mostBytes)
        const isNew = sheet === undefined || (isFull && rest.length > 0)
        if (isNew) step = withSheet(deflater, ended(deflater, step), columns())
        const room = mostRows - (isNew ? 0 : sheet.rows)
        const some = rest.length <= room ? rest : rest.slice(0, room)
        if (isNew || some.length > 0) step = yield* addTo(step, isNew ? SheetXml.begin(columns()) : "", some)
        rest = rest.slice(some.length)
      } while (rest.length > 0)
      return step
    }),
    end: (state) => {
      const { bytes, state: whole } = ended(deflater, { bytes: new Uint8Array(), state })
      const parts = stored(deflater, last(whole.sheets.length), whole.bytes)
      const at = whole.bytes + parts.bytes.length
      const entries: ReadonlyArray<Zip.Named> = [
        ...stored(deflater, first, 0).entries,
        ...whole.sheets.map((sheet, place) => ({ ...sheet, name: sheetName(place), method: "deflated" }) as const),
        ...parts.entries
      ]
      return put(deflater, { bytes, state: whole }, concat([parts.bytes, Zip.directory(entries, at, plain)]))
    }
  }
}
