/** `callstream export`: a range of sessions, once. */
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Run from "../flag/Run.ts"
import * as Sinks from "../flag/Sinks.ts"
import * as Source from "../flag/Source.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as Explain from "../output/Explain.ts"
import type { UsageError } from "../output/UsageError.ts"
import * as Job from "../spec/Job.ts"
import type { PipelineSpec } from "../spec/PipelineSpec.ts"
import * as Resolve from "../spec/Resolve.ts"

export const flags = {
  ...Source.selectionFlags,
  ...Transforms.flags,
  ...Sinks.flags,
  ...Run.flags,
  ...Source.walkFlags,
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

/** What the flags say, as data. */
export const specOf = Effect.fnUntraced(function* (input: Input): Effect.fn.Return<PipelineSpec, UsageError> {
  const { name, ...run } = yield* Run.fromFlags(input)
  const sinks = yield* Sinks.fromFlags(input)
  const source = { ...Source.connectionOf(input), ...Source.selectionOf(input) }
  const transforms = Transforms.fromFlags(input)
  return {
    ...(name === undefined ? {} : { name }),
    ...(Object.keys(source).length === 0 ? {} : { source }),
    ...(Object.keys(transforms).length === 0 ? {} : { transforms }),
    sinks,
    ...run
  }
})

const command = Command.make(
  "export",
  flags,
  Effect.fnUntraced(function* (input) {
    const spec = yield* specOf(input)
    const job = yield* Resolve.toJob(spec, {
      report: input.json ? "json" : input.quiet ? "none" : "people",
      from: "flags"
    })
    if (input.explain) return yield* Explain.print(job)
    yield* Effect.provide(Job.run(job), Layer.provide(Source.client(spec.source ?? {}), AgniTransport.layer))
  })
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
