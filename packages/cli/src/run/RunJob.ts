/** Runs a job. */
import {
  AgniClient,
  Checkpoint,
  type CoverageSet,
  DeadLetterFile,
  FileCheckpoint,
  History,
  HistorySource,
  Instant,
  OutputFile,
  OutputLock,
  OutputLockFile,
  Pipeline,
  type Recordings,
  type SessionSink,
  Transform
} from "@callstream/core"
import { DecodingThread, GuardedTransport, NodeProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { extname } from "node:path"
import * as Database from "../option/Database.ts"
import type * as Run from "../option/RunOptions.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Zone from "../option/Zone.ts"
import * as DeadLetters from "../job/DeadLetters.ts"
import type { Job } from "../job/Job.ts"
import { isLines, rangeOf, sourceOf } from "./JobSource.ts"
import * as CoverageNote from "./CoverageNote.ts"
import type * as CoverageReport from "./CoverageReport.ts"
import * as KeptRecordings from "./KeptRecordings.ts"
import * as Progress from "./Progress.ts"
import * as Spool from "./Spool.ts"
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

/** The organization of the calls, which webhooks send and a checkpoint belongs to, and the end of an open range. */
const look = Effect.flatMap(Effect.all([AgniClient, Instant.now]), ([{ list }, local]) =>
  Effect.map(list({ pageSize: 20 }), ({ observedAt, rows }) => {
    const found = rows
      .sessions()
      .find(({ organizationId }) => typeof organizationId === "string" && organizationId !== "")
    return { organization: found?.organizationId ?? "", end: History.openEnd(local, observedAt) }
  })
)

/** What the output covers; a run with a limit, or with gaps, covers nothing as a whole. */
const coversOf =
  ({ filters, keep, keepGoing, limit, withoutStart }: Job) =>
  ({ end, from, to }: HistorySource.State): SessionSink.Covers | undefined =>
    keep === undefined && limit === undefined && !keepGoing
      ? { from: from ?? undefined, to: to ?? end ?? undefined, filters, withoutStart }
      : undefined

/** Its name in the state and in metrics. */
export const nameOf = ({ name, title }: Pick<Job, "name" | "title">): string => name ?? title ?? "export"

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
  const { recordings, summary } = yield* Effect.scoped(
    Effect.gen(function* () {
      const hasWebhook = job.sinks.some(({ target }) => target._tag === "Webhook")
      if (hasWebhook) {
        yield* Sinks.check(job.sinks, coversOf(job)({ ...rangeOf(job), end: null }), Zone.forSinks(job.zone))
      }
      const { end, organization } = named || hasWebhook ? yield* look : { end: undefined, organization: "" }
      const pseudonymizer =
        named && job.state.database === undefined ? yield* Pseudonymizer.ofFolder(job.state.folder) : Pseudonymizer.none
      const fingerprint = fingerprintOf(job, organization, pseudonymizer)
      const label = pseudonymizer.label(job.transform.label)
      const spool = hasWebhook && named ? job.state.folder : undefined
      if (spool !== undefined) yield* Spool.check(spool)
      const sinks = yield* Sinks.make(job.sinks, {
        organization,
        spool,
        keepsOffset: named,
        timeZone: Zone.forSinks(job.zone)
      })
      const [first, ...rest] = sinks
      if (first === undefined) return yield* Effect.die(new Error("no sink"))
      const coverage = job.coverage === undefined ? undefined : yield* openCoverage(job.coverage, job)
      const recordings = yield* KeptRecordings.open(job)
      const pipeline = Pipeline.make({
        name: nameOf(job),
        source: { ...sourceOf(job, named ? end : undefined, { progress, seen }), fingerprint },
        covers: coversOf(job),
        transform: recordings.before(Transform.make({ ...job.transform, label })),
        sinks: [first, ...rest],
        deadLetters: DeadLetterFile.make(job.deadLetters),
        commitEvery: job.commitEvery,
        stretches: job.stretches,
        rawLetters: job.deadLettersRaw,
        onSinkFailure: job.onSinkFailure,
        maxDeadShare: job.maxDeadShare
      })
      const done = yield* Sinks.orUnfinished(
        pipeline.run((event) => Ref.update(progress, Progress.after(event))),
        sinks.length
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
      Effect.provide(
        Layer.mergeAll(
          named ? yield* stateIn(job.state) : Checkpoint.layerMemory,
          webhooks,
          Layer.provide(OutputLockFile.layer, NodeProcessOwner.layer)
        )
      )
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
const webhooks = Layer.provide(GuardedTransport.layer, NodeDns.layer)

/**
 * Opens the coverage file, for a named run only when it is written: until this run holds the state, another run of that
 * name may have the file open.
 */
const openCoverage = Effect.fnUntraced(function* (path: string, { name, sinks }: Job) {
  const { acquire } = yield* OutputLock
  if (name === undefined) {
    const lock = yield* acquire(path)
    return Effect.succeed(yield* OutputFile.open({ path, lock, force: sinks.some(({ settings }) => settings.force) }))
  }
  yield* DeadLetters.check(path)
  return Effect.flatMap(acquire(path), (lock) => OutputFile.open({ path, lock, force: true, alone: true }))
})

const fingerprintOf = (job: Job, organization: string, pseudonymizer: Pseudonymizer.Pseudonymizer) => {
  const { agentId, callerNumber, channel, search, status } = job.selection
  const veiled = (text: string | undefined) => (text === undefined ? undefined : pseudonymizer.text(text))
  return {
    endpoint: job.baseUrl,
    organization,
    since: job.asked.since,
    until: job.asked.until,
    on: job.asked.on,
    zone: job.zoned ? job.zone.name : "",
    filters: Object.entries({ agentId, callerNumber: veiled(callerNumber), channel, search: veiled(search), status })
      .concat(job.withoutStart === "skip" ? [["withoutStart", "skip"]] : [])
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(" "),
    salt: pseudonymizer.salt
  }
}

const isKnown = ({ entries, withoutStart }: CoverageSet.CoverageSet): boolean =>
  entries.length > 0 || withoutStart !== undefined
