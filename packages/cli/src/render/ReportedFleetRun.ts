/** Shows a run that workers do, as if it ran here. */
import { FleetRun } from "@callstream/cluster"
import { OutputLockFile } from "@callstream/core"
import { NodeProcessOwner } from "@callstream/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type * as Tasks from "../job/Tasks.ts"
import { Incomplete, RunNotFinished } from "../option/UsageError.ts"
import * as CoverageFile from "../run/CoverageFile.ts"
import * as CoverageReport from "../run/CoverageReport.ts"
import * as FleetAccess from "../run/fleet/FleetAccess.ts"
import * as FleetProgress from "../run/fleet/FleetProgress.ts"
import type { Submitted } from "../run/fleet/Submit.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import * as Summary from "./Summary.ts"

type Run = FleetRun.FleetRunDetails

/** Up to the end of the run; a database that is away is waited for. */
const watch = ({ asked, fleet }: FleetAccess.Access, name: string, shown: Ref.Ref<Run | undefined>) =>
  FleetAccess.patientlyEach((answered) =>
    asked(Stream.runForEach(fleet.watch(name), (run) => Effect.andThen(answered, Ref.set(shown, run))))
  ).pipe(Effect.andThen(FleetAccess.patiently(asked(fleet.run(name)))))

/** The coverage file of a file's own option is here, not on a worker. */
const writeCoverage = ({ job }: Tasks.Task, report: object) =>
  job.coverage === undefined
    ? Effect.void
    : Effect.scoped(
        Effect.gen(function* () {
          const { finish, write } = yield* yield* CoverageFile.open(job.coverage ?? "", job)
          yield* write(`${JSON.stringify(report, null, 2)}\n`)
          yield* finish
        })
      ).pipe(Effect.provide(Layer.provide(OutputLockFile.layer, NodeProcessOwner.layer)))

export interface Options {
  readonly submitted: Submitted
  /** What the caller's progress line shows. */
  readonly shown: Ref.Ref<Run | undefined>
  /** What to do with a run that did not finish. */
  readonly advice: ReadonlyArray<string>
  /** Where workers keep rejected records. */
  readonly deadLetters: string
}

/** Watches a run to its end: the summary, and the exit code of a run on this machine. */
export const run = Effect.fnUntraced(function* (
  access: FleetAccess.Access,
  task: Tasks.Task,
  { advice, deadLetters, shown, submitted }: Options
) {
  const { job, spec } = task
  const done = yield* watch(access, spec.name, shown)
  if (done.state !== "finished") {
    const reason = done.reason === null ? undefined : FleetRun.describe(done.reason)
    const state = done.state === "cancelled" ? "cancelled" : "failed"
    return yield* new RunNotFinished({ run: spec.name, state, reason, details: advice })
  }
  const summary = FleetProgress.summaryOf(done, job, submitted === "Finished")
  const covered = CoverageReport.ofJob(job, summary.coverage)
  yield* writeCoverage(task, covered)
  const outcome = { summary, coverage: summary.coverage, unmatched: undefined, recordings: undefined }
  const about = { ...job, deadLetters, name: spec.name }
  const requests = Effect.succeed(FleetProgress.requestsOf(done))
  yield* Summary.print(about, FleetProgress.progressOf(done), outcome, covered, requests)
  const doubtful = summary.dead > 0 || covered.set === "provisional"
  if (covered.set === "unprovable" || (job.strict && doubtful)) return yield* new Incomplete()
  yield* RunMetrics.succeeded(spec.name)
})
