/**
 * A complete history as a source: windows of start time, each with its coverage.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import * as History from "../history/History.ts"
import type * as Bounds from "./Bounds.ts"
import * as RangeSource from "./internal/RangeSource.ts"
import * as Units from "./internal/Units.ts"
import type { Place, Source } from "./Source.ts"

/**
 * The range as the first run resolved it, in microseconds.
 *
 * @since 0.1.0
 * @category models
 */
export type State = Bounds.Bounds

/**
 * How a history is read; where a run resumes is the pipeline's business.
 *
 * @since 0.1.0
 * @category options
 */
export type Options = Omit<History.Options, "resume" | "cuts" | "order">

/**
 * The calls of a range. A range without `to` ends when the first run under a name begins, by the server's clock, and a
 * run that resumes has the same range.
 *
 * Its fingerprint names the range and the filters; of `callerNumber` and `search`, which are personal data, only that
 * they are given. Replace it by spreading where an age such as "7 days" has to mean the same range the next day.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (range: History.OpenRange = {}, options: Options = {}): Source<State, AgniError, AgniClient> =>
  RangeSource.ofHistory(
    range,
    options,
    options.withoutStart === "skip" ? { withoutStart: "skip" } : {},
    (range, options, at) =>
      History.windows(range, { ...options, ...placeOf(at) }).pipe(
        Stream.mapAccum(() => Units.begin, Units.next, { onHalt: Units.last })
      )
  )

/** Positions of a history are starts. */
const placeOf = ({ cuts, from }: Place): Pick<History.Options, "cuts" | "resume"> => ({
  resume: from === undefined ? undefined : Instant.of(from),
  cuts: cuts.map((cut) => Instant.of(cut))
})
