/**
 * Call sessions as streams.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as CoverageReason from "./coverage/CoverageReason.ts"
import type { AgniClient } from "./client/AgniClient.ts"
import type { AgniError } from "./model/AgniError.ts"
import type * as CallSession from "./model/CallSession.ts"
import { decoderWith } from "./model/CallSession.ts"
import type { Rejected } from "./model/Rejected.ts"
import type { Window } from "./history/Coverage.ts"
import * as History from "./history/History.ts"
import type { Selection } from "./history/PageWalk.ts"
import * as Asked from "./history/internal/Asked.ts"
import * as Resumed from "./history/internal/Resumed.ts"

export {
  /** @since 0.1.0 @category streams */
  changes,
  /** @since 0.1.0 @category options */
  type ChangesOptions
} from "./sync/Sync.ts"

export {
  /** @since 0.1.0 @category streams */
  pages,
  /** @since 0.1.0 @category options */
  type ReadOptions,
  /** @since 0.1.0 @category options */
  type Selection,
  /** @since 0.1.0 @category streams */
  selectedPages
} from "./history/PageWalk.ts"

/**
 * How the selected calls are read.
 *
 * @since 0.1.0
 * @category options
 */
export interface StreamOptions extends Pick<History.Options, "horizon" | "keepGoing" | "order" | "profile"> {
  /**
   * Resumes after a retryable error, in place of `Stream.retry`, which repeats calls: each call still comes once, and none is
   * missing. The schedule gets the error, and begins again after each window. The client's retries of each request come before
   * it. After an error, calls without a start time are at most `Provisional`. @default the error ends the stream
   */
  readonly retry?: Schedule.Schedule<unknown, AgniError> | undefined
}

/**
 * The selected calls in windows of start time, each with its coverage: `History.windows` for a selection.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (
  selection: Selection = {},
  { retry, ...options }: StreamOptions & Pick<History.Options, "hold"> = {}
): Stream.Stream<Window, AgniError, AgniClient> => {
  const range = Asked.range(selection)
  if (Result.isFailure(range)) return Stream.fail(range.failure)
  const all = { ...Struct.omit(selection, ["from", "to"]), ...options }
  return retry === undefined ? History.windows(range.success, all) : Resumed.windows(range.success, all, retry)
}

/**
 * The selected calls one by one, by start, each once, read as in `windows`. With `order: "newest"` the call that started last
 * comes first. Calls without a start time come at the end.
 *
 * Records that could not be decoded are given to `onRejected`; without it their number and reasons are logged as a
 * warning. What a window proves is given to `onWindow`; without it a warning is logged at the end when something could
 * not be proven complete. Sessions travel in arrays of a window: use `Stream.runForEachArray`, `Stream.mapArrayEffect`
 * and the like, and the work is done per array.
 *
 * @since 0.1.0
 * @category streams
 */
export const sessions = (
  selection: Selection &
    StreamOptions & {
      readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => Effect.Effect<void>) | undefined
      readonly onWindow?: ((window: Window) => Effect.Effect<void>) | undefined
    } = {}
): Stream.Stream<CallSession.CallSession, AgniError, AgniClient> =>
  Stream.suspend(() => {
    const { horizon, keepGoing, onRejected = warn, onWindow, order, profile, retry, ...rest } = selection
    const doubts: Array<CoverageReason.CoverageReason> = []
    const note = (window: Window) =>
      Effect.sync(() => {
        if (window.coverage._tag === "Unprovable") doubts.push(window.coverage.reason)
      })
    // Calls leave as objects: parsing them twice would cost more than keeping them.
    return windows(rest, { hold: "objects", horizon, keepGoing, order, profile, retry }).pipe(
      Stream.mapEffect((window) =>
        (window.rejected.length === 0 ? Effect.void : onRejected(window.rejected)).pipe(
          Effect.andThen((onWindow ?? note)(window)),
          Effect.map(() => (order === "newest" ? window.rows.sessions().toReversed() : window.rows.sessions()))
        )
      ),
      Stream.flattenIterable,
      Stream.onEnd(
        Effect.suspend(() =>
          doubts.length === 0
            ? Effect.void
            : Effect.annotateLogs(
                Effect.logWarning(
                  `not proven complete: ${CoverageReason.merge(doubts).slice(0, 3).map(CoverageReason.describe).join("; ")}`
                ),
                { "callstream.window.verdict": "unprovable", "callstream.windows": doubts.length }
              )
        )
      )
    )
  })

const warn = (rejected: ReadonlyArray<Pick<Rejected, "reason">>) =>
  Effect.annotateLogs(
    Effect.logWarning(
      `${rejected.length} record(s) could not be decoded and were left out: ` +
        [...new Set(rejected.map((record) => record.reason))].slice(0, 3).join("; ")
    ),
    { "callstream.rejected": rejected.length }
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
  readonly raw: CallSession.CallSession
  /** All that the schema says; its words may contain values. */
  readonly error: Schema.SchemaError
}

/**
 * Decodes the calls of a stream with a schema such as that of `CallSession.schemaWith`. A call that it refuses is given to
 * `onRejected`; without it, the number and the places are logged as a warning. Calls stay in the arrays in which they come.
 *
 * @since 0.1.0
 * @category streams
 */
export const decodeWith = <A, RD>(
  schema: Schema.ConstraintDecoder<A, RD>,
  options: { readonly onRejected?: ((rejected: ReadonlyArray<RefusedCall>) => Effect.Effect<void>) | undefined } = {}
): (<E, R>(self: Stream.Stream<CallSession.CallSession, E, R>) => Stream.Stream<A, E, R | RD>) => {
  const { onRejected = warn } = options
  const decode = decoderWith(schema)
  const all = Effect.fnUntraced(function* (sessions: ReadonlyArray<CallSession.CallSession>) {
    const decoded: Array<A> = []
    const refused: Array<RefusedCall> = []
    for (const session of sessions) {
      const exit = yield* Effect.exit(decode(session))
      if (Exit.isSuccess(exit)) {
        decoded.push(exit.value)
        continue
      }
      const found = Cause.findError(exit.cause)
      if (Result.isFailure(found)) return yield* Effect.failCause(found.failure)
      refused.push({ stage: "schema", reason: refusal(found.success), raw: session, error: found.success })
    }
    if (refused.length > 0) yield* onRejected(refused)
    return decoded
  })
  return (self) => Stream.flattenIterable(Stream.mapEffect(Stream.chunks(self), all))
}

const places = SchemaIssue.makeFormatterStandardSchemaV1()

const refusal = ({ issue }: Schema.SchemaError): string => {
  const found = places(issue).issues.map(({ path = [] }) =>
    path.map((part) => `[${JSON.stringify(String(typeof part === "object" ? part.key : part))}]`).join("")
  )
  const all = [...new Set(found)]
  return `your schema refused ${all.slice(0, 3).join(", ")}${all.length > 3 ? ` and ${all.length - 3} more` : ""}`
}
