/**
 * Files whose rows are in groups, with an index at the end.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { Column } from "../../model/Column.ts"
import type { Encoding } from "./internal/Encoding.ts"
import * as GroupPart from "./internal/GroupPart.ts"
import * as Lines from "./internal/Lines.ts"
import * as RowFiles from "./internal/RowFiles.ts"
import * as Tabular from "./internal/Tabular.ts"
import type { Rotation } from "./Manifest.ts"
import type { ObjectStore } from "../object/ObjectStore.ts"
import type { Item, SessionSink } from "../SessionSink.ts"
import { type Cell, make as makeTable } from "../Table.ts"

/**
 * Rows as bytes, and what the end of the file has to say about them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Group {
  readonly bytes: Uint8Array
  readonly about: string
}

/**
 * A format of such files. Between two groups of a file there may be bytes of no group: the index has the position of each.
 *
 * @since 0.1.0
 * @category models
 */
export interface Format {
  /** Identifies the format in a checkpoint. */
  readonly name: string
  /** What a file begins with. */
  readonly begin: Uint8Array
  /** A group is written when this many rows wait, or rows with so much text. */
  readonly rowsPerGroup: number
  readonly charactersPerGroup: number
  /** @param at The position of the bytes in the file. */
  readonly group: (columns: ReadonlyArray<Column>, rows: ReadonlyArray<ReadonlyArray<Cell>>, at: number) => Group
  /** What a file ends with, for all of its groups in their order. */
  readonly end: (columns: ReadonlyArray<Column>, about: ReadonlyArray<string>) => Uint8Array
  /** How long the end of a whole file is, by the last eight bytes of it; `undefined` when they are no end. */
  readonly endLength: (last: Uint8Array) => number | undefined
}

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
  /** Replaces what is there under the name, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /** Many files instead of one, and a manifest: as for `NdjsonSink`. @default one file */
  readonly rotate?: Rotation | undefined
  /** Whose days the files of `rotate: "day"` have. @default UTC */
  readonly timeZone?: DateTime.TimeZone | undefined
  readonly format: Format
}

/**
 * A file of groups that grows as `NAME.partial` and gets its name when the whole run is in. Rows that do not fill a group
 * yet are safe in `NAME.rows-1.partial` and so on: a flush never makes a small group, and never writes a group again.
 * Memory holds the rows of one group, for each day that is open with `rotate: "day"`.
 *
 * The columns are those of `Table.make`. A row that JSON cannot say is refused.
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
    compression: undefined,
    encoding: encoding(options),
    verifyPart: GroupPart.verify(options.format),
    openPart: (part, { columns }) =>
      GroupPart.open({ ...part, format: options.format, columns: () => makeTable(columns() ?? []).columns })
  })

const encoding = ({ format, path }: Options): Encoding => ({
  name: ` ${format.name}`,
  open: (kept) => {
    const tabular = Tabular.make(path, kept)
    return {
      repairs: tabular.repairs,
      columns: tabular.columns,
      told: tabular.told,
      begin: () => undefined,
      pieces: (batch, refused) =>
        Effect.map(tabular.of(batch.columns), ({ cells }) => {
          const textOf = ({ row }: Item<unknown>): string | undefined =>
            typeof row === "object" && row !== null ? JSON.stringify(cells(row)) : undefined
          return Lines.pieces(batch.items, refused, textOf)
        })
    }
  }
})
