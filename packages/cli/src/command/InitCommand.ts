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
  message: "Which sessions?",
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

const isFile = (text: string) => Option.exists(Target.parse(text), ({ _tag }) => _tag === "File")
const files = "a name that ends in .ndjson, .csv (either also with .gz or .zst), .xlsx or .parquet"

type Kind = "ndjson" | "xlsx" | "parquet" | "sqlite" | Exclude<Template.Answers["to"], object>

const to = Prompt.Select<Kind>({
  message: "Where do they go?",
  choices: [
    { title: "to a file, one JSON object a line", value: "ndjson" },
    { title: "to a spreadsheet (Excel)", value: "xlsx" },
    { title: "to a file for analysis (Parquet)", value: "parquet" },
    { title: "to a table in a SQLite file", value: "sqlite" },
    { title: "to a table in PostgreSQL", value: "postgres" },
    { title: "to a webhook, signed", value: "webhook" }
  ]
}).pipe(
  Prompt.flatMap((choice): Prompt.Prompt<Template.Answers["to"]> => {
    switch (choice) {
      case "postgres":
      case "webhook":
        return Prompt.succeed(choice)
      case "sqlite":
        return typed("Its name?", "calls.db", (text) => text !== "", "the name of a file").pipe(
          Prompt.map((sqlite) => ({ sqlite }))
        )
      default:
        return typed("Its name?", `calls.${choice}`, isFile, files).pipe(Prompt.map((file) => ({ file })))
    }
  })
)

const personal = Prompt.Select<"keep" | "mask">({
  message: "Personal data (numbers, e-mail, names, recordings, what was said)?",
  choices: [
    { title: "masked", value: "mask" },
    { title: "as it is", value: "keep" }
  ]
})

const questions = Prompt.all({ since, to, personal })

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
  const there = yield* Effect.orElseSucceed(fs.exists(file), () => false)
  if (there && !force) return yield* new UsageError({ reason: { _tag: "FileExists", path: file, replaceable: true } })
  const connection = pick(Options.connection, input)
  const client = Layer.provide(Source.client(connection), AgniTransport.layer)
  yield* Effect.provide(
    Effect.flatMap(AgniClient, ({ list }) => list({ pageSize: 1 })),
    client
  )
  yield* print("The key is accepted.")
  const asked = yield* Prompt.run(questions)
  const name = paths.basename(file).replace(/\.ya?ml$/i, "")
  const answers = { ...asked, name, connection }
  yield* Save.toFile(file, Template.write(answers, file), { force, replaceable: true })
  yield* print(`${file} is written`, ...next(file, answers))
})

export const initCommand = Command.make("init", flags, (input) =>
  // Leaving the questions changes nothing.
  Effect.catchTag(init(input), "QuitError", () => Effect.andThen(print("", "Nothing was written."), Effect.interrupt))
).pipe(
  Command.withDescription(
    "Test the key, ask a few questions on the terminal, and write a file of pipelines for callstream run, with comments that tell what else it can say. No secret is written into it."
  ),
  Command.withShortDescription("Write a file of pipelines"),
  Command.withExamples([
    { command: "callstream init", description: "Writes pipeline.yaml" },
    { command: "callstream init nightly.yaml --api-key-file key.txt", description: "With the key in a file" }
  ])
)
