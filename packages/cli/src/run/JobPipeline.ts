/** The pipeline of a job, ready to run: its source, its transforms, its sinks, and what identifies it. */
import {
  AgniClient,
  DeadLetterFile,
  History,
  type HistorySource,
  Instant,
  OutputLockFile,
  Pipeline,
  type SessionSink,
  Transform
} from "@callstream/core"
import { GuardedTransport, NodeProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Job } from "../job/Job.ts"
import * as Sinks from "../option/Sinks.ts"
import * as TargetFolder from "../option/TargetFolder.ts"
import * as Zone from "../option/Zone.ts"
import { rangeOf, sourceOf, type Watched } from "./JobSource.ts"
import * as KeptRecordings from "./KeptRecordings.ts"
import * as Pseudonymizer from "./Pseudonymizer.ts"
import * as Spool from "./Spool.ts"

/** What the API says before anything is read. */
export interface Looked {
  /** Whose calls they are; empty while there is none. */
  readonly organization: string
  /** The end of an open range; without one the source asks. */
  readonly end: Instant.Instant | undefined
}

/** The organization of the calls, which webhooks send and a checkpoint belongs to, and the end of an open range. */
export const look = Effect.flatMap(Effect.all([AgniClient, Instant.now]), ([{ list }, local]) =>
  Effect.map(list({ pageSize: 20 }), ({ observedAt, rows }): Looked => {
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

/** What its sinks and its files need. */
export const services = Layer.merge(
  Layer.provide(GuardedTransport.layer, NodeDns.layer),
  Layer.provide(OutputLockFile.layer, NodeProcessOwner.layer)
)

/** How the work of a job is done. */
export interface Options {
  /** Another machine may resume it: webhooks that wait are not kept in a folder, but sent again. @default false */
  readonly isShared?: boolean
  /** @default the API is asked where that is needed */
  readonly looked?: Looked
}

/**
 * Builds it, with its recordings, which are open as long as the scope. Asks the API for a page where the organization is part
 * of what identifies it, or is sent to webhooks, unless that is known.
 */
export const make = Effect.fnUntraced(function* (
  job: Job,
  watched: Watched,
  { isShared = false, looked }: Options = {}
) {
  const named = job.name !== undefined
  yield* TargetFolder.make(job.folders)
  const hasWebhook = job.sinks.some(({ target }) => target._tag === "Webhook")
  // Where workers share a run, it is asked before the run is cut.
  if (hasWebhook && !isShared) {
    yield* Sinks.check(job.sinks, coversOf(job)({ ...rangeOf(job), end: null }), Zone.forSinks(job.zone))
  }
  const { end, organization } = looked ?? (named || hasWebhook ? yield* look : { end: undefined, organization: "" })
  const pseudonymizer =
    named && job.state.database === undefined ? yield* Pseudonymizer.ofFolder(job.state.folder) : Pseudonymizer.none
  const label = pseudonymizer.label(job.transform.label)
  const spool = hasWebhook && named && !isShared ? job.state.folder : undefined
  if (spool !== undefined) yield* Spool.check(spool)
  const sinks = yield* Sinks.make(job.sinks, {
    organization,
    spool,
    keepsOffset: named,
    timeZone: Zone.forSinks(job.zone)
  })
  const [first, ...rest] = sinks
  if (first === undefined) return yield* Effect.die(new Error("no sink"))
  const recordings = yield* KeptRecordings.open(job)
  const pipeline = Pipeline.make({
    name: nameOf(job),
    source: {
      ...sourceOf(job, named ? end : undefined, watched),
      fingerprint: fingerprintOf(job, organization, pseudonymizer)
    },
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
  return { pipeline, recordings }
})
