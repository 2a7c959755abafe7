/** Describes the mistakes of a command line that cannot be parsed. */
import type * as CliError from "effect/cli/CliError"
import { nearest } from "../expression/Mistake.ts"
import { exitCode } from "./ExitCode.ts"
import type { Report } from "./Failure.ts"
import { ofExport } from "../option/SyncWords.ts"

/** `-since` reaches the parser as `-s -i -n -c -e`: the word as it was typed, and the flag that was meant. */
const withOneDash = (args: ReadonlyArray<string>, letter: string): string | undefined =>
  args.find((arg) => /^-[a-z][a-z-]+/.test(arg) && arg.includes(letter.slice(1)))?.replace(/=.*$/s, "")

const didYouMean = (word: string, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  // Without the dashes, which are alike in all flags.
  const bare = (text: string) => text.replace(/^-+/, "")
  const near = nearest(bare(word), known.map(bare))
  return near === undefined ? [] : [`Did you mean ${known.find((one) => bare(one) === near)}?`]
}

const describe = (
  error: CliError.CliError,
  args: ReadonlyArray<string>,
  command: string | undefined
): ReadonlyArray<string> => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      const advice = command === "sync" || command === "resync" ? ofExport.get(error.option) : undefined
      if (advice !== undefined) return [`${error.option} is not for a sync`, advice]
      const word = withOneDash(args, error.option)
      if (/^-[^-]/.test(error.option) && word !== undefined) {
        return [`there is no flag ${word}`, `Flags begin with two dashes: -${word}`]
      }
      return [`there is no flag ${error.option}`, ...didYouMean(error.option, error.suggestions)]
    }
    case "UnknownSubcommand":
      return [`there is no command "${error.subcommand}"`, ...didYouMean(error.subcommand, error.suggestions)]
    case "UnexpectedArgument": {
      const [first = ""] = error.arguments
      return [`"${first}" belongs to no flag`, "Quote a value that holds spaces."]
    }
    case "InvalidValue": {
      const flag = `--${error.option}`
      if (error.kind === "argument") return [`<${error.option}>: expected ${error.expected}, not "${error.value}"`]
      const given = args.flatMap((arg, i) =>
        arg === flag ? [args[i + 1] ?? ""] : arg.startsWith(`${flag}=`) ? [arg.slice(flag.length + 1)] : []
      )
      // The parser refuses a value, or a flag that is repeated.
      if (given.length > 1 && !given.includes(error.value)) {
        return [`${flag} is given ${given.length} times`, "Remove all but one."]
      }
      return [
        error.value === ""
          ? `${flag} needs a value: ${error.expected}`
          : `${flag}: expected ${error.expected}, not "${error.value}"`
      ]
    }
    default: {
      const [first = "", ...rest] = error.message.split("\n").flatMap((line) => (line.trim() === "" ? [] : line.trim()))
      return rest.length === 0 ? [first] : [first, rest.join(" ")]
    }
  }
}

/** The problems, each with what to do, none twice. */
const blocksOf = (
  errors: ReadonlyArray<CliError.CliError>,
  commandPath: ReadonlyArray<string>,
  args: ReadonlyArray<string>
): ReadonlyArray<readonly [problem: string, advice: ReadonlyArray<string>]> => {
  const blocks = new Map<string, readonly [string, ReadonlyArray<string>]>()
  for (const error of errors) {
    const [problem = "", ...advice] = describe(error, args, commandPath.at(-1))
    blocks.set(JSON.stringify([problem, ...advice]), [problem, advice])
  }
  return [...blocks.values()]
}

/** The command alone has subcommands: a mistake there is mostly one in their names. */
const helps = (commandPath: ReadonlyArray<string>): string =>
  `${commandPath.join(" ")} --help lists all ${commandPath.length > 1 ? "flags" : "commands"}`

/** One error a line, with what to do below it, and no line twice. */
export const report = (
  errors: ReadonlyArray<CliError.CliError>,
  commandPath: ReadonlyArray<string>,
  args: ReadonlyArray<string>
): Report => {
  const blocks = blocksOf(errors, commandPath, args)
  return {
    lines: [
      ...blocks.flatMap(([problem, advice]) => [`error: ${problem}`, ...advice.map((line) => `  ${line}`)]),
      `  ${helps(commandPath)}`
    ],
    facts: blocks.map(([message, advice]) => ({
      error: "UsageError",
      message,
      details: [...advice, helps(commandPath)]
    })),
    exitCode: exitCode.usage
  }
}
