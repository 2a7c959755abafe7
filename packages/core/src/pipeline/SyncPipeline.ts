/**
 * Keeps sinks up to date with an organization, in a way that a run that is killed can be continued.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type * as CallSession from "../model/CallSession.ts"
import type { Kind } from "../model/Change.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import type { SessionSink } from "../sink/SessionSink.ts"
import type { SinkError } from "../sink/SinkError.ts"
import { Ledger } from "../sync/Ledger.ts"
import type { LedgerError } from "../sync/LedgerError.ts"
import type * as Sync from "../sync/Sync.ts"
import type * as Verdict from "../sync/Verdict.ts"
import type * as Transform from "../transform/TransformContract.ts"
import type { DeadLetter } from "./DeadLetter.ts"
import { fingerprintOf, runSync } from "./internal/SyncOnce.ts"
import type { TooManyDeadLetters } from "./TooManyDeadLetters.ts"

/**
 * What ends a run.
 *
 * @since 0.1.0
 * @category errors
 */
export type SyncError = AgniError | LedgerError | SinkError | TooManyDeadLetters

/**
 * What a run delivered so far, in this pass and those before it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivered {
  /** Changes by what they are to the consumers: a call that passes the filters from now on is `created`. */
  readonly changes: Readonly<Record<Kind, number>>
  /** Changed calls that the transform left out. */
  readonly filtered: number
  /** Dead letters written. */
  readonly dead: number
}

/**
 * A sink after a pass.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkStatus {
  readonly sink: string
  readonly written: number
  readonly refused: number
  /** Why it lacks changes; the next pass that can open it delivers them. */
  readonly failure: SinkError | undefined
}

/**
 * A pass that finished. What passes before it delivered that ended early, because of an outage, is a part of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface PassSummary extends Delivered {
  readonly verdict: Verdict.Verdict
  /** Of the only pass of a run: what is no longer waited for. */
  readonly givenUp: ReadonlyArray<Verdict.GivenUp>
  readonly sinks: ReadonlyArray<SinkStatus>
}

/**
 * What makes two syncs the same one: their ledger, filters and transforms.
 *
 * @since 0.1.0
 * @category options
 */
export interface SyncIdentity extends Pick<Sync.Options, "agentId" | "channel" | "callerNumber"> {
  /** The name of its ledger. */
  readonly name: string
  /** Other parts of its identity, such as the base URL. @default nothing */
  readonly fingerprint?: Fingerprint | undefined
  readonly transform: { readonly label: string }
}

type AnySink = SessionSink<never, unknown>
type Services<Sinks extends ReadonlyArray<AnySink>> = {
  [K in keyof Sinks]: Sinks[K] extends SessionSink<never, infer R> ? Exclude<R, Scope.Scope> : never
}[number]

/**
 * Which calls, and where their changes go.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<A, Sinks extends ReadonlyArray<AnySink>, RD, ET = never, RT = never>
  extends Sync.Options, SyncIdentity {
  readonly transform: Transform.Transform<CallSession.CallSession, A, ET, RT>
  /** Each keeps its own place in the ledger. One that is added later is given every call that the ledger knows. */
  readonly sinks: Sinks & { readonly [K in keyof Sinks]: SessionSink<NoInfer<A>, unknown> }
  readonly deadLetters: SessionSink<DeadLetter, RD>
  /** As of `Pipeline.Options`. @default false */
  readonly rawLetters?: boolean | undefined
  /** As of `Pipeline.Options`. @default 0.1 */
  readonly maxDeadShare?: number | undefined
  /** How long after a pass the next one begins. @default no further pass: the run ends */
  readonly every?: Duration.Input | undefined
  /** A flush and an acknowledgement cost several milliseconds each: they go by time. @default "1 second" */
  readonly commitEvery?: Duration.Input | undefined
  /**
   * Deliver every call of the ledger again, also if a sync with other filters or transforms kept it, or if it is damaged. Calls that
   * no longer pass are `left`. @default false
   */
  readonly restart?: boolean | undefined
  /** Called when changes were delivered, though they may not be safe yet. */
  readonly onDelivered?: ((delivered: Delivered) => Effect.Effect<void>) | undefined
  /** Called after each pass. Its error ends the run. Its requests count towards `maxRequests`. */
  readonly onPass?: ((summary: PassSummary) => Effect.Effect<void, ET, RT>) | undefined
}

/**
 * Runs a sync: one pass, or a pass `every` so often. Returns the summary of the last pass.
 *
 * Each change is noted in the ledger, then delivered to each sink, then flushed and acknowledged sink by sink. So a run that
 * is killed at any moment delivers again what a sink may lack. A sink that fails does not hold up the others: it is opened
 * again by a later pass and given what it lacks. If all sinks fail the run fails. An outage of the API ends a run of one pass, but of one that follows only
 * a pass. An interruption waits for the step in
 * progress, and acknowledges it.
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, RD, const Sinks extends readonly [AnySink, ...ReadonlyArray<AnySink>], ET = never, RT = never>(
  options: Options<A, Sinks, RD, ET, RT>
): Effect.Effect<
  PassSummary,
  SyncError | ET,
  AgniClient | Ledger | Services<Sinks> | Exclude<RD | RT, Scope.Scope>
> => {
  // The constraint above has checked that each sink takes what the transform gives.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const sinks = options.sinks as unknown as ReadonlyArray<SessionSink<A, Services<Sinks> | Scope.Scope>>
  return Effect.scoped(runSync({ ...options, sinks }))
}

/**
 * Asks a sync to read every call of a range again and to deliver it to all sinks, in its next pass. The calls get higher sequences.
 * Works also while a run holds the ledger. A sync of other filters or transforms refuses it; `false` where there is none of that
 * name. Without a range, everything.
 *
 * @since 0.1.0
 * @category running
 */
export const ask = (
  identity: SyncIdentity,
  {
    from = 0,
    to = Number.MAX_SAFE_INTEGER
  }: { readonly from?: number | undefined; readonly to?: number | undefined } = {}
): Effect.Effect<boolean, LedgerError, Ledger> =>
  Effect.flatMap(Ledger, (ledger) => ledger.ask(identity.name, fingerprintOf(identity), { from, to }))
