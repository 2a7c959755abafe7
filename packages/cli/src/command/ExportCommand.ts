/** `callstream export`: exports a range of calls once. */
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Run from "../option/RunOptions.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Source from "../option/SourceOptions.ts"
import { flags, type FlagValues, one, onOff, pick } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import * as Options from "../option/Options.ts"
import { UsageError } from "../option/UsageError.ts"
import * as DryRun from "../render/DryRun.ts"
import * as Explain from "../render/Explain.ts"
import * as Failure from "../render/Failure.ts"
import { invocation, print } from "../render/Screen.ts"
import * as ReportedRun from "../render/ReportedRun.ts"
import { decoder } from "../run/RunJob.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import * as Otlp from "../run/Otlp.ts"
import type { PipelineSpec } from "../option/PipelineSpec.ts"
import * as Resolve from "../job/Resolve.ts"

const { run: running, sink, ...others } = Options.groups

/** What a command reports about its run. */
export const reporting = {
  quiet: onOff("No progress and no summary; errors are still shown"),
  json: onOff("Print the summary as one line of JSON, on stdout unless calls go there, and errors as JSON too"),
  metricsFile: Options.metricsFile,
  otlp: Options.otlp,
  explain: onOff("Only print the guarantee of each sink, and why; nothing is read")
}

/** The options of `export` and `plan`, in the order of their help. */
export const options = {
  ...others.selection,
  ...others.transforms,
  to: Options.to,
  ...sink,
  ...running,
  ...others.reading,
  ...reporting,
  ...others.connection
}

/** The options of `export` alone. */
export const only = {
  dryRun: onOff("Show the first ten calls that pass, at every stage; nothing is written, sent or kept"),
  save: one(
    Kind.completing(
      Kind.text("FILE", "a file name that ends in .yaml, such as pipeline.yaml", (file) =>
        /[^/\\]\.ya?ml$/i.test(file)
      ),
      "paths"
    ),
    "Write these flags to a pipeline file for `callstream run`, and do nothing else"
  )
}

type Input = Partial<FlagValues<typeof options>>

/** The pipeline that the flags describe. */
export const specOf = Effect.fnUntraced(function* (input: Input): Effect.fn.Return<PipelineSpec, UsageError> {
  const source = { ...pick(others.connection, input), ...pick(others.selection, input), ...pick(others.reading, input) }
  const transforms = pick(others.transforms, input)
  const { name, ...run } = yield* Run.fromFlags(pick(running, input))
  return {
    ...(name === undefined ? {} : { name }),
    ...(Object.keys(source).length === 0 ? {} : { source }),
    ...(Object.keys(transforms).length === 0 ? {} : { transforms }),
    sinks: yield* Sinks.fromFlags(input.to, pick(sink, input)),
    ...run
  }
})

/** Only writes the file, so that people can read it before they run it. */
const saveTo = Effect.fnUntraced(function* (spec: PipelineSpec, file: string, options: ReadonlyArray<string>) {
  const Save = yield* Effect.promise(() => import("../job/Save.ts"))
  const { text, variables } = Save.write(spec, file)
  yield* Save.toFile(file, text, { force: false, replaceable: false })
  const command = [invocation, "run", file, ...options].join(" ")
  yield* print(
    `${file} says what these flags say; nothing was read or sent`,
    ...variables.map(
      ({ meaning, name }) => `  Set ${name} to the whole address at ${meaning}, which is not in the file.`
    ),
    `  Next: ${command} --dry-run shows the first records, ${command} does it.`
  )
})

const command = Command.make(
  "export",
  flags({ ...options, ...only }),
  Effect.fnUntraced(function* (input) {
    const spec = yield* specOf(input)
    const report = input.json ? "json" : input.quiet ? "none" : "people"
    const job = yield* Resolve.toJob(spec, { report })
    if (input.save !== undefined) {
      if (input.explain) {
        return yield* new UsageError({ option: "explain", reason: { _tag: "Conflict", with: { option: "save" } } })
      }
      return yield* saveTo(spec, input.save, report === "json" ? ["--json"] : report === "none" ? ["--quiet"] : [])
    }
    if (input.explain) return yield* Explain.print(job)
    const client = Layer.provide(Source.client(spec.source ?? {}), [AgniTransport.layer, decoder([job])])
    if (input.dryRun) return yield* Effect.provide(DryRun.run(job, spec), client)
    const telemetry = yield* Otlp.settings(input.otlp)
    yield* ReportedRun.run(job).pipe(
      (run) => Failure.reporting(run, { resumes: job.name !== undefined }),
      (run) => RunMetrics.writing(input.metricsFile, run),
      Effect.provide(client),
      (run) => Otlp.exporting(telemetry, run)
    )
  })
)

export const exportCommand = command.pipe(
  Command.withDescription(
    "Export calls from the API, through transforms, to files, tables, stdout and webhooks. A file appears under its name only when it is complete."
  ),
  Command.withShortDescription("Export calls to files, tables, stdout and webhooks"),
  Command.withExamples([
    { command: "callstream export --since 7d --to calls.ndjson", description: "The last seven days, to a file" },
    {
      command: "callstream export --on yesterday --zone Asia/Kolkata --to yesterday.ndjson",
      description: "Yesterday, as a clock in India shows it"
    },
    {
      command: "callstream export --since 2026-07-01 --until 2026-08-01 --to july.ndjson.gz",
      description: "One month, compressed"
    },
    { command: "callstream export --where 'durationSec > 60' --redact email,phone", description: "Long calls, masked" },
    { command: "callstream export --status completed | jq .durationSec", description: "Into another program" },
    { command: "callstream export --newest 10 --quiet", description: "The ten that started last" },
    {
      command: "callstream export --since 30d --coverage coverage.json --to calls.ndjson",
      description: "With a coverage report"
    },
    {
      command: "callstream export --name nightly --to calls.ndjson --to https://example.com/hook",
      description: "To a file and a webhook; run it again to resume"
    },
    { command: "callstream export --since 7d --where 'durationSec > 60' --dry-run", description: "Look first" },
    {
      command: "callstream export --since 7d --to calls.ndjson --save pipeline.yaml",
      description: "The same as a file, for callstream run"
    }
  ])
)
