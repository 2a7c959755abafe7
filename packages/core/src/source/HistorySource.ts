/**
 * A complete history as a source: windows of start time, each with its coverage.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import { earliestStart } from "../model/Limits.ts"
import type * as Position from "../model/Position.ts"
import type { Window } from "../history/Coverage.ts"
import type * as History from "../history/History.ts"
import * as EvidenceJson from "../history/internal/EvidenceJson.ts"
import * as OnePiece from "../history/internal/OnePiece.ts"
import type * as PartEvidence from "../history/internal/PartEvidence.ts"
import * as ReadBefore from "../history/internal/ReadBefore.ts"
import * as ReadingParts from "../history/internal/ReadingParts.ts"
import * as Stretches from "../history/internal/Stretches.ts"
import * as WindowTelemetry from "../history/internal/WindowTelemetry.ts"
import type * as CoverageSet from "../coverage/CoverageSet.ts"
import type * as Bounds from "./Bounds.ts"
import * as GivenBefore from "./internal/GivenBefore.ts"
import * as RangeSource from "./internal/RangeSource.ts"
import * as Units from "./internal/Units.ts"
import type { Begun, Doubt, Evidence, Place, SideBySide, Source, Unit } from "./Source.ts"

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
    (range, options, at) => alone(range, { ahead: true, ...options, ...placeOf(at) }, at)
  ),
  stretches: (bounds, readers, begun, saved) => inStretches(bounds, endingAt(options, bounds), readers, begun, saved),
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
              Stream.map(GivenBefore.judged(at, at.ahead === undefined ? undefined : EvidenceJson.decode(known))),
              Stream.concat(Stream.make(Units.nothing)),
              Stream.mapEffect((unit) =>
                Effect.map(evidence, (json) => ({ ...unit, evidence: { save: () => json, calls: 0 } }))
              )
            )
        )
      )
    },
    ending: (bounds, cut, proofs) =>
      unitsOf(ReadingParts.ending(RangeSource.open(bounds), endingAt(options, bounds), cut, proofs), Units.ending)
  }
})

const endingAt = (options: Options, { end }: State) => ({ ...options, end: end ?? undefined })

/** Beyond so many calls the evidence is no longer saved: it is 22 bytes a call with each commit. */
const mostSaved = 1_000_000

/** Read by one process, with what an earlier one committed. */
const alone = (range: History.OpenRange, options: History.Options, at: Place) => {
  const { evidence, from } = at
  const saved = EvidenceJson.decode(evidence)
  const known = from === undefined ? undefined : ReadBefore.committedTo(from, saved)
  const isKnown = from === undefined || known !== undefined
  const units = OnePiece.windows(range, options, known).pipe(
    Stream.mapAccum(
      () => (known === undefined ? Units.begin : Units.ending),
      (reading, { progress, window }) => {
        const [next, units] = Units.next(reading, window)
        const calls = progress.rows()
        return [
          next,
          units.map((unit) =>
            unit._tag === "Window" && isKnown ? { ...unit, evidence: evidenceOf(progress, unit.to, calls) } : unit
          )
        ]
      },
      { onHalt: Units.last }
    ),
    Stream.map(GivenBefore.judged(at, saved))
  )
  return isKnown ? units : withDoubt(from)(units)
}

const evidenceOf = ({ evidence }: OnePiece.Progress, to: Position.Position, calls: number): Evidence => ({
  calls,
  save: () =>
    encoded(
      calls > mostSaved ? undefined : evidence({ parts: [{ from: -Infinity, to: Instant.of(to) }], listed: "probes" })
    )
})

/** Committed windows that cannot be compared with answers of now. */
const doubtIn = (range: CoverageSet.Range): Doubt => ({ range, verdict: "provisional", reason: { _tag: "Resumed" } })

/** Says so with the first unit. */
const withDoubt =
  (to: Position.Position) =>
  <E, R>(units: Stream.Stream<Unit, E, R>): Stream.Stream<Unit, E, R> =>
    Stream.mapAccum(
      units,
      () => [doubtIn({ from: Instant.of(earliestStart), to: Instant.of(to) })],
      (doubts: ReadonlyArray<Doubt>, unit) => [
        [],
        [doubts.length === 0 ? unit : { ...unit, doubts: [...doubts, ...(unit.doubts ?? [])] }]
      ]
    )

/** Read by one process in stretches, with what an earlier one committed of each. */
const inStretches = (
  bounds: State,
  options: Options & { readonly end?: Instant.Instant | undefined },
  readers: number,
  begun: ReadonlyArray<Begun> | undefined,
  saved: Schema.Json | undefined
) => {
  const stretches = begun?.map(({ at, range }) => ({ ...range, at: at === undefined ? undefined : Instant.of(at) }))
  const read = stretches?.flatMap(({ at, from }) => (at === undefined || at <= from ? [] : [{ from, to: at }])) ?? []
  const known = ReadBefore.committed(read, EvidenceJson.decode(saved))
  return Effect.map(
    Stretches.open(RangeSource.open(bounds), { ...options, sideBySide: readers, stretches }, known),
    ({ closing, evidence, rows, stretches, windows }): SideBySide<AgniError, AgniClient> => ({
      stretches: stretches.map(({ from, to }) => ({ from: Instant.of(from), to: Instant.of(to) })),
      units: (stretch, at) => {
        const { cuts, resume } = placeOf(at)
        // Each of the readers commits, and each commit saves what is known of all calls.
        const cost = () => ({ calls: readers * rows(), save: () => undefined })
        return unitsOf(WindowTelemetry.reported(windows(stretch, { from: resume, cuts }))).pipe(
          Stream.map(GivenBefore.judged(at, undefined)),
          Stream.map((unit) => ({ ...unit, evidence: cost() }))
        )
      },
      closing: Stream.concat(
        read.length > 0 && known === undefined
          ? Stream.make({ ...Units.nothing, doubts: read.map(doubtIn) })
          : Stream.empty,
        unitsOf(WindowTelemetry.reported(closing), Units.ending)
      ),
      evidence: (parts) => encoded(rows() > mostSaved ? undefined : evidence({ parts, listed: "probes" }))
    })
  )
}

const encoded = (evidence: PartEvidence.Evidence | undefined): Schema.Json | undefined =>
  evidence === undefined ? undefined : EvidenceJson.encode(evidence)

const unitsOf = <E, R>(windows: Stream.Stream<Window, E, R>, begin = Units.begin) =>
  Stream.mapAccum(windows, () => begin, Units.next, { onHalt: Units.last })

/** Positions of a history are starts. */
const placeOf = ({ cuts, from }: Place) => ({
  resume: from === undefined ? undefined : Instant.of(from),
  cuts: cuts.map((cut) => Instant.of(cut))
})
