/** `callstream export`: a range of sessions, once. */
import {
  type AgniClient,
  type AgniError,
  CallSessions,
  Extremes,
  History,
  Instant,
  type Learned,
  Ndjson,
  OutputFile
} from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Cause from "effect/Cause"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { fstatSync } from "node:fs"
import * as LearnedFile from "../flag/LearnedFile.ts"
import * as Source from "../flag/Source.ts"
import * as Target from "../flag/Target.ts"
import * as CoverageReport from "../output/CoverageReport.ts"
import * as DeadLetters from "../output/DeadLetters.ts"
import * as Failure from "../output/Failure.ts"
import * as Format from "../output/Format.ts"
import * as Progress from "../output/Progress.ts"
import { print, Screen } from "../output/Screen.ts"
import { Incomplete, UsageError } from "../output/UsageError.ts"

export const flags = {
  ...Source.selectionFlags,
  to: Flag.String("to").pipe(
    Flag.withMetavar("SINK"),
    Flag.withDescription("Where sessions go: - for stdout, calls.ndjson, calls.ndjson.gz (default: -)"),
    Flag.filterMap(Target.parse, () => `Expected: ${Target.expected}`),
    Flag.withDefault<Target.Target>({ _tag: "Stdout" })
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Replace the file if it is there already"),
    Flag.withDefault(false)
  ),
  deadLetters: Flag.String("dead-letters").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where records go that could not be read (default: beside the output, only when needed)"),
    Flag.optional
  ),
  walk: Flag.Literals("walk", ["history", "pages"]).pipe(
    Flag.withDescription(
      "How to read: history goes by time and proves what is complete; pages goes by page numbers and proves nothing (default: history)"
    ),
    Flag.withDefault("history")
  ),
  coverage: Flag.String("coverage").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write as JSON what was proven complete, stretch by stretch"),
    Flag.optional
  ),
  horizon: Source.duration("horizon", "How long after its start a session may still become visible (default: 2h)").pipe(
    Flag.optional
  ),
  keepGoing: Flag.Boolean("keep-going").pipe(
    Flag.withDescription("Leave out, and name, a stretch that the server fails to give, and exit with 3"),
    Flag.withDefault(false)
  ),
  learned: Flag.String("learned").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("What check --json saved of this endpoint: saves requests"),
    Flag.optional
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Exit with 3 also when a record could not be read, or what was read is not proven yet"),
    Flag.withDefault(false)
  ),
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

type Batches = Stream.Stream<Progress.Batch, AgniError, AgniClient>

export interface Plan {
  readonly selection: CallSessions.Selection
  readonly walk: "history" | "pages"
  readonly coverage: string | undefined
  readonly horizon: Duration.Duration
  readonly keepGoing: boolean
  readonly learned: Learned.Learned | undefined
  readonly keep: (batches: Batches) => Batches
  readonly target: Target.Target
  readonly force: boolean
  readonly deadLetters: string
  readonly strict: boolean
  readonly report: "people" | "json" | "none"
}

/** The text of a whole window is a string of megabytes, dear to make and to collect. */
const perWrite = 200

export const run = Effect.fnUntraced(function* (plan: Plan) {
  const { live } = yield* Screen
  const progress = yield* Progress.make
  const toTerminal = plan.target._tag === "Stdout" && process.stdout.isTTY
  // Data, or what a program makes of it, and a line that redraws itself would overwrite each other on one terminal.
  const alone = plan.target._tag === "File" || (!toTerminal && fstatSync(1).isFile())
  const collector = CoverageReport.make(Duration.toMillis(plan.horizon))
  const encode = toTerminal ? Ndjson.encodeForTerminal : Ndjson.encode

  yield* Effect.scoped(
    Effect.gen(function* () {
      const output = yield* Target.open(plan.target, plan.force)
      const deadLetters = yield* DeadLetters.make(plan.deadLetters)
      const coverage =
        plan.coverage === undefined ? undefined : yield* OutputFile.open({ path: plan.coverage, force: plan.force })
      if (plan.report === "people" && live && alone) yield* Progress.show(progress)
      const deliver = Effect.fnUntraced(function* (batch: Progress.Batch) {
        if (batch.rejected.length > 0) yield* deadLetters.write(batch.rejected)
        for (let at = 0; at < batch.sessions.length; at += perWrite) {
          yield* output.write(encode(batch.sessions.slice(at, at + perWrite)))
        }
        Progress.addWritten(progress, batch)
      })
      yield* source(plan, collector).pipe(
        Stream.tap((batch) => Effect.sync(() => Progress.addRead(progress, batch))),
        plan.keep,
        Stream.runForEach(deliver)
      )
      yield* deadLetters.sync
      yield* output.finish
      if (coverage !== undefined) {
        yield* coverage.write(`${JSON.stringify(collector.report(), null, 2)}\n`)
        yield* coverage.finish
      }
    })
  ).pipe(Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : tellWhatIsThere(plan, progress, exit.cause))))

  const covered = plan.walk === "history" ? collector.report() : undefined
  yield* summary(plan, progress, covered)
  const failed = covered?.set === "unprovable"
  const doubtful = progress.rejected > 0 || covered?.set === "provisional"
  if (failed || (plan.strict && doubtful)) return yield* new Incomplete()
})

const source = (plan: Plan, collector: CoverageReport.Collector): Batches => {
  if (plan.walk === "pages") return CallSessions.selectedPages(plan.selection)
  const { from, to, ...rest } = plan.selection
  const instant = (input: Instant.Input | undefined) => (input === undefined ? undefined : Instant.fromInput(input))
  const { horizon, keepGoing, learned } = plan
  return History.windows({ from: instant(from), to: instant(to) }, { ...rest, horizon, keepGoing, learned }).pipe(
    Stream.tap((window) => Effect.sync(() => collector.add(window)))
  )
}

const tellWhatIsThere = (plan: Plan, progress: Progress.Progress, cause: Cause.Cause<unknown>) => {
  if (plan.report === "none" || Failure.isClosedPipe(Cause.squash(cause))) return Effect.void
  if (progress.sessions === 0) {
    return Cause.hasInterruptsOnly(cause) ? print("stopped before a session was written") : Effect.void
  }
  const { target } = plan
  const amount = `stopped after ${Format.counted(progress.sessions, "session")}`
  return target._tag === "Stdout"
    ? print(`${amount} to stdout; there may be more`)
    : print(
        `${amount}, which ${progress.sessions === 1 ? "is" : "are"} in ${OutputFile.partialPath(target.path)}; ` +
          `${target.path} was ${plan.force ? "left as it was" : "not made"}`
      )
}

const summary = Effect.fnUntraced(function* (
  plan: Plan,
  progress: Progress.Progress,
  covered: CoverageReport.Report | undefined
) {
  if (plan.report === "none") return
  const elapsed = (yield* Clock.currentTimeMillis) - progress.startedAt
  const requests = yield* Progress.requests
  const { earliest, latest, rejected, sessions } = progress
  if (plan.report === "json") {
    const { write } = yield* Screen
    return yield* write(
      `${JSON.stringify({
        sessions,
        rejected,
        to: plan.target._tag === "File" ? plan.target.path : "stdout",
        ...(rejected === 0 ? {} : { deadLetters: plan.deadLetters }),
        requests: requests.sent,
        retries: Object.fromEntries(requests.retried),
        earliest: earliest === undefined ? null : Instant.format(earliest),
        latest: latest === undefined ? null : Instant.format(latest),
        walk: plan.walk,
        ...(covered === undefined ? {} : { coverage: { ...covered, windows: covered.windows.length } }),
        elapsedMs: elapsed
      })}\n`
    )
  }
  const retries = Progress.describeRetries(requests)
  const speed = elapsed < 1000 ? "" : `, ${Format.count((progress.read / elapsed) * 1000)} a second`
  yield* print(
    `${Format.counted(sessions, "session")} to ${Target.describe(plan.target)} in ${Format.duration(elapsed)}${speed}`,
    `  ${Format.counted(requests.sent, "request")}${retries === "" ? "" : `, ${retries}`}`,
    ...(earliest === undefined || latest === undefined
      ? []
      : [
          sessions === 1
            ? `  started at ${Format.time(earliest)}`
            : `  started between ${Format.time(earliest)} and ${Format.time(latest)}`
        ]),
    ...(rejected === 0 ? [] : [`  ${Format.counted(rejected, "record")} could not be read: see ${plan.deadLetters}`]),
    covered === undefined
      ? "  read page by page: a session that left the set while it was read may be missing"
      : `  ${CoverageReport.describe(covered)}`
  )
})

/** What the flags ask for, or what is wrong with them; nothing is asked of the server. */
export const resolve = Effect.fnUntraced(function* (input: Source.Values<typeof flags>) {
  const selection = yield* Source.selection(input)
  if (input.walk === "pages") {
    const useless = [
      Option.isSome(input.coverage) && "--coverage",
      Option.isSome(input.horizon) && "--horizon",
      Option.isSome(input.learned) && "--learned",
      input.keepGoing && "--keep-going"
    ].find((flag) => flag !== false)
    if (useless !== undefined) {
      return yield* new UsageError({
        problem: `${useless}: does not go with --walk pages; page numbers prove nothing`
      })
    }
  }
  const plan: Plan = {
    selection,
    walk: input.walk,
    coverage: Option.getOrUndefined(input.coverage),
    horizon: Option.getOrElse(input.horizon, () => Duration.hours(2)),
    keepGoing: input.keepGoing,
    learned: yield* LearnedFile.read(input),
    keep: Option.match(input.newest, {
      onSome: (limit) => Extremes.newest(limit),
      onNone: () =>
        Option.match(input.oldest, {
          onSome: (limit) => Extremes.oldest(limit),
          onNone: () => (batches: Batches) => batches
        })
    }),
    target: input.to,
    force: input.force,
    deadLetters: Option.getOrElse(input.deadLetters, () => Target.deadLettersOf(input.to)),
    strict: input.strict,
    report: input.json ? "json" : input.quiet ? "none" : "people"
  }
  if (Option.isSome(input.deadLetters)) {
    if (["", "-"].includes(input.deadLetters.value.trim())) {
      return yield* new UsageError({ problem: "--dead-letters: give it the name of a file" })
    }
    const { resolve } = yield* Path.Path
    const outputs = plan.target._tag === "Stdout" ? [] : [plan.target.path, OutputFile.partialPath(plan.target.path)]
    if (outputs.some((path) => resolve(path) === resolve(plan.deadLetters))) {
      return yield* new UsageError({ problem: "--dead-letters: the file is where the sessions go; give it another" })
    }
    yield* DeadLetters.check(plan.deadLetters)
  }
  return plan
})

const command = Command.make("export", flags, (input) =>
  Effect.flatMap(resolve(input), (plan) =>
    Effect.provide(run(plan), Layer.provide(Source.client(input, input.concurrency), AgniTransport.layer))
  )
)

export const exportCommand = command.pipe(
  Command.withDescription(
    "Write call sessions as NDJSON, one session a line, to stdout or a file. A file appears under its name only when it is complete."
  ),
  Command.withShortDescription("Write call sessions to stdout or a file"),
  Command.withExamples([
    { command: "callstream export --since 7d --to calls.ndjson", description: "The last seven days, to a file" },
    {
      command: "callstream export --since 2026-07-01 --until 2026-08-01 --to july.ndjson.gz",
      description: "One month, compressed"
    },
    { command: "callstream export --status completed | jq .durationSec", description: "Into another program" },
    { command: "callstream export --newest 10 --quiet", description: "The ten that started last" },
    {
      command: "callstream export --since 30d --coverage coverage.json --to calls.ndjson",
      description: "With an account of what is proven complete"
    }
  ])
)
