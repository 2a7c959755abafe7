/** The flags that say where sessions go, and the sinks they ask for. */
import { NdjsonSink, type SessionSink, SinkError, WebhookSink, type WebhookTransport } from "@callstream/core"
import { Gzip, StdoutSink, Zstd } from "@callstream/node"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import { resolve } from "node:path"
import { UsageError } from "../output/UsageError.ts"
import * as Failure from "../output/Failure.ts"
import * as Database from "./Database.ts"
import * as Figure from "./Figure.ts"
import * as Source from "./Source.ts"
import * as Target from "./Target.ts"

/** Never a flag's value, which others on the machine can read. */
const secretVariable = "CALLSTREAM_WEBHOOK_SECRET"

const sizes: Readonly<Record<string, number>> = { kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 }

const bytesOf = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?b)$/i.exec(text.trim())
  const unit = sizes[(match?.[2] ?? "").toLowerCase()]
  const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match?.[1]) * unit)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}

const rotation = (text: string): Option.Option<NonNullable<NdjsonSink.Options["rotate"]>> => {
  if (text === "day") return Option.some("day")
  return Option.map(Option.fromUndefinedOr(bytesOf(text)), (bytes) => ({ bytes }))
}

export const flags = {
  to: Flag.String("to").pipe(
    Flag.withMetavar("SINK"),
    Flag.withDescription(
      "Where sessions go: - for stdout, calls.ndjson, calls.ndjson.gz, calls.ndjson.zst, sqlite:calls.db, postgres:DATABASE_URL, https://… for a webhook (repeatable; default: -)"
    ),
    Flag.filterMap(Target.parse, () => `Expected: ${Target.expected}`),
    Flag.atLeast(0)
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Replace a file if it is there already"),
    Flag.withDefault(false)
  ),
  rotate: Flag.String("rotate").pipe(
    Flag.withMetavar("day|SIZE"),
    Flag.withDescription("Many files instead of one, by UTC day or up to a size such as 100MB, with a manifest"),
    Flag.filterMap(rotation, () => "Expected: day, or a size such as 100MB or 64MiB"),
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
  batchSize: Figure.integer("batch-size", 1, "Sessions in one request to a webhook (default: 100)", 10_000).pipe(
    Flag.optional
  ),
  batchBytes: Flag.String("batch-bytes").pipe(
    Flag.withMetavar("SIZE"),
    Flag.withDescription("Size of one request to a webhook at most (default: 512KiB)"),
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(bytesOf(text)),
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

/** What the flags say when none is given. */
export const none: Flags = {
  to: [],
  force: false,
  rotate: Option.none(),
  table: Option.none(),
  schema: Option.none(),
  batchSize: Option.none(),
  batchBytes: Option.none(),
  allowPrivateHosts: false
}

/** The targets that the flags name: stdout when they name none. */
export const targets = ({ to }: Pick<Flags, "to">): ReadonlyArray<Target.Target> =>
  to.length === 0 ? [{ _tag: "Stdout" }] : to

/** Whether rows become those of a table: then the customer's objects stay whole, because their keys cannot be columns. */
export const areTables = (values: Pick<Flags, "to">): boolean => targets(values).some(({ _tag }) => _tag === "Table")

export type Sink = SessionSink.SessionSink<object, FileSystem.FileSystem | Path.Path | WebhookTransport>

/** What is wrong with the flags together, if anything is. */
export const check = Effect.fnUntraced(function* (values: Flags): Effect.fn.Return<void, UsageError> {
  const all = targets(values)
  const has = (tag: Target.Target["_tag"]) => all.some((target) => target._tag === tag)
  if (all.filter(({ _tag }) => _tag === "Stdout").length > 1) {
    return yield* new UsageError({ problem: "--to: - is named twice" })
  }
  const databases = all.flatMap((target) => (target._tag === "Table" ? [target.database] : []))
  const paths = all.flatMap(Target.fileOf)
  const places = paths.map((path) => resolve(path))
  const twice = paths.find((_, at) => places.indexOf(places[at] ?? "") !== at)
  if (twice !== undefined) return yield* new UsageError({ problem: `--to: ${twice} is named twice` })
  const told = databases.map(Database.describe)
  const again = told.find((name, at) => told.indexOf(name) !== at)
  if (again !== undefined) return yield* new UsageError({ problem: `--to: ${again} is named twice` })
  for (const [flag, name] of [["--table", values.table] as const, ["--schema", values.schema] as const]) {
    const wrong = Option.isSome(name) ? Database.wrongName(name.value, databases) : undefined
    if (wrong !== undefined) return yield* new UsageError({ problem: `${flag}: ${wrong}` })
  }
  const useless = [
    !has("Table") && Option.isSome(values.table) && "--table: goes with a database only",
    !databases.some(({ _tag }) => _tag === "Postgres") &&
      Option.isSome(values.schema) &&
      "--schema: goes with PostgreSQL only",
    !has("File") && values.force && "--force: goes with a file only",
    !has("File") && Option.isSome(values.rotate) && "--rotate: goes with a file only",
    !has("Webhook") && Option.isSome(values.batchSize) && "--batch-size: goes with a webhook only",
    !has("Webhook") && Option.isSome(values.batchBytes) && "--batch-bytes: goes with a webhook only",
    !has("Webhook") && values.allowPrivateHosts && "--allow-private-hosts: goes with a webhook only"
  ].find((problem) => problem !== false)
  if (useless !== undefined) return yield* new UsageError({ problem: useless })
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

const secret = Effect.gen(function* () {
  const found = yield* Effect.option(Config.Redacted(secretVariable))
  if (Option.isSome(found) && Redacted.value(found.value).trim() !== "") return found.value
  return yield* new UsageError({
    problem: "--to: there is no secret to sign webhooks with",
    advice: `Set ${secretVariable} to the receiver's secret, which begins with whsec_.`
  })
})

/**
 * The sinks, not yet open. `spool` is where a webhook's messages wait on their way; under `account` a table keeps how far it
 * got.
 */
export const make = (
  values: Flags,
  options: { readonly organization: string; readonly spool: string; readonly account: string | undefined }
): Effect.Effect<ReadonlyArray<Sink>, UsageError, FileSystem.FileSystem> =>
  Effect.forEach(targets(values), (target): Effect.Effect<Sink, UsageError, FileSystem.FileSystem> => {
    switch (target._tag) {
      case "Stdout":
        return Effect.sync(StdoutSink.make)
      case "File": {
        const { compression, path } = target
        return Effect.succeed(
          NdjsonSink.file({
            path,
            force: values.force,
            compression:
              compression === "gzip" ? Gzip.compression : compression === "zstd" ? Zstd.compression : undefined,
            rotate: Option.getOrUndefined(values.rotate)
          })
        )
      }
      case "Table":
        return Database.sink(target.database, {
          table: Option.getOrUndefined(values.table),
          schema: target.database._tag === "Postgres" ? Option.getOrUndefined(values.schema) : undefined,
          account: options.account
        })
      case "Webhook":
        return Effect.flatMap(secret, (secrets) =>
          WebhookSink.make({
            url: target.url,
            secrets,
            organization: options.organization,
            spool: options.spool,
            batchSize: Option.getOrUndefined(values.batchSize),
            batchBytes: Option.getOrUndefined(values.batchBytes),
            allowPrivateHosts: values.allowPrivateHosts
          }).pipe(
            Effect.mapError(({ advice, description }) => {
              const help = description.includes("private hosts")
                ? "Add --allow-private-hosts if the receiver is on this machine or in a private network."
                : advice
              return new UsageError({
                problem: `--to ${Target.describe(target)}: ${description}`,
                ...(help === undefined ? {} : { advice: help })
              })
            })
          )
        )
    }
  })
