/** Runs the sync of a job. */
import {
  type AgniError,
  DeadLetterFile,
  Instant,
  OutputLockFile,
  type Recordings,
  SyncPipeline,
  Transform,
  type Verdict
} from "@callstream/core"
import { GuardedTransport, NodeProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import type { Job, Sync } from "../job/Job.ts"
import * as KeptRecordings from "./KeptRecordings.ts"
import * as Sinks from "../option/Sinks.ts"
import * as TargetFolder from "../option/TargetFolder.ts"
import * as Pseudonymizer from "./Pseudonymizer.ts"
import * as LedgerPlace from "./LedgerPlace.ts"

/** A job that is a sync, under a name. */
export interface SyncJob extends Job {
  readonly name: string
  readonly sync: Sync
}

export const isSync = (job: Job): job is SyncJob => job.sync !== undefined && job.name !== undefined

/** A pass, and what became of the recordings of its calls. */
export interface PassSummary extends SyncPipeline.PassSummary {
  readonly recordings: Recordings.Counts | undefined
}

interface Watch {
  readonly onDelivered: (delivered: SyncPipeline.Delivered) => Effect.Effect<void>
  readonly onPass: (summary: PassSummary) => Effect.Effect<void>
  /** Deliver everything again, also with other filters than before. */
  readonly restart: boolean
}

/** The parts of a job that make it this sync. */
const identityOf = (
  { baseUrl, name, selection, transform, zone, zoned }: SyncJob,
  pseudonymizer: Pseudonymizer.Pseudonymizer
) => {
  const { agentId, callerNumber, channel } = selection
  return {
    name,
    fingerprint: {
      endpoint: baseUrl,
      callerNumber: callerNumber === undefined ? "" : pseudonymizer.text(callerNumber),
      zone: zoned ? zone.name : "",
      salt: pseudonymizer.salt
    },
    agentId,
    callerNumber,
    channel,
    transform: Transform.make({ ...transform, label: pseudonymizer.label(transform.label) })
  }
}

const pseudonymizerOf = ({ state }: SyncJob) =>
  state.database === undefined ? Pseudonymizer.ofFolder(state.folder) : Effect.succeed(Pseudonymizer.none)

/** Of start time, in microseconds; everything without bounds. */
export type Range = Parameters<typeof SyncPipeline.ask>[1]

/** Asks the sync to deliver a range again, also while it runs; `false` where there is no such sync. */
export const ask = Effect.fnUntraced(function* (job: SyncJob, range: Range) {
  const ledger = yield* LedgerPlace.layer(job.name, job.state)
  const pseudonymizer = yield* pseudonymizerOf(job)
  return yield* Effect.provide(SyncPipeline.ask(identityOf(job, pseudonymizer), range), ledger)
})

/** Requests after a pass for recordings that are retried: a thousandth of what a day may have, none while other work waits for them. */
export const retryRequests = ({ most, sent, waiting }: Verdict.Verdict["requests"]): number | undefined =>
  most === undefined
    ? undefined
    : waiting.length > 0
      ? 0
      : Math.max(0, Math.min(Math.max(1, Math.floor(most / 1000)), most - sent))

const warnOfRetries = (name: string, { reason }: AgniError) =>
  Effect.annotateLogs(
    Effect.logWarning(`${name}: recordings were not retried: ${reason.message}; the next pass retries them`),
    { "callstream.pipeline.name": name, "callstream.retry.reason": reason._tag }
  )

/** Runs it, one pass or until a signal; nothing is printed. */
export const run = Effect.fnUntraced(function* (job: SyncJob, watch: Watch) {
  const { deadLetters, name, selection, state, sync } = job
  yield* TargetFolder.make(job.folders)
  const ledger = yield* LedgerPlace.layer(name, state)
  const pseudonymizer = yield* pseudonymizerOf(job)
  const sinks = yield* Sinks.make(job.sinks, {
    // What waits is read again, so nothing is kept.
    spool: undefined,
    keepsOffset: true,
    timeZone: undefined,
    sync: sync.tables,
    events: sync.events
  })
  const [first, ...rest] = sinks
  if (first === undefined) return yield* Effect.die(new Error("no sink"))
  const { concurrency, from, pageSize } = selection
  const identity = identityOf(job, pseudonymizer)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const recordings = yield* KeptRecordings.open(job)
      const since = yield* Effect.flatMap(Instant.now, Ref.make)
      const seen = yield* Ref.make<Recordings.Counts | undefined>(undefined)
      const last = yield* Ref.make<Recordings.Counts | undefined>(undefined)
      const summary = yield* SyncPipeline.run({
        ...identity,
        transform: recordings.before(identity.transform),
        concurrency,
        pageSize,
        from: from ?? "1970-01-01T00:00:00Z",
        horizon: job.horizon,
        keepGoing: job.keepGoing,
        audits: sync.audits,
        remember: sync.remember,
        worth: sync.worth,
        maxRequests: sync.maxRequests,
        every: sync.every,
        sinks: [first, ...rest],
        deadLetters: DeadLetterFile.make(deadLetters),
        rawLetters: job.deadLettersRaw,
        maxDeadShare: job.maxDeadShare,
        commitEvery: job.commitEvery,
        ...watch,
        onPass: Effect.fnUntraced(function* (pass: SyncPipeline.PassSummary) {
          yield* recordings
            .retry({ before: yield* Ref.get(since), maxRequests: retryRequests(pass.verdict.requests) })
            .pipe(Effect.catchTag("AgniError", (error) => warnOfRetries(name, error)))
          yield* Ref.set(since, yield* Instant.now)
          const now = recordings.counts()
          const counts = now === undefined ? undefined : KeptRecordings.since(yield* Ref.getAndSet(seen, now), now)
          yield* Ref.set(last, counts)
          yield* watch.onPass({ ...pass, recordings: counts })
        })
      })
      const whole: PassSummary = { ...summary, recordings: yield* Ref.get(last) }
      return whole
    })
  ).pipe(
    Effect.provide(
      Layer.mergeAll(
        ledger,
        Layer.provide(GuardedTransport.layer, NodeDns.layer),
        Layer.provide(OutputLockFile.layer, NodeProcessOwner.layer)
      )
    )
  )
})
