/** The flags that say where sessions go, and the sinks they ask for. */
import { CsvSink, NdjsonSink, type SessionSink, SinkError, WebhookSink, type WebhookTransport } from "@callstream/core"
import { Gzip, ParquetSink, StdoutSink, Zstd } from "@callstream/node"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Struct from "effect/Struct"
import { resolve } from "node:path"
import { type SinkSpec, SinkSettings } from "../spec/PipelineSpec.ts"
import { UsageError } from "../output/UsageError.ts"
import * as Failure from "../output/Failure.ts"
import * as Database from "./Database.ts"
import * as Figure from "./Figure.ts"
import * as Size from "./Size.ts"
import type * as Source from "./Source.ts"
import * as Target from "./Target.ts"

/** Never a flag's value, which others on the machine can read. */
const secretVariable = "CALLSTREAM_WEBHOOK_SECRET"

const isRotation = (text: string) => text === "day" || Size.parse(text) !== undefined

export const flags = {
  to: Flag.String("to").pipe(
    Flag.withMetavar("SINK"),
    Flag.withDescription(
      "Where sessions go: - for stdout, calls.ndjson or calls.csv (also with .gz or .zst), calls.parquet, sqlite:calls.db, postgres:DATABASE_URL, https://… for a webhook (repeatable; default: -)"
    ),
    Flag.filter(
      (text) => Option.isSome(Target.parse(text)),
      () => `Expected: ${Target.expected}`
    ),
    Flag.atLeast(0)
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Replace a file, or the files of an earlier --rotate, if it is there already"),
    Flag.withDefault(false)
  ),
  rotate: Flag.String("rotate").pipe(
    Flag.withMetavar("day|SIZE"),
    Flag.withDescription("Many files instead of one, by UTC day or up to a size such as 100MB, with a manifest"),
    Flag.filter(isRotation, () => "Expected: day, or a size such as 100MB or 64MiB"),
    Flag.optional
  ),
  table: Flag.String("table").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The table of a database, made when it is missing (default: call_sessions)"),
    Flag.optional
  ),
  schema: Flag.String("schema").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The schema of that table in PostgreSQL (default: the first of the search path)"),
    Flag.optional
  ),
  csvRaw: Flag.Boolean("csv-raw").pipe(
    Flag.withDescription("Leave text in CSV as it is, also where a spreadsheet would run it as a formula"),
    Flag.withDefault(false)
  ),
  csvBom: Flag.Boolean("csv-bom").pipe(
    Flag.withDescription("Begin CSV with a byte order mark, by which Excel knows UTF-8"),
    Flag.withDefault(false)
  ),
  batchSize: Figure.integer("batch-size", 1, "Sessions in one request to a webhook (default: 100)", 10_000).pipe(
    Flag.optional
  ),
  batchBytes: Flag.String("batch-bytes").pipe(
    Flag.withMetavar("SIZE"),
    Flag.withDescription("Size of one request to a webhook at most (default: 512KiB)"),
    Flag.filter(
      (text) => Size.parse(text) !== undefined,
      () => "Expected: a size such as 256KiB or 1MB"
    ),
    Flag.optional
  ),
  allowPrivateHosts: Flag.Boolean("allow-private-hosts").pipe(
    Flag.withDescription("Let a webhook be on this machine or in a private network, where http is allowed too"),
    Flag.withDefault(false)
  )
}

export type Flags = Source.Values<typeof flags>

/** A place where sessions go, with what it was told. */
export interface Planned {
  readonly target: Target.Target
  readonly settings: SinkSettings
}

/** What messages call it: its table is told too. */
export const describe = ({ settings, target }: Planned): string =>
  target._tag === "Table" ? Database.describeTable(target.database, settings) : Target.describe(target)

export type Sink = SessionSink.SessionSink<object, FileSystem.FileSystem | Path.Path | WebhookTransport>

type Kind = Exclude<Target.Target["_tag"], "Table"> | "Csv" | Database.Database["_tag"]

const kindOf = (target: Target.Target): Kind => {
  if (target._tag === "Table") return target.database._tag
  return target._tag === "File" && target.format === "csv" ? "Csv" : target._tag
}

/** What each kind of sink can be told: a flag or a key goes with these kinds only. */
const kinds: {
  readonly [K in Kind]: {
    readonly words: string
    readonly settings: ReadonlyArray<keyof SinkSettings>
  }
} = {
  Stdout: { words: "stdout", settings: [] },
  File: { words: "a file", settings: ["force", "rotate"] },
  Csv: { words: "a CSV file", settings: ["force", "rotate", "csvRaw", "csvBom"] },
  Sqlite: { words: "SQLite", settings: ["table"] },
  Postgres: { words: "PostgreSQL", settings: ["table", "schema"] },
  Webhook: { words: "a webhook", settings: ["batchSize", "batchBytes", "allowPrivateHosts", "secret"] }
}

const flagOf = (setting: keyof SinkSettings) => `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

const goesWith = (setting: keyof SinkSettings): string => {
  const words = Object.values(kinds).flatMap((kind) =>
    // What goes with every file goes with a CSV file too.
    kind.settings.includes(setting) && !(kind === kinds.Csv && kinds.File.settings.includes(setting))
      ? [kind.words]
      : []
  )
  return `${flagOf(setting)}: goes with ${words.join(" or ")} only`
}

const settingNames = Struct.keys(SinkSettings.fields)

/** What the flags say, as data: each sink is told what goes with it. Refuses a flag that goes with none of them. */
export const fromFlags = Effect.fnUntraced(function* (
  values: Flags
): Effect.fn.Return<readonly [SinkSpec, ...ReadonlyArray<SinkSpec>], UsageError> {
  const { allowPrivateHosts, csvBom, csvRaw, force, to } = values
  yield* Database.refusePassword("--to", to)
  const given: SinkSettings = {
    ...(force ? { force } : {}),
    ...Option.match(values.rotate, { onNone: () => ({}), onSome: (rotate) => ({ rotate }) }),
    ...Option.match(values.table, { onNone: () => ({}), onSome: (table) => ({ table }) }),
    ...Option.match(values.schema, { onNone: () => ({}), onSome: (schema) => ({ schema }) }),
    ...(csvRaw ? { csvRaw } : {}),
    ...(csvBom ? { csvBom } : {}),
    ...Option.match(values.batchSize, { onNone: () => ({}), onSome: (batchSize) => ({ batchSize }) }),
    ...Option.match(values.batchBytes, { onNone: () => ({}), onSome: (batchBytes) => ({ batchBytes }) }),
    ...(allowPrivateHosts ? { allowPrivateHosts } : {})
  }
  const useless = new Set(settingNames.filter((name) => given[name] !== undefined))
  const all = (to.length === 0 ? ["-"] : to).map((text): SinkSpec => {
    const target = Option.getOrUndefined(Target.parse(text))
    const taken = target === undefined ? [] : kinds[kindOf(target)].settings.filter((name) => given[name] !== undefined)
    for (const name of taken) useless.delete(name)
    return taken.length === 0 ? text : { to: text, ...Struct.pick(given, taken) }
  })
  const [setting] = useless
  if (setting !== undefined) return yield* new UsageError({ problem: goesWith(setting) })
  const [first = "-", ...rest] = all
  return [first, ...rest]
})

/** What two sinks cannot share. */
const placeOf = (target: Target.Target): string | undefined => {
  const [file] = Target.fileOf(target)
  if (file !== undefined) return resolve(file)
  return target._tag === "Stdout" ? "-" : target._tag === "Table" ? Target.describe(target) : undefined
}

/** What is asked for, or what is wrong with it. */
export const plan = Effect.fnUntraced(function* (
  specs: ReadonlyArray<SinkSpec>
): Effect.fn.Return<ReadonlyArray<Planned>, UsageError> {
  const planned: Array<Planned> = []
  const places = new Map<string, number>()
  for (const [item, spec] of specs.entries()) {
    const { to, ...settings } = typeof spec === "string" ? { to: spec } : spec
    const refuse = (problem: string, key?: string) =>
      new UsageError({ problem, place: key === undefined ? { item } : { item, key } })
    const target = Option.getOrUndefined(Target.parse(to))
    if (target === undefined) return yield* refuse(`--to: expected ${Target.expected}`)
    const odd = settingNames.find(
      (name) => settings[name] !== undefined && !kinds[kindOf(target)].settings.includes(name)
    )
    if (odd !== undefined) return yield* refuse(goesWith(odd), odd)
    const databases = target._tag === "Table" ? [target.database] : []
    for (const [key, name] of Object.entries(Struct.pick(settings, ["table", "schema"]))) {
      const wrong = name === undefined ? undefined : Database.wrongName(name, databases)
      if (wrong !== undefined) return yield* refuse(`--${key}: ${wrong}`, key)
    }
    const place = placeOf(target)
    if (place !== undefined && places.has(place)) {
      const [file] = Target.fileOf(target)
      return yield* refuse(`--to: ${file ?? (target._tag === "Stdout" ? "-" : Target.describe(target))} is named twice`)
    }
    if (place !== undefined) places.set(place, item)
    planned.push({ target, settings })
  }
  return planned
})

/** A reader of stdout that goes away ends a run well, unless other sinks were to get everything. */
export const orUnfinished = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  count: number
): Effect.Effect<A, E | SinkError, R> =>
  Effect.mapError(effect, (error) =>
    count > 1 && Failure.isClosedPipe(error)
      ? new SinkError({
          sink: "stdout",
          operation: "write",
          retryable: false,
          description: "its reader went away, and the other sinks have not got everything",
          advice: "Let it read to the end, or add --on-sink-failure continue."
        })
      : error
  )

const secretOf = Effect.fnUntraced(function* (settings: SinkSettings) {
  if (settings.secret !== undefined) return Redacted.make(settings.secret)
  const found = yield* Effect.option(Config.Redacted(secretVariable))
  if (Option.isSome(found) && Redacted.value(found.value).trim() !== "") return found.value
  return yield* new UsageError({
    problem: "--to: there is no secret to sign webhooks with",
    advice: `Set ${secretVariable} to the receiver's secret, which begins with whsec_.`
  })
})

const rotation = (text: string | undefined): NdjsonSink.Options["rotate"] => {
  const bytes = text === undefined ? undefined : Size.parse(text)
  return bytes === undefined ? (text === "day" ? "day" : undefined) : { bytes }
}

const compressions = { gzip: Gzip.compression, zstd: Zstd.compression }

/** Asks the files that may replace others whether they may, where something is sent before they are opened. */
export const check = Effect.fnUntraced(function* (
  planned: ReadonlyArray<Planned>,
  covers: NdjsonSink.Options["covers"]
) {
  const replacing = planned.filter(({ settings }) => settings.force === true && settings.rotate !== undefined)
  const sinks = yield* make(replacing, { organization: "", spool: undefined, account: undefined, covers })
  yield* Effect.forEach(sinks, (sink) => Effect.scoped(sink.open(Option.none())), { discard: true })
})

/**
 * The sinks, not yet open. `spool` is the folder where a webhook's messages wait on their way, without one in memory; under
 * `account` a table keeps how far it got.
 */
export const make = (
  planned: ReadonlyArray<Planned>,
  options: {
    readonly organization: string
    readonly spool: string | undefined
    readonly account: string | undefined
    readonly covers?: NdjsonSink.Options["covers"]
  }
): Effect.Effect<ReadonlyArray<Sink>, UsageError, FileSystem.FileSystem> =>
  Effect.forEach(planned, ({ settings, target }, item): Effect.Effect<Sink, UsageError, FileSystem.FileSystem> => {
    switch (target._tag) {
      case "Stdout":
        return Effect.sync(StdoutSink.make)
      case "File": {
        const { compression, path } = target
        const file = {
          path,
          force: settings.force,
          compression: compression === undefined ? undefined : compressions[compression],
          rotate: rotation(settings.rotate),
          covers: options.covers
        }
        switch (target.format) {
          case "ndjson":
            return Effect.succeed(NdjsonSink.file(file))
          case "csv":
            return Effect.succeed(CsvSink.file({ ...file, raw: settings.csvRaw, bom: settings.csvBom }))
          case "parquet":
            return Effect.succeed(ParquetSink.file(file))
        }
      }
      case "Table":
        return Effect.mapError(
          Database.sink(target.database, { table: settings.table, schema: settings.schema, account: options.account }),
          ({ advice, problem }) =>
            new UsageError({ problem, ...(advice === undefined ? {} : { advice }), place: { item } })
        )
      case "Webhook":
        return Effect.flatMap(secretOf(settings), (secrets) =>
          WebhookSink.make({
            url: target.url,
            secrets,
            organization: options.organization,
            spool: options.spool,
            batchSize: settings.batchSize,
            batchBytes: settings.batchBytes === undefined ? undefined : Size.parse(settings.batchBytes),
            allowPrivateHosts: settings.allowPrivateHosts
          }).pipe(
            Effect.mapError(({ advice, description }) => {
              const help = description.includes("private hosts")
                ? "Add --allow-private-hosts if the receiver is on this machine or in a private network."
                : advice
              return new UsageError({
                problem: `--to ${Target.describe(target)}: ${description}`,
                ...(help === undefined ? {} : { advice: help }),
                place: { item }
              })
            })
          )
        )
    }
  })
