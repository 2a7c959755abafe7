/** `callstream validate FILE…`: everything that is wrong in pipeline files, without a request. */
import { AgniTransport } from "@callstream/node"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fileArgument } from "../option/Declared.ts"
import { inFile } from "../option/Speaker.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Source from "../option/SourceOptions.ts"
import { ReportedExit } from "../option/UsageError.ts"
import type { Connection } from "../option/PipelineSpec.ts"
import * as Failure from "../render/Failure.ts"
import { exitCode } from "../render/ExitCode.ts"
import { answer, Screen, toPrintable } from "../render/Screen.ts"
import { loaded } from "./LoadedTasks.ts"

/** Builds the client, which asks nothing by itself. */
const checkClient = (connection: Connection) =>
  Layer.build(Layer.provide(Source.client(connection), AgniTransport.layer)).pipe(Effect.scoped, Effect.asVoid)

const validate = Effect.fnUntraced(function* (file: string) {
  const { tasks } = yield* loaded(file, { report: "people", check: checkClient })
  const { reworded } = yield* Screen
  const lines = tasks.map(({ job, spec }) => {
    const kind = job.sync === undefined ? "export" : "sync"
    return `  ${spec.name}: ${kind} to ${job.sinks.map(Sinks.describe).join(", ")}`
  })
  yield* answer([`${file} is valid`, ...lines].map((line) => toPrintable(reworded(line))).join("\n"))
})

export const validateCommand = Command.make(
  "validate",
  {
    files: fileArgument("file").pipe(
      Argument.withDescription("A pipeline file; several may be given"),
      Argument.variadic({ min: 1 })
    )
  },
  Effect.fnUntraced(function* ({ files }) {
    const each = yield* Effect.forEach(files, (file) =>
      Effect.as(Failure.reporting(validate(file), { speaker: inFile }), exitCode.done).pipe(
        Effect.catchTag("ReportedExit", ({ exitCode }) => Effect.succeed<number>(exitCode))
      )
    )
    const code = Math.max(...each)
    if (code !== exitCode.done) return yield* new ReportedExit({ exitCode: code })
  })
).pipe(
  Command.withDescription(
    "Check pipeline files as run does before its first request: keys, values, conditions, variables, secrets, and outputs that collide. Shows every mistake with its line and column. Makes no request, and writes nothing."
  ),
  Command.withShortDescription("Check pipeline files"),
  Command.withExamples([
    { command: "callstream validate pipeline.yaml", description: "Exit code 2 says that something is wrong" }
  ])
)
