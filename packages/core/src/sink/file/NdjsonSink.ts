/**
 * Newline-delimited JSON in files: one row a line.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Json from "../../model/internal/Json.ts"
import type { Compression } from "./Compression.ts"
import type { Encoding } from "./internal/Encoding.ts"
import * as LinePart from "./internal/LinePart.ts"
import * as Lines from "./internal/Lines.ts"
import * as Repaired from "../internal/Repaired.ts"
import * as RowFiles from "./internal/RowFiles.ts"
import type { Rotation } from "./Manifest.ts"
import type { ObjectStore } from "../object/ObjectStore.ts"
import * as Ndjson from "./Ndjson.ts"
import { type OutputError, toSinkError } from "./OutputError.ts"
import type { TextOutput } from "./OutputFile.ts"
import * as SessionSink from "../SessionSink.ts"
import { SinkError } from "../SinkError.ts"

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
  /** @default none */
  readonly compression?: Compression | undefined
  /**
   * Many files instead of one, and `calls.manifest.json`, which says which of them are complete.
   *
   * - `{ bytes }`: `calls-00001.ndjson` and so on, each at most that large, unless one row alone is larger. With `within`
   *   a file is complete after that time, too.
   * - `"day"`: `calls-2026-07-31.ndjson`, by the day of the call's start; for calls without one
   *   `calls-2026-07-31-without-start.ndjson`, by the day of their creation. If more calls of a day come after its file is
   *   complete, they are in `calls-2026-07-31-2.ndjson`.
   *
   * @default one file
   */
  readonly rotate?: Rotation | undefined
  /** Whose days the files of `rotate: "day"` have. @default UTC */
  readonly timeZone?: DateTime.TimeZone | undefined
}

/**
 * A file that grows as `NAME.partial` and gets its name when the whole run is in. Each row is a line of JSON as
 * `Ndjson.encode` writes it; one that JSON cannot say is refused. How many texts had half of a surrogate pair is logged
 * when the file is finished.
 *
 * A run resumes in the `NAME.partial` of an earlier run, which it identifies by the inode and a hash of the last 4 KiB, and
 * cuts back to the last commit. A shorter or another file is refused. Rows wait in memory until they make a member of the
 * compression, or until a flush.
 *
 * A failed `write` leaves nothing, so it can be retried, for example after somebody freed disk space. Only the owner can
 * read the files. Two runs must not write to one file at the same time: a checkpoint's lease prevents that for one pipeline,
 * and `OutputLockFile.layer` for all pipelines. If another program changes the file meanwhile, the run fails.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): SessionSink.SessionSink<unknown, FileSystem.FileSystem | Path.Path> =>
  RowFiles.make({
    path: options.path,
    store: options.store,
    force: options.force === true,
    rotate: options.rotate,
    timeZone: options.timeZone,
    inParts: true,
    compression: options.compression?.extension,
    encoding,
    verifyPart: LinePart.verify,
    openPart: (part, { begin }) => LinePart.open({ ...part, compression: options.compression, terminator, begin })
  })

const terminator = "\n"

const textOf = (repairs: Json.Repairs) => (item: SessionSink.Item<unknown>) =>
  item.json ?? Json.stringify(item.row, repairs)

const encoding: Encoding = {
  name: "",
  open: () => {
    const repairs: Json.Repairs = { texts: 0 }
    return {
      repairs,
      begin: () => "",
      columns: () => undefined,
      told: Effect.void,
      pieces: ({ items }, refused) => Effect.sync(() => Lines.pieces(items, refused, textOf(repairs)))
    }
  }
}

/**
 * Where lines go that cannot be taken back.
 *
 * @since 0.1.0
 * @category options
 */
export interface OutputOptions<R> {
  readonly name: string
  /** Opened with the sink. */
  readonly output: Effect.Effect<TextOutput, OutputError, R>
  /** Characters that a terminal could take for a command, or that hide or reorder text, as JSON escapes. @default false */
  readonly forTerminal?: boolean | undefined
}

/**
 * Appends lines of JSON to an output, such as stdout. A run that resumes repeats the lines after the last commit. A failed
 * write is not retried, because half of it may have been written.
 *
 * @since 0.1.0
 * @category constructors
 */
export const output = <R>(options: OutputOptions<R>): SessionSink.SessionSink<unknown, R> =>
  SessionSink.make({
    name: options.name,
    delivery: "append",
    open: () =>
      Effect.map(Effect.mapError(options.output, toSinkError(options.name, "open")), ({ finish, write }) => {
        // Half of it may have been written.
        const failed = (error: OutputError) => {
          const { operation, reason, sink } = toSinkError(options.name, "write")(error)
          return new SinkError({ sink, operation, retryable: false, reason })
        }
        const repairs: Json.Repairs = { texts: 0 }
        return {
          // One function for all writes: V8 keeps what a generator's closure holds until it collects the old generation.
          write: Effect.fnUntraced(function* ({ items }) {
            const refused: Array<SessionSink.Refused> = []
            for (const lines of Lines.pieces(items, refused, textOf(repairs))) {
              const text = Lines.join(lines, terminator)
              yield* Effect.mapError(write(options.forTerminal === true ? Ndjson.escape(text) : text), failed)
            }
            return refused
          }),
          finish: Repaired.reporting(
            options.name,
            repairs,
            Effect.mapError(finish, toSinkError(options.name, "finish"))
          )
        }
      })
  })
