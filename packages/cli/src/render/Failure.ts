/** An error as the person at the terminal needs it: one to three lines, and an exit code. */
import { type AgniError, CheckpointError, OutputError, SinkError, TooManyDeadLetters } from "@callstream/core"
import { isClosedPipe } from "../option/ClosedPipe.ts"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Duration from "effect/Duration"
import * as Format from "../option/Format.ts"
import { PipelineFileError } from "../option/Yaml.ts"
import { describe, inFlags, privateHostAdvice, type Speaker } from "../option/Reason.ts"
import { Incomplete, ReportedExit, UsageError, UsageErrors } from "../option/UsageError.ts"

export interface Report {
  readonly lines: ReadonlyArray<string>
  readonly exitCode: number
}

/** `done` 0, `failed` 1, `usage` 2, `incomplete` 3, `interrupted` 130. */
export const exitCode = { done: 0, failed: 1, usage: 2, incomplete: 3, interrupted: 130 } as const

/** The errors a command may end with. Anything else is a defect. */
export type CommandError =
  | AgniError
  | OutputError
  | SinkError
  | CheckpointError
  | TooManyDeadLetters
  | UsageError
  | UsageErrors
  | PipelineFileError
  | Incomplete
  | ReportedExit
  | CliError.CliError

const advice = (error: AgniError): string | undefined => {
  switch (error.reason._tag) {
    case "Unauthorized":
      return "Check the key in AGNI_API_KEY or --api-key-file: is it whole, and of the right organization?"
    case "Forbidden":
      return "Ask the owner of the organization whether its plan and this key may use the API."
    case "NotFound":
      return "The API is at https://api.ravan.ai: do --base-url and AGNI_BASE_URL say otherwise?"
    case "RateLimited":
      return error.reason.retryAfter === undefined
        ? "Try again in a while with --rate, such as --rate 2."
        : "Wait as long as it asks, then try again with --rate, such as --rate 2."
    case "Unavailable":
      if (error.reason.retryAfter !== undefined) return "Wait as long as it asks, then try again."
      return error.reason.status === undefined
        ? "Try again later, with more --retries or a longer --timeout."
        : "The server failed, not the request: try again later, with more --retries, or leave that stretch out with --keep-going."
    case "InvalidResponse":
      return error.reason.retryable ? "Try again later; --debug shows each attempt." : undefined
    case "InvalidRequest":
      return undefined
  }
}

const ofAgni = (error: AgniError): Report => {
  const { attempts, elapsed, reason, request } = error
  if (attempts === 0) return { lines: [`error: ${reason.message}`], exitCode: exitCode.usage }
  const tried =
    attempts === 1
      ? ""
      : `, after ${Format.counted(attempts, "attempt")} over ${Format.duration(Duration.toMillis(elapsed))}`
  const help = advice(error)
  return {
    lines: [`error: ${reason.message}${tried}`, `  in ${request}`, ...(help === undefined ? [] : [`  ${help}`])],
    exitCode: exitCode.failed
  }
}

const ofOutput = (error: OutputError): Report => {
  if (isClosedPipe(error)) return { lines: [], exitCode: exitCode.done }
  const help =
    error.refusal?.advice ??
    (error.reason === "exists"
      ? "Choose another name, or add --force to replace it."
      : error.reason === "noFolder"
        ? "Make the folder first, or choose another one."
        : error.reason === "nameTooLong"
          ? "Choose a name of at most 200 characters."
          : error.reason === "notAFile"
            ? "Choose the name of a file."
            : error.reason === "full"
              ? "Make room, or write to another disk, and run it again."
              : error.reason === "notAllowed"
                ? "Let this user write there, or choose another folder."
                : error.advice)
  return {
    lines: [`error: ${error.message}`, ...(help === undefined ? [] : [`  ${help}`])],
    exitCode: error.operation === "open" ? exitCode.usage : exitCode.failed
  }
}

const ofSink = (error: SinkError): Report => {
  if (isClosedPipe(error)) return { lines: [], exitCode: exitCode.done }
  const help =
    error.reason === "exists"
      ? "Choose another name, or add --force to replace it."
      : error.reason === "privateHost"
        ? privateHostAdvice(inFlags)
        : error.advice
  return {
    lines: [`error: ${error.message}`, ...(help === undefined ? [] : [`  ${help}`])],
    exitCode: error.operation === "open" ? exitCode.usage : exitCode.failed
  }
}

/** Told before anything ran, unless it was the state that could not be kept. */
const ofCheckpoint = ({ advice, message, reason }: CheckpointError): Report => ({
  lines: [`error: ${message}`, ...(advice === undefined ? [] : [`  ${advice}`])],
  exitCode: reason === "io" ? exitCode.failed : exitCode.usage
})

const ofDeadLetters = ({ message }: TooManyDeadLetters): Report => ({
  lines: [
    `error: ${message}`,
    "  So many have one cause: look at the file of dead letters, or allow more with --max-dead-letters."
  ],
  exitCode: exitCode.failed
})

const known = (error: unknown): Report | undefined =>
  isAgniError(error)
    ? ofAgni(error)
    : error instanceof OutputError
      ? ofOutput(error)
      : error instanceof SinkError
        ? ofSink(error)
        : error instanceof CheckpointError
          ? ofCheckpoint(error)
          : error instanceof TooManyDeadLetters
            ? ofDeadLetters(error)
            : undefined

const isAgniError = (error: unknown): error is AgniError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "AgniError"

/** How many mistakes are shown at once. */
const most = 10

const blocksOf = (blocks: ReadonlyArray<ReadonlyArray<string>>, where: string): ReadonlyArray<string> => [
  ...blocks
    .slice(0, most)
    .flatMap(([first = "", ...rest]) => [`error: ${first}`, ...rest.map((line) => `  ${line.trimEnd()}`)]),
  ...(blocks.length > most ? [`error: ${where}${blocks.length - most} more like these`] : [])
]

const some = (text: string | undefined): ReadonlyArray<string> => (text === undefined ? [] : [text])

const ofUsage = (errors: ReadonlyArray<UsageError>, speaker: Speaker): ReadonlyArray<string> =>
  blocksOf(
    errors.map((error) => {
      const { advice, problem, quoted = [] } = describe(error, speaker)
      return [problem, ...quoted, ...some(advice)]
    }),
    ""
  )

/** Each mistake of a file with its place, as compilers show it. */
const ofFile = ({ file, mistakes }: PipelineFileError): ReadonlyArray<string> =>
  blocksOf(
    mistakes.map(({ advice, column, line, problem, quoted }) => [
      `${file}:${line}:${column}: ${problem}`,
      ...quoted,
      ...some(advice)
    ]),
    `${file}: `
  )

interface Options {
  readonly debug: boolean
  /** How options are named. @default as flags */
  readonly speaker?: Speaker | undefined
}

/** What to print and how to exit. Stacks only under `--debug`. */
export const report = (cause: Cause.Cause<CommandError>, { debug, speaker = inFlags }: Options): Report => {
  if (Cause.hasInterruptsOnly(cause)) return { lines: [], exitCode: exitCode.interrupted }
  const error: unknown = Cause.squash(cause)
  const stack = debug ? Cause.pretty(cause).split("\n") : []
  // The presenter has already told what was wrong with the command line, or shown the help that was asked for.
  if (CliError.isCliError(error)) {
    return {
      lines: [],
      exitCode: error._tag === "ShowHelp" && error.errors.length === 0 ? exitCode.done : exitCode.usage
    }
  }
  if (error instanceof UsageError || error instanceof UsageErrors) {
    const errors = error instanceof UsageErrors ? error.errors : [error]
    return { lines: [...ofUsage(errors, speaker), ...stack], exitCode: exitCode.usage }
  }
  if (error instanceof PipelineFileError) return { lines: [...ofFile(error), ...stack], exitCode: exitCode.usage }
  if (error instanceof Incomplete) return { lines: [], exitCode: exitCode.incomplete }
  if (error instanceof ReportedExit) return { lines: [], exitCode: error.exitCode }
  const told = known(error)
  if (told !== undefined) return { ...told, lines: [...told.lines, ...stack] }
  const name = error instanceof Error ? error.name : typeof error
  return {
    lines: [
      `error: callstream itself failed (${name})`,
      debug ? "  Please report this with the lines below." : "  Run it again with --debug and report what it prints.",
      ...stack
    ],
    exitCode: exitCode.failed
  }
}
