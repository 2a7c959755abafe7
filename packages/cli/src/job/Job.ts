/** All settings of a run, as one value. */
import type { CallSession, CallSessions, Change, EndpointProfile, SqlSink, Transform } from "@callstream/core"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Redacted from "effect/Redacted"
import type { Condition } from "../option/Condition.ts"
import type * as Run from "../option/RunOptions.ts"
import type { UsageError } from "../option/UsageError.ts"
import type * as Sinks from "../option/Sinks.ts"
import type * as Zone from "../option/Zone.ts"
import type { Chain } from "./Chain.ts"

/** Whether a call passes the conditions. A call that they cannot be applied to passes here, and the pipeline rejects it. */
export type Passes = (session: CallSession.CallSession) => boolean

/** How sinks are kept up to date. */
export interface Sync {
  /** With `--follow`: how long after a pass the next one begins. */
  readonly every: Duration.Duration | undefined
  readonly audits: ReadonlyArray<Duration.Duration>
  readonly remember: Duration.Duration
  readonly worth: number
  /** Requests a day at most. */
  readonly maxRequests: number | undefined
  /** The milestones of versions that webhooks get; `undefined` for every version. */
  readonly events: ReadonlyArray<Change.Milestone> | undefined
  readonly tables: NonNullable<SqlSink.Options["sync"]>
}

/** How the audio of calls is kept. */
export interface Recordings {
  readonly folder: string
  readonly perSecond: number | undefined
  readonly maxBytes: number | undefined
  readonly allowPrivateHosts: boolean
  /** The key of the API, which some links want. */
  readonly apiKey: Effect.Effect<Redacted.Redacted, UsageError, FileSystem.FileSystem>
}

export interface Job {
  /** The name among several pipelines: each line about this one begins with it. */
  readonly title: string | undefined
  /** The name that its state is saved under; without one, each run starts from the beginning. */
  readonly name: string | undefined
  readonly state: Run.State
  readonly baseUrl: string
  readonly selection: CallSessions.Selection
  /** The range as typed: `7d` is still the same range when the run resumes a day later. */
  readonly asked: { readonly since: string; readonly until: string; readonly on: string }
  readonly zone: Zone.Zone
  /** Whether the zone changes what is written. */
  readonly zoned: boolean
  /** The filters, without values that name a person: two fingerprints are compared by it. */
  readonly filters: string
  readonly walk: "history" | "pages"
  readonly horizon: Duration.Duration
  readonly keepGoing: boolean
  /** Whether calls without a start time that were created in the range are included. */
  readonly withoutStart: "include" | "skip"
  readonly profile: EndpointProfile.EndpointProfile | undefined
  /** Only the newest or the oldest of the range. */
  readonly keep: { readonly side: "newest" | "oldest"; readonly limit: number } | undefined
  /** Only the first so many. */
  readonly limit: number | undefined
  readonly conditions: ReadonlyArray<Condition>
  /** The conditions: only calls that pass them count towards a limit. */
  readonly passes: Passes | undefined
  readonly transform: Transform.Pure<CallSession.CallSession, object>
  /** What the transform was made of. */
  readonly chain: Chain
  readonly sinks: ReadonlyArray<Sinks.Planned>
  /** Folders of this machine that sinks are named by: made when the run begins. */
  readonly folders: ReadonlyArray<string>
  readonly commitEvery: Duration.Duration
  /** Parts of the range that are read at the same time. */
  readonly stretches: number
  readonly onSinkFailure: "stop" | "continue"
  readonly deadLetters: string
  /** Keeps rejected records as they were read, even where delivered ones are redacted. */
  readonly deadLettersRaw: boolean
  readonly maxDeadShare: number
  readonly coverage: string | undefined
  /** Where the audio of calls is kept. */
  readonly recordings: Recordings | undefined
  readonly strict: boolean
  /** Of a sync; `undefined` of an export. */
  readonly sync: Sync | undefined
  readonly report: "people" | "json" | "none"
  /** Where a summary as JSON goes: not among calls. */
  readonly summaryTo: "stdout" | "stderr"
}
