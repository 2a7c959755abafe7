/** Runs a job. */
import { Checkpoint, type CoverageSet, FileCheckpoint, type Pipeline, type Recordings } from "@callstream/core"
import { DecodingThread, NodeProcessOwner } from "@callstream/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { extname } from "node:path"
import * as Database from "../option/Database.ts"
import type * as Run from "../option/RunOptions.ts"
import * as Sinks from "../option/Sinks.ts"
import type { Job } from "../job/Job.ts"
import { isLines, rangeOf } from "./JobSource.ts"
import * as CoverageFile from "./CoverageFile.ts"
import * as CoverageNote from "./CoverageNote.ts"
import type * as CoverageReport from "./CoverageReport.ts"
import * as JobPipeline from "./JobPipeline.ts"
import * as Progress from "./Progress.ts"
import * as Unmatched from "./Unmatched.ts"
import * as Pseudonymizer from "./Pseudonymizer.ts"
import * as HeapGrowth from "./HeapGrowth.ts"

/** A bundle has both in one folder. */
const worker = () => new URL(`./ChainWorker${extname(import.meta.url)}`, import.meta.url)

/** A worker thread makes lines of JSON, also of what the transforms of a single job make, or says what the reader has to know. */
const thread = (jobs: ReadonlyArray<Job>): Layer.Layer<never> => {
  if (jobs.some(({ sync }) => sync !== undefined))
    return DecodingThread.layerSync(jobs.some(isLines) ? "json" : "response")
  const [job, ...others] = jobs
  if (job !== undefined && others.length === 0 && job.transform.label !== "") {
    const { chain, transform } = job
    return DecodingThread.layerAhead({ url: worker(), data: chain, transform })
  }
  return jobs.some(isLines) ? DecodingThread.layer : DecodingThread.layerObjects
}

/** The thread takes over the settings of heaps that are there when it starts. */
export const decoder = (jobs: ReadonlyArray<Job>): Layer.Layer<never> =>
  Layer.provideMerge(thread(jobs), HeapGrowth.layer)

/** The same, for many jobs of a kind: tables and webhooks take objects. */
export const decoderOf = (kind: "export" | "sync"): Layer.Layer<never> =>
  Layer.provideMerge(
    kind === "sync" ? DecodingThread.layerSync("response") : DecodingThread.layerObjects,
    HeapGrowth.layer
  )

/** Observers of a run, and what is written of its coverage. */
export interface Watch {
  readonly progress: Ref.Ref<Progress.Progress>
  readonly coverageReport: (
    coverage: CoverageSet.CoverageSet,
    recordings: Recordings.Counts | undefined
  ) => CoverageReport.Report & Pick<Job, "filters">
}

/** The result of a run. */
export interface Outcome {
  readonly summary: Pipeline.RunSummary
  /** Nothing where an earlier run did it all, and left no coverage. */
  readonly coverage: CoverageSet.CoverageSet | undefined
  readonly unmatched: Unmatched.Finding | undefined
  readonly recordings: Recordings.Counts | undefined
}

/** Runs a job to its end; nothing is printed. */
export const run = Effect.fnUntraced(function* (job: Job, { coverageReport, progress }: Watch) {
  const seen = Unmatched.makeSeen([...new Set(job.conditions.flatMap(({ fields }) => fields))])
  const named = job.name !== undefined
  yield* CoverageFile.check(job)
  const { recordings, summary } = yield* Effect.scoped(
    Effect.gen(function* () {
      const { pipeline, recordings } = yield* JobPipeline.make(job, { progress, seen })
      const coverage = job.coverage === undefined ? undefined : yield* CoverageFile.open(job.coverage, job)
      const done = yield* Sinks.orUnfinished(
        pipeline.run((event) => Ref.update(progress, Progress.after(event))),
        job.sinks.length
      ).pipe(Effect.mapError(Pseudonymizer.explain(job.name ?? "", job.state.folder)))
      // Also for a run that had finished: it may have been killed before it wrote the file.
      if (!done.finishedBefore || isKnown(done.coverage)) {
        const report = coverageReport(done.coverage, recordings.counts())
        if (coverage !== undefined) {
          const { finish, write } = yield* coverage
          yield* write(`${JSON.stringify(report, null, 2)}\n`)
          yield* finish
        }
        if (job.walk === "history") yield* CoverageNote.ofExport(job, report, done.sinks)
      }
      return { summary: done, recordings: recordings.counts() }
    }).pipe(
      Effect.provide(Layer.mergeAll(named ? yield* stateIn(job.state) : Checkpoint.layerMemory, JobPipeline.services))
    )
  )
  const known = !summary.finishedBefore || isKnown(summary.coverage)
  const unmatched = yield* unmatchedIn(job, yield* Ref.get(progress), seen, summary)
  return { summary, coverage: known ? summary.coverage : undefined, unmatched, recordings } satisfies Outcome
})

/** Explains an empty run where filters are the reason. */
const unmatchedIn = (
  job: Job,
  { leftOut, read, resumedAt, sessions }: Progress.Progress,
  seen: Unmatched.Seen,
  { dead, finishedBefore }: Pipeline.RunSummary
) => {
  const { conditions, report, selection } = job
  const nothing = sessions === 0 && dead === 0 && resumedAt === undefined && !finishedBefore
  if (!nothing || report === "none") return Effect.succeed(undefined)
  if (read + leftOut > 0) return Effect.succeed(Unmatched.ofConditions(conditions, seen))
  const { from, to } = rangeOf(job)
  return Unmatched.ofSelection(selection, { from: from ?? undefined, to: to ?? undefined })
}

const stateIn = ({ database, folder }: Run.State) =>
  Effect.map(
    database === undefined ? Effect.succeed(FileCheckpoint.layer({ folder })) : Database.checkpoint(database),
    Layer.provide(NodeProcessOwner.layer)
  )

const isKnown = ({ entries, withoutStart }: CoverageSet.CoverageSet): boolean =>
  entries.length > 0 || withoutStart !== undefined
