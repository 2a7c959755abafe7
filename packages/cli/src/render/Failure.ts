/** Renders an error for people, in a few lines, with an exit code. */
import { AgniError, CheckpointError, LedgerError, OutputError, SinkError, TooManyDeadLetters } from "@callstream/core"
import { isClosedPipe } from "../option/ClosedPipe.ts"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Format from "./Format.ts"
import { print, record, Screen } from "./Screen.ts"
import { PipelineFileError } from "../option/PipelineFileError.ts"
import * as AgniAdvice from "../option/advice/AgniAdvice.ts"
import * as CheckpointAdvice from "../option/advice/CheckpointAdvice.ts"
import * as FileAdvice from "../option/advice/FileAdvice.ts"
import type { Reader } from "../option/advice/FileAdvice.ts"
import * as SinkAdvice from "../option/advice/SinkAdvice.ts"
import { exitCode, exitCodeOf } from "../render/ExitCode.ts"
import { describe } from "../option/Reason.ts"
import { inFlags, type Speaker } from "../option/Speaker.ts"
import { Incomplete, NotBillable, ReportedExit, RunNotFinished, UsageError, UsageErrors } from "../option/UsageError.ts"

/** An error as facts. */
interface Facts {
  /** The tag of the error, and of its reason. */
  readonly error: string
  readonly reason?: string
  readonly message: string
  /** What to do, and where it happened. */
  readonly details: ReadonlyArray<string>
  readonly pipeline?: string
  /** The place of a mistake in a file. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

export interface Report {
  /** For people. */
  readonly lines: ReadonlyArray<string>
  /** For machines. */
  readonly facts: ReadonlyArray<Facts>
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
  | NotBillable
  | RunNotFinished
  | ReportedExit
  | CliError.CliError

const some = (text: string | undefined): ReadonlyArray<string> => (text === undefined ? [] : [text])

/** The start of an error's first line: it names the run where several run at once. */
interface Context extends Reader {
  readonly prefix: string
}

type Block = Omit<Facts, "pipeline">

const linesOf = (prefix: string, { details, message }: Block): ReadonlyArray<string> => [
  `${prefix}${message}`,
  ...details.map((line) => `  ${line.trimEnd()}`)
]

const told = ({ prefix }: Context, error: Known, message: string, ...details: ReadonlyArray<string>): Report => {
  const block: Block = { error: error._tag, reason: error.reason._tag, message, details }
  return { lines: linesOf(prefix, block), facts: [block], exitCode: exitCodeOf(error) }
}

const ofAgni = (error: AgniError, context: Context): Report => {
  const { alone, attempts, elapsed, reason, request } = error
  const tried =
    attempts <= 1
      ? ""
      : `, after ${Format.counted(attempts, "attempt")} over ${Format.duration(Duration.toMillis(elapsed))}`
  const below = [...(attempts === 0 ? [] : [`in ${request}`]), ...some(AgniAdvice.adviceFor(error, context.speaker))]
  const others = alone === true ? "; other requests were answered" : ""
  return told(context, error, `${reason.message}${tried}${others}`, ...below)
}

const ofDeadLetters = ({ _tag, message }: TooManyDeadLetters, { prefix, speaker: { name } }: Context): Report => {
  const block: Block = {
    error: _tag,
    message,
    details: [
      `So many have one cause: read the dead-letter file, or allow more with ${name({ option: "maxDeadLetters" })}.`
    ]
  }
  return { lines: linesOf(prefix, block), facts: [block], exitCode: exitCode.failed }
}

const known = (error: unknown, reader: Context): Report | undefined => {
  if (isClosedPipe(error)) return { lines: [], facts: [], exitCode: exitCode.done }
  if (error instanceof AgniError) return ofAgni(error, reader)
  const of = (error: Known, advice: string | undefined) => told(reader, error, error.message, ...some(advice))
  if (error instanceof OutputError) return of(error, FileAdvice.output(error.reason, reader, error.code))
  if (error instanceof SinkError) return of(error, SinkAdvice.adviceFor(error, reader))
  if (error instanceof CheckpointError) {
    const differences = CheckpointAdvice.differences(error, reader)
    return told(reader, error, error.message, ...differences, ...some(CheckpointAdvice.adviceFor(error, reader)))
  }
  if (error instanceof LedgerError) return of(error, CheckpointAdvice.adviceForLedger(error, reader))
  return error instanceof TooManyDeadLetters ? ofDeadLetters(error, reader) : undefined
}

/** How many mistakes people are shown at once. */
const most = 10

const ofUsage = (errors: ReadonlyArray<UsageError>, speaker: Speaker): ReadonlyArray<Block> =>
  errors.map((error) => {
    const { advice, problem, quoted = [] } = describe(error, speaker)
    return { error: error._tag, reason: error.reason._tag, message: problem, details: [...quoted, ...some(advice)] }
  })

/** Each mistake of a file with its place, as a compiler shows it. */
const ofFile = ({ _tag, file, mistakes }: PipelineFileError): ReadonlyArray<Block> =>
  mistakes.map(({ advice, column, line, problem, quoted }) => ({
    error: _tag,
    message: `${file}:${line}:${column}: ${problem}`,
    details: [...quoted, ...some(advice)],
    file,
    line,
    column
  }))

const ofMistakes = (prefix: string, blocks: ReadonlyArray<Block>, where: string): Report => ({
  lines: [
    ...blocks.slice(0, most).flatMap((block) => linesOf(prefix, block)),
    ...(blocks.length > most ? [`${prefix}${where}${blocks.length - most} more like these`] : [])
  ],
  facts: blocks,
  exitCode: exitCode.usage
})

interface Options {
  readonly debug: boolean
  /** How options are named. @default as flags */
  readonly speaker?: Speaker | undefined
  /** Whether the run keeps its state under a name. @default false */
  readonly resumes?: boolean | undefined
  /** Its pipeline, where there are several. */
  readonly pipeline?: string | undefined
}

const withStack = (report: Report, stack: ReadonlyArray<string>): Report => ({
  ...report,
  lines: [...report.lines, ...stack]
})

const silent = (exitCode: number): Report => ({ lines: [], facts: [], exitCode })

/** What to print and how to exit. Stacks only under `--debug`. */
export const report = (
  cause: Cause.Cause<CommandError>,
  { debug, pipeline, resumes = false, speaker = inFlags }: Options
): Report => {
  const prefix = pipeline === undefined ? "error: " : `error: ${pipeline}: `
  if (Cause.hasInterruptsOnly(cause)) return silent(exitCode.interrupted)
  const error: unknown = Cause.squash(cause)
  const stack = debug ? Cause.pretty(cause).split("\n") : []
  // The presenter has already printed the mistakes of the command line, or the help.
  if (CliError.isCliError(error)) {
    return silent(error._tag === "ShowHelp" && error.errors.length === 0 ? exitCode.done : exitCode.usage)
  }
  if (error instanceof UsageError || error instanceof UsageErrors) {
    const errors = error instanceof UsageErrors ? error.errors : [error]
    return withStack(ofMistakes(prefix, ofUsage(errors, speaker), ""), stack)
  }
  if (error instanceof PipelineFileError) {
    return withStack(ofMistakes(prefix, ofFile(error), `${error.file}: `), stack)
  }
  if (error instanceof NotBillable || error instanceof RunNotFinished) {
    const block: Block = { error: error._tag, message: error.message, details: error.details }
    const code = error instanceof NotBillable ? exitCode.incomplete : exitCode.failed
    return withStack({ lines: linesOf(prefix, block), facts: [block], exitCode: code }, stack)
  }
  if (error instanceof Incomplete) return silent(exitCode.incomplete)
  if (error instanceof ReportedExit) return silent(error.exitCode)
  const report = known(error, { speaker, resumes, prefix })
  if (report !== undefined) return withStack(report, stack)
  const name = error instanceof Error ? error.name : typeof error
  const block: Block = {
    error: "Defect",
    message: `callstream itself failed (${name})`,
    details: [
      debug ? "Please report this with the lines below." : "Run it again with --debug and report what it prints."
    ]
  }
  return withStack({ lines: linesOf(prefix, block), facts: [block], exitCode: exitCode.failed }, stack)
}

/** Prints a report for people, or a line of JSON for each error. */
export const show = ({ exitCode, facts, lines }: Report, pipeline?: string): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Screen, ({ errors }) =>
    errors === "text"
      ? print(...lines)
      : Effect.forEach(
          facts,
          (one) => record("error", { ...one, ...(pipeline === undefined ? {} : { pipeline }), exitCode }),
          { discard: true }
        )
  )

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
      const reported = report(cause, { ...options, debug })
      yield* show(reported)
      return yield* new ReportedExit({ exitCode: reported.exitCode })
    })
  )
