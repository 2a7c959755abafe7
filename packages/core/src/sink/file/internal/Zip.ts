/** The records of a ZIP archive, as far as one that is written from its start to its end needs them. */
import * as Schema from "effect/Schema"
import { concat } from "../../../model/internal/Bytes.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A file of an archive. */
export const Entry = Schema.Struct({
  /** Where its header begins in the archive. */
  at: count,
  /** Of its content. */
  crc: count,
  /** The number of bytes that its content takes in the archive, and without compression. */
  compressed: count,
  size: count
})
export type Entry = typeof Entry.Type

export interface Named extends Entry {
  readonly name: string
  readonly method: "stored" | "deflated"
}

/** What a field of four bytes holds at most: one of that value says that the number is in an extra field. */
export const mostPlain = 0xffff_ffff

const encoder = new TextEncoder()

/** Fields one after another, each a number and how many bytes it takes. */
const record = (...fields: ReadonlyArray<readonly [value: number, bytes: 2 | 4 | 8]>): Uint8Array => {
  const bytes = new Uint8Array(fields.reduce((sum, [, width]) => sum + width, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [value, width] of fields) {
    if (width === 2) view.setUint16(at, value, true)
    else if (width === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += width
  }
  return bytes
}

/** 1 January 1980: the same calls are the same bytes. */
const time = [
  [0, 2],
  [0x0021, 2]
] as const

/** Sizes and CRC follow the content: they are not known before. */
const describedAfter = 0x0008

const versionOf = { plain: 20, zip64: 45 }

/** Before the content of an entry: of a compressed one, whose sizes are not known yet. */
export const header = ({ crc, method, name, size }: Omit<Named, "at" | "compressed">): Uint8Array => {
  const isStored = method === "stored"
  const bytes = encoder.encode(name)
  return concat([
    record(
      [0x04034b50, 4],
      [versionOf.plain, 2],
      [isStored ? 0 : describedAfter, 2],
      [isStored ? 0 : 8, 2],
      ...time,
      [isStored ? crc : 0, 4],
      [isStored ? size : 0, 4],
      [isStored ? size : 0, 4],
      [bytes.length, 2],
      [0, 2]
    ),
    bytes
  ])
}

/** After the content of a compressed entry. */
export const descriptor = ({ compressed, crc, size }: Omit<Entry, "at">): Uint8Array =>
  record([0x08074b50, 4], [crc, 4], [compressed, 4], [size, 4])

/** The last block of deflated content, not compressed: at most 65,535 bytes. */
export const lastBlock = (content: Uint8Array): Uint8Array =>
  concat([Uint8Array.of(1), record([content.length, 2], [content.length ^ 0xffff, 2]), content])

/** Of an entry beyond 4 GiB the place is in an extra field; no entry itself is larger than that. */
const listed = ({ at, compressed, crc, method, name, size }: Named, most: number): Uint8Array => {
  const bytes = encoder.encode(name)
  const isFar = at >= most
  const extra = isFar ? record([1, 2], [8, 2], [at, 8]) : new Uint8Array()
  return concat([
    record(
      [0x02014b50, 4],
      [isFar ? versionOf.zip64 : versionOf.plain, 2],
      [isFar ? versionOf.zip64 : versionOf.plain, 2],
      [method === "stored" ? 0 : describedAfter, 2],
      [method === "stored" ? 0 : 8, 2],
      ...time,
      [crc, 4],
      [compressed, 4],
      [size, 4],
      [bytes.length, 2],
      [extra.length, 2],
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 4],
      [isFar ? mostPlain : at, 4]
    ),
    bytes,
    extra
  ])
}

/**
 * What an archive ends with: the list of its entries, and where that is.
 *
 * @param at Where it begins.
 * @param most Places from there on take an extra field.
 */
export const directory = (entries: ReadonlyArray<Named>, at: number, most: number): Uint8Array => {
  const list = concat(entries.map((entry) => listed(entry, most)))
  const { length: number } = entries
  const end = at + list.length
  const isFar = at >= most
  const far = isFar
    ? [
        record(
          [0x06064b50, 4],
          [44, 8],
          [versionOf.zip64, 2],
          [versionOf.zip64, 2],
          [0, 4],
          [0, 4],
          [number, 8],
          [number, 8],
          [list.length, 8],
          [at, 8]
        ),
        record([0x07064b50, 4], [0, 4], [end, 8], [1, 4])
      ]
    : []
  return concat([
    list,
    ...far,
    record(
      [0x06054b50, 4],
      [0, 2],
      [0, 2],
      [number, 2],
      [number, 2],
      [list.length, 4],
      [isFar ? mostPlain : at, 4],
      [0, 2]
    )
  ])
}
