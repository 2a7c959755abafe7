/**
 * The client for packages that put it under another kind of stream: the shapes of core, in arrays, in a program with a transport,
 * a clock, a log, metrics and a tracer of its own. It may change in any version.
 *
 * @since 0.1.0
 */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as CoreHealth from "@callstream/core/client/Health"
import * as CoreReason from "@callstream/core/coverage/CoverageReason"
import { AgniError as CoreAgniError } from "@callstream/core/model/AgniError"
import * as CoreCall from "@callstream/core/model/CallSession"
import * as CoreInstant from "@callstream/core/model/Instant"
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type {
  Bound,
  ChangesOptions,
  Delivered,
  Health,
  Host,
  Instant,
  LedgersStore,
  Named,
  Outcome,
  Page,
  Query,
  Selection,
  Window
} from "./BridgeTypes.ts"
import type { CallSession } from "./CallTypes.ts"
import type { AgniReason } from "./ClientErrors.ts"
import type { ClientOptions } from "./ClientOptions.ts"
import type { CoverageReason } from "./CoverageTypes.ts"
import * as Connected from "./internal/Connected.ts"
import * as Hosted from "./internal/Hosted.ts"
import * as HostedReads from "./internal/HostedReads.ts"
import * as Loops from "./internal/Loops.ts"
import * as PlainErrors from "./internal/PlainErrors.ts"

export type * from "./BridgeTypes.ts"
export type {
  CallSession,
  CreditBreakdown,
  Duration,
  KnownChannel,
  KnownDisconnectReason,
  KnownSortField,
  KnownStatus,
  OpenString,
  OwnKeys
} from "./CallTypes.ts"
export type { Facet, Milestone } from "./ChangeTypes.ts"
export {
  type AgniFailure,
  AgniError,
  type AgniReason,
  LedgerError,
  type Malformed,
  type Outage
} from "./ClientErrors.ts"
export type { Clock, Fetch, LogEntry, Rate, Retry } from "./ClientOptions.ts"
export type { CoverageReason, Outside } from "./CoverageTypes.ts"

/**
 * Reads in a host. Each iteration reads from the beginning, and ends at once on `return()`. All readings of a bridge share its
 * budget of requests.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bridge {
  readonly windows: (host: Host, selection: Selection) => AsyncIterable<ReadonlyArray<Window>>
  readonly pages: (
    host: Host,
    query: Query,
    options: { readonly concurrency?: number | undefined }
  ) => AsyncIterable<ReadonlyArray<Page>>
  readonly list: (host: Host, query: Query, signal: AbortSignal) => Promise<Page>
  /** One request for one call, without retries. It never fails. */
  readonly health: (host: Host, signal: AbortSignal) => Promise<Health>
  /** A store is the ledgers of all that read with it. */
  readonly changes: (
    host: Host,
    store: LedgersStore,
    options: ChangesOptions
  ) => AsyncIterable<ReadonlyArray<Delivered>>
}

/**
 * Makes a bridge. Throws an `AgniError` when an option is wrong.
 *
 * @since 0.1.0
 * @category constructors
 */
export const createBridge = (
  options: Omit<ClientOptions, "fetch" | "log" | "onRequest" | "clock" | "schemas"> & Named
): Bridge => {
  const context = Connected.make(options)
  return {
    windows: (host, selection) => HostedReads.windows(Hosted.contextOf(context, host), selection),
    pages: (host, query, options) => HostedReads.pages(Hosted.contextOf(context, host), query, options),
    list: (host, query, signal) =>
      Loops.once(
        Hosted.contextOf(context, host),
        AgniClient.use(({ list }) => list(query)),
        signal
      ),
    health: (host, signal) =>
      Loops.once(Hosted.contextOf(context, host), Effect.map(CoreHealth.check, plainHealth), signal),
    changes: (host, store, options) => HostedReads.changes(Hosted.contextOf(context, host), store, options)
  }
}

const plainHealth = ({ error, latency, ...health }: CoreHealth.Health): Health => ({
  ...health,
  latency: Duration.toMillis(latency),
  error: error === undefined ? undefined : PlainErrors.ofAgni(error)
})

const textOf = (cost: BigDecimal.BigDecimal | undefined): string | undefined =>
  cost === undefined ? undefined : BigDecimal.format(cost)

/** What an `AgniError` is made of, as data. */
interface EncodedError {
  readonly reason: AgniReason
  readonly request: string
  readonly attempts: number
  readonly elapsed: number
  readonly alone?: boolean
}

const decodeError = Schema.decodeSync(CoreAgniError)

/**
 * The words of an error, and of its reason, and whether another try may succeed.
 *
 * @since 0.1.0
 * @category errors
 */
export const errorInWords = (
  error: EncodedError
): { readonly message: string; readonly reason: string; readonly retryable: boolean } => {
  const { message, reason, retryable } = decodeError({ _tag: "AgniError", ...error })
  return { message, reason: reason.message, retryable }
}

/**
 * Why a reading is not proven complete, in one line; each reason once, three at most.
 *
 * @since 0.1.0
 * @category coverage
 */
export const doubtsInWords = (reasons: ReadonlyArray<CoverageReason>): string =>
  CoreReason.merge(reasons).slice(0, 3).map(CoreReason.describe).join("; ")

/**
 * What a call says: the functions of core's `CallSession`. `cost` and `finalCost` are decimals without an exponent.
 *
 * @since 0.1.0
 * @category calls
 */
export const calls: {
  readonly fieldNames: ReadonlyArray<keyof CallSession>
  readonly startInstant: (session: CallSession) => Instant | undefined
  readonly endInstant: (session: CallSession) => Instant | undefined
  readonly createdInstant: (session: CallSession) => Instant | undefined
  readonly direction: (session: CallSession) => "inbound" | "outbound" | "unknown"
  readonly customerNumber: (session: CallSession) => string | undefined
  readonly cost: (session: CallSession) => string | undefined
  readonly finalCost: (session: CallSession) => string | undefined
  readonly outcome: (session: CallSession) => Outcome
  readonly statusClass: (session: CallSession) => "answered" | "unanswered" | "open"
  readonly isSettled: (session: CallSession) => boolean
  readonly minutes: (session: CallSession) => number | undefined
  readonly analysisValues: (session: CallSession) => Readonly<Record<string, unknown>>
} = {
  ...CoreCall,
  cost: (session) => textOf(CoreCall.cost(session)),
  finalCost: (session) => textOf(CoreCall.finalCost(session))
}

/**
 * Times in microseconds: the functions of core's `Instant`.
 *
 * @since 0.1.0
 * @category instants
 */
export const instants: {
  readonly of: (micros: number) => Instant
  readonly parse: (text: string) => Instant | undefined
  readonly fromBound: (bound: Bound) => Instant | undefined
  readonly min: (left: Instant, right: Instant) => Instant
  readonly max: (left: Instant, right: Instant) => Instant
  readonly format: (instant: Instant) => string
} = CoreInstant
