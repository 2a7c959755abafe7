/** `callstream sync`: keeps sinks up to date, by one pass or by many. */
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { basename } from "node:path"
import { flags, type FlagValues, onOff, pick } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import type { PipelineSpec } from "../option/PipelineSpec.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Source from "../option/SourceOptions.ts"
import * as Shared from "../option/SyncOptions.ts"
import * as Database from "../option/Database.ts"
import * as Target from "../option/Target.ts"
import { UsageError } from "../option/UsageError.ts"
import * as Resolve from "../job/Resolve.ts"
import * as Failure from "../render/Failure.ts"
import * as ReportedSync from "../render/ReportedSync.ts"
import * as RunSync from "../run/RunSync.ts"
import { decoder } from "../run/RunJob.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import * as Otlp from "../run/Otlp.ts"

/** The options of reporting. */
const reporting = {
  quiet: onOff("No progress and no summary; errors are still shown"),
  json: onOff(
    "Print the summary of each pass as one line of JSON, on stdout unless changes go there, and errors as JSON too"
  ),
  metricsFile: Options.metricsFile,
  otlp: Options.otlp
}

/** In the order of their help. */
export const options = {
  ...Shared.selection,
  ...Options.transforms,
  to: Shared.to,
  ...Shared.sink,
  ...Options.sync,
  ...Shared.run,
  ...Shared.reading,
  ...reporting,
  ...Options.connection
}

export type Input = Partial<FlagValues<typeof options>>

/** `calls` of `data/calls.db`; the table of a database without a file. */
export const nameFrom = (to: ReadonlyArray<string> = [], table: string | undefined): string | undefined => {
  for (const text of to) {
    const target = Option.getOrUndefined(Target.parse(text))
    const [file] = target === undefined ? [] : Target.fileOf(target)
    if (file !== undefined) return basename(file).replace(/\.[^.]*(?:\.(?:gz|zst))?$/i, "")
    if (target?._tag === "Table") return table ?? "call_sessions"
  }
  return undefined
}

/** The pipeline that the flags describe. */
const specOf = Effect.fnUntraced(function* (input: Input): Effect.fn.Return<PipelineSpec, UsageError> {
  const source = {
    ...pick(Options.connection, input),
    ...pick(Shared.selection, input),
    ...pick(Shared.reading, input)
  }
  const transforms = pick(Options.transforms, input)
  const { name = nameFrom(input.to, input.table), ...run } = pick(Shared.run, input)
  if (name === undefined || name.trim() === "") {
    return yield* new UsageError({ option: "name", reason: { _tag: "NoSyncName" } })
  }
  if (run.state !== undefined) yield* Database.refusePassword("state", [run.state])
  return {
    name,
    ...(Object.keys(source).length === 0 ? {} : { source }),
    ...(Object.keys(transforms).length === 0 ? {} : { transforms }),
    sinks: yield* Sinks.fromFlags(input.to, pick(Shared.sink, input)),
    sync: pick(Options.sync, input),
    ...run
  }
})

/** Does something with the sync that the flags describe. */
export const execute = Effect.fnUntraced(function* <A, E extends Failure.CommandError, R>(
  input: Input,
  use: (job: RunSync.SyncJob) => Effect.Effect<A, E, R>
) {
  const spec = yield* specOf(input)
  const job = yield* Resolve.toJob(spec, {
    report: input.json === true ? "json" : input.quiet === true ? "none" : "people"
  })
  if (!RunSync.isSync(job)) return yield* Effect.die(new Error("no sync"))
  const client = Layer.provide(Source.client(spec.source ?? {}), [AgniTransport.layer, decoder([job])])
  const telemetry = yield* Otlp.settings(input.otlp)
  yield* use(job).pipe(
    (run) => Failure.reporting(run, { resumes: true }),
    (run) => RunMetrics.writing(input.metricsFile, run),
    Effect.provide(client),
    (run) => Otlp.exporting(telemetry, run)
  )
})

export const syncCommand = Command.make("sync", flags(options), (input) =>
  execute(input, (job) => ReportedSync.run(job, { restart: false }))
).pipe(
  Command.withDescription(
    "Keep tables, logs of changes and webhooks up to date: new calls, calls that change later, and calls that are gone. Run it again, by cron or with --follow: each pass takes a fraction of the requests of an export. What it knows of each call is kept under a name, without content."
  ),
  Command.withShortDescription("Keep tables, files and webhooks up to date"),
  Command.withExamples([
    { command: "callstream sync --since 30d --to sqlite:calls.db", description: "A table; run it again every hour" },
    {
      command: "callstream sync --since 30d --to sqlite:calls.db --follow --every 1m",
      description: "The same, until a signal"
    },
    {
      command: "callstream sync --name calls --since 7d --to postgres:DATABASE_URL --to https://example.com/hook",
      description: "A table and a webhook, each with its own place"
    },
    {
      command: "callstream sync --since 30d --to sqlite:calls.db --history",
      description: "With a row for each version of a call"
    },
    { command: "callstream sync --since 7d --to changes.ndjson", description: "A log of changes, in files by size" }
  ])
)
