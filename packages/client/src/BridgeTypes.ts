/**
 * What a bridge reads, with the names and shapes of core, and what it uses of its host. It may change in any version.
 *
 * @since 0.1.0
 */
import type {
  CallSession,
  CallSessionQuery,
  Duration,
  Selection as PlainSelection,
  StreamOptions,
  Time
} from "./CallTypes.ts"
import type { Facet, Milestone } from "./ChangeTypes.ts"
import type { AgniError } from "./ClientErrors.ts"
import type { Clock, Fetch, LogEntry } from "./ClientOptions.ts"
import type { CoverageReason, Outside } from "./CoverageTypes.ts"

/** Microseconds since the epoch, which no other number is. @since 0.1.0 @category models */
export type Instant = number & { readonly "~effect/Brand": { readonly Instant: "Instant" } }

/** Rises with each answer. @since 0.1.0 @category models */
export type Version = number & { readonly "~effect/Brand": { readonly Version: "Version" } }

/** A time that a function takes. @since 0.1.0 @category models */
export type Bound = Instant | Time

/** A stretch of start time, `from <= start < to`. @since 0.1.0 @category models */
export interface Range {
  readonly from: Instant
  readonly to: Instant
}

/** A record that could not be read. @since 0.1.0 @category models */
export interface Rejected {
  readonly stage: string
  readonly reason: string
  /** The record as it came; it may contain personal data. */
  readonly raw: unknown
  readonly page: number
  readonly index: number
  readonly observedAt: Version
}

/** Calls in order, each by its place from 0. @since 0.1.0 @category models */
export interface Rows {
  readonly length: number
  readonly id: (place: number) => string
  /** `undefined` for a call without a credible start. */
  readonly start: (place: number) => Instant | undefined
  /** The call as UTF-8 JSON. Nobody writes to it. */
  readonly json: (place: number) => Uint8Array
  readonly decode: (place: number) => CallSession
  /** All of them, each decoded once. */
  readonly sessions: () => ReadonlyArray<CallSession>
  readonly observedAt: (place: number) => Version
}

/** Whether all calls of a range came. @since 0.1.0 @category models */
export type Coverage<Failure = AgniError> =
  | { readonly _tag: "Proven" }
  | { readonly _tag: "Provisional" | "Unprovable"; readonly reason: CoverageReason }
  | { readonly _tag: "Gap"; readonly reason: CoverageReason; readonly error: Failure }

/** Limits and the clock of the endpoint, as they were seen. @since 0.1.0 @category models */
export interface Endpoint {
  /** The widest range of time that is answered in full, in microseconds. */
  readonly span?: number
  /** Rows of one range at most. */
  readonly rows?: number
  /** How far the clocks of the server and of this machine are apart, in microseconds, where that is more than two minutes. */
  readonly clocksApart?: number
}

/** A stretch of history that was read. @since 0.1.0 @category models */
export interface Window<Failure = AgniError> extends Range {
  /** By start, then id. */
  readonly rows: Rows
  readonly rejected: ReadonlyArray<Rejected>
  readonly coverage: Coverage<Failure>
  /** How many of the calls are final. */
  readonly settled: number
  readonly outside?: Outside | undefined
  readonly extra?: number | undefined
  readonly endpoint?: Endpoint | undefined
  /** New coverage of earlier windows, which a later answer contradicted. */
  readonly revised?: ReadonlyArray<Range & { readonly coverage: Coverage<Failure> }> | undefined
  readonly requests: number
  readonly observedAt: Instant
}

/** One page, as the endpoint gave it. @since 0.1.0 @category models */
export interface Page {
  readonly page: number
  readonly rows: Rows
  readonly rejected: ReadonlyArray<Rejected>
  readonly observedAt: Instant
  readonly edition: "camelCase" | "snake_case" | undefined
  readonly total: number | undefined
  readonly age: number
}

/** What became of a call, as one word, whatever the spelling of its status. @since 0.1.0 @category models */
export type Outcome = "completed" | "missed" | "busy" | "voicemail" | "failed" | "in progress" | "other"

/** How a call changed. @since 0.1.0 @category models */
export interface Change {
  readonly kind: "created" | "updated" | "left" | "removed"
  readonly id: string
  readonly facets: ReadonlyArray<Facet>
  readonly milestones: ReadonlyArray<Milestone>
  readonly sequence: Version
  readonly previous: Version | null
  readonly session: CallSession | undefined
}

/** A change that waits for its acknowledgement. @since 0.1.0 @category models */
export interface Delivered extends Change {
  readonly acknowledge: () => Promise<void>
}

/** One reading of a sync. @since 0.1.0 @category models */
export interface Look {
  readonly why: "new" | "hole" | "awaited" | "behind the watermark" | "audit" | "missing" | "again"
  readonly changes: ReadonlyArray<Change>
  readonly rejected: ReadonlyArray<Rejected>
  readonly requests: number
  readonly watermark: Instant
}

/** Which calls are read in windows. @since 0.1.0 @category options */
export interface Selection extends Omit<PlainSelection, "from" | "to" | "signal">, Omit<StreamOptions, "retry"> {
  readonly from?: Bound | undefined
  readonly to?: Bound | undefined
  /** Resumes after an error that may pass. @default the error ends the reading */
  readonly retry?: BeginRetry | undefined
}

/**
 * Begins again after each window. What it returns waits, and says whether to resume after the error. @since 0.1.0 @category options
 */
export type BeginRetry = () => (error: AgniError, signal: AbortSignal) => Promise<boolean>

/** The answer to one request. It has no data of a call. @since 0.1.0 @category models */
export interface Health {
  /** Calls can be read: it is reachable and authorized, and it answered with a page of calls. */
  readonly ok: boolean
  /** The server answered, in any way. */
  readonly reachable: boolean
  /** The key was accepted; `undefined` where the answer does not say. */
  readonly authorized: boolean | undefined
  /** Milliseconds from the request to the end of the answer, with what it waited for its turn. */
  readonly latency: number
  /** How many milliseconds the server's clock is ahead of this machine's. Its `Date` has whole seconds. Only with `ok`. */
  readonly clockOffset: number | undefined
  /** Why it is not `ok`. */
  readonly error: AgniError | undefined
}

/** One request for a page. @since 0.1.0 @category options */
export interface Query extends Omit<CallSessionQuery, "startedAfter" | "startedBefore"> {
  readonly startedAfter?: Bound | undefined
  readonly startedBefore?: Bound | undefined
}

/** Which changes are read. @since 0.1.0 @category options */
export interface ChangesOptions {
  readonly name: string
  readonly from: Bound
  readonly agentId?: string | undefined
  readonly channel?: string | undefined
  readonly callerNumber?: string | undefined
  readonly pageSize?: number | undefined
  readonly concurrency?: number | undefined
  readonly keepGoing?: boolean | undefined
  readonly horizon?: Duration | undefined
  readonly audits?: ReadonlyArray<Duration> | undefined
  readonly remember?: Duration | undefined
  readonly worth?: number | undefined
  readonly maxRequests?: number | undefined
  readonly consumer?: string | undefined
  readonly every?: Duration | undefined
  /**
   * Deliver every call of the ledger again, also if it has other filters or is damaged: what cannot be read of it is left out and read
   * again, and such calls come as new ones. @default false
   */
  readonly restart?: boolean | undefined
  readonly onLook?: ((look: Look, signal: AbortSignal) => Promise<void>) | undefined
}

/** Where ledgers are kept, each by its name. A rejection has a `message`. @since 0.1.0 @category options */
export interface LedgersStore {
  /** What it is called in messages, without secrets. */
  readonly name: string
  readonly read: (ledger: string) => Promise<Iterable<readonly [key: string, value: string]>>
  /** Writes all of it, or nothing. */
  readonly write: (
    ledger: string,
    changes: {
      readonly put: ReadonlyArray<readonly [key: string, value: string]>
      readonly remove: ReadonlyArray<string>
    }
  ) => Promise<void>
}

/** How a span ended. @since 0.1.0 @category models */
export type SpanEnd =
  | { readonly _tag: "Success" | "Interrupted" }
  | { readonly _tag: "Failure"; readonly error: { readonly message: string } }

/** A span of the host's tracer. Times are nanoseconds since the epoch. @since 0.1.0 @category models */
export interface HostSpan {
  readonly spanId: string
  readonly traceId: string
  readonly sampled: boolean
  readonly attribute: (name: string, value: unknown) => void
  readonly event: (name: string, time: bigint, attributes: Readonly<Record<string, unknown>>) => void
  readonly end: (time: bigint, how: SpanEnd) => void
}

/** One update of a metric. @since 0.1.0 @category models */
export interface MetricUpdate {
  readonly name: string
  /** An `incremental` counter never falls. */
  readonly kind: "counter" | "incremental" | "gauge" | "histogram"
  readonly description: string | undefined
  readonly attributes: Readonly<Record<string, string>>
  /** The upper bounds of a histogram's buckets, without the last one, which has none. */
  readonly boundaries: ReadonlyArray<number>
  /** Whether a gauge changes by the value, instead of being set to it. */
  readonly isRelative: boolean
  readonly value: number
}

/** A line of the log with its annotations. @since 0.1.0 @category models */
export interface HostLogEntry extends LogEntry {
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A client whose spans and metrics somebody sees. @since 0.1.0 @category options */
export interface Named {
  /** In spans and metrics. @default "default" */
  readonly name?: string | undefined
}

/** What a reading uses of the program around it. @since 0.1.0 @category options */
export interface Host {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly log: (entry: HostLogEntry) => void
  readonly metric: (update: MetricUpdate) => void
  /** Begins a span; `undefined` where nothing is traced. Without a parent it is below the host's own. */
  readonly span:
    | ((
        name: string,
        options: {
          readonly parent: HostSpan | undefined
          readonly kind: "internal" | "server" | "client" | "producer" | "consumer"
          readonly startTime: bigint
        }
      ) => HostSpan)
    | undefined
}
