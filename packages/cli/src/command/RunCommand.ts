/** `callstream run FILE`: the pipelines of a file. */
import { AgniTransport } from "@callstream/node"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import type * as Declared from "../option/Declared.ts"
import { fileArgument, flags as flagsOf, onOff, pick } from "../option/Declared.ts"
import * as Cluster from "../option/ClusterOptions.ts"
import * as Options from "../option/Options.ts"
import { inFile } from "../option/Speaker.ts"
import * as Source from "../option/SourceOptions.ts"
import * as DryRun from "../render/DryRun.ts"
import * as Explain from "../render/Explain.ts"
import { exitCode } from "../render/ExitCode.ts"
import * as Failure from "../render/Failure.ts"
import * as ProgressLine from "../render/ProgressLine.ts"
import * as ReportedRun from "../render/ReportedRun.ts"
import type * as ReportedResync from "../render/ReportedResync.ts"
import * as ReportedSync from "../render/ReportedSync.ts"
import * as Progress from "../run/Progress.ts"
import { answer, Screen } from "../render/Screen.ts"
import { loaded } from "./LoadedTasks.ts"
import { together } from "./Together.ts"
import * as Summary from "../render/Summary.ts"
import { among, ReportedExit, UsageError } from "../option/UsageError.ts"
import type * as Job from "../job/Job.ts"
import { decoder } from "../run/RunJob.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import * as Otlp from "../run/Otlp.ts"
import * as RunSync from "../run/RunSync.ts"
import * as Overrides from "../job/Overrides.ts"
import type * as Tasks from "../job/Tasks.ts"
import { jsonSchema } from "../option/PipelineSpec.ts"

/** The options of `run` alone. */
export const options = {
  dryRun: onOff("Show the first ten calls that pass, at every stage; nothing is written, sent or kept"),
  explain: onOff("Only print the guarantee of each sink, and why; nothing is read"),
  schema: onOff("Print the JSON Schema of such files, for an editor; needs no file"),
  quiet: onOff("No progress and no summary; errors are still shown"),
  json: onOff(
    "Print the summary of each pipeline as one line of JSON, on stdout unless calls go there, and errors as JSON too"
  ),
  metricsFile: Options.metricsFile,
  otlp: Options.otlp,
  cluster: {
    ...Cluster.place.cluster,
    help: "Give the pipelines to the workers of this PostgreSQL database, postgres:DATABASE_URL, and watch them"
  },
  fleet: Cluster.place.fleet,
  detach: onOff("With --cluster: print the names of the runs, and leave them to the workers")
}

/** Flags that only go with another one, or not with it. */
const clashes = ({
  cluster,
  detach,
  dryRun,
  explain,
  fleet
}: Declared.Values<typeof options>): ReadonlyArray<UsageError> => {
  const needs = (option: "detach" | "fleet") =>
    new UsageError({ option, reason: { _tag: "OnlyWithOption", other: { option: "cluster" } } })
  if (cluster === undefined) {
    return [...(detach === true ? [needs("detach")] : []), ...(fleet === undefined ? [] : [needs("fleet")])]
  }
  return (["dryRun", "explain"] as const).flatMap((option) =>
    (option === "dryRun" ? dryRun : explain) === true
      ? [new UsageError({ option, reason: { _tag: "Conflict", with: { option: "cluster" } } })]
      : []
  )
}

/** What a flag may replace in the file. */
export const overriding = Overrides.options

const flags = {
  file: fileArgument("file").pipe(
    Argument.withDescription("A file of pipelines, in YAML; callstream init writes one"),
    Argument.optional
  ),
  ...flagsOf({ ...overriding, ...options })
}

/** Replaces a pass for each sync of a file. */
export type Resync = (job: RunSync.SyncJob) => ReturnType<typeof ReportedResync.run>

/** An export or a sync. */
const reported = Effect.fnUntraced(function* (
  job: Job.Job,
  again: Resync | undefined,
  progress?: Ref.Ref<Progress.Progress>
) {
  if (!RunSync.isSync(job)) yield* ReportedRun.run(job, progress)
  else if (again === undefined) yield* ReportedSync.run(job, { restart: false })
  else yield* again(job)
})

/** Runs all at once, over one client. */
const sideBySide = Effect.fnUntraced(function* (tasks: ReadonlyArray<Tasks.Task>, again: Resync | undefined) {
  const screen = yield* Screen
  const each = yield* Effect.forEach(tasks, (task) =>
    Effect.map(Effect.flatMap(Progress.make, Ref.make), (progress) => ({ ...task, progress }))
  )
  const jobs = each.map(({ job }) => job)
  if (ProgressLine.isShown(jobs, screen)) {
    // Their times overlap, so no total is shown.
    yield* ProgressLine.show(() => Progress.sum(each.map(({ progress }) => Ref.getUnsafe(progress))), undefined)
  }
  return yield* together(each, ({ job, progress }) => reported(job, again, progress))
}, Effect.scoped)

/** Runs a file; with `again` only its syncs. */
export const run = Effect.fnUntraced(function* (
  file: string,
  options: {
    readonly dryRun: boolean
    readonly explain: boolean
    readonly again?: Resync
    readonly report: Job.Job["report"]
    readonly overrides?: Overrides.Overrides
    readonly metricsFile: string | undefined
    readonly otlp: boolean | undefined
  }
) {
  const { connection, locate, refuse, several, tasks: all } = yield* loaded(file, options)
  const tasks = options.again === undefined ? all : all.filter(({ job }) => RunSync.isSync(job))
  if (tasks.length === 0) return yield* new UsageError({ reason: { _tag: "NoSyncInFile", path: file } })
  if (options.explain) return yield* Effect.forEach(tasks, ({ job }) => Explain.print(job), { discard: true })
  const client = Layer.provide(Source.client(connection), [AgniTransport.layer, decoder(tasks.map(({ job }) => job))])
  const work = Effect.gen(function* () {
    if (options.dryRun) {
      return yield* Effect.forEach(tasks, ({ job, spec }) => DryRun.run(job, spec), { discard: true })
    }
    const [only] = tasks
    if (only !== undefined && !several) return yield* reported(only.job, options.again)
    const code = yield* sideBySide(tasks, options.again)
    if (only !== undefined) yield* Summary.printTogether(tasks.length, only.job)
    if (code !== exitCode.done) return yield* new ReportedExit({ exitCode: code })
  })
  const telemetry = yield* Otlp.settings(options.otlp)
  const measured = RunMetrics.writing(options.metricsFile, work)
  yield* Failure.reporting(
    measured.pipe(
      Effect.provide(client),
      Effect.catchTag("UsageError", (error) => Effect.andThen(refuse([locate(error)]), Effect.fail(error)))
    ),
    { speaker: inFile, resumes: tasks.every(({ job }) => job.name !== undefined) }
  ).pipe((run) => Otlp.exporting(telemetry, run))
})

export const runCommand = Command.make(
  "run",
  flags,
  Effect.fnUntraced(function* ({
    dryRun = false,
    explain = false,
    file,
    json,
    metricsFile,
    otlp,
    quiet,
    schema,
    cluster,
    fleet,
    detach,
    ...given
  }) {
    if (schema) return yield* answer(JSON.stringify(jsonSchema(), null, 2))
    if (Option.isNone(file)) {
      return yield* new UsageError({ reason: { _tag: "NoPipelineFile" } })
    }
    const overrides = pick(overriding, given)
    yield* among(clashes(pick(options, { cluster, detach, dryRun, explain, fleet })).map(Result.fail))
    const report = json ? "json" : quiet ? "none" : "people"
    const common = { overrides, metricsFile, otlp, report } as const
    if (cluster === undefined) return yield* run(file.value, { ...common, dryRun, explain })
    const ClusterRun = yield* Effect.promise(() => import("./ClusterRun.ts"))
    yield* ClusterRun.run(file.value, { ...common, cluster, fleet, detach: detach === true })
  })
).pipe(
  Command.withDescription(
    "Run a pipeline file: the calls, the transforms and the sinks. A stopped run resumes when you start it again. Several pipelines in one file run at the same time and share one budget of requests."
  ),
  Command.withShortDescription("Run the pipelines of a file"),
  Command.withExamples([
    { command: "callstream run pipeline.yaml", description: "Run it, or resume it" },
    { command: "callstream run pipeline.yaml --dry-run", description: "The first ten calls that pass, at every stage" },
    { command: "callstream run pipeline.yaml --explain", description: "What is promised of each sink" },
    {
      command: "callstream run pipeline.yaml --since 2026-06-01 --until 2026-07-01 --name june",
      description: "The same for another month, with a state of its own"
    },
    {
      command: "callstream run pipeline.yaml --cluster postgres:DATABASE_URL",
      description: "The same by several machines: see callstream worker"
    },
    { command: "callstream run --schema > pipeline.schema.json", description: "For an editor" }
  ])
)
