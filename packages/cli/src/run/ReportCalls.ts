/** The calls of a report: from the API, or from what an export or a sync wrote. */
import {
  type CallSession,
  Checkpoint,
  Completeness,
  CoverageTable,
  type DeadLetter,
  type EndpointProfile,
  HistorySource,
  type Instant,
  Pipeline,
  SessionSink,
  SqlSink,
  Transform
} from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { existsSync, statSync } from "node:fs"
import type { Passes } from "../job/Job.ts"
import * as Database from "../option/Database.ts"
import * as SmallFile from "../option/SmallFile.ts"
import type { Target } from "../option/Target.ts"
import { UsageError } from "../option/UsageError.ts"
import type { Reading } from "./calls/CallsRead.ts"
import * as NdjsonFile from "./calls/NdjsonFile.ts"
import * as ParquetFile from "./calls/ParquetFile.ts"
import * as TableRows from "./calls/TableRows.ts"
import * as CoverageNote from "./CoverageNote.ts"
import * as CoverageReport from "./CoverageReport.ts"
import * as Progress from "./Progress.ts"

/** Where the calls were written. */
export type Origin =
  | Extract<Target, { readonly _tag: "File" }>
  | {
      readonly _tag: "Table"
      readonly database: Database.Database
      readonly schema: string | undefined
      readonly table: string | undefined
    }

/** The receiver of the calls, and the filter. */
export interface Taker {
  readonly add: (calls: ReadonlyArray<CallSession.CallSession>) => void
  readonly passes: Passes | undefined
}

/** The coverage of the calls that were taken. */
export interface Taken {
  /** Nothing where nothing was noted. */
  readonly known: ReadonlyArray<Completeness.Stretch> | undefined
  readonly withoutStart: Completeness.Known
  readonly notes: ReadonlyArray<string>
  /** Rows that are no calls, or that were rejected. */
  readonly unreadable: number
}

const take = ({ add, passes }: Taker, calls: ReadonlyArray<CallSession.CallSession>) =>
  add(passes === undefined ? calls : calls.filter(passes))

interface Range {
  readonly from: Instant.Instant | undefined
  readonly to: Instant.Instant
  readonly pageSize: number
  readonly concurrency: number
  readonly horizon: Duration.Duration
  readonly keepGoing: boolean
  readonly profile: EndpointProfile.EndpointProfile | undefined
}

/** Reads a range of the API, as an export of it would. */
export const ofApi = Effect.fnUntraced(function* (
  { from, horizon, to, ...options }: Range,
  taker: Taker,
  progress: Ref.Ref<Progress.Progress>
) {
  const sink = SessionSink.make({
    name: "report",
    delivery: "append",
    write: ({ items }: SessionSink.Batch<CallSession.CallSession>) =>
      Effect.sync(() =>
        take(
          taker,
          items.map(({ row }) => row)
        )
      )
  })
  const pipeline = Pipeline.make({
    name: "report",
    source: HistorySource.make({ from, to }, { ...options, horizon, hold: "objects" }),
    transform: Transform.sessions,
    sinks: [sink],
    // What the API sends and is no call has no place in a report; it is counted.
    deadLetters: SessionSink.make({
      name: "dead-letters",
      delivery: "append",
      write: (_: SessionSink.Batch<DeadLetter.DeadLetter>) => Effect.void
    }),
    maxDeadShare: 1
  })
  const { coverage, dead } = yield* pipeline
    .run((event) => Ref.update(progress, (now) => ({ ...Progress.after(event)(now), sessions: 0 })))
    .pipe(Effect.provide(Checkpoint.layerMemory))
  const note = CoverageReport.make(coverage, Duration.toMillis(horizon), undefined)
  return {
    known: CoverageNote.stretchesOf(note),
    withoutStart: CoverageNote.withoutStartOf(note),
    notes: CoverageNote.notesOf(note),
    unreadable: dead
  } satisfies Taken
})

const unreadable = (path: string, why: SmallFile.Unreadable) =>
  new UsageError({ option: "from", reason: { _tag: "FileUnreadable", path, holds: "calls", why } })

/** A file that is there, and that nobody else can write to. */
const checkFile = (path: string, isPublic = false) =>
  TrustedFile.check(path, { follow: true, isPublic }).pipe(
    Effect.mapError((error) => {
      const file = TrustedFile.refusalOf(error)
      return unreadable(path, file === undefined ? { _tag: "Unreadable" } : { _tag: "Untrusted", file })
    }),
    Effect.flatMap((found) =>
      Option.isNone(found)
        ? Effect.fail(unreadable(path, { _tag: "Unreadable" }))
        : found.value.type === "Directory"
          ? Effect.fail(unreadable(path, { _tag: "NotAFile" }))
          : Effect.void
    )
  )

const readAll = <R>(reading: Reading<R>, taker: Taker) =>
  Stream.runFold(
    reading,
    () => 0,
    (count, { calls, unreadable }) => {
      take(taker, calls)
      return count + unreadable
    }
  )

const filtered = (filters: string | undefined): ReadonlyArray<string> =>
  filters === undefined || filters === "" ? [] : [`Only calls that passed the filters of the export: ${filters}.`]

const takenOf = (note: CoverageNote.Note | undefined, unreadable: number): Taken =>
  note === undefined
    ? { known: undefined, withoutStart: "unknown", notes: [], unreadable }
    : {
        known: CoverageNote.stretchesOf(note),
        withoutStart: CoverageNote.withoutStartOf(note),
        notes: [...CoverageNote.notesOf(note), ...filtered(note.filters)],
        unreadable
      }

/** The note beside a file, unless the file has changed since; `coverage` is one that was named. */
const noteOfFile = Effect.fnUntraced(function* (path: string, coverage: string | undefined) {
  const name = coverage ?? CoverageNote.beside(path)
  if (coverage === undefined && !existsSync(name)) return undefined
  const text = yield* Effect.mapError(
    SmallFile.read(name, CoverageNote.limits),
    (why) =>
      new UsageError({
        option: "coverage",
        reason: { _tag: "FileUnreadable", path: name, holds: "a coverage report", why }
      })
  )
  const note = CoverageNote.parse(text)
  if (note === undefined) {
    return yield* new UsageError({ option: "coverage", reason: { _tag: "NotACoverageReport", path: name } })
  }
  if (note.bytes === undefined || note.bytes === statSync(path).size) return note
  yield* Effect.annotateLogs(
    Effect.logWarning(`${name} is about another ${path}: the file has changed since, so its coverage is unknown`),
    "file.path",
    path
  )
  return undefined
})

/** Of the notes of a table the one without filters, or the only one. */
const noteOfTable = Effect.fnUntraced(function* (name: string, place: CoverageTable.Place) {
  const notes = yield* Effect.mapError(CoverageTable.read(place), TableRows.failed(name))
  const whole = notes.find(({ filters }) => filters === "") ?? (notes.length === 1 ? notes[0] : undefined)
  return whole === undefined ? undefined : CoverageNote.parse(whole.coverage)
})

/** Reads what was written. `coverage` names a coverage report that is elsewhere than beside the file. */
export const ofOrigin = Effect.fnUntraced(function* (
  origin: Origin,
  wanted: ReadonlySet<string>,
  taker: Taker,
  coverage: string | undefined
) {
  if (origin._tag === "File") {
    yield* checkFile(origin.path)
    const note = yield* noteOfFile(origin.path, coverage)
    const reading = origin.format === "parquet" ? ParquetFile.read(origin.path, wanted) : NdjsonFile.read(origin)
    return takenOf(note, yield* readAll(reading, taker))
  }
  const { database, schema, table = SqlSink.defaultTable } = origin
  // SQLite would make a file that is not there. The client warns of a file that others can read.
  if (database._tag === "Sqlite") yield* checkFile(database.path, true)
  const client = yield* Database.connection("from", database)
  const name = Database.describe(database)
  return yield* Effect.gen(function* () {
    const note = yield* noteOfTable(name, { schema, table })
    return takenOf(note, yield* readAll(TableRows.read({ name, schema, table }, wanted), taker))
  }).pipe(
    Effect.provide(client),
    Effect.catchTags({
      SqlError: (error) => Effect.fail(TableRows.failed(name)(error)),
      PostgresUrlError: (error) =>
        Effect.fail(new UsageError({ option: "from", reason: { _tag: "PostgresUrl", database: name, error } }))
    })
  )
})
