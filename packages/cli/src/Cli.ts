/** The root command, and what becomes of its errors. */
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Struct from "effect/Struct"
import manifest from "../package.json" with { type: "json" }
import * as CommandLine from "./render/CommandLine.ts"
import { exitCode } from "./render/ExitCode.ts"
import * as Failure from "./render/Failure.ts"
import { wrap } from "./render/Help.ts"
import * as Log from "./render/Log.ts"
import { answer, Screen } from "./render/Screen.ts"

export const debugHelp =
  "Print on stderr each attempt and its failure, the endpoint profile, each window, and stacks of errors"

const debugFlag = GlobalFlag.Setting("debug")({
  flag: Flag.Boolean("debug").pipe(Flag.withDescription(debugHelp), Flag.withDefault(false))
})

const logHelp = "What stderr gets: text for people, or each line as JSON, with a type"

const logFlag = GlobalFlag.Setting("log")({
  flag: Flag.Literals("log", ["text", "json"]).pipe(Flag.withDescription(logHelp), Flag.withDefault("text"))
})

/**
 * Each is loaded when it is called: reading and evaluating all of them would take a quarter of the time in which a command
 * starts. Their order is that of the help.
 */
const commands = {
  export: async () => (await import("./command/ExportCommand.ts")).exportCommand,
  sync: async () => (await import("./command/SyncCommand.ts")).syncCommand,
  status: async () => (await import("./command/StatusCommand.ts")).statusCommand,
  why: async () => (await import("./command/StatusCommand.ts")).whyCommand,
  resync: async () => (await import("./command/ResyncCommand.ts")).resyncCommand,
  get: async () => (await import("./command/GetCommand.ts")).getCommand,
  run: async () => (await import("./command/RunCommand.ts")).runCommand,
  worker: async () => (await import("./command/WorkerCommand.ts")).workerCommand,
  runs: async () => (await import("./command/RunsCommand.ts")).runsCommand,
  validate: async () => (await import("./command/ValidateCommand.ts")).validateCommand,
  init: async () => (await import("./command/InitCommand.ts")).initCommand,
  report: async () => (await import("./command/ReportCommand.ts")).reportCommand,
  plan: async () => (await import("./command/PlanCommand.ts")).planCommand,
  replay: async () => (await import("./command/ReplayCommand.ts")).replayCommand,
  check: async () => (await import("./command/CheckCommand.ts")).checkCommand,
  simulate: async () => (await import("./command/SimulateCommand.ts")).simulateCommand,
  demo: async () => (await import("./command/DemoCommand.ts")).demoCommand
}

/** The one that is called; all of them where their names matter, as for help, a mistake, or completions. */
const called = (args: ReadonlyArray<string>) => {
  const [first = ""] = args
  const name = Struct.keys(commands).find((one) => one === first)
  const all = name === undefined || args.some((arg) => arg.startsWith("--completions"))
  return Promise.all(all ? Object.values(commands).map((load) => load()) : [commands[name]()])
}

export const description = "Export the calls of an Agni (Ravan AI) organization. The API key is read from AGNI_API_KEY."

const rootOf = (subcommands: Awaited<ReturnType<typeof called>>) =>
  Command.make("callstream").pipe(
    Command.withDescription(description),
    Command.withExamples([
      { command: "callstream demo", description: "See it work, without a key" },
      { command: "callstream check", description: "Test the key" },
      { command: "callstream export --since 7d --to calls.ndjson", description: "The last seven days, to a file" }
    ]),
    Command.withSubcommands(subcommands),
    Command.withGlobalFlags([debugFlag, logFlag])
  )

/** Help goes to stdout when it was asked for; a mistake is printed on stderr, in a line or two. */
const presenter = (screen: Screen["Service"], args: ReadonlyArray<string>): CliOutput.Presenter => ({
  present: (event) => {
    if (event._tag === "Help") {
      const help = CliOutput.defaultFormatter().formatHelpDoc(event.helpDoc)
      return Effect.orDie(answer(process.stdout.isTTY ? wrap(help, process.stdout.columns) : help))
    }
    if (event._tag === "Version") return Effect.orDie(answer(`${event.name} v${event.version}`))
    return Failure.show(CommandLine.report(event.errors, event.commandPath, args)).pipe(
      Effect.provideService(Screen, screen)
    )
  }
})

/** Runs the command line to its exit code. Every error has been printed when it returns. */
export const main = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const debug = args.includes("--debug")
  // Known before the command line is parsed, because its mistakes are reported so too.
  const log = args.some((arg, i) => arg === "--log=json" || (arg === "--log" && args[i + 1] === "json"))
    ? "json"
    : "text"
  const errors = log === "json" || args.includes("--json") ? "json" : "text"
  const given = yield* Screen
  const screen = Screen.of({ ...given, log, errors, live: given.live && log === "text" })
  const environment = Layer.mergeAll(
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
    CliOutput.layerPresenter(presenter(screen, args)),
    Logger.layer([Log.logger(screen, debug)]),
    Layer.succeed(References.MinimumLogLevel, debug ? "Debug" : "Info")
  )
  const root = rootOf(yield* Effect.promise(() => called(args)))
  return yield* Command.runWith(root, { version: manifest.version })(args).pipe(
    Effect.as<number>(exitCode.done),
    Effect.catchCause((cause) => {
      // An interruption stays one: the runtime has an exit code for it.
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      const report = Failure.report(cause, { debug })
      return Effect.as(Failure.show(report), report.exitCode)
    }),
    Effect.provide(environment),
    Effect.provideService(Screen, screen)
  )
})
