/** `callstream export`: a range of sessions, once. */
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { given } from "../flag/Given.ts"
import * as Run from "../flag/Run.ts"
import * as Sinks from "../flag/Sinks.ts"
import * as Source from "../flag/Source.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as Zone from "../flag/Zone.ts"
import * as Explain from "../output/Explain.ts"
import { invocation, print } from "../output/Screen.ts"
import { UsageError } from "../output/UsageError.ts"
import * as Job from "../spec/Job.ts"
import type { PipelineSpec } from "../spec/PipelineSpec.ts"
import * as Resolve from "../spec/Resolve.ts"
import * as Save from "../spec/Save.ts"

export const flags = {
  ...Source.selectionFlags,
  zone: Zone.flag,
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
    ...given({ zone: input.zone }),
    ...(Object.keys(source).length === 0 ? {} : { source }),
    ...(Object.keys(transforms).length === 0 ? {} : { transforms }),
    sinks,
    ...run
  }
})

const saveFlag = Flag.String("save").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Write what the flags say to a file that callstream run takes, instead of doing it"),
  Flag.filter(
    (file) => /[^/\\]\.ya?ml$/i.test(file),
    () => "Expected: a file name that ends in .yaml, such as pipeline.yaml"
  ),
  Flag.optional
)

/** Only writes the file: what it will do can be looked at before it is done. */
const save = Effect.fnUntraced(function* (spec: PipelineSpec, file: string, options: ReadonlyArray<string>) {
  const { text, variables } = Save.write(spec, file)
  yield* Save.toFile(file, text, { force: false, advice: "Choose another name, or remove it first." })
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
  { ...flags, save: saveFlag },
  Effect.fnUntraced(function* (input) {
    const spec = yield* specOf(input)
    const report = input.json ? "json" : input.quiet ? "none" : "people"
    const job = yield* Resolve.toJob(spec, { report, from: "flags" })
    if (Option.isSome(input.save)) {
      if (input.explain) return yield* new UsageError({ problem: "--explain: does not go with --save" })
      return yield* save(spec, input.save.value, report === "json" ? ["--json"] : report === "none" ? ["--quiet"] : [])
    }
    if (input.explain) return yield* Explain.print(job)
    yield* Effect.provide(
      Job.run(job),
      Layer.provide(Source.client(spec.source ?? {}), [AgniTransport.layer, Job.decoder([job])])
    )
  })
)

export const exportCommand = command.pipe(
  Command.withDescription(
    "Take call sessions from the API through transforms to files, tables, stdout and webhooks. A file appears under its name only when it is complete."
  ),
  Command.withShortDescription("Take call sessions to files, tables, stdout and webhooks"),
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
      description: "With an account of what is proven complete"
    },
    {
      command: "callstream export --name nightly --to calls.ndjson --to https://example.com/hook",
      description: "To a file and a webhook; run it again when it was stopped, and it goes on"
    },
    {
      command: "callstream export --since 7d --to calls.ndjson --save pipeline.yaml",
      description: "The same as a file, for callstream run"
    }
  ])
)
