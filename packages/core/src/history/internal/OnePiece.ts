/** A range that is read in one piece, from its beginning or from where an earlier reading of it was stopped. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Window } from "../Coverage.ts"
import type * as History from "../History.ts"
import * as Asked from "./Asked.ts"
import type * as PartEvidence from "./PartEvidence.ts"
import * as RangeReading from "./RangeReading.ts"
import * as WindowTelemetry from "./WindowTelemetry.ts"

/** What a reading knows while its windows come. */
export interface Progress {
  /**
   * What its answers showed and its windows brought; nothing where no answer is evidence.
   *
   * @param committed What another reading takes over of it.
   */
  readonly evidence: (committed: PartEvidence.Committed) => PartEvidence.Evidence | undefined
  /** Rows delivered, of the earlier reading too. */
  readonly rows: () => number
  /** Notes answers that no window is of: for a reading that failed. */
  readonly noteRest: () => void
}

/** A window, and what is known once it came. */
export interface Read {
  readonly window: Window
  readonly progress: Progress
}

/**
 * As `History.windows`.
 *
 * @param resumed The evidence of the part that an earlier reading committed: with it this one proves as much as one that reads all.
 * @default nothing is known of that part
 */
export const windows = (
  range: History.OpenRange,
  options: History.Options,
  resumed?: PartEvidence.Evidence
): Stream.Stream<Read, AgniError, AgniClient> => {
  const asked = Asked.reading({ ...range, cuts: options.cuts, end: options.end, resume: options.resume }, options)
  if (Result.isFailure(asked)) return Stream.fail(asked.failure)
  const { cuts } = asked.success
  return Stream.unwrap(
    Effect.gen(function* () {
      const reading = yield* RangeReading.open(asked.success, options, undefined, yield* Effect.scope, resumed)
      const all = Stream.concat(reading.windows(0, { cuts }), reading.closing)
      return Stream.map(WindowTelemetry.reported(all), (window): Read => ({ window, progress: reading }))
    })
  )
}
