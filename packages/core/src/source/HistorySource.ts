/**
 * A complete history as a source: windows of start time, each with its coverage.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import type { Window } from "../history/Coverage.ts"
import * as History from "../history/History.ts"
import * as ReadingParts from "../history/internal/ReadingParts.ts"
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
export interface Options extends Omit<History.Options, "resume" | "cuts" | "order"> {
  /** Calls of a stretch, about, where a run reads several in parallel. @default 20000 */
  readonly stretchSize?: number | undefined
}

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
export const make = (range: History.OpenRange = {}, options: Options = {}): Source<State, AgniError, AgniClient> => ({
  ...RangeSource.ofHistory(
    range,
    options,
    options.withoutStart === "skip" ? { withoutStart: "skip" } : {},
    (range, options, at) => unitsOf(History.windows(range, { ahead: true, ...options, ...placeOf(at) }))
  ),
  stretches: (bounds, readers, begun) =>
    Effect.map(
      History.sideBySide(RangeSource.open(bounds), {
        ...endingAt(options, bounds),
        sideBySide: readers,
        stretches: begun?.map(({ at, range }) => ({ ...range, at: at === undefined ? undefined : Instant.of(at) }))
      }),
      ({ closing, stretches, windows }) => ({
        stretches,
        units: (stretch, at) => {
          const { cuts, resume } = placeOf(at)
          return unitsOf(windows(stretch, { from: resume, cuts }))
        },
        closing: unitsOf(closing, Units.ending)
      })
    ),
  parts: {
    cut: (bounds, readers) => ReadingParts.cut(RangeSource.open(bounds), endingAt(options, bounds), readers),
    stretch: (bounds, cut, nth, at, known) => {
      const { cuts, resume } = placeOf(at)
      const place = { from: resume, cuts, evidence: known }
      return Stream.unwrap(
        Effect.map(
          ReadingParts.stretch(RangeSource.open(bounds), endingAt(options, bounds), cut, nth, place),
          ({ evidence, windows }) =>
            unitsOf(windows).pipe(
              Stream.concat(Stream.make(Units.nothing)),
              Stream.mapEffect((unit) => Effect.map(evidence, (evidence) => ({ ...unit, evidence })))
            )
        )
      )
    },
    ending: (bounds, cut, proofs) =>
      unitsOf(ReadingParts.ending(RangeSource.open(bounds), endingAt(options, bounds), cut, proofs), Units.ending)
  }
})

const endingAt = (options: Options, { end }: State) => ({ ...options, end: end ?? undefined })

const unitsOf = <E, R>(windows: Stream.Stream<Window, E, R>, begin = Units.begin) =>
  Stream.mapAccum(windows, () => begin, Units.next, { onHalt: Units.last })

/** Positions of a history are starts. */
const placeOf = ({ cuts, from }: Place) => ({
  resume: from === undefined ? undefined : Instant.of(from),
  cuts: cuts.map((cut) => Instant.of(cut))
})
