/** `callstream init`: asks a few questions and writes a first pipeline file. */
import { AgniClient } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Source from "../option/SourceOptions.ts"
import * as Target from "../option/Target.ts"
import * as When from "../option/When.ts"
import { fileArgument, type FlagValues, flags as flagsOf, onOff, pick } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import { UsageError } from "../option/UsageError.ts"
import { invocation, print } from "../render/Screen.ts"
import * as Save from "../job/Save.ts"
import * as Template from "../job/Template.ts"

export const options = { force: onOff("Replace the file if it exists") }

const flags = {
  file: fileArgument("file").pipe(
    Argument.withDescription("The file to write (default: pipeline.yaml)"),
    Argument.withDefault("pipeline.yaml")
  ),
  ...flagsOf({ ...options, ...Options.connection })
}

/** Text that is checked when it is entered. */
const typed = (message: string, initial: string, holds: (text: string) => boolean, expected: string) =>
  Prompt.String({
    message,
    default: initial,
    validate: (text) => (holds(text.trim()) ? Effect.succeed(text.trim()) : Effect.fail(`Expected: ${expected}`))
  })

const since = Prompt.Select({
  message: "Which calls?",
  choices: [
    { title: "of the last 7 days", value: "7d" },
    { title: "of the last 30 days", value: "30d" },
    { title: "all there are", value: "all" },
    { title: "since …", value: "other" }
  ]
}).pipe(
  Prompt.flatMap((choice) =>
    choice === "other"
      ? typed("Since when?", "", (text) => When.parse(text) !== undefined, When.expected)
      : Prompt.succeed(choice === "all" ? undefined : choice)
  )
)

const isFile = (text: string) =>
  !Target.isFolder(text) && Option.exists(Target.parse(text), ({ _tag }) => _tag === "File")
const files = "a name that ends in .ndjson, .csv (either also with .gz or .zst), .xlsx or .parquet"

const file = (format: "ndjson" | "csv" | "parquet" | "xlsx") =>
  typed("Its name?", `calls.${format}`, isFile, files).pipe(Prompt.map((file) => ({ file })))

const format = Prompt.Select<"ndjson" | "csv" | "parquet">({
  message: "Which format?",
  choices: [
    { title: "one JSON object a line (NDJSON)", value: "ndjson" },
    { title: "CSV", value: "csv" },
    { title: "Parquet, for analysis", value: "parquet" }
  ]
})

const database = Prompt.Select<"sqlite" | "postgres">({
  message: "In which database?",
  choices: [
    { title: "SQLite, in a file", value: "sqlite" },
    { title: "PostgreSQL", value: "postgres" }
  ]
})

const sqlite = typed("Its name?", "calls.db", (text) => text !== "", "the name of a file").pipe(
  Prompt.map((sqlite) => ({ sqlite }))
)

const place = (purpose: Template.Purpose): Prompt.Prompt<Template.Answers["to"]> => {
  switch (purpose) {
    case "file":
      return Prompt.flatMap(format, file)
    case "spreadsheet":
      return file("xlsx")
    case "webhook":
      return Prompt.succeed(purpose)
    case "report":
      return Prompt.succeed({ sqlite: "calls.db" })
    case "table":
      return Prompt.flatMap(database, (kind): Prompt.Prompt<Template.Answers["to"]> =>
        kind === "postgres" ? Prompt.succeed(kind) : sqlite
      )
  }
}

const purposeAndPlace = Prompt.Select<Template.Purpose>({
  message: "What for?",
  choices: [
    { title: "a file, once", value: "file" },
    { title: "a table, kept up to date", value: "table" },
    { title: "a webhook that gets new and changed calls", value: "webhook" },
    { title: "a spreadsheet (Excel), every Monday", value: "spreadsheet" },
    { title: "a report, every Monday", value: "report" }
  ]
}).pipe(Prompt.flatMap((purpose) => Prompt.map(place(purpose), (to) => ({ purpose, to }))))

const personal = Prompt.Select<"keep" | "mask">({
  message: "Personal data (numbers, e-mail, names, recordings, what was said)?",
  choices: [
    { title: "masked", value: "mask" },
    { title: "as it is", value: "keep" }
  ]
})

const questions = Prompt.map(Prompt.all({ wanted: purposeAndPlace, since, personal }), ({ wanted, ...rest }) => ({
  ...wanted,
  ...rest
}))

/** What to set before the first run, and the next command. */
const next = (file: string, answers: Template.Answers): ReadonlyArray<string> => [
  ...(answers.to === "postgres"
    ? [
        `  Set ${Template.databaseVariable} to the address of the database: postgres://user:password@host/database?sslmode=verify-full`
      ]
    : []),
  ...(answers.to === "webhook"
    ? [
        "  Set CALLSTREAM_WEBHOOK_URL to the address of the receiver, and CALLSTREAM_WEBHOOK_SECRET to its secret (whsec_…)."
      ]
    : []),
  answers.connection.apiKeyFile === undefined
    ? "  The key stays in AGNI_API_KEY: the file does not hold it."
    : `  The key stays in ${answers.connection.apiKeyFile}: the file does not hold it.`,
  `  Next: ${invocation} run ${file} --dry-run`
]

const init = Effect.fnUntraced(function* (
  input: FlagValues<typeof Options.connection> & { readonly file: string; readonly force: boolean | undefined }
) {
  const { file, force = false } = input
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    return yield* new UsageError({ reason: { _tag: "NotATerminal" } })
  }
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  // Before the questions, so that nobody answers them twice.
  const name = paths.basename(file).replace(/\.ya?ml$/i, "")
  const crontab = paths.join(paths.dirname(file), `${name}.crontab`)
  for (const path of [file, crontab]) {
    const there = yield* Effect.orElseSucceed(fs.exists(path), () => false)
    if (there && !force) return yield* new UsageError({ reason: { _tag: "FileExists", path, replaceable: true } })
  }
  const connection = pick(Options.connection, input)
  const client = Layer.provide(Source.client(connection), AgniTransport.layer)
  yield* Effect.provide(
    Effect.flatMap(AgniClient, ({ list }) => list({ pageSize: 1 })),
    client
  )
  yield* print("The key is accepted.")
  const asked = yield* Prompt.run(questions)
  const answers = { ...asked, name, connection }
  yield* Save.toFile(file, Template.write(answers, file), { force, replaceable: true })
  const folder = paths.dirname(paths.resolve(file))
  const lines = Template.schedule(answers, paths.basename(file), folder)
  if (lines !== undefined) yield* Save.toFile(crontab, lines, { force, replaceable: true })
  yield* print(
    `${file} is written`,
    ...next(file, answers),
    ...(lines === undefined ? [] : [`  Then: ${crontab} has the lines for a crontab, which run it on time.`])
  )
})

export const initCommand = Command.make("init", flags, (input) =>
  // Leaving the questions changes nothing.
  Effect.catchTag(init(input), "QuitError", () => Effect.andThen(print("", "Nothing was written."), Effect.interrupt))
).pipe(
  Command.withDescription(
    "Test the key, ask what the calls are wanted for, and write a file of pipelines for callstream run, with comments on all that it can hold. What is wanted again and again also gets the lines for a crontab. No secret is written into it."
  ),
  Command.withShortDescription("Answer a few questions, get a pipeline file"),
  Command.withExamples([
    { command: "callstream init", description: "Writes pipeline.yaml" },
    { command: "callstream init nightly.yaml --api-key-file key.txt", description: "With the key in a file" }
  ])
)
