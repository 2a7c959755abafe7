/**
 * Parquet files: the columns with their types, compressed.
 *
 * @since 0.1.0
 */
import type { SessionSink } from "@callstream/core"
import { RowGroups } from "@callstream/core"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Parquet from "./internal/Parquet.ts"

/**
 * How rows are written to a file.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly path: string
  /** A bucket to write to: `path` is then the address of an object, such as `s3://bucket/calls.parquet`. @default files */
  readonly store?: RowGroups.Options["store"]
  /** Replaces what is there under the name, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /**
   * Many files instead of one, and a manifest that says which of them are complete: `{ bytes }` for `calls-00001.parquet`
   * and so on, each at most that large, `"day"` for `calls-2026-07-31.parquet`. @default one file
   */
  readonly rotate?: RowGroups.Options["rotate"]
  /** Whose days the files of `rotate: "day"` have. @default UTC */
  readonly timeZone?: RowGroups.Options["timeZone"]
}

/**
 * A Parquet file that grows as `NAME.partial` and gets its name, and the footer without which nobody can read it, when the
 * whole run is in. A run that is opened with what an earlier one committed resumes where that one was: rows that do not
 * fill a row group yet are safe in a file of their own, so that commits make no small groups, and the file is never
 * written again. Memory holds one row group: 2 million characters of rows, or 50,000 rows.
 *
 * The columns are those of `Table.make`: text as `STRING`, `integer` as `INT64`, `number` as `DOUBLE`, `decimal` as
 * `DECIMAL(38, 18)`, `timestamp` as `TIMESTAMP` in microseconds of UTC, `date` as `DATE`, `boolean` as `BOOLEAN`, objects
 * and lists, `extra` among them, as `JSON`. All may be null. Compressed with ZSTD.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): SessionSink.SessionSink<object, FileSystem.FileSystem | Path.Path> =>
  RowGroups.make({ ...options, format: Parquet.format })
