/**
 * Names the files of a rotated output that are complete.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as PartName from "./internal/PartName.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * When the next of many files begins: each day, or when so many bytes are in one.
 *
 * @since 0.1.0
 * @category models
 */
export type Rotation =
  | "day"
  | {
      readonly bytes: number
      /** A file that grows for longer is complete at the next flush, whatever its size. @default it grows to its size */
      readonly within?: Duration.Input | undefined
    }

/**
 * A complete file: its name in the manifest's folder, what it holds, and the least and greatest start of its sessions as
 * ISO 8601 in UTC, `null` where none has a start.
 *
 * @since 0.1.0
 * @category schemas
 */
export const File = Schema.Struct({
  name: Schema.String,
  rows: count,
  bytes: count,
  from: Schema.NullOr(Schema.String),
  to: Schema.NullOr(Schema.String),
  /**
   * The range of starts of which it has every session that the filters let through, as ISO 8601 in UTC, `from` included
   * and `to` not, `null` for no bound: a file is only replaced by one that covers that too. Without it that is not known.
   */
  covers: Schema.optionalKey(
    Schema.Struct({
      from: Schema.NullOr(Schema.String),
      to: Schema.NullOr(Schema.String),
      filters: Schema.String
    })
  ),
  /** Of a file that was there before, and stays: the run that wrote it. */
  run: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type File = typeof File.Type

/**
 * The content of `NAME.manifest.json`: the files that are complete, in the order in which they became so, and whether
 * the whole run is. A file that it does not name is not complete, or was there before.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Manifest = Schema.Struct({
  version: Schema.Literal(1),
  /** The same for a run and for those that resume it, and for no other. */
  run: Schema.String,
  complete: Schema.Boolean,
  files: Schema.Array(File),
  /**
   * Files of an earlier output that the run replaces. One that `files` has no day's file for holds what it held, until the
   * run is complete; then it is removed.
   */
  replaces: Schema.optionalKey(Schema.Array(File)),
  /** Files that were replaced before, so that their calls are in others; they are removed when the run is complete. */
  removes: Schema.optionalKey(Schema.Array(File))
})

/**
 * @since 0.1.0
 * @category models
 */
export type Manifest = typeof Manifest.Type

/**
 * The names of the files of a rotated output.
 *
 * @since 0.1.0
 * @category models
 */
export interface Naming {
  readonly manifest: string
  /** Whether a file of the output could be called so, now or while it grows. */
  readonly isPart: (name: string) => boolean
}

/**
 * What the files are called that are written instead of one of this name, which has no folder; `compression` is the
 * extension that says how it is compressed, such as `.gz`, if it is.
 *
 * @since 0.1.0
 * @category reading
 */
export const naming = (name: string, compression = ""): Naming => PartName.make(name, compression)
