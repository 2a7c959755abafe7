/** What is asked for, as one value. */
import type { CallSession, CallSessions, EndpointProfile, Transform } from "@callstream/core"
import type * as Duration from "effect/Duration"
import type { Condition } from "../option/Condition.ts"
import type * as Run from "../option/Run.ts"
import type * as Sinks from "../option/Sinks.ts"
import type * as Zone from "../option/Zone.ts"

/** Whether the conditions let a call through. One that cannot be tried is let through, and rejected on its way. */
export type Passes = (session: CallSession.CallSession) => boolean

export interface Job {
  /** Which of several pipelines it is: what is told of it begins with that. */
  readonly title: string | undefined
  /** Under which its state is kept; without a name a run begins afresh. */
  readonly name: string | undefined
  readonly state: Run.State
  readonly baseUrl: string
  readonly selection: CallSessions.Selection
  /** The range as it was typed: an age stays what it is when the run goes on a day later. */
  readonly asked: { readonly since: string; readonly until: string; readonly on: string }
  readonly zone: Zone.Zone
  /** Whether it changes what is written. */
  readonly zoned: boolean
  /** What is left out, in words that name no person: two of them are compared. */
  readonly filters: string
  readonly walk: "history" | "pages"
  readonly horizon: Duration.Duration
  readonly keepGoing: boolean
  /** What becomes of calls without a start time that were created in the range. */
  readonly withoutStart: "include" | "skip"
  readonly profile: EndpointProfile.EndpointProfile | undefined
  /** Only the newest, or oldest, of the range. */
  readonly keep: { readonly side: "newest" | "oldest"; readonly limit: number } | undefined
  /** Only so many, the first that come. */
  readonly limit: number | undefined
  readonly conditions: ReadonlyArray<Condition>
  /** Which calls the conditions let through: those alone count towards a limit. */
  readonly passes: Passes | undefined
  readonly transform: Transform.Pure<CallSession.CallSession, object>
  readonly sinks: ReadonlyArray<Sinks.Planned>
  readonly commitEvery: Duration.Duration
  readonly onSinkFailure: "stop" | "continue"
  readonly deadLetters: string
  /** Rejected records stay as they were read, also where others are redacted. */
  readonly deadLettersRaw: boolean
  readonly maxDeadShare: number
  readonly coverage: string | undefined
  readonly strict: boolean
  readonly report: "people" | "json" | "none"
}
