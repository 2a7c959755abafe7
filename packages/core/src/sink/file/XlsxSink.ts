/**
 * Spreadsheets in files: one row a call, in cells that have types.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Calendar from "../../model/Calendar.ts"
import type { Deflater } from "./Deflater.ts"
import type { Encoding } from "./internal/Encoding.ts"
import * as Lines from "./internal/Lines.ts"
import * as RowFiles from "./internal/RowFiles.ts"
import * as SheetPart from "./internal/SheetPart.ts"
import * as SheetXml from "./internal/SheetXml.ts"
import * as Tabular from "./internal/Tabular.ts"
import * as Workbook from "./internal/Workbook.ts"
import type { Rotation } from "./Manifest.ts"
import type { ObjectStore } from "../object/ObjectStore.ts"
import type { Item, SessionSink } from "../SessionSink.ts"
import { make as makeTable } from "../Table.ts"

/**
 * How rows are written to a file.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly path: string
  /** A bucket to write to: `path` is then the address of an object, such as `s3://bucket/calls.ndjson`. @default files */
  readonly store?: ObjectStore | undefined
  /** What compresses: `Deflate.deflater` of `@callstream/node`. */
  readonly deflater: Deflater
  /** Replaces what is there under the name, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /** Many files instead of one, and a manifest: as for `NdjsonSink`. @default one file */
  readonly rotate?: Rotation | undefined
  /** Whose clock the cells of times show, and whose days the files of `rotate: "day"` have. @default UTC */
  readonly timeZone?: DateTime.TimeZone | undefined
  /** Rows of a sheet at most, without the row of names: a further sheet takes more. @default 1,048,575 */
  readonly rowsPerSheet?: number | undefined
}

/**
 * An Excel workbook (`.xlsx`) that grows as `NAME.partial` and gets its name, and the end without which nobody can read it,
 * when the whole run is in. A run that is opened with what an earlier one committed resumes where that one was. Memory
 * holds one block for each file that is open: 2 million characters of rows, or 2,000 rows.
 *
 * The columns are those of `Table.make`. Times are dates of the time zone, to the microsecond; integers, numbers and
 * decimals are numbers if they have 15 digits at most, otherwise text; everything else is text, which is never a formula.
 * A text of more than 32,767 characters is cut, and says so. A sheet has a row of names that stays in sight. Beyond
 * 1,048,575 rows, or nearly 4 GiB of XML, the rows continue in a further sheet.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): SessionSink<object, FileSystem.FileSystem | Path.Path> => {
  const { deflater } = options
  const limits = { ...Workbook.limits, rows: options.rowsPerSheet ?? Workbook.limits.rows }
  return RowFiles.make({
    path: options.path,
    store: options.store,
    force: options.force === true,
    rotate: options.rotate,
    timeZone: options.timeZone,
    inParts: false,
    compression: undefined,
    encoding: encoding(options),
    verifyPart: SheetPart.verifyFinished(deflater, limits),
    openPart: (part, { columns }) =>
      SheetPart.open({
        ...part,
        deflater,
        limits,
        columns: () => makeTable(columns() ?? []).columns
      })
  })
}

const encoding = ({ path, timeZone }: Options): Encoding => {
  const calendar = timeZone === undefined ? Calendar.utc : Calendar.make(timeZone)
  return {
    name: ` xlsx${timeZone === undefined ? "" : ` in ${DateTime.zoneToString(timeZone)}`}`,
    open: (kept) => {
      const cuts: SheetXml.Cuts = { texts: 0 }
      const tabular = Tabular.make(path, kept, { numbers: true })
      return {
        repairs: tabular.repairs,
        cuts,
        columns: tabular.columns,
        told: tabular.told,
        begin: () => undefined,
        pieces: (batch, refused) =>
          Effect.map(tabular.of(batch.columns), ({ cells, columns }) => {
            const rowOf = SheetXml.rowsOf(columns, calendar, cuts)
            const textOf = ({ row }: Item<unknown>): string | undefined =>
              typeof row === "object" && row !== null ? rowOf(cells(row)) : undefined
            return Lines.pieces(batch.items, refused, textOf)
          })
      }
    }
  }
}
