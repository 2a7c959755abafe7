/** Runs a job, with the progress line and the summary for the person who started it. */
import type { CoverageSet, Recordings } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import type { Job } from "../job/Job.ts"
import { Incomplete } from "../option/UsageError.ts"
import * as Progress from "../run/Progress.ts"
import * as JobPipeline from "../run/JobPipeline.ts"
import * as RunJob from "../run/RunJob.ts"
import * as CoverageReport from "../run/CoverageReport.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import * as ProgressLine from "./ProgressLine.ts"
import * as RecordingsLine from "./RecordingsLine.ts"
import { Screen, warn } from "./Screen.ts"
import * as StoppedRun from "./StoppedRun.ts"
import * as Summary from "./Summary.ts"

/** Warns when a file will hold personal data that is redacted elsewhere. */
const warnOfRawLetters = ({ deadLetters, deadLettersRaw, title, transform }: Job) =>
  deadLettersRaw && transform.redaction !== undefined
    ? warn(
        `${title === undefined ? "" : `${title}: `}${deadLetters} keeps rejected records with the personal data that the other outputs lack, because they must be kept raw`
      )
    : Effect.void

const ofRecordings = (counts: Recordings.Counts | undefined): Pick<CoverageReport.Report, "recordings"> => {
  if (counts === undefined) return {}
  const { failed, kept, of } = RecordingsLine.toJson(counts)
  return { recordings: { of, kept, failed } }
}

/** With `shared`, the caller shows the progress of several runs. */
export const run = Effect.fnUntraced(function* (job: Job, shared?: Ref.Ref<Progress.Progress>) {
  const screen = yield* Screen
  const progress = shared ?? (yield* Effect.flatMap(Progress.make, Ref.make))
  const reportOf = (coverage: CoverageSet.CoverageSet) => CoverageReport.ofJob(job, coverage)
  yield* warnOfRawLetters(job)
  const outcome = yield* Effect.scoped(
    Effect.gen(function* () {
      if (shared === undefined && ProgressLine.isShown([job], screen)) {
        yield* ProgressLine.show(() => Ref.getUnsafe(progress), job.zone.clock)
      }
      return yield* RunJob.run(job, {
        progress,
        coverageReport: (coverage, recordings) => ({ ...reportOf(coverage), ...ofRecordings(recordings) })
      })
    })
  ).pipe(
    Effect.onExit((exit) =>
      Exit.isSuccess(exit)
        ? Effect.void
        : Effect.flatMap(Ref.get(progress), (progress) => StoppedRun.print(job, progress, exit.cause))
    )
  )
  const { coverage, recordings, summary } = outcome
  const covered = job.walk === "history" && coverage !== undefined ? reportOf(coverage) : undefined
  yield* Summary.print(job, yield* Ref.get(progress), outcome, covered)
  const failed = covered?.set === "unprovable" || summary.sinks.some(({ failure }) => failure !== undefined)
  const doubtful =
    summary.dead > 0 ||
    covered?.set === "provisional" ||
    RecordingsLine.isIncomplete(recordings, job.name !== undefined)
  const isSuccess = !failed && !(job.strict && doubtful)
  if (!isSuccess) return yield* new Incomplete()
  yield* RunMetrics.succeeded(JobPipeline.nameOf(job))
})
