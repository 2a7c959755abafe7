/**
 * Call sessions as streams.
 *
 * @since 0.1.0
 */
import { doubtsInWords } from "@callstream/client/bridge"
import type * as Bridge from "@callstream/client/bridge"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as ParseResult from "effect/ParseResult"
import * as Runtime from "effect/Runtime"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AgniClient } from "./AgniClient.ts"
import type { AgniError } from "./AgniError.ts"
import type { CallSession } from "./CallSession.ts"
import type { Coverage, Window } from "./Coverage.ts"
import * as Failures from "./internal/Failures.ts"
import * as Millis from "./internal/Millis.ts"
import * as Refusals from "./internal/Refusals.ts"
import * as Resuming from "./internal/Resuming.ts"
import { Ledger } from "./Ledger.ts"
import type { LedgerError } from "./LedgerError.ts"

/**
 * A selection of calls: a range of start time and the endpoint's filters.
 *
 * @since 0.1.0
 * @category options
 */
export type Selection = Omit<Bridge.Selection, "keepGoing" | "horizon" | "order" | "profile" | "retry">

/**
 * How windows are read.
 *
 * @since 0.1.0
 * @category options
 */
export interface WindowsOptions {
  /** Reads past a range that cannot be read, instead of failing. @default false */
  readonly keepGoing?: boolean | undefined
  /** The longest time from a call's start until it appears in the API. @default "2 hours" */
  readonly horizon?: Duration.DurationInput | undefined
  /** Which come first. Calls without a start time come at the end. @default "oldest" */
  readonly order?: "oldest" | "newest" | undefined
  /** The JSON of `callstream check --json`: it saves requests, and no verdict relies on it. @default none */
  readonly profile?: unknown
  /**
   * Resumes after a retryable error, in place of `Stream.retry`, which repeats calls: each call still comes once, and none is
   * missing. The schedule gets the error, and begins again after each window. The client's retries of each request come before
   * it. @default the error ends the stream
   */
  readonly retry?: Schedule.Schedule<unknown, AgniError> | undefined
}

/**
 * A record that could not be read, kept whole so that nothing is lost.
 *
 * @since 0.1.0
 * @category models
 */
export type Rejected = Bridge.Rejected

const coverageOf = (coverage: Bridge.Coverage): Coverage =>
  coverage._tag === "Gap" ? { ...coverage, error: Failures.ofPlain(coverage.error) } : coverage

const windowOf = ({ coverage, revised, ...window }: Bridge.Window): Window => ({
  ...window,
  coverage: coverageOf(coverage),
  ...(revised === undefined
    ? {}
    : { revised: revised.map(({ coverage, ...range }) => ({ ...range, coverage: coverageOf(coverage) })) })
})

/**
 * The selected calls in windows of start time, ascending (descending with `order: "newest"`), each with its coverage.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (
  selection: Selection = {},
  { horizon, retry, ...options }: WindowsOptions = {}
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { read } = yield* AgniClient
      const all = {
        ...selection,
        ...options,
        horizon: Millis.of(horizon),
        retry: retry === undefined ? undefined : yield* Resuming.make(retry)
      }
      return Stream.map(
        read((bridge, host) => bridge.windows(host, all), Failures.ofClient),
        windowOf
      )
    })
  )

/**
 * The selected calls one by one, by start, each once, in chunks of a window. With `order: "newest"` the call that started last
 * comes first.
 *
 * Records that could not be decoded are given to `onRejected`; without it their number and reasons are logged as a warning. What a
 * window proves is given to `onWindow`; without it a warning is logged at the end when something could not be proven complete.
 *
 * @since 0.1.0
 * @category streams
 */
export const sessions = (
  selection: Selection &
    WindowsOptions & {
      readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => Effect.Effect<void>) | undefined
      readonly onWindow?: ((window: Window) => Effect.Effect<void>) | undefined
    } = {}
): Stream.Stream<CallSession, AgniError, AgniClient> =>
  Stream.suspend(() => {
    const { horizon, keepGoing, onRejected = warn, onWindow, order, profile, retry, ...rest } = selection
    const doubts: Array<Bridge.CoverageReason> = []
    const note = ({ coverage }: Window) =>
      Effect.sync(() => {
        if (coverage._tag === "Unprovable") doubts.push(coverage.reason)
      })
    const callsOf = ({ rows }: Window) => (order === "newest" ? rows.sessions().toReversed() : rows.sessions())
    return windows(rest, { horizon, keepGoing, order, profile, retry }).pipe(
      Stream.mapEffect((window) =>
        (window.rejected.length === 0 ? Effect.void : onRejected(window.rejected)).pipe(
          Effect.zipRight((onWindow ?? note)(window)),
          Effect.map(() => Chunk.unsafeFromArray(callsOf(window)))
        )
      ),
      Stream.flattenChunks,
      Stream.concat(
        Stream.execute(
          Effect.suspend(() =>
            doubts.length === 0 ? Effect.void : Effect.logWarning(`not proven complete: ${doubtsInWords(doubts)}`)
          )
        )
      )
    )
  })

const warn = (rejected: ReadonlyArray<Pick<Rejected, "reason">>) =>
  Effect.logWarning(
    `${rejected.length} record(s) could not be decoded and were left out: ` +
      [...new Set(rejected.map(({ reason }) => reason))].slice(0, 3).join("; ")
  )

/**
 * A call that a schema of yours refused.
 *
 * @since 0.1.0
 * @category models
 */
export interface RefusedCall {
  readonly stage: "schema"
  /** Names the places, never values. */
  readonly reason: string
  /** The call; it may contain personal data. */
  readonly raw: CallSession
  /** All that the schema says; its words may contain values. */
  readonly error: ParseResult.ParseError
}

/**
 * Decodes the calls of a stream with a schema such as that of `CallSession.schemaWith`. A call that it refuses is given to
 * `onRejected`; without it, the number and the places are logged as a warning. Calls stay in the chunks in which they come.
 *
 * @since 0.1.0
 * @category streams
 */
export const decodeWith = <A, I, RD>(
  schema: Schema.Schema<A, I, RD>,
  { onRejected = warn }: { readonly onRejected?: (rejected: ReadonlyArray<RefusedCall>) => Effect.Effect<void> } = {}
): (<E, R>(self: Stream.Stream<CallSession, E, R>) => Stream.Stream<A, E, R | RD>) => {
  const decode = Schema.decodeUnknown(schema)
  const all = (sessions: Chunk.Chunk<CallSession>) =>
    Effect.gen(function* () {
      const decoded: Array<A> = []
      const refused: Array<RefusedCall> = []
      for (const raw of sessions) {
        const result = yield* Effect.either(decode(Refusals.unwrapped(raw)))
        if (Either.isRight(result)) decoded.push(result.right)
        else refused.push({ stage: "schema", reason: Refusals.reasonOf(result.left), raw, error: result.left })
      }
      if (refused.length > 0) yield* onRejected(refused)
      return Chunk.unsafeFromArray(decoded)
    })
  return Stream.mapChunksEffect(all)
}

/**
 * One page, as the endpoint gave it.
 *
 * @since 0.1.0
 * @category models
 */
export type Page = Bridge.Page

/**
 * The walk over page numbers, in the server's order, with any query. It proves nothing, and can miss a call: `sessions` does not.
 *
 * @since 0.1.0
 * @category streams
 */
export const pages = (
  query: Bridge.Query = {},
  options: { readonly concurrency?: number | undefined } = {}
): Stream.Stream<Page, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.map(AgniClient, ({ read }) => read((bridge, host) => bridge.pages(host, query, options), Failures.ofClient))
  )

/**
 * One reading of a sync, reported also when it brought no change.
 *
 * @since 0.1.0
 * @category models
 */
export type Look = Bridge.Look

/**
 * Which calls are followed, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface ChangesOptions extends Omit<
  Bridge.ChangesOptions,
  "horizon" | "audits" | "remember" | "every" | "onLook"
> {
  /** How long after its start a call may appear in the API. @default "2 hours" */
  readonly horizon?: Duration.DurationInput | undefined
  /** Ages at which everything is read again. @default ["1 day", "3 days", "7 days"] */
  readonly audits?: ReadonlyArray<Duration.DurationInput> | undefined
  /** How long after its start a call is known; longer than the last audit. @default "30 days" */
  readonly remember?: Duration.DurationInput | undefined
  /** How long after a pass the next one begins. @default no further pass: the stream ends */
  readonly every?: Duration.DurationInput | undefined
  /** Given every look, also one without a change. */
  readonly onLook?: ((look: Look) => Effect.Effect<void>) | undefined
}

/**
 * A change that waits for its acknowledgement.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivered extends Bridge.Change {
  /** Says that this change, and all before it, are where they should be. Before the stream ends. */
  readonly acknowledge: Effect.Effect<void, LedgerError>
}

const deliver = ({ acknowledge, ...change }: Bridge.Delivered): Delivered => ({
  ...change,
  acknowledge: Effect.catchAll(Effect.tryPromise(acknowledge), ({ error }) => Failures.ofLedger(error))
})

/**
 * What became of each call since this consumer acknowledged last, then one pass, or a pass `every` so often. A change that was not
 * acknowledged comes again.
 *
 * @since 0.1.0
 * @category streams
 */
export const changes = ({
  audits,
  every,
  horizon,
  onLook,
  remember,
  ...rest
}: ChangesOptions): Stream.Stream<Delivered, AgniError | LedgerError, AgniClient | Ledger> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { read } = yield* AgniClient
      const ledger = yield* Ledger
      const runtime = yield* Effect.runtime()
      const options = {
        ...rest,
        horizon: Millis.of(horizon),
        audits: audits?.map((age) => Duration.toMillis(age)),
        remember: Millis.of(remember),
        every: Millis.of(every),
        onLook:
          onLook === undefined
            ? undefined
            : (look: Look, signal: AbortSignal) => Runtime.runPromise(runtime)(onLook(look), { signal })
      }
      return Stream.map(
        read((bridge, host) => bridge.changes(host, ledger, options), Failures.ofSync),
        deliver
      )
    })
  )
