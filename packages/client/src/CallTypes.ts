/**
 * Calls, and which of them to read, as plain interfaces.
 *
 * @since 0.1.0
 */
import type { Retry } from "./ClientOptions.ts"

/**
 * A point in time: a `Date`, or ISO 8601 text. Text without a zone is read as UTC.
 *
 * @since 0.1.0
 * @category models
 */
export type Time = string | Date

/**
 * A length of time: milliseconds, or text such as "30 seconds".
 *
 * @since 0.1.0
 * @category models
 */
export type Duration =
  | number
  | `${number} ${"milli" | "millis" | "second" | "seconds" | "minute" | "minutes" | "hour" | "hours" | "day" | "days"}`

/**
 * An open set of strings: any text is valid, the known ones complete in an editor.
 *
 * @since 0.1.0
 * @category models
 */
export type OpenString<Known extends string> = Known | (string & {})

/**
 * Statuses that are documented or were seen; any other text may come.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownStatus =
  | "completed"
  | "failed"
  | "no_answer"
  | "busy"
  | "voicemail"
  | "in_progress"
  | "in-progress"
  | "In Progress"
  | "ended"
  | "ringing"
  | "pending"
  | "active"
  | "error"

/**
 * Channels that are documented or were seen; any other text may come.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownChannel = "voice" | "web" | "sip" | "phone" | "inbound_call" | "outbound_call" | "web_call"

/**
 * Disconnect reasons that are documented or were seen; any other text may come.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownDisconnectReason =
  | "user_hangup"
  | "customer_hangup"
  | "agent_hangup"
  | "caller_hangup"
  | "timeout"
  | "error"

/**
 * Fields to sort by that the endpoint may accept.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownSortField = "startedAt" | "started_at" | "createdAt" | "created_at" | "durationSec" | "duration_sec"

/**
 * An object whose keys are the customer's own.
 *
 * @since 0.1.0
 * @category models
 */
export interface OwnKeys {
  readonly [key: string]: unknown
}

/**
 * What a call cost, in the vendor's credits.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreditBreakdown {
  readonly channel?: string | null
  readonly duration_sec?: number | null
  readonly model_credits?: number | null
  readonly provider_credits?: number | null
  readonly provider_managed?: boolean | null
  readonly telephony_type?: string | null
  readonly total_credits?: number | null
}

/**
 * One call session. Every field but `id` may be absent or `null`. Timestamps are the API's own text, `durationSec` is in
 * seconds, `callLatencyMs` in milliseconds, `costTotal` an exact decimal without a currency. Fields that the contract does
 * not name are there at run time. A value that the server sends with another type is kept as it came. A number that a double
 * would round is an object whose `String(…)` has all digits.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallSession<Metadata = OwnKeys, Analysis = OwnKeys> {
  readonly id: string
  readonly agentId?: string | null
  readonly organizationId?: string | null
  readonly roomId?: string | null
  readonly callerNumber?: string | null
  readonly calleeNumber?: string | null
  readonly callerName?: string | null
  readonly callerEmail?: string | null
  readonly channel?: OpenString<KnownChannel> | null
  readonly status?: OpenString<KnownStatus> | null
  readonly summary?: string | null
  readonly metadata?: Metadata | null
  readonly errorMessage?: string | null
  readonly disconnectReason?: OpenString<KnownDisconnectReason> | null
  readonly promptDynamicVariables?: OwnKeys | null
  readonly extractDynamicVariables?: OwnKeys | null
  readonly callLatencyMs?: number | null
  readonly startedAt?: string | null
  readonly endedAt?: string | null
  readonly durationSec?: number | null
  readonly createdAt?: string | null
  readonly recordingUrl?: string | null
  readonly costTotal?: string | null
  readonly agentName?: string | null
  readonly postCallAnalysisResult?: Analysis | null
  readonly creditBreakdown?: CreditBreakdown | null
}

/**
 * One request for a page. Every field is optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallSessionQuery {
  /** From 1. @default 1 */
  readonly page?: number | undefined
  /** Calls on a page; the server may give fewer. @default the server's own, 20 */
  readonly pageSize?: number | undefined
  /** A UUID. */
  readonly agentId?: string | undefined
  readonly status?: OpenString<KnownStatus> | undefined
  readonly channel?: OpenString<KnownChannel> | undefined
  /** In E.164 form: `+` and up to 15 digits. */
  readonly callerNumber?: string | undefined
  readonly search?: string | undefined
  readonly sortBy?: OpenString<KnownSortField> | undefined
  readonly sortOrder?: "asc" | "desc" | undefined
  readonly startedAfter?: Time | undefined
  readonly startedBefore?: Time | undefined
}

/**
 * Ends a reading.
 *
 * @since 0.1.0
 * @category options
 */
export interface Abortable {
  /** When it is aborted, the reading stops at once and fails with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined
}

/**
 * Which calls to read, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface Selection
  extends Abortable, Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search"> {
  /** The earliest start, included. @default no bound */
  readonly from?: Time | undefined
  /** The start that is no longer included. @default no bound */
  readonly to?: Time | undefined
  /** Calls in one request; the server may send fewer. @default 100 */
  readonly pageSize?: number | undefined
  /** Windows that are read in parallel; the client's own limit applies too. @default 4 */
  readonly concurrency?: number | undefined
  /** Reads past a range that cannot be read, instead of failing: its window is `unprovable` and has the error. @default false */
  readonly keepGoing?: boolean | undefined
  /** The longest time from a call's start until it appears in the API; later starts are `provisional`. @default "2 hours" */
  readonly horizon?: Duration | undefined
}

/**
 * How the calls of a range come.
 *
 * @since 0.1.0
 * @category options
 */
export interface StreamOptions {
  /** Which come first. Calls without a start time come at the end. @default "oldest" */
  readonly order?: "oldest" | "newest" | undefined
  /** The JSON of `callstream check --json`: it saves requests, and no verdict relies on it. @default none */
  readonly profile?: unknown
  /**
   * Resumes the reading after an error that may pass, once the retries of its request are used up: no call comes twice, and none
   * is missing. `tries` are the readings in a row that bring nothing. @default the error ends the loop
   */
  readonly retry?: Retry | undefined
}

/**
 * A record that could not be read, kept whole so that nothing is lost.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rejected {
  /** `decode`: not a call at all. `range`: its start is no time. `schema`: one of your schemas refused it. */
  readonly stage: string
  /** Names paths and expectations, never values. */
  readonly reason: string
  /** The record as it came; it may contain personal data. */
  readonly raw: unknown
  /** What your schema said; its words may contain values. */
  readonly issues?: ReadonlyArray<{ readonly message: string }> | undefined
}

/**
 * Receives rejected records; the reading waits for what it returns, and fails if that fails.
 *
 * @since 0.1.0
 * @category options
 */
export interface OnRejected {
  /** @default a warning with their number and reasons */
  readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => unknown) | undefined
}

/**
 * One page, as the endpoint gave it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page<Metadata = OwnKeys, Analysis = OwnKeys> {
  /** The page number that was asked for, from 1. */
  readonly page: number
  readonly sessions: ReadonlyArray<CallSession<Metadata, Analysis>>
  readonly rejected: ReadonlyArray<Rejected>
  /** The server's clock when it made the response, in ISO 8601. */
  readonly observedAt: string
  /** The count of the whole set, if the server gives one. */
  readonly total: number | undefined
  /** Seconds that a cache held the response; 0 when it came from the server itself. */
  readonly age: number
}
