/** `callstream run FILE`: the pipelines of a file. */
import { AgniTransport } from "@callstream/node"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as References from "effect/References"
import * as Struct from "effect/Struct"
import { inFile } from "../option/Reason.ts"
import * as Source from "../flag/Source.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as DryRun from "../output/DryRun.ts"
import * as Explain from "../output/Explain.ts"
import * as Failure from "../output/Failure.ts"
import * as Progress from "../output/Progress.ts"
import { answer, print, Screen } from "../output/Screen.ts"
import * as Summary from "../output/Summary.ts"
import { ReportedExit, UsageError } from "../option/UsageError.ts"
import * as Job from "../spec/Job.ts"
import * as Places from "../spec/Places.ts"
import * as PipelineFile from "../spec/PipelineFile.ts"
import { jsonSchema } from "../spec/PipelineSpec.ts"
import * as Resolve from "../spec/Resolve.ts"
import type * as Yaml from "../spec/Yaml.ts"

const flags = {
  file: Argument.String("file").pipe(
    Argument.withDescription("A file of pipelines, in YAML; callstream init writes one"),
    Argument.optional
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Show the first ten records at every stage; nothing is written, sent or kept"),
    Flag.withDefault(false)
  ),
  explain: Flag.Boolean("explain").pipe(
    Flag.withDescription("Only tell what is promised of each sink, and why; nothing is read"),
    Flag.withDefault(false)
  ),
  schema: Flag.Boolean("schema").pipe(
    Flag.withDescription("Print the JSON Schema of such files, for an editor; needs no file"),
    Flag.withDefault(false)
  ),
  quiet: Flag.Boolean("quiet").pipe(
    Flag.withDescription("No progress and no summary; errors still"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("The summary of each pipeline as one line of JSON, on stderr"),
    Flag.withDefault(false)
  )
}

/** A reference that stands for less could stand anywhere in a text. */
const shortest = 6

/** From now on nothing shows the value of a reference. */
const hideReferences = ({ referred }: PipelineFile.PipelineFile) => {
  const values = referred.filter(([value]) => value.length >= shortest).toSorted(([a], [b]) => b.length - a.length)
  return Effect.flatMap(Screen, (screen) =>
    screen.reword((text) => values.reduce((told, [value, reference]) => told.replaceAll(value, reference), text))
  )
}

type Task = PipelineFile.Named & { readonly job: Job.Job }

/**
 * Two pipelines that write to one place would destroy each other's work. A table is shared by those that make the same
 * rows of sessions, whichever sessions those are.
 */
const collisions = Effect.fnUntraced(function* (tasks: ReadonlyArray<Task>) {
  const taken: Array<Places.Place & { readonly by: string }> = []
  const mistakes: Array<Yaml.Mistake> = []
  for (const { job, locate, spec } of tasks) {
    const { label } = yield* Transforms.toTransform(Struct.omit(spec.transforms ?? {}, ["where"]), {
      tabular: true,
      zone: job.zone
    })
    const places = yield* Places.of(job, label)
    for (const place of places) {
      const other = taken.find((one) => Places.collide(one, place))
      if (other === undefined) continue
      const { item, option, shared, told } = place
      const otherRows = shared !== undefined && other.key === place.key
      mistakes.push(
        locate(
          new UsageError({
            option,
            ...(item === undefined ? {} : { at: { item } }),
            reason: { _tag: "TakenBy", pipeline: other.by, place: told, otherRows }
          })
        )
      )
      break
    }
    taken.push(...places.map((place) => ({ ...place, by: spec.name })))
  }
  return mistakes
})

/** The worst of all: what failed, then what could not begin, then what is incomplete. */
const worst = (codes: ReadonlyArray<number>): number =>
  [Failure.exitCode.failed, Failure.exitCode.usage, Failure.exitCode.incomplete].find((code) => codes.includes(code)) ??
  Failure.exitCode.done

/** All at once, over one client. What one of them meets is its own affair: the others go on. */
const sideBySide = Effect.fnUntraced(function* (tasks: ReadonlyArray<Task>) {
  const { live } = yield* Screen
  const debug = (yield* References.MinimumLogLevel) === "Debug"
  const each = yield* Effect.forEach(tasks, (task) =>
    Effect.map(Effect.flatMap(Progress.make, Ref.make), (progress) => ({ ...task, progress }))
  )
  const jobs = each.map(({ job }) => job)
  if (Job.showsProgress(jobs, live)) {
    // Together they tell no time.
    yield* Progress.show(() => Progress.sum(each.map(({ progress }) => Ref.getUnsafe(progress))), undefined)
  }
  const codes = yield* Effect.forEach(
    each,
    ({ job, progress, spec }) =>
      Effect.flatMap(Effect.exit(Job.run(job, progress)), (exit) => {
        if (Exit.isSuccess(exit)) return Effect.succeed<number>(Failure.exitCode.done)
        if (Cause.hasInterruptsOnly(exit.cause)) return Effect.failCause(exit.cause)
        const { exitCode, lines } = Failure.report(exit.cause, { debug, speaker: inFile })
        const told = lines.map((line) => line.replace(/^error: /, `error: ${spec.name}: `))
        return Effect.as(print(...told), exitCode)
      }),
    { concurrency: "unbounded" }
  )
  return worst(codes)
}, Effect.scoped)

const run = Effect.fnUntraced(function* (
  file: string,
  options: { readonly dryRun: boolean; readonly explain: boolean; readonly report: Job.Job["report"] }
) {
  const read = yield* PipelineFile.read(file)
  yield* hideReferences(read)
  const { connection, pipelines, refuse, several } = read
  const mistakes: Array<Yaml.Mistake> = [...read.mistakes]
  const tasks: Array<Task> = []
  for (const { locate, spec } of pipelines) {
    const job = yield* Resolve.toJob(spec, { report: options.report, title: several ? spec.name : undefined }).pipe(
      Effect.map(Option.some),
      Effect.catchTags({
        UsageError: (error) => Effect.sync(() => (mistakes.push(locate(error)), Option.none())),
        UsageErrors: ({ errors }) => Effect.sync(() => (mistakes.push(...errors.map(locate)), Option.none()))
      })
    )
    if (Option.isSome(job)) tasks.push({ spec, locate, job: job.value })
  }
  yield* refuse([...mistakes, ...(yield* collisions(tasks))])
  if (options.explain) return yield* Effect.forEach(tasks, ({ job }) => Explain.print(job), { discard: true })
  const client = Layer.provide(Source.client(connection), [
    AgniTransport.layer,
    Job.decoder(tasks.map(({ job }) => job))
  ])
  const work = Effect.gen(function* () {
    if (options.dryRun) {
      return yield* Effect.forEach(tasks, ({ job, spec }) => DryRun.run(job, spec), { discard: true })
    }
    const [only] = tasks
    if (only !== undefined && !several) return yield* Job.run(only.job)
    const exitCode = yield* sideBySide(tasks)
    yield* Summary.printTogether(tasks.length, options.report)
    if (exitCode !== Failure.exitCode.done) return yield* new ReportedExit({ exitCode })
  })
  yield* work.pipe(
    Effect.provide(client),
    Effect.catchTag("UsageError", (error) => Effect.andThen(refuse([pipelines[0].locate(error)]), Effect.fail(error)))
  )
})

export const runCommand = Command.make(
  "run",
  flags,
  Effect.fnUntraced(function* ({ dryRun, explain, file, json, quiet, schema }) {
    if (schema) return yield* answer(JSON.stringify(jsonSchema(), null, 2))
    if (Option.isNone(file)) {
      return yield* new UsageError({ reason: { _tag: "NoPipelineFile" } })
    }
    yield* run(file.value, { dryRun, explain, report: json ? "json" : quiet ? "none" : "people" })
  })
).pipe(
  Command.withDescription(
    "Run what a file of pipelines says: where sessions come from, what happens to them, where they go. A run that was stopped goes on when it is started again. Several pipelines in one file run side by side, over one budget of requests."
  ),
  Command.withShortDescription("Run the pipelines of a file"),
  Command.withExamples([
    { command: "callstream run pipeline.yaml", description: "Run it, or go on where it was stopped" },
    { command: "callstream run pipeline.yaml --dry-run", description: "The first ten records at every stage" },
    { command: "callstream run pipeline.yaml --explain", description: "What is promised of each sink" },
    { command: "callstream run --schema > pipeline.schema.json", description: "For an editor" }
  ])
)
