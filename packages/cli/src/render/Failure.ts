/** Renders an error for people, in one to three lines, with an exit code. */
import { AgniError, CheckpointError, LedgerError, OutputError, SinkError, TooManyDeadLetters } from "@callstream/core"
import { isClosedPipe } from "../option/ClosedPipe.ts"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Format from "./Format.ts"
import { print, type Screen } from "./Screen.ts"
import { PipelineFileError } from "../option/Yaml.ts"
import * as AgniAdvice from "../option/advice/AgniAdvice.ts"
import * as CheckpointAdvice from "../option/advice/CheckpointAdvice.ts"
import * as FileAdvice from "../option/advice/FileAdvice.ts"
import type { Reader } from "../option/advice/FileAdvice.ts"
import * as SinkAdvice from "../option/advice/SinkAdvice.ts"
import { exitCode, exitCodeOf } from "../render/ExitCode.ts"
import { describe } from "../option/Reason.ts"
import { inFlags, type Speaker } from "../option/Speaker.ts"
import { Incomplete, ReportedExit, UsageError, UsageErrors } from "../option/UsageError.ts"

export interface Report {
  readonly lines: ReadonlyArray<string>
  readonly exitCode: number
}

type Known = AgniError | OutputError | SinkError | CheckpointError | LedgerError

/** The errors a command may end with. Anything else is a defect. */
export type CommandError =
  | Known
  | TooManyDeadLetters
  | UsageError
  | UsageErrors
  | PipelineFileError
  | Incomplete
  | ReportedExit
  | CliError.CliError

const some = (text: string | undefined): ReadonlyArray<string> => (text === undefined ? [] : [text])

/** The start of an error's first line: it names the run where several run at once. */
interface Context extends Reader {
  readonly prefix: string
}

const told = ({ prefix }: Context, error: Known, ...below: ReadonlyArray<string>): Report => ({
  lines: [`${prefix}${error.message}`, ...below.map((line) => `  ${line}`)],
  exitCode: exitCodeOf(error)
})

const ofAgni = (error: AgniError, { prefix, speaker }: Context): Report => {
  const { alone, attempts, elapsed, reason, request } = error
  const tried =
    attempts <= 1
      ? ""
      : `, after ${Format.counted(attempts, "attempt")} over ${Format.duration(Duration.toMillis(elapsed))}`
  const below = [...(attempts === 0 ? [] : [`in ${request}`]), ...some(AgniAdvice.adviceFor(error, speaker))]
  return {
    lines: [
      `${prefix}${reason.message}${tried}${alone === true ? "; other requests were answered" : ""}`,
      ...below.map((line) => `  ${line}`)
    ],
    exitCode: exitCodeOf(error)
  }
}

const ofDeadLetters = ({ message }: TooManyDeadLetters, { prefix, speaker: { name } }: Context): Report => ({
  lines: [
    `${prefix}${message}`,
    `  So many have one cause: read the dead-letter file, or allow more with ${name({ option: "maxDeadLetters" })}.`
  ],
  exitCode: exitCode.failed
})

const known = (error: unknown, reader: Context): Report | undefined => {
  if (isClosedPipe(error)) return { lines: [], exitCode: exitCode.done }
  if (error instanceof AgniError) return ofAgni(error, reader)
  if (error instanceof OutputError) return told(reader, error, ...some(FileAdvice.output(error.reason, reader)))
  if (error instanceof SinkError) return told(reader, error, ...some(SinkAdvice.adviceFor(error, reader)))
  if (error instanceof CheckpointError) return told(reader, error, ...some(CheckpointAdvice.adviceFor(error, reader)))
  if (error instanceof LedgerError) return told(reader, error, ...some(CheckpointAdvice.adviceForLedger(error, reader)))
  return error instanceof TooManyDeadLetters ? ofDeadLetters(error, reader) : undefined
}

/** How many mistakes are shown at once. */
const most = 10

const blocksOf = (
  prefix: string,
  blocks: ReadonlyArray<ReadonlyArray<string>>,
  where: string
): ReadonlyArray<string> => [
  ...blocks
    .slice(0, most)
    .flatMap(([first = "", ...rest]) => [`${prefix}${first}`, ...rest.map((line) => `  ${line.trimEnd()}`)]),
  ...(blocks.length > most ? [`${prefix}${where}${blocks.length - most} more like these`] : [])
]

const ofUsage = (prefix: string, errors: ReadonlyArray<UsageError>, speaker: Speaker): ReadonlyArray<string> =>
  blocksOf(
    prefix,
    errors.map((error) => {
      const { advice, problem, quoted = [] } = describe(error, speaker)
      return [problem, ...quoted, ...some(advice)]
    }),
    ""
  )

/** Each mistake of a file with its place, as a compiler shows it. */
const ofFile = (prefix: string, { file, mistakes }: PipelineFileError): ReadonlyArray<string> =>
  blocksOf(
    prefix,
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
  /** Whether the run keeps its state under a name. @default false */
  readonly resumes?: boolean | undefined
  /** Its pipeline, where there are several. */
  readonly pipeline?: string | undefined
}

/** What to print and how to exit. Stacks only under `--debug`. */
export const report = (
  cause: Cause.Cause<CommandError>,
  { debug, pipeline, resumes = false, speaker = inFlags }: Options
): Report => {
  const prefix = pipeline === undefined ? "error: " : `error: ${pipeline}: `
  if (Cause.hasInterruptsOnly(cause)) return { lines: [], exitCode: exitCode.interrupted }
  const error: unknown = Cause.squash(cause)
  const stack = debug ? Cause.pretty(cause).split("\n") : []
  // The presenter has already printed the mistakes of the command line, or the help.
  if (CliError.isCliError(error)) {
    return {
      lines: [],
      exitCode: error._tag === "ShowHelp" && error.errors.length === 0 ? exitCode.done : exitCode.usage
    }
  }
  if (error instanceof UsageError || error instanceof UsageErrors) {
    const errors = error instanceof UsageErrors ? error.errors : [error]
    return { lines: [...ofUsage(prefix, errors, speaker), ...stack], exitCode: exitCode.usage }
  }
  if (error instanceof PipelineFileError)
    return { lines: [...ofFile(prefix, error), ...stack], exitCode: exitCode.usage }
  if (error instanceof Incomplete) return { lines: [], exitCode: exitCode.incomplete }
  if (error instanceof ReportedExit) return { lines: [], exitCode: error.exitCode }
  const report = known(error, { speaker, resumes, prefix })
  if (report !== undefined) return { ...report, lines: [...report.lines, ...stack] }
  const name = error instanceof Error ? error.name : typeof error
  return {
    lines: [
      `${prefix}callstream itself failed (${name})`,
      debug ? "  Please report this with the lines below." : "  Run it again with --debug and report what it prints.",
      ...stack
    ],
    exitCode: exitCode.failed
  }
}

/** Reports how a run ended, where it is known whether it resumes, and keeps only the exit code. */
export const reporting = <A, E extends CommandError, R>(
  run: Effect.Effect<A, E, R>,
  options: Pick<Options, "speaker" | "resumes">
): Effect.Effect<A, ReportedExit, R | Screen> =>
  Effect.catchCause(
    run,
    Effect.fnUntraced(function* (cause) {
      // An interruption stays one: the runtime sets its exit code.
      if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
      const debug = (yield* References.MinimumLogLevel) === "Debug"
      const { exitCode, lines } = report(cause, { ...options, debug })
      yield* print(...lines)
      return yield* new ReportedExit({ exitCode })
    })
  )
