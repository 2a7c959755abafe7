/** `callstream export`: a range of sessions, once. */
import { type AgniClient, type AgniError, Extremes, type Guarantee, OutputFile } from "@callstream/core"
import * as Guarantees from "@callstream/core/pipeline/Guarantee"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as Stream from "effect/Stream"
import * as LearnedFile from "../flag/LearnedFile.ts"
import * as Run from "../flag/Run.ts"
import * as Sinks from "../flag/Sinks.ts"
import * as Source from "../flag/Source.ts"
import * as Target from "../flag/Target.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as When from "../flag/When.ts"
import * as DeadLetters from "../output/DeadLetters.ts"
import type * as Progress from "../output/Progress.ts"
import { answer, toPrintable } from "../output/Screen.ts"
import { UsageError } from "../output/UsageError.ts"
import * as Job from "../spec/Job.ts"

export const flags = {
  ...Source.selectionFlags,
  ...Transforms.flags,
  ...Sinks.flags,
  ...Run.flags,
  walk: Flag.Literals("walk", ["history", "pages"]).pipe(
    Flag.withDescription(
      "How to read: history goes by time and proves what is complete; pages goes by page numbers and proves nothing (default: history)"
    ),
    Flag.withDefault("history")
  ),
  coverage: Flag.String("coverage").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write as JSON what was proven complete, stretch by stretch"),
    Flag.optional
  ),
  horizon: Source.duration("horizon", "How long after its start a session may still become visible (default: 2h)").pipe(
    Flag.optional
  ),
  keepGoing: Flag.Boolean("keep-going").pipe(
    Flag.withDescription("Leave out, and name, a stretch that the server fails to give, and exit with 3"),
    Flag.withDefault(false)
  ),
  learned: Flag.String("learned").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("What check --json saved of this endpoint: saves requests"),
    Flag.optional
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Exit with 3 also when a record could not go on, or what was read is not proven yet"),
    Flag.withDefault(false)
  ),
  quiet: Flag.Boolean("quiet").pipe(
    Flag.withDescription("No progress and no summary; errors still"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("The summary as one line of JSON, on stderr"),
    Flag.withDefault(false)
  ),
  ...Source.connectionFlags
}

type Input = Source.Values<typeof flags>
type Batches = Stream.Stream<Progress.Batch, AgniError, AgniClient>

/** Flags that do not go together, if there are any. */
const check = Effect.fnUntraced(function* (input: Input): Effect.fn.Return<void, UsageError> {
  yield* Sinks.check(input)
  const some = Option.isSome(input.newest) ? "--newest" : Option.isSome(input.oldest) ? "--oldest" : undefined
  const problems = [
    ...(input.walk === "pages"
      ? [
          Option.isSome(input.coverage) && "--coverage",
          Option.isSome(input.horizon) && "--horizon",
          Option.isSome(input.learned) && "--learned",
          input.keepGoing && "--keep-going"
        ].map((flag) => flag !== false && `${flag}: does not go with --walk pages; page numbers prove nothing`)
      : []),
    Option.isSome(input.name) && some !== undefined && `--name: does not go with ${some}, which is kept in one piece`,
    Option.isSome(input.name) && input.force && "--force: does not go with --name: a run that goes on replaces nothing",
    Option.isNone(input.name) && input.state !== ".callstream" && "--state: goes with --name only"
  ]
  const problem = problems.find((problem) => problem !== false)
  if (problem !== undefined) return yield* new UsageError({ problem })
})

/** What the flags ask for, or what is wrong with them; nothing is asked of the server. */
export const resolve = Effect.fnUntraced(function* (input: Input) {
  yield* check(input)
  // What is wrong with a sink's settings is told before there is a request.
  yield* Sinks.make(input, { organization: "", spool: "", account: undefined })
  const selection = yield* Source.selection(input)
  const targets = Sinks.targets(input)
  const typed = (value: Input["since"]) => Option.match(value, { onNone: () => "", onSome: When.format })
  const job: Job.Job = {
    name: Option.getOrUndefined(input.name),
    state: Run.stateOf(input),
    baseUrl: Source.baseUrlOf(input),
    selection,
    asked: { since: typed(input.since), until: typed(input.until) },
    walk: input.walk,
    horizon: Option.getOrElse(input.horizon, () => Duration.hours(2)),
    keepGoing: input.keepGoing,
    learned: yield* LearnedFile.read(input),
    keep: Option.match(input.newest, {
      onSome: (limit) => (batches: Batches) => Extremes.newest(limit)(batches),
      onNone: () =>
        Option.match(input.oldest, {
          onSome: (limit) => (batches: Batches) => Extremes.oldest(limit)(batches),
          onNone: () => undefined
        })
    }),
    transform: yield* Transforms.toTransform(Transforms.fromFlags(input), { tabular: Sinks.areTables(input) }),
    targets,
    sinks: input,
    commitEvery: input.commitEvery,
    onSinkFailure: input.onSinkFailure,
    deadLetters: Option.getOrElse(input.deadLetters, () => Target.deadLettersOf(targets)),
    maxDeadShare: input.maxDeadLetters / 100,
    coverage: Option.getOrUndefined(input.coverage),
    strict: input.strict,
    report: input.json ? "json" : input.quiet ? "none" : "people"
  }
  if (Option.isSome(input.deadLetters)) {
    if (["", "-"].includes(input.deadLetters.value.trim())) {
      return yield* new UsageError({ problem: "--dead-letters: give it the name of a file" })
    }
    const { resolve } = yield* Path.Path
    const outputs = targets.flatMap(Target.fileOf).flatMap((path) => [path, OutputFile.partialPath(path)])
    if (outputs.some((path) => resolve(path) === resolve(job.deadLetters))) {
      return yield* new UsageError({ problem: "--dead-letters: the file is where the sessions go; give it another" })
    }
    yield* DeadLetters.check(job.deadLetters)
  }
  return job
})

const explain = (job: Job.Job) =>
  Effect.flatMap(Sinks.make(job.sinks, { organization: "", spool: "", account: job.name }), (sinks) =>
    Effect.forEach(
      sinks.map((sink): Guarantee.Guarantee =>
        Guarantees.of(sink.name, sink.delivery, { durable: job.name !== undefined })
      ),
      (guarantee) => answer(toPrintable(Guarantees.describe(guarantee))),
      { discard: true }
    )
  )

const command = Command.make("export", flags, (input) =>
  Effect.flatMap(resolve(input), (job) =>
    input.explain
      ? explain(job)
      : Effect.provide(Job.run(job), Layer.provide(Source.client(input, input.concurrency), AgniTransport.layer))
  )
)

export const exportCommand = command.pipe(
  Command.withDescription(
    "Take call sessions from the API through transforms to files, stdout and webhooks. A file appears under its name only when it is complete."
  ),
  Command.withShortDescription("Take call sessions to files, stdout and webhooks"),
  Command.withExamples([
    { command: "callstream export --since 7d --to calls.ndjson", description: "The last seven days, to a file" },
    {
      command: "callstream export --since 2026-07-01 --until 2026-08-01 --to july.ndjson.gz",
      description: "One month, compressed"
    },
    { command: "callstream export --where 'durationSec > 60' --redact email,phone", description: "Long calls, masked" },
    { command: "callstream export --status completed | jq .durationSec", description: "Into another program" },
    { command: "callstream export --newest 10 --quiet", description: "The ten that started last" },
    {
      command: "callstream export --since 30d --coverage coverage.json --to calls.ndjson",
      description: "With an account of what is proven complete"
    },
    {
      command: "callstream export --name nightly --to calls.ndjson --to https://example.com/hook",
      description: "To a file and a webhook; run it again when it was stopped, and it goes on"
    }
  ])
)
