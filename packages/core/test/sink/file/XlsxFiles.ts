/** Spreadsheets in memory, as two programs read them that know nothing of how they were written. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import type { Deflater } from "@callstream/core/sink/Deflater"
import { Manifest } from "@callstream/core/sink/Manifest"
import * as Table from "@callstream/core/sink/Table"
import * as XlsxSink from "@callstream/core/sink/XlsxSink"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readXlsx } from "hucre/xlsx"
import { constants, crc32, deflateRawSync } from "node:zlib"
import readExcelFile from "read-excel-file/node"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

/** That of Node, without its threads. */
export const deflater: Deflater = {
  deflate: (bytes) => Effect.sync(() => deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })),
  crc32
}

/** A sheet: its name, and its rows with the row of names. */
export type Sheet = readonly [name: string, rows: ReadonlyArray<ReadonlyArray<unknown>>]

const filled = (row: ReadonlyArray<unknown>): ReadonlyArray<unknown> => row.map((cell) => cell ?? null)

export const byHucre = async (bytes: Uint8Array): Promise<ReadonlyArray<Sheet>> =>
  (await readXlsx(bytes)).sheets.map(({ name, rows }) => [name, rows.map(filled)])

export const byReadExcelFile = async (bytes: Uint8Array): Promise<ReadonlyArray<Sheet>> =>
  (await readExcelFile(Buffer.from(bytes), { trim: false })).map(({ data, sheet }) => [sheet, data.map(filled)])

/** Rows by the names of the first row, of all sheets, without empty cells. */
const rows = (sheets: ReadonlyArray<Sheet>): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  sheets.flatMap(([, [names = [], ...lines]]) =>
    lines.map((cells) =>
      Object.fromEntries(cells.flatMap((cell, place) => (cell === null ? [] : [[String(names[place]), cell]])))
    )
  )

const table = Table.make(Column.ofSession, { numbers: true })

/** What a reader finds of a session whose numbers have few digits, its times as clocks show them in UTC. */
export const holds = (session: CallSession): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    table.cells(session).flatMap((cell, place): ReadonlyArray<[string, unknown]> => {
      const { name = "", type } = table.columns[place] ?? {}
      if (cell === null) return []
      if (type === "timestamp") return [[name, new Date(Math.round(Number(cell) / 1000))]]
      return [[name, type === "decimal" ? Number(cell) : cell]]
    })
  )

const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))

export const path = "/d/calls.xlsx"

export type Options = Omit<XlsxSink.Options, "path" | "deflater">

/** A sink in memory, and the rows of what is finished. */
export const make = (options: Options): NdjsonFiles.Store => {
  const memory = MemoryFileSystem.make()
  const sheetsIn = (at: string) => byHucre(memory.node(at)?.data ?? new Uint8Array())
  const kind: NdjsonFiles.Kind = { path, file: () => XlsxSink.make({ path, deflater, ...options }), parse: () => [] }
  return {
    memory,
    sink: NdjsonFiles.sinkOn(memory.layer, { path }, kind),
    fail: (code, times) => {
      let left = times
      memory.intercept(({ method, path: at }) =>
        method === "file.writeAll" && left-- > 0 ? Effect.fail(MemoryFileSystem.failed(method, at, code)) : Effect.void
      )
    },
    read: Effect.promise(async () => {
      if (options.rotate === undefined) {
        return memory.node(path) === undefined ? undefined : rows(await sheetsIn(path))
      }
      const text = memory.text("/d/calls.manifest.json")
      if (text === undefined) return undefined
      const manifest = decodeManifest(text)
      const found = []
      for (const { bytes, name, rows: count } of manifest.files) {
        const at = `/d/${name}`
        const held = rows(await sheetsIn(at))
        const length = memory.node(at)?.data.length
        if (held.length !== count || length !== bytes) throw new Error(`${name} is not what the manifest says`)
        if (typeof options.rotate === "object" && count > 1 && bytes > options.rotate.bytes) {
          throw new Error(`${name} is too long: ${bytes}`)
        }
        found.push(...held)
      }
      return manifest.complete ? found : undefined
    })
  }
}
