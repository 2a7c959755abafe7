/**
 * Comma-separated values in files: one row a line, one column a field.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Calendar from "../../model/Calendar.ts"
import type { Compression } from "./Compression.ts"
import * as Csv from "./Csv.ts"
import type { Encoding } from "./internal/Encoding.ts"
import * as LinePart from "./internal/LinePart.ts"
import * as Lines from "./internal/Lines.ts"
import * as RowFiles from "./internal/RowFiles.ts"
import * as Tabular from "./internal/Tabular.ts"
import type { Rotation } from "./Manifest.ts"
import type { ObjectStore } from "../object/ObjectStore.ts"
import type { Item, SessionSink } from "../SessionSink.ts"

/**
 * How rows are written to a file.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Omit<Csv.Options, "local"> {
  readonly path: string
  /** A bucket to write to: `path` is then the address of an object, such as `s3://bucket/calls.ndjson`. @default files */
  readonly store?: ObjectStore | undefined
  /** Replaces what is there under the name, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /** @default none */
  readonly compression?: Compression | undefined
  /**
   * Many files instead of one, each with its header, and `calls.manifest.json`, which says which of them are complete: as
   * for `NdjsonSink`.
   *
   * @default one file
   */
  readonly rotate?: Rotation | undefined
  /** Whose days the files of `rotate: "day"` have, and whose clock the times show with `excel`. @default UTC */
  readonly timeZone?: DateTime.TimeZone | undefined
  /**
   * For Excel: a byte order mark, by which it knows UTF-8, and times as dates that it reads, of the time zone and to the
   * second. @default false
   */
  readonly excel?: boolean | undefined
}

/**
 * A CSV file that grows as `NAME.partial` and gets its name when the whole run is in, as `NdjsonSink.make` does, with the
 * same promises. The columns are those of `Table.make`, so `extra` is the last one, unless they were chosen by name: then a value that its column cannot hold is written
 * as it came; a file has one header, however often
 * the run was stopped. A row that JSON cannot say is refused.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): SessionSink<object, FileSystem.FileSystem | Path.Path> =>
  RowFiles.make({
    path: options.path,
    store: options.store,
    force: options.force === true,
    rotate: options.rotate,
    timeZone: options.timeZone,
    inParts: true,
    compression: options.compression?.extension,
    encoding: encoding(options),
    verifyPart: LinePart.verify,
    openPart: (part, { begin }) =>
      LinePart.open({ ...part, compression: options.compression, terminator: Csv.lineEnd, begin })
  })

const zoneOf = ({ excel = false, timeZone }: Options): string =>
  `${excel ? " excel" : ""}${excel && timeZone !== undefined ? ` in ${DateTime.zoneToString(timeZone)}` : ""}`

const encoding = (options: Options): Encoding => ({
  name: ` csv${options.raw === true ? " raw" : ""}${zoneOf(options)}`,
  open: (kept) => {
    const { excel = false, path, raw, timeZone } = options
    const calendar = timeZone === undefined ? Calendar.utc : Calendar.make(timeZone)
    const how: Csv.Options = { raw, local: excel ? calendar : undefined }
    const tabular = Tabular.make(path, kept, { misfits: "text" })
    return {
      repairs: tabular.repairs,
      columns: tabular.columns,
      told: tabular.told,
      begin: () => {
        const table = tabular.table()
        return table === undefined
          ? undefined
          : `${excel ? "\ufeff" : ""}${Csv.header(table.columns, how)}${Csv.lineEnd}`
      },
      pieces: (batch, refused) =>
        Effect.map(tabular.of(batch.columns), ({ cells, columns }) => {
          const textOf = ({ row }: Item<unknown>): string | undefined =>
            typeof row === "object" && row !== null ? Csv.record(columns, cells(row), how) : undefined
          return Lines.pieces(batch.items, refused, textOf)
        })
    }
  }
})
