/** Coverage noted beside outputs, so that a report of them says what is proven. */
import {
  Completeness,
  CoverageReason,
  CoverageTable,
  Instant,
  OutputFile,
  OutputLock,
  type Pipeline,
  SqlSink,
  type SyncPipeline
} from "@callstream/core"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { statSync } from "node:fs"
import type { Job } from "../job/Job.ts"
import * as Database from "../option/Database.ts"
import type * as SmallFile from "../option/SmallFile.ts"
import type * as Sinks from "../option/Sinks.ts"

/** The coverage file of a file of calls. */
export const beside = (path: string): string => `${path}.coverage.json`

const Window = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  set: Schema.Literals(["proven", "provisional", "unprovable"]),
  reason: Schema.NullOr(Schema.String)
})

/** A history may have a window an hour. */
export const limits: SmallFile.Options = { limit: 64 * 1024 * 1024 }

/** The part of a coverage file that a report reads. Keys that it does not know are left alone. */
const Note = Schema.Struct({
  windows: Schema.Array(Window),
  undatedUnassigned: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  /** The length of the file that it is about. */
  bytes: Schema.optionalKey(Schema.Int),
  /** Only calls that pass these were written. */
  filters: Schema.optionalKey(Schema.String)
})
export type Note = typeof Note.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Note))

export const parse = (text: string): Note | undefined => Option.getOrUndefined(decode(text))

const Report = Schema.Struct({ set: Window.fields.set, horizon: Schema.Finite, windows: Note.fields.windows })

const decodeReport = Schema.decodeUnknownOption(Schema.fromJsonString(Report))

/** Whether it is the file of an export, of this version or an earlier one. */
export const isReport = (text: string): boolean => Option.isSome(decodeReport(text))

/** An empty range is about calls without a start time, and is no stretch. */
export const stretchesOf = ({ windows }: Pick<Note, "windows">): ReadonlyArray<Completeness.Stretch> =>
  windows.flatMap(({ from, reason, set, to }) => {
    const begin = Instant.parse(from)
    const end = Instant.parse(to)
    return begin === undefined || end === undefined || begin >= end
      ? []
      : [{ from: begin, to: end, verdict: set, reason: reason ?? undefined }]
  })

/** The weakest verdict on calls without a start time, which are in no range. */
export const withoutStartOf = ({ windows }: Pick<Note, "windows">): Completeness.Known =>
  windows
    .filter(({ from, to }) => from === to)
    .reduce<Completeness.Known>((verdict, { set }) => Completeness.weaker(verdict, set), "proven")

/** What the note says of calls without a start time, in words. */
export const notesOf = ({ undatedUnassigned, windows }: Note): ReadonlyArray<string> => [
  ...windows.flatMap(({ from, reason, set, to }) =>
    from === to && set !== "proven" ? [`Of calls without a start time: ${reason ?? "not proven"}.`] : []
  ),
  ...((undatedUnassigned ?? 0) === 0
    ? []
    : [`${undatedUnassigned} calls without a start time exist of which the API does not show when they were made.`])
]

const windowOf = ({ from, reason, to, verdict }: Completeness.Stretch) =>
  verdict === "unknown"
    ? []
    : [{ from: Instant.format(from), to: Instant.format(to), set: verdict, reason: reason ?? null }]

/** A newer note over an older one of the same table. */
const merged = (before: string | undefined, note: Note): string => {
  const old = before === undefined ? undefined : parse(before)
  const stretches = Completeness.overlay(old === undefined ? [] : stretchesOf(old), stretchesOf(note))
  const undated = note.windows.filter(({ from, to }) => from === to)
  return JSON.stringify({ ...Struct.omit(note, ["bytes"]), windows: [...stretches.flatMap(windowOf), ...undated] })
}

const writeFile = Effect.fnUntraced(function* (path: string, note: object) {
  const { acquire } = yield* OutputLock
  const file = beside(path)
  const lock = yield* acquire(file)
  const output = yield* OutputFile.open({ path: file, force: true, alone: true, lock })
  yield* output.write(`${JSON.stringify({ ...note, bytes: statSync(path).size }, null, 2)}\n`)
  yield* output.finish
})

const writeTable = Effect.fnUntraced(function* (
  database: Database.Database,
  { schema, table = SqlSink.defaultTable }: Sinks.Planned["settings"],
  note: Note,
  alone: boolean
) {
  const client = yield* Database.connection("to", database)
  yield* CoverageTable.update({ schema, table }, { filters: note.filters ?? "", alone }, (before) =>
    merged(before, note)
  ).pipe(Effect.provide(client))
})

/** The calls are there without the note, so its failure is a warning. */
const orWarn = (name: string) =>
  Effect.catchCause((cause: Cause.Cause<unknown>) =>
    Effect.andThen(
      Effect.logDebug(cause),
      Effect.annotateLogs(
        Effect.logWarning(`the coverage of ${name} could not be noted: a report of it will call its coverage unknown`),
        "callstream.sink.name",
        name
      )
    )
  )

/** Notes the coverage of an export beside each of its files and tables. */
export const ofExport = (job: Job, note: Note, sinks: Pipeline.RunSummary["sinks"]) => {
  return Effect.forEach(
    job.sinks,
    ({ settings, target }, at) => {
      if (sinks[at]?.failure !== undefined) return Effect.void
      if (target._tag === "File" && settings.rotate === undefined && job.coverage === undefined) {
        return Effect.scoped(writeFile(target.path, note)).pipe(orWarn(target.path))
      }
      return target._tag === "Table"
        ? writeTable(target.database, settings, note, false).pipe(orWarn(Database.describe(target.database)))
        : Effect.void
    },
    { discard: true }
  )
}

const notRead = "not read yet"
const mayBeAdded = CoverageReason.describe({ _tag: "TooRecent" })

/** Notes what a pass of a sync proved, for the tables that have every change. */
export const ofSync = (job: Job, { sinks, verdict }: SyncPipeline.PassSummary) => {
  const { consumers, from, holes, horizon, isFirstPass, watermark } = verdict
  const open = holes.map(({ from, reason, to }): Completeness.Stretch => ({
    from,
    to,
    verdict: "provisional",
    reason: reason === undefined ? notRead : CoverageReason.describe(reason)
  }))
  /** Of a sink: it may lack calls that are noted already. */
  const windows = (sink: string): Note["windows"] => {
    const end = consumers[sink]?.watermark ?? from
    const known: ReadonlyArray<Completeness.Stretch> = [
      { from, to: end, verdict: "proven" },
      { from: end, to: Instant.of(watermark + horizon), verdict: "provisional", reason: mayBeAdded }
    ]
    const at = Instant.format(watermark)
    return [
      ...Completeness.overlay(known, open).flatMap(windowOf),
      ...(isFirstPass ? [{ from: at, to: at, set: "provisional" as const, reason: notRead }] : [])
    ]
  }
  return Effect.forEach(
    job.sinks,
    ({ settings, target }, at) =>
      target._tag === "Table" && sinks[at] !== undefined && sinks[at].failure === undefined
        ? writeTable(target.database, settings, { windows: windows(sinks[at].sink), filters: job.filters }, true).pipe(
            orWarn(Database.describe(target.database))
          )
        : Effect.void,
    { discard: true }
  )
}
