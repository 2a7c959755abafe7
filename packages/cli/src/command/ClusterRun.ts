/** `callstream run FILE --cluster`: gives the pipelines of a file to workers, and watches them. */
import type { FleetRun } from "@callstream/cluster"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as FleetSpec from "../job/FleetSpec.ts"
import type * as Job from "../job/Job.ts"
import * as Overrides from "../job/Overrides.ts"
import type * as Tasks from "../job/Tasks.ts"
import * as Cluster from "../option/ClusterOptions.ts"
import { inFile } from "../option/Speaker.ts"
import { among, ReportedExit } from "../option/UsageError.ts"
import { exitCode } from "../render/ExitCode.ts"
import * as Failure from "../render/Failure.ts"
import * as ProgressLine from "../render/ProgressLine.ts"
import * as ReportedFleetRun from "../render/ReportedFleetRun.ts"
import { answer, invocation, print, Screen } from "../render/Screen.ts"
import * as Summary from "../render/Summary.ts"
import * as FleetAccess from "../run/fleet/FleetAccess.ts"
import * as FleetProgress from "../run/fleet/FleetProgress.ts"
import * as Submit from "../run/fleet/Submit.ts"
import * as CoverageFile from "../run/CoverageFile.ts"
import * as Otlp from "../run/Otlp.ts"
import * as Progress from "../run/Progress.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import { loaded } from "./LoadedTasks.ts"
import { together } from "./Together.ts"

interface Options {
  readonly cluster: string
  readonly fleet: string | undefined
  readonly detach: boolean
  readonly report: Job.Job["report"]
  readonly overrides: Overrides.Overrides
  readonly metricsFile: string | undefined
  readonly otlp: boolean | undefined
}

/** What workers cannot share, each mistake where it was made. */
const refuseUnshared = Effect.fnUntraced(function* (
  { refuse, tasks }: Effect.Success<ReturnType<typeof loaded>>,
  { detach, overrides }: Options
) {
  const found = tasks.flatMap((task) => FleetSpec.mistakes(task, { detach }).map((error) => ({ error, task })))
  const isFlag = ({ error }: (typeof found)[number]) => Overrides.has(overrides, error.option)
  yield* refuse(found.filter((one) => !isFlag(one)).map(({ error, task }) => task.locate(error)))
  yield* among(found.filter(isFlag).map(({ error }) => Result.fail(error)))
})

const where = ({ cluster, fleet }: Options): string =>
  `--cluster ${cluster}${fleet === undefined ? "" : ` --fleet ${fleet}`}`

/** A run that is shown while workers do it. */
interface Watched extends Tasks.Task {
  readonly submitted: Submit.Submitted
  readonly shown: Ref.Ref<FleetRun.FleetRunDetails | undefined>
}

const words: Readonly<Record<Submit.Submitted, string>> = {
  Begun: "submitted",
  Attached: "runs already",
  Resumed: "resumes",
  Finished: "has finished"
}

/** Prints the names on stdout, and what became of each on stderr. */
const printNames = Effect.fnUntraced(function* (runs: ReadonlyArray<Watched>, { report }: Options) {
  const names = runs.map(({ spec }) => spec.name)
  if (report === "people") yield* print(...runs.map(({ spec, submitted }) => `${spec.name}: ${words[submitted]}`))
  const rows = runs.map(({ spec, submitted }) => JSON.stringify({ run: spec.name, submitted: words[submitted] }))
  yield* answer((report === "json" ? rows : names).join("\n"))
})

/** One progress line for all, while it is open. */
const showProgress = Effect.fnUntraced(function* (runs: ReadonlyArray<Watched>) {
  const screen = yield* Screen
  const jobs = runs.map(({ job }) => job)
  if (!ProgressLine.isShown(jobs, screen)) return
  const known = () => runs.flatMap(({ shown }) => Ref.getUnsafe(shown) ?? [])
  const empty = yield* Progress.make
  yield* ProgressLine.show(
    () => {
      const all = known().map(FleetProgress.progressOf)
      return all.length === 0 ? empty : Progress.sum(all)
    },
    undefined,
    Effect.sync(() => FleetProgress.sumOfRequests(known().map(FleetProgress.requestsOf)))
  )
})

/** Shows all to their ends. A signal leaves the runs to the workers. */
const watch = Effect.fnUntraced(function* (
  access: FleetAccess.Access,
  runs: ReadonlyArray<Watched>,
  { options, several }: { readonly options: Options; readonly several: boolean }
) {
  yield* showProgress(runs)
  const one = ({ submitted, shown, ...task }: Watched) => {
    const { name } = task.spec
    const command = (words: string) => `${invocation} runs ${words} ${name} ${where(options)}`
    return ReportedFleetRun.run(access, task, {
      submitted,
      shown,
      advice: [`Resume it, once that is mended: ${command("retry")}`],
      deadLetters: `.callstream/${encodeURIComponent(name)}.*.dead-letters.ndjson on the workers`
    })
  }
  const [only] = runs
  const ended = several
    ? together(runs, one)
    : only === undefined
      ? Effect.succeed<number>(exitCode.done)
      : Effect.as(one(only), exitCode.done as number)
  const code = yield* Effect.onInterrupt(ended, () =>
    options.report === "none"
      ? Effect.void
      : print(
          `${runs.length === 1 ? "The run continues" : "The runs continue"} on the workers.`,
          `  Watch: ${invocation} runs --watch ${where(options)}`,
          ...runs.map(({ spec }) => `  Stop: ${invocation} runs cancel ${spec.name} ${where(options)}`)
        )
  )
  if (several && only !== undefined) {
    const known = runs.flatMap(({ shown }) => Ref.getUnsafe(shown) ?? [])
    const requests = FleetProgress.sumOfRequests(known.map(FleetProgress.requestsOf))
    yield* Summary.printTogether(runs.length, only.job, Effect.succeed(requests))
  }
  if (code !== exitCode.done) return yield* new ReportedExit({ exitCode: code })
}, Effect.scoped)

/** Submits the pipelines of a file, and shows them unless they are left to the workers. */
export const run = Effect.fnUntraced(function* (file: string, options: Options) {
  const database = yield* Cluster.databaseOf(options.cluster)
  const read = yield* loaded(file, options)
  yield* refuseUnshared(read, options)
  const work = Effect.gen(function* () {
    yield* Effect.forEach(read.tasks, ({ job }) => (job.coverage === undefined ? Effect.void : CoverageFile.check(job)))
    const access = yield* FleetAccess.open(database, options.fleet)
    const runs = yield* Effect.forEach(read.tasks, (task) =>
      Effect.map(
        Effect.all([
          Submit.submit(access, task, FleetSpec.of(file, task, options.overrides)),
          Ref.make<FleetRun.FleetRunDetails | undefined>(undefined)
        ]),
        ([submitted, shown]): Watched => ({ ...task, submitted, shown })
      )
    )
    yield* options.detach ? printNames(runs, options) : watch(access, runs, { options, several: read.several })
  })
  const telemetry = yield* Otlp.settings(options.otlp)
  yield* Failure.reporting(RunMetrics.writing(options.metricsFile, Effect.scoped(work)), {
    speaker: inFile,
    resumes: true
  }).pipe((run) => Otlp.exporting(telemetry, run))
})
