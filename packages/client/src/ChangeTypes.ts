/**
 * Changes of calls, and the ledger of a sync, as plain interfaces.
 *
 * @since 0.1.0
 */
import type { Abortable, CallSession, CallSessionQuery, Duration, OwnKeys, Rejected, Time } from "./CallTypes.ts"

/**
 * A part of a record: status and times, cost, recording, analysis, all other fields.
 *
 * @since 0.1.0
 * @category models
 */
export type Facet = "lifecycle" | "cost" | "recording" | "analysis" | "rest"

/**
 * What a call reached.
 *
 * @since 0.1.0
 * @category models
 */
export type Milestone = "completed" | "cost" | "recording" | "analysis" | "final"

/**
 * What became of a call.
 *
 * - `created`: the call was not known before.
 * - `updated`: its content is another one.
 * - `left`: it is no longer in the range: it starts earlier now.
 * - `removed`: the API no longer lists it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Change<Metadata = OwnKeys, Analysis = OwnKeys> {
  readonly kind: "created" | "updated" | "left" | "removed"
  readonly id: string
  /** Facets that differ from the version before; all of them where that version is not known. */
  readonly facets: ReadonlyArray<Facet>
  /** Milestones that this version is the first one to reach; all that it reached where `previous` is `null`. */
  readonly milestones: ReadonlyArray<Milestone>
  /** Rises with each version of a call, from run to run. */
  readonly sequence: number
  /** The sequence of the version before; `null` where this consumer may not have it. */
  readonly previous: number | null
  /** The call as it is now; `undefined` of one that left or was removed, and where `rejected` is. */
  readonly session: CallSession<Metadata, Analysis> | undefined
  /** One of your schemas refused the call. */
  readonly rejected: Rejected | undefined
  /** Says that this change, and all before it, are where they should be. Before the loop ends. */
  readonly acknowledge: () => Promise<void>
}

/**
 * One reading of a sync, reported also when it brought no change.
 *
 * @since 0.1.0
 * @category models
 */
export interface Look {
  /** Why something was read. */
  readonly why: "new" | "hole" | "awaited" | "behind the watermark" | "audit" | "missing" | "again"
  readonly changes: number
  /** Records that could not be decoded. */
  readonly rejected: ReadonlyArray<Rejected>
  readonly requests: number
  /** Everything that starts before this was read and proven, or is read again later; ISO 8601. */
  readonly watermark: string
}

/**
 * Where a sync keeps what it knows of each recent call: text by key, a few hundred bytes a call, and none of its content. All
 * of it is in memory during a loop. One loop uses a store at a time; between processes you see to that.
 *
 * @since 0.1.0
 * @category models
 */
export interface LedgerStore {
  /** Everything that was written; nothing the first time. */
  readonly read: () => Promise<Iterable<readonly [key: string, value: string]>>
  /** Writes all of it, or nothing. A change is delivered after it was written. */
  readonly write: (changes: {
    readonly put: ReadonlyArray<readonly [key: string, value: string]>
    readonly remove: ReadonlyArray<string>
  }) => Promise<void>
}

/**
 * Which changes to read, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface ChangesOptions extends Abortable, Pick<CallSessionQuery, "agentId" | "channel" | "callerNumber"> {
  /** What earlier loops read and acknowledged. `memoryLedger()` begins with nothing. */
  readonly ledger: LedgerStore
  /** Calls that start earlier are not followed. */
  readonly from: Time
  /** Who acknowledges: each consumer of a ledger keeps its own place. @default "changes" */
  readonly consumer?: string | undefined
  /** How long after a pass the next one begins. @default no further pass: the loop ends */
  readonly every?: Duration | undefined
  /**
   * Deliver every call of the ledger again, also if it has other filters or is damaged: what cannot be read of it is left out and read
   * again, and such calls come as new ones. @default false
   */
  readonly restart?: boolean | undefined
  readonly pageSize?: number | undefined
  /** Windows that are read in parallel. @default 4 */
  readonly concurrency?: number | undefined
  /** Reads past a range that cannot be read. @default false */
  readonly keepGoing?: boolean | undefined
  /** How long after its start a call may appear in the API. @default "2 hours" */
  readonly horizon?: Duration | undefined
  /** Ages at which everything is read again. @default ["1 day", "3 days", "7 days"] */
  readonly audits?: ReadonlyArray<Duration> | undefined
  /** How long after its start a call is known; longer than the last audit. @default "30 days" */
  readonly remember?: Duration | undefined
  /** Changes that a request must be expected to bring. @default 1 */
  readonly worth?: number | undefined
  /** Requests a day at most, retries not counted. @default no limit */
  readonly maxRequests?: number | undefined
  /** Receives each look before its changes; the reading waits for what it returns, and fails if that fails. */
  readonly onLook?: ((look: Look) => unknown) | undefined
}
