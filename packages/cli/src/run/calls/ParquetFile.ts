/** Calls of a Parquet file: costs exactly, times to the microsecond. */
import { ExactNumber, Instant } from "@callstream/core"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetRead } from "hyparquet"
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib"
import { UsageError } from "../../option/UsageError.ts"
import { fromJson, jsonColumns, type Read, type Reading, recordOf, toRead, wantedColumns } from "./CallsRead.ts"

/** Rows that are objects at once. */
const rowsAtOnce = 20_000

const compressors = {
  ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes),
  GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
  BROTLI: (bytes: Uint8Array) => brotliDecompressSync(bytes)
}

const decoder = new TextDecoder()

const micros = (value: bigint): string => Instant.format(Instant.of(Number(value)))

const parsers = {
  timestampFromMilliseconds: (millis: bigint) => micros(millis * 1000n),
  timestampFromMicroseconds: micros,
  timestampFromNanoseconds: (nanos: bigint) => micros(nanos / 1000n),
  jsonFromBytes: (bytes: Uint8Array | undefined) =>
    bytes === undefined ? undefined : ExactNumber.parseJson(decoder.decode(bytes))
}

/** The whole number behind a decimal: big-endian and signed, as the format has it. */
const unscaled = (value: unknown): bigint | undefined => {
  if (typeof value === "bigint" || typeof value === "number") return BigInt(value)
  if (!(value instanceof Uint8Array) || value.length === 0) return undefined
  const unsigned = value.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  return BigInt.asIntN(value.length * 8, unsigned)
}

const decimalText = (value: unknown, scale: number): string | undefined => {
  const whole = unscaled(value)
  if (whole === undefined) return undefined
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, "0")
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return whole < 0n ? `-${text}` : text
}

/** Decimals are read as the bytes that they are: the reader would make a double of each. */
const withRawDecimals = (metadata: FileMetaData) => {
  const scales = new Map<string, number>()
  const schema = metadata.schema.map((element) => {
    const isRaw = element.type === "FIXED_LEN_BYTE_ARRAY" || element.type === "INT64" || element.type === "INT32"
    if (element.converted_type !== "DECIMAL" || !isRaw) return element
    scales.set(element.name, element.scale ?? 0)
    return Struct.omit(element, ["converted_type", "logical_type"])
  })
  return { metadata: { ...metadata, schema }, scales }
}

const cellOf = (name: string, value: unknown, scales: ReadonlyMap<string, number>): unknown => {
  const scale = scales.get(name)
  if (scale !== undefined) return decimalText(value, scale)
  if (typeof value === "bigint") return ExactNumber.fromText(value.toString())
  return jsonColumns.has(name) ? fromJson(value) : value
}

async function* batches(path: string, wanted: ReadonlySet<string>): AsyncGenerator<Read> {
  const file = await asyncBufferFromFile(path)
  const { metadata, scales } = withRawDecimals(await parquetMetadataAsync(file))
  const [, ...leaves] = metadata.schema
  const columns = [
    ...wantedColumns(
      wanted,
      leaves.map(({ name }) => name)
    )
  ]
  const end = Number(metadata.num_rows)
  for (let rowStart = 0; rowStart < end; rowStart += rowsAtOnce) {
    const rows: Array<Readonly<Record<string, unknown>>> = []
    await parquetRead({
      file,
      metadata,
      columns,
      rowStart,
      rowEnd: Math.min(end, rowStart + rowsAtOnce),
      rowFormat: "object",
      compressors,
      parsers,
      onComplete: (read) => {
        for (const row of read) {
          rows.push(recordOf(Object.fromEntries(columns.map((name) => [name, cellOf(name, row[name], scales)]))))
        }
      }
    })
    yield toRead(rows)
  }
}

/** Nothing is opened before it is read. */
export const read = (path: string, wanted: ReadonlySet<string>): Reading =>
  Stream.fromAsyncIterable(
    { [Symbol.asyncIterator]: () => batches(path, wanted) },
    () =>
      new UsageError({
        option: "from",
        reason: { _tag: "CallsUnreadable", path, problem: "is no Parquet file, or a damaged one" }
      })
  )
