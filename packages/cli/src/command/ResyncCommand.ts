/** `callstream resync`: delivers calls of a sync again, all or those of a range. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import { flags, type FlagValues, pick } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import * as Source from "../option/SourceOptions.ts"
import { UsageError } from "../option/UsageError.ts"
import * as ReportedResync from "../render/ReportedResync.ts"
import type * as RunSync from "../run/RunSync.ts"
import * as RunCommand from "./RunCommand.ts"
import * as Sync from "./SyncCommand.ts"

/** The range. */
export const range = Struct.pick(Options.selection, ["since", "until", "on"])

/** In the order of their help. */
export const options = {
  ...range,
  ...Struct.omit(Sync.options, ["since", "name"]),
  // Taken, so that the flags of a sync can be copied.
  follow: { ...Sync.options.follow, help: "No effect: a resync makes one pass" },
  every: { ...Sync.options.every, help: "No effect: a resync makes one pass", fallback: undefined }
}

/** What a pipeline file holds. */
const inFiles = Struct.omit(options, ["since", "until", "on", "quiet", "json", "metricsFile", "otlp"])

/** An environment variable holds for files too. */
const isOfEnvironment = (key: keyof typeof inFiles, value: unknown): boolean => {
  const { variable } = inFiles[key]
  return variable !== undefined && process.env[variable] === value
}

type Range = Partial<FlagValues<typeof range>>

const again = (given: Range) => (job: RunSync.SyncJob) =>
  Effect.flatMap(Source.selection(pick(range, given), job.zone), (selected) => ReportedResync.run(job, selected))

/** A file has all that is not about this one time. */
const ofFile = Effect.fnUntraced(function* (path: string, input: Partial<FlagValues<typeof options>>) {
  const { metricsFile, otlp, since, until, on } = input
  const option = Struct.keys(inFiles).find((key) => input[key] !== undefined && !isOfEnvironment(key, input[key]))
  if (option !== undefined) return yield* new UsageError({ option, reason: { _tag: "OfFile", path } })
  const report = input.json === true ? "json" : input.quiet === true ? "none" : "people"
  yield* RunCommand.run(path, {
    dryRun: false,
    explain: false,
    again: again({ since, until, on }),
    metricsFile,
    otlp,
    report
  })
})

export const resyncCommand = Command.make(
  "resync",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription(
        "The name of the sync, or its pipeline file (default: the name of the first file or database file, or else of the table)"
      ),
      Argument.optional
    ),
    ...flags(options)
  },
  Effect.fnUntraced(function* ({ name: given, ...input }) {
    const name = Option.getOrUndefined(given)
    if (name !== undefined && /\.ya?ml$/i.test(name)) return yield* ofFile(name, input)
    const { since, until, on, ...rest } = input
    yield* Sync.execute({ ...rest, name }, again({ since, until, on }))
  })
).pipe(
  Command.withDescription(
    "Read calls of a sync again and deliver them to all of its sinks, in one pass: those of a range, or without --since, --until and --on every call. Takes the flags of the sync, or its pipeline file. Without a range, changed filters and transforms are taken over: calls that no longer pass leave the sinks. While the sync runs, its next pass does it."
  ),
  Command.withShortDescription("Deliver calls of a sync again"),
  Command.withExamples([
    {
      command: "callstream resync calls --since 2026-07-01 --until 2026-07-08 --to sqlite:calls.db",
      description: "A week, read and delivered again"
    },
    {
      command: "callstream resync calls --where 'durationSec > 60' --to sqlite:calls.db",
      description: "Everything, after a filter was added"
    },
    { command: "callstream resync pipeline.yaml --on yesterday", description: "Of a sync in a pipeline file" }
  ])
)
