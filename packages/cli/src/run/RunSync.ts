/** Runs the sync of a job. */
import { AgniClient, DeadLetterFile, OutputLockFile, SyncPipeline, Transform } from "@callstream/core"
import { GuardedTransport, NodeProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Job, Sync } from "../job/Job.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Pseudonymizer from "./Pseudonymizer.ts"
import * as RunMetrics from "./RunMetrics.ts"
import * as LedgerPlace from "./LedgerPlace.ts"

/** A job that is a sync, under a name. */
export interface SyncJob extends Job {
  readonly name: string
  readonly sync: Sync
}

export const isSync = (job: Job): job is SyncJob => job.sync !== undefined && job.name !== undefined

/** The organization of the calls, which is a part of events. */
const organizationOf = Effect.flatMap(AgniClient, ({ list }) =>
  Effect.map(
    list({ pageSize: 20 }),
    ({ rows }) =>
      rows.sessions().find(({ organizationId }) => typeof organizationId === "string" && organizationId !== "")
        ?.organizationId ?? ""
  )
)

interface Watch {
  readonly onDelivered: (delivered: SyncPipeline.Delivered) => Effect.Effect<void>
  readonly onPass: (summary: SyncPipeline.PassSummary) => Effect.Effect<void>
  /** Deliver everything again, also with other filters than before. */
  readonly restart: boolean
}

/** Runs it, one pass or until a signal; nothing is printed. */
export const run = Effect.fnUntraced(function* (job: SyncJob, watch: Watch) {
  const { deadLetters, name, selection, state, sync, transform } = job
  const ledger = yield* LedgerPlace.layer(name, state)
  const pseudonymizer = state.database === undefined ? yield* Pseudonymizer.ofFolder(state.folder) : Pseudonymizer.none
  const hasEvents = job.sinks.some(({ target }) => target._tag !== "Table")
  const sinks = yield* Sinks.make(job.sinks, {
    organization: hasEvents ? yield* organizationOf : "",
    // What waits is read again, so nothing is kept.
    spool: undefined,
    keepsOffset: true,
    timeZone: undefined,
    sync: sync.tables,
    events: sync.events
  }).pipe(Effect.flatMap((made) => RunMetrics.watch(made, { pipeline: name, counts: true })))
  const [first, ...rest] = sinks
  if (first === undefined) return yield* Effect.die(new Error("no sink"))
  const { agentId, callerNumber, channel, concurrency, from, pageSize } = selection
  return yield* SyncPipeline.run({
    name,
    fingerprint: {
      endpoint: job.baseUrl,
      callerNumber: callerNumber === undefined ? "" : pseudonymizer.text(callerNumber),
      zone: job.zoned ? job.zone.name : "",
      salt: pseudonymizer.salt
    },
    agentId,
    callerNumber,
    channel,
    concurrency,
    pageSize,
    from: from ?? "1970-01-01T00:00:00Z",
    horizon: job.horizon,
    keepGoing: job.keepGoing,
    audits: sync.audits,
    remember: sync.remember,
    worth: sync.worth,
    every: sync.every,
    transform: Transform.make({ ...transform, label: pseudonymizer.label(transform.label) }),
    sinks: [first, ...rest],
    deadLetters: DeadLetterFile.make(deadLetters),
    rawLetters: job.deadLettersRaw,
    maxDeadShare: job.maxDeadShare,
    commitEvery: job.commitEvery,
    ...watch
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        ledger,
        Layer.provide(GuardedTransport.layer, NodeDns.layer),
        Layer.provide(OutputLockFile.layer, NodeProcessOwner.layer)
      )
    )
  )
})
