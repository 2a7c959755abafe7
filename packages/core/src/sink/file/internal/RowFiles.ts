/** A sink of rows in one file or in many, in whatever encoding. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Calendar from "../../../model/Calendar.ts"
import type { Committed } from "../../../model/Committed.ts"
import type { Cursor } from "../../../model/Position.ts"
import { type OutputError, toSinkError } from "../OutputError.ts"
import * as SessionSink from "../../SessionSink.ts"
import type { Refused, Replaced, Writer } from "../../SessionSink.ts"
import { SinkError } from "../../SinkError.ts"
import * as Encoding from "./Encoding.ts"
import type { Line } from "./Lines.ts"
import * as Part from "./Part.ts"
import * as Repaired from "../../internal/Repaired.ts"
import type { ObjectStore } from "../../object/ObjectStore.ts"
import * as DiskPlace from "./DiskPlace.ts"
import * as ObjectPlace from "./ObjectPlace.ts"
import * as PartName from "./PartName.ts"
import type { Place } from "./Place.ts"
import * as RotatedFiles from "./RotatedFiles.ts"
import * as StretchFiles from "./StretchFiles.ts"

type Services = FileSystem.FileSystem | Path.Path
type Sink = SessionSink.SessionSink<unknown, Services>

export interface Options {
  readonly path: string
  readonly force: boolean
  /** Whose days files of days have; UTC without one. */
  readonly timeZone: DateTime.TimeZone | undefined
  readonly rotate: PartName.Rotation | undefined
  /** What the name ends with beyond that of the rows, such as `.gz`. */
  readonly compression: string | undefined
  readonly encoding: Encoding.Encoding
  readonly openPart: (options: Part.Options, rows: Encoding.Rows) => Effect.Effect<Part.Part, OutputError, Scope.Scope>
  readonly verifyPart: (place: Place, path: string, from: Part.Position) => Effect.Effect<void, OutputError>
  /** Where `path` is the address of an object. @default files */
  readonly store: ObjectStore | undefined
  /** Whether processes that share a bucket may write files of one output. */
  readonly inParts: boolean
}

/** A file that grows as `NAME.partial` and gets its name when the whole run is in, or many and their manifest. */
export const make = (options: Options): Sink =>
  SessionSink.make({
    name: options.path,
    delivery: "resumable",
    shares: options.rotate === undefined ? undefined : spreads(options) ? "parts" : "together",
    open: options.rotate === undefined ? openOne(options) : openRotated(options, options.rotate),
    verify: (left, opening) => verify(options, left, opening)
  })

const spreads = ({ inParts, store }: Options): boolean => inParts && store !== undefined

const formOf = ({ compression = "", encoding, rotate, timeZone }: Options): string => {
  const days = timeZone === undefined ? "by day" : `by day in ${DateTime.zoneToString(timeZone)}`
  return `${rotate === undefined ? "one file" : rotate === "day" ? days : "by size"}${compression}${encoding.name}`
}

const verify = Effect.fnUntraced(function* (options: Options, left: Committed, opening: SessionSink.Opening) {
  const { epoch = 0, part } = opening
  const { compression, path, rotate, store, verifyPart } = options
  if (part !== undefined && store !== undefined && rotate !== undefined) {
    const kept = yield* noteIn(StretchFiles.Position, formOf(options), path, Option.some(left))
    const place = ObjectPlace.makeShared(store, path, epoch, part.run)
    return yield* Effect.mapError(
      kept === undefined ? Effect.void : StretchFiles.verify({ compression, part, path, place }, kept.at),
      toSinkError(path, "verify")
    )
  }
  const place = yield* placeOf(options, opening)
  const form = formOf(options)
  const verified =
    rotate === undefined
      ? Effect.map(noteIn(Part.Position, form, path, Option.some(left)), (kept) =>
          kept === undefined ? Effect.void : verifyPart(place, path, kept.at)
        )
      : Effect.map(noteIn(RotatedFiles.Position, form, path, Option.some(left)), (kept) =>
          kept === undefined ? Effect.void : RotatedFiles.verify(place, path, compression, kept.at)
        )
  yield* Effect.mapError(yield* verified, toSinkError(path, "verify"))
})

/** As long as the sink is open no other run begins there, whatever its name; two rotated ones share a manifest. */
const lock = Effect.fnUntraced(function* (place: Place, { compression, path, rotate }: Options) {
  const { manifest } = PartName.make(place.nameOf(path), compression)
  const locked = place.lock(rotate === undefined ? path : place.beside(path, manifest))
  yield* Effect.mapError(locked, toSinkError(path, "open"))
})

const placeOf = ({ path, store }: Options, { epoch = 0 }: SessionSink.Opening) =>
  store === undefined ? DiskPlace.make : Effect.succeed(ObjectPlace.make(store, path, epoch))

/** One function for all writes: V8 keeps what a generator's closure holds until it collects the old generation. */
const addAll = Effect.fnUntraced(function* (part: Part.Part, pieces: Iterable<ReadonlyArray<Line>>) {
  for (const lines of pieces) yield* part.add(lines)
})

const openOne = (options: Options): Sink["open"] =>
  Effect.fnUntraced(function* (opening) {
    const { from } = opening
    const { encoding, force, path } = options
    const form = formOf(options)
    const kept = yield* noteIn(Part.Position, form, path, from)
    const rows = encoding.open(kept?.columns)
    const place = yield* placeOf(options, opening)
    yield* lock(place, options)
    const naming = Effect.mapError(toSinkError(path, "open"))
    yield* naming(place.clear(kept === undefined ? [] : Part.positionsOf(kept.at), kept !== undefined))
    const before = yield* naming(place.exists(path))
    const part = yield* naming(
      options.openPart({ place, path, force, from: kept?.at, content: Part.nothing, limit: Infinity }, rows)
    )
    return writer(place, path, form, from, rows, {
      write: (pieces) =>
        Effect.suspend(() => {
          const before = part.mark()
          return Effect.onError(addAll(part, pieces), () => Effect.sync(() => part.rewind(before)))
        }),
      flush: () => Effect.andThen(part.settle, part.sync),
      finish: Effect.andThen(part.finish, Effect.ignore(place.clear([], true))),
      replaced: () => ({ replaced: before && !part.finished ? [path] : [], removed: [] })
    })
  })

const openRotated = (options: Options, rotate: PartName.Rotation): Sink["open"] =>
  Effect.fnUntraced(function* (opening) {
    const { epoch = 0, from, part } = opening
    const { compression, encoding, path, store } = options
    if (rotate !== "day" && !(rotate.bytes >= 1)) {
      return yield* new SinkError({
        sink: path,
        operation: "open",
        retryable: false,
        reason: { _tag: "NotPositive", option: "rotate.bytes" }
      })
    }
    const form = formOf(options)
    if (part !== undefined && store !== undefined) {
      const place = ObjectPlace.makeShared(store, path, epoch, part.run)
      const kept = yield* noteIn(StretchFiles.Position, form, path, from)
      const notes = part._tag === "Stretch" ? [] : part.left
      const left = yield* Effect.forEach(notes, (note) => noteIn(StretchFiles.Position, form, path, Option.some(note)))
      const rows = encoding.open(kept?.columns)
      const files = yield* StretchFiles.open({
        ...settingsOf(options, rotate, opening, rows),
        place,
        compression,
        part,
        epoch,
        from: kept?.at,
        left: left.flatMap((one) => (one === undefined ? [] : [one.at]))
      }).pipe(Effect.mapError(toSinkError(path, "open")))
      return rotatedWriter(place, path, form, from, rows, files)
    }
    const kept = yield* noteIn(RotatedFiles.Position, form, path, from)
    const rows = encoding.open(kept?.columns)
    const place = yield* placeOf(options, opening)
    yield* lock(place, options)
    const files = yield* Effect.mapError(
      RotatedFiles.open({ ...settingsOf(options, rotate, opening, rows), place, compression, from: kept?.at }),
      toSinkError(path, "open")
    )
    return rotatedWriter(place, path, form, from, rows, files)
  })

const settingsOf = (
  { force, openPart, path, timeZone }: Options,
  rotate: PartName.Rotation,
  { covers, hasWithoutStart = Effect.succeed(false) }: SessionSink.Opening,
  rows: Encoding.Rows
) => ({
  path,
  force,
  rotate,
  calendar: timeZone === undefined ? Calendar.utc : Calendar.make(timeZone),
  covers,
  hasWithoutStart,
  openPart: (part: Part.Options) => openPart(part, rows)
})

const rotatedWriter = <Position extends Committed["note"]>(
  place: Place,
  path: string,
  form: string,
  from: Option.Option<Committed>,
  rows: Encoding.Rows,
  files: RotatedFiles.RotatedFiles<Position>
): Writer<unknown> => {
  const named = (names: ReadonlyArray<string>) => names.map((name) => place.beside(path, name))
  return writer(place, path, form, from, rows, {
    ...files,
    write: (pieces) => files.write([...pieces].flat()),
    replaced: () => {
      const { removed, replaced } = files.replaced()
      return { replaced: named(replaced), removed: named(removed) }
    }
  })
}

/** A checkpoint of another version, or of the same path with other options, cannot be resumed. */
const noteIn = <A>(
  schema: Schema.ConstraintDecoder<A>,
  form: string,
  sink: string,
  from: Option.Option<Committed>
): Effect.Effect<{ readonly at: A; readonly columns?: Encoding.Columns | undefined } | undefined, SinkError> =>
  Option.match(from, {
    onNone: () => Effect.undefined,
    onSome: ({ note }) =>
      Effect.mapError(
        Schema.decodeUnknownEffect(
          Schema.Struct({
            form: Schema.Literal(form),
            at: schema,
            columns: Schema.optionalKey(Encoding.Columns)
          })
        )(note),
        () =>
          new SinkError({
            sink,
            operation: "open",
            retryable: false,
            reason: { _tag: "OtherCheckpoint" }
          })
      )
  })

const writer = <Position extends Committed["note"]>(
  place: Place,
  sink: string,
  form: string,
  committed: Option.Option<Committed>,
  rows: Encoding.Rows,
  files: {
    readonly write: (pieces: Iterable<ReadonlyArray<Line>>) => Effect.Effect<unknown, OutputError>
    readonly flush: (at: Cursor) => Effect.Effect<Position, OutputError>
    readonly finish: Effect.Effect<void, OutputError>
    readonly replaced: () => Replaced
  }
): Writer<unknown> => ({
  committed,
  replaced: files.replaced,
  write: (batch) =>
    Effect.suspend(() => {
      const refused: Array<Refused> = []
      return Effect.flatMap(rows.pieces(batch, refused), (pieces) =>
        Effect.as(Effect.andThen(Effect.mapError(files.write(pieces), toSinkError(sink, "write")), rows.told), refused)
      )
    }),
  flush: (cursor) =>
    // The other run continues the same unfinished file: what waits here must not be written to it.
    Effect.andThen(place.stillLocked("flush"), files.flush(cursor)).pipe(
      Effect.map((at): Committed => {
        const columns = rows.columns()
        return { at: cursor, note: { form, at, ...(columns === undefined ? {} : { columns }) } }
      }),
      Effect.mapError(toSinkError(sink, "flush"))
    ),
  finish: Repaired.reporting(
    sink,
    rows.repairs,
    Effect.mapError(Effect.andThen(place.stillLocked("finish"), files.finish), toSinkError(sink, "finish")),
    rows.cuts
  )
})
