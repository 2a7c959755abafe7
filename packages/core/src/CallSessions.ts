/**
 * Call sessions as streams.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as CoverageReason from "./coverage/CoverageReason.ts"
import type { AgniClient } from "./client/AgniClient.ts"
import type { AgniError } from "./model/AgniError.ts"
import type * as CallSession from "./model/CallSession.ts"
import type { Rejected } from "./model/Rejected.ts"
import type { Window } from "./history/Coverage.ts"
import * as History from "./history/History.ts"
import type { Selection } from "./history/PageWalk.ts"
import * as Asked from "./history/internal/Asked.ts"

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
 * The selected calls in windows of start time, ascending, each with its coverage: `History.windows` for a selection.
 *
 * @since 0.1.0
 * @category streams
 */
export const windows = (
  selection: Selection = {},
  options: Pick<History.Options, "keepGoing" | "horizon" | "hold"> = {}
): Stream.Stream<Window, AgniError, AgniClient> => {
  const range = Asked.range(selection)
  if (Result.isFailure(range)) return Stream.fail(range.failure)
  return History.windows(range.success, { ...Struct.omit(selection, ["from", "to"]), ...options })
}

/**
 * The selected calls one by one, by start, each once, read as in `windows`.
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
  selection: Selection & {
    readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => Effect.Effect<void>) | undefined
    readonly onWindow?: ((window: Window) => Effect.Effect<void>) | undefined
  } = {}
): Stream.Stream<CallSession.CallSession, AgniError, AgniClient> =>
  Stream.suspend(() => {
    const { onRejected = warn, onWindow, ...rest } = selection
    const doubts: Array<CoverageReason.CoverageReason> = []
    const note = (window: Window) =>
      Effect.sync(() => {
        if (window.coverage._tag === "Unprovable") doubts.push(window.coverage.reason)
      })
    // Calls leave as objects: parsing them twice would cost more than keeping them.
    return windows(rest, { hold: "objects" }).pipe(
      Stream.mapEffect((window) =>
        (window.rejected.length === 0 ? Effect.void : onRejected(window.rejected)).pipe(
          Effect.andThen((onWindow ?? note)(window)),
          Effect.as(window.rows.sessions())
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

const warn = (rejected: ReadonlyArray<Rejected>) =>
  Effect.annotateLogs(
    Effect.logWarning(
      `${rejected.length} record(s) could not be decoded and were left out: ` +
        [...new Set(rejected.map((record) => record.reason))].slice(0, 3).join("; ")
    ),
    { "callstream.rejected": rejected.length, "callstream.stage": "decode" }
  )
