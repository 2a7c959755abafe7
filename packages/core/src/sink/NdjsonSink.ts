/**
 * Newline-delimited JSON in files: one row a line.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type { Committed } from "../model/Committed.ts"
import type { Compression } from "./Compression.ts"
import * as Lines from "./internal/Lines.ts"
import * as Part from "./internal/Part.ts"
import * as PartialFile from "./internal/PartialFile.ts"
import type { Rotation } from "./internal/PartName.ts"
import * as RotatedFiles from "./internal/RotatedFiles.ts"
import * as Ndjson from "./Ndjson.ts"
import { type OutputError, toSinkError } from "./OutputError.ts"
import type { TextOutput } from "./OutputFile.ts"
import type { Refused, SessionSink, Writer } from "./SessionSink.ts"
import { SinkError } from "./SinkError.ts"

/**
 * How rows are written to a file.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly path: string
  /** Replaces what is there under the name, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /** @default none */
  readonly compression?: Compression | undefined
  /**
   * Many files instead of one, and `calls.manifest.json`, which says which of them are complete.
   *
   * - `{ bytes }`: `calls-00001.ndjson` and so on, each at most that large, unless one row alone is larger.
   * - `"day"`: `calls-2026-07-31.ndjson`, by the UTC day of the session's start; `calls-undated.ndjson` for those without
   *   one. A day that comes again after its file was complete goes on in `calls-2026-07-31-2.ndjson`.
   *
   * @default one file
   */
  readonly rotate?: Rotation | undefined
}

/**
 * A file that grows as `NAME.partial` and gets its name when the whole run is in. Each row is a line of JSON; one that
 * JSON cannot say is refused.
 *
 * A run that is opened with what an earlier one committed goes on in the same `NAME.partial`: it is known by its inode and
 * a hash of its last 4 KiB, and cut back to what was committed. A file that is shorter, or another one, is refused. Rows
 * wait in memory until they make a member of the compression, or until a flush.
 *
 * A `write` that failed has written nothing, so that it can be tried again after somebody made room. Files are private to
 * their owner. Two runs must not go on in the same file at the same time: a checkpoint's lease sees to that.
 *
 * @since 0.1.0
 * @category constructors
 */
export const file = (options: Options): SessionSink<unknown, FileSystem.FileSystem | Path.Path> => ({
  name: options.path,
  delivery: "resumable",
  open: options.rotate === undefined ? openOne(options) : openRotated(options, options.rotate)
})

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
 * Appends lines of JSON to an output, such as stdout. A run that goes on after another was stopped repeats what came after
 * its last commit, and a failed write is not tried again, because half of it may have gone out.
 *
 * @since 0.1.0
 * @category constructors
 */
export const output = <R>(options: OutputOptions<R>): SessionSink<unknown, R> => ({
  name: options.name,
  delivery: "append",
  open: (from) =>
    Effect.map(Effect.mapError(options.output, toSinkError(options.name, "open")), ({ finish, write }) => {
      const opened = writer(options.name, undefined, from, {
        write: Effect.fnUntraced(function* (pieces) {
          for (const lines of pieces) {
            const text = Lines.join(lines)
            yield* write(options.forTerminal === true ? Ndjson.escape(text) : text)
          }
        }),
        flush: () => Effect.succeed(null),
        finish
      })
      const once = Effect.mapError(
        ({ advice, code, description, operation, sink }: SinkError) =>
          new SinkError({
            sink,
            operation,
            retryable: false,
            description,
            ...(advice === undefined ? {} : { advice }),
            ...(code === undefined ? {} : { code })
          })
      )
      return { ...opened, write: (batch) => once(opened.write(batch)) }
    })
})

type Open = SessionSink<unknown, FileSystem.FileSystem | Path.Path>["open"]

const openOne = (options: Options): Open =>
  Effect.fnUntraced(function* (from) {
    const { compression, force = false, path } = options
    const form = `one file${compression?.extension ?? ""}`
    const position = yield* positionIn(PartialFile.Position, form, path, from)
    const part = yield* Effect.mapError(
      Part.open({ path, force, from: position, compression, content: Part.nothing, limit: Infinity }),
      toSinkError(path, "open")
    )
    return writer(path, form, from, {
      write: (pieces) =>
        Effect.suspend(() => {
          const before = part.mark()
          const add = Effect.gen(function* () {
            for (const lines of pieces) yield* part.add(lines)
          })
          return Effect.onError(add, () => Effect.sync(() => part.rewind(before)))
        }),
      flush: () => Effect.andThen(part.drain, part.file.sync),
      finish: Effect.andThen(part.drain, part.file.finish)
    })
  })

const openRotated = (options: Options, rotate: Rotation): Open =>
  Effect.fnUntraced(function* (from) {
    const { compression, force = false, path } = options
    if (rotate !== "day" && !(rotate.bytes >= 1)) {
      return yield* new SinkError({
        sink: path,
        operation: "open",
        retryable: false,
        description: "rotate.bytes must be a number of at least 1",
        advice: "Say how many bytes a file may have."
      })
    }
    const form = `${rotate === "day" ? "by day" : "by size"}${compression?.extension ?? ""}`
    const position = yield* positionIn(RotatedFiles.Position, form, path, from)
    const files = yield* Effect.mapError(
      RotatedFiles.open({ path, force, compression, rotate, from: position }),
      toSinkError(path, "open")
    )
    return writer(path, form, from, { ...files, write: (pieces) => files.write([...pieces].flat()) })
  })

/** What a checkpoint keeps may be of another version, or of the same path with other options: no way to go on from. */
const positionIn = <A>(
  schema: Schema.ConstraintDecoder<A>,
  form: string,
  sink: string,
  from: Option.Option<Committed>
): Effect.Effect<A | undefined, SinkError> =>
  Option.match(from, {
    onNone: () => Effect.undefined,
    onSome: ({ position }) =>
      Effect.mapError(
        Schema.decodeUnknownEffect(Schema.Struct({ form: Schema.Literal(form), at: schema }))(position),
        () =>
          new SinkError({
            sink,
            operation: "open",
            retryable: false,
            description: "the checkpoint does not say where this file ended: it was kept for another kind of output",
            advice: "Write to what it was kept for, or delete the checkpoint to begin again."
          })
      ).pipe(Effect.map(({ at }) => at))
  })

const writer = <Position extends Committed["position"]>(
  sink: string,
  form: string | undefined,
  committed: Option.Option<Committed>,
  files: {
    readonly write: (pieces: Iterable<ReadonlyArray<Lines.Line>>) => Effect.Effect<unknown, OutputError>
    readonly flush: (cursor: number) => Effect.Effect<Position, OutputError>
    readonly finish: Effect.Effect<void, OutputError>
  }
): Writer<unknown> => ({
  committed,
  write: ({ items }) =>
    Effect.suspend(() => {
      const refused: Array<Refused> = []
      return Effect.as(files.write(Lines.pieces(items, refused)), refused)
    }).pipe(Effect.mapError(toSinkError(sink, "write"))),
  flush: (cursor) =>
    files.flush(cursor).pipe(
      Effect.map((at): Committed => ({ cursor, position: form === undefined ? null : { form, at } })),
      Effect.mapError(toSinkError(sink, "flush"))
    ),
  finish: Effect.mapError(files.finish, toSinkError(sink, "finish"))
})
