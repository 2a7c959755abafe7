/** The sinks that options ask for. */
import {
  type Change,
  ChangeLog,
  CsvSink,
  NdjsonSink,
  SessionSink,
  SinkError,
  type SqlSink,
  WebhookSink,
  type WebhookTransport,
  XlsxSink
} from "@callstream/core"
import { Deflate, Gzip, StdoutSink, Zstd } from "@callstream/node"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import { basename, resolve } from "node:path"
import { type SinkSpec, SinkSettings } from "./PipelineSpec.ts"
import type * as Declared from "./Declared.ts"
import type * as Options from "./Options.ts"
import { among, type Reason, UsageError, type UsageErrors } from "./UsageError.ts"
import { isClosedPipe } from "./ClosedPipe.ts"
import * as Database from "./Database.ts"
import * as Size from "./Size.ts"
import * as ObjectSink from "./ObjectSink.ts"
import * as Target from "./Target.ts"
import * as WebhookRequest from "./WebhookRequest.ts"

/** A place where calls go, with its options. */
export interface Planned {
  readonly target: Target.Target
  readonly settings: SinkSettings
}

/** What messages call it, with its table. */
export const describe = ({ settings, target }: Planned): string =>
  target._tag === "Table" ? Database.describeTable(target.database, settings) : Target.describe(target)

export type Sink = SessionSink.SessionSink<object, FileSystem.FileSystem | Path.Path | WebhookTransport>

type Kind = Exclude<Target.Target["_tag"], "Table"> | "Csv" | "CsvObject" | "Folder" | Database.Database["_tag"]

const kindOf = (target: Target.Target): Kind => {
  if (target._tag === "Table") return target.database._tag
  if (!Target.isRows(target) || target.format !== "csv") return target._tag
  return target._tag === "File" ? "Csv" : "CsvObject"
}

/** The options of each kind of sink: a flag or a key goes with these kinds only. */
const kinds: {
  readonly [K in Kind]: {
    readonly words: string
    readonly settings: ReadonlyArray<keyof SinkSettings>
  }
} = {
  Stdout: { words: "stdout", settings: [] },
  File: { words: "a file", settings: ["force", "rotate"] },
  Csv: { words: "a CSV file", settings: ["force", "rotate", "csvRaw", "csvExcel"] },
  Folder: { words: "a folder such as s3://bucket/calls/", settings: ["format"] },
  Object: { words: "object storage", settings: ["force", "rotate", "s3Endpoint"] },
  CsvObject: {
    words: "CSV in object storage",
    settings: ["force", "rotate", "s3Endpoint", "csvRaw", "csvExcel"]
  },
  Sqlite: { words: "SQLite", settings: ["table"] },
  Postgres: { words: "PostgreSQL", settings: ["table", "schema"] },
  Webhook: {
    words: "a webhook",
    settings: [
      "batchSize",
      "batchBytes",
      "webhookBody",
      "webhookHeader",
      "webhookUnsigned",
      "allowPrivateHosts",
      "secret"
    ]
  }
}

const onlyWith = (setting: keyof SinkSettings): Reason => ({
  _tag: "OnlyWith",
  sinks: Object.values(kinds).flatMap((kind) =>
    // What goes with every file goes with a CSV file too.
    kind.settings.includes(setting) &&
    !(kind === kinds.Csv && kinds.File.settings.includes(setting)) &&
    !(kind === kinds.CsvObject && kinds.Object.settings.includes(setting))
      ? [kind.words]
      : []
  )
})

const settingNames = Struct.keys(SinkSettings.fields)

/** What the flags say, as data: each sink gets what goes with it. Refuses a flag that goes with none of them. */
export const fromFlags = Effect.fnUntraced(function* (
  to: ReadonlyArray<string> = ["-"],
  given: Declared.Values<typeof Options.sink>
): Effect.fn.Return<readonly [SinkSpec, ...ReadonlyArray<SinkSpec>], UsageError> {
  yield* Database.refusePassword("to", to)
  const useless = new Set(Struct.keys(given))
  const all = to.map((text): SinkSpec => {
    const isFolder = Target.isFolder(text)
    const target = Option.getOrUndefined(Target.parse(isFolder ? Target.inFolder(text, given.format) : text))
    const taken =
      target === undefined
        ? []
        : Struct.keys(given).filter((name) =>
            [kindOf(target), ...(isFolder ? (["Folder"] as const) : [])].some((kind) =>
              kinds[kind].settings.includes(name)
            )
          )
    for (const name of taken) useless.delete(name)
    return taken.length === 0 ? text : { to: text, ...Struct.pick(given, taken) }
  })
  const [setting] = useless
  if (setting !== undefined) return yield* new UsageError({ option: setting, reason: onlyWith(setting) })
  const [first = "-", ...rest] = all
  return [first, ...rest]
})

/** File systems take 255 bytes, and a run makes files beside this one whose names are longer. */
const longestName = 200

/** Whether what it writes depends on the time zone. */
export const isZoned = ({ settings, target }: Planned): boolean =>
  settings.rotate === "day" || settings.csvExcel === true || (Target.isRows(target) && target.format === "xlsx")

/** What two sinks cannot share. */
const placeOf = (target: Target.Target): string | undefined => {
  const [file] = Target.fileOf(target)
  if (file !== undefined) return resolve(file)
  if (target._tag === "Object") return target.url
  return target._tag === "Stdout" ? "-" : target._tag === "Table" ? Target.describe(target) : undefined
}

/** One sink, or what is wrong with it. */
const planOne = Effect.fnUntraced(function* (spec: SinkSpec, item: number): Effect.fn.Return<Planned, UsageError> {
  const { to, ...settings } = typeof spec === "string" ? { to: spec } : spec
  const refuse = (reason: Reason, key: "to" | keyof SinkSettings = "to") =>
    new UsageError({ option: key, at: key === "to" ? { item } : { item, key }, reason })
  const target = Option.getOrUndefined(Target.parse(to))
  if (target === undefined) return yield* refuse({ _tag: "Expected", expected: Target.expected })
  const long = Target.fileOf(target).find((file) => Buffer.byteLength(basename(file)) > longestName)
  if (long !== undefined) return yield* refuse({ _tag: "NameTooLong", name: basename(long), most: longestName })
  const odd = settingNames.find(
    (name) => settings[name] !== undefined && !kinds[kindOf(target)].settings.includes(name)
  )
  if (odd !== undefined) return yield* refuse(onlyWith(odd), odd)
  if (settings.csvExcel === true && settings.csvRaw === true) {
    return yield* refuse({ _tag: "Conflict", with: { option: "csvRaw" } }, "csvExcel")
  }
  const databases = target._tag === "Table" ? [target.database] : []
  for (const key of ["table", "schema"] as const) {
    const name = settings[key]
    const problem = name === undefined ? undefined : Database.wrongName(name, databases)
    if (name !== undefined && problem !== undefined) return yield* refuse({ _tag: "TableName", name, problem }, key)
  }
  return { target, settings }
})

/** The sinks, or all mistakes in their settings. */
export const plan = Effect.fnUntraced(function* (
  specs: ReadonlyArray<SinkSpec>
): Effect.fn.Return<ReadonlyArray<Planned>, UsageErrors> {
  const planned = yield* Effect.all(specs.map(planOne), { mode: "result" })
  const places = planned.map((one) => (Result.isSuccess(one) ? placeOf(one.success.target) : undefined))
  const twice = planned.flatMap((one, item) => {
    const place = places[item]
    if (Result.isFailure(one) || place === undefined || places.indexOf(place) === item) return []
    const { target } = one.success
    const [file] = Target.fileOf(target)
    const what = file ?? (target._tag === "Stdout" ? "-" : Target.describe(target))
    return [Result.fail(new UsageError({ option: "to", at: { item }, reason: { _tag: "NamedTwice", what } }))]
  })
  yield* among([...planned, ...twice])
  return planned.flatMap((one) => (Result.isSuccess(one) ? [one.success] : []))
})

/** A reader of stdout that goes away ends a run well, unless other sinks were to get everything. */
export const orUnfinished = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  count: number
): Effect.Effect<A, E | SinkError, R> =>
  Effect.mapError(effect, (error) =>
    count > 1 && isClosedPipe(error)
      ? new SinkError({
          sink: "stdout",
          operation: "write",
          retryable: false,
          reason: { _tag: "ReaderLeft" }
        })
      : error
  )

const rotation = (text: string | undefined): NdjsonSink.Options["rotate"] => {
  const bytes = text === undefined ? undefined : Size.parse(text)
  return bytes === undefined ? (text === "day" ? "day" : undefined) : { bytes }
}

/** A file of a log of changes is complete at its size, or after an hour. */
const logRotation = (text: string | undefined): NdjsonSink.Options["rotate"] => ({
  bytes: (text === undefined ? undefined : Size.parse(text)) ?? 64_000_000,
  within: "1 hour"
})

/** In a sync, a receiver that is down does not hold up other sinks: it is given later what it lacks. */
const patience = "10 seconds"

/** In a sync, the sink is a log of changes. */
const events = <R>(
  sink: SessionSink.SessionSink<unknown, R>,
  { sync }: { readonly sync?: SqlSink.Options["sync"] }
): SessionSink.SessionSink<unknown, R> => (sync === undefined ? sink : ChangeLog.make(sink))

const compressions = { gzip: Gzip.compression, zstd: Zstd.compression }

/** Asks the files that may replace others whether they may, where something is sent before they are opened. */
export const check = Effect.fnUntraced(function* (
  planned: ReadonlyArray<Planned>,
  covers: SessionSink.Covers | undefined,
  timeZone: DateTime.TimeZone | undefined
) {
  const replacing = planned.filter(({ settings }) => settings.force === true && settings.rotate !== undefined)
  const sinks = yield* make(replacing, { spool: undefined, keepsOffset: false, timeZone })
  yield* Effect.forEach(sinks, (sink) => Effect.scoped(sink.open({ ...SessionSink.opening(), covers })), {
    discard: true
  })
})

/** A sink of rows in files, or in objects. */
const fileSink = (
  { settings, target }: { readonly settings: SinkSettings; readonly target: Target.Rows },
  options: Making,
  at: Pick<NdjsonSink.Options, "path" | "store">
): Effect.Effect<Sink> => {
  const { compression } = target
  const { timeZone } = options
  const file = {
    ...at,
    force: settings.force,
    compression: compression === undefined ? undefined : compressions[compression],
    rotate: options.sync === undefined ? rotation(settings.rotate) : logRotation(settings.rotate),
    timeZone: isZoned({ settings, target }) ? timeZone : undefined
  }
  switch (target.format) {
    case "ndjson":
      return Effect.succeed(events(NdjsonSink.make(file), options))
    case "csv":
      return Effect.succeed(CsvSink.make({ ...file, raw: settings.csvRaw, excel: settings.csvExcel }))
    case "xlsx":
      return Effect.succeed(XlsxSink.make({ ...file, deflater: Deflate.deflater }))
    case "parquet":
      return Effect.map(
        Effect.promise(() => import("@callstream/node/ParquetSink")),
        (ParquetSink) => ParquetSink.make(file)
      )
  }
}

/** How stretches of an export write a sink of rows. */
export const sharesOf = ({ settings, target }: Planned): SessionSink.Shares | undefined =>
  settings.rotate === undefined
    ? undefined
    : target._tag === "Object" && target.format !== "xlsx"
      ? "parts"
      : "together"

interface Making {
  /** Of an export, where its sinks need it. @default not known: a sync says it with each batch */
  readonly organization?: string | undefined
  readonly spool: string | undefined
  readonly keepsOffset: boolean
  /** Whose days the files of `--rotate day` have, and whose clock spreadsheets show. */
  readonly timeZone: DateTime.TimeZone | undefined
  /** Of a sync: tables mark what is gone, other sinks get events. @default the sinks are of an export */
  readonly sync?: SqlSink.Options["sync"]
  /** Milestones of versions that webhooks get. @default every version */
  readonly events?: ReadonlyArray<Change.Milestone> | undefined
}

/**
 * The sinks, not yet open. `spool` is the folder for a webhook's unsent messages, without one in memory; with
 * `keepsOffset` a table keeps how far it got.
 */
export const make = (
  planned: ReadonlyArray<Planned>,
  options: Making
): Effect.Effect<ReadonlyArray<Sink>, UsageError, FileSystem.FileSystem> =>
  Effect.forEach(planned, ({ settings, target }, item): Effect.Effect<Sink, UsageError, FileSystem.FileSystem> => {
    switch (target._tag) {
      case "Stdout":
        return Effect.sync(() => events(StdoutSink.make(), options))
      case "File":
        return fileSink({ settings, target }, options, { path: target.path })
      case "Object": {
        const { bucket, url: path } = target
        const endpoint = settings.s3Endpoint
        const keeps = options.sync === undefined ? undefined : "changes"
        return Effect.succeed(
          ObjectSink.make({ bucket, endpoint, path, keeps, shares: sharesOf({ settings, target }) }, (store) =>
            fileSink({ settings, target }, options, { path, store })
          )
        )
      }
      case "Table":
        return Effect.mapError(
          Database.sink(target.database, {
            table: settings.table,
            schema: settings.schema,
            keepsOffset: options.keepsOffset,
            sync: options.sync
          }),
          ({ reason }) => new UsageError({ option: "to", at: { item }, reason })
        )
      case "Webhook":
        return Effect.flatMap(WebhookRequest.of(settings, item), (request) => {
          const webhook: WebhookSink.Options = {
            url: target.url,
            ...request,
            organization: options.organization,
            spool: options.spool,
            batchSize: settings.batchSize,
            batchBytes: settings.batchBytes === undefined ? undefined : Size.parse(settings.batchBytes),
            allowPrivateHosts: settings.allowPrivateHosts,
            giveUpAfter: options.sync === undefined ? undefined : patience
          }
          const sink = WebhookSink.make(webhook)
          const { events: reached } = options
          const made = reached === undefined ? sink : ChangeLog.reaching(sink, reached)
          return Effect.as(WebhookSink.check(webhook), made).pipe(
            Effect.mapError(
              (error) =>
                new UsageError({
                  option: "to",
                  at: { item },
                  reason: { _tag: "SinkRefused", sink: Target.describe(target), error }
                })
            )
          )
        })
    }
  })
