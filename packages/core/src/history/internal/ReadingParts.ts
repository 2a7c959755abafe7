/** One reading of a range in several processes: one begins it, each stretch is read by any, and one ends it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { StretchProof } from "../../coverage/StretchProof.ts"
import * as Probes from "../../endpoint/internal/Probes.ts"
import * as SavedProbes from "../../endpoint/internal/SavedProbes.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import type { Range, Window } from "../Coverage.ts"
import type { OpenRange, SideBySideOptions } from "../History.ts"
import * as Asked from "./Asked.ts"
import * as EvidenceJson from "./EvidenceJson.ts"
import * as RangeReading from "./RangeReading.ts"
import * as ReadBefore from "./ReadBefore.ts"
import { mistake } from "./Refuse.ts"
import * as WindowTelemetry from "./WindowTelemetry.ts"

/** What each process must know: the probes, and how many calls pages showed each stretch to have. */
const Note = Schema.Struct({ probes: SavedProbes.SavedProbes, rows: Schema.Array(Schema.UndefinedOr(Schema.Number)) })

const makeCodecs = () => {
  const note = Schema.toCodecJson(Note)
  return { encodeNote: Schema.encodeEffect(note), decodeNote: Schema.decodeUnknownEffect(note) }
}

const made: { codecs?: ReturnType<typeof makeCodecs> } = {}

/** Made when a range is first cut: each program that reads would make them as it starts, and few cut. */
const codecs = () => (made.codecs ??= makeCodecs())

export type Options = Omit<SideBySideOptions, "sideBySide" | "stretches">

/** The stretches of a range, and what another process needs to read one of them. */
export interface Cut {
  readonly stretches: ReadonlyArray<Range>
  readonly note: Schema.Json
}

/** Each is a row, and each reader of one has the whole cut. */
const mostStretches = 2000

const open = (range: OpenRange, options: Options, beside: RangeReading.Beside) =>
  Effect.flatMap(Effect.fromResult(Asked.reading({ ...range, end: options.end }, options)), (asked) =>
    RangeReading.open(asked, { ...options, order: "oldest" }, beside)
  )

/** Probes the endpoint, and cuts the range for so many readers at least. */
export const cut = Effect.fnUntraced(function* (
  range: OpenRange,
  options: Options,
  readers: number
): Effect.fn.Return<Cut, AgniError, AgniClient> {
  const { begun, stretches } = yield* open(range, options, {
    sideBySide: Math.max(2, readers),
    size: options.stretchSize,
    most: mostStretches,
    descending: true
  })
  const rows = stretches.map((one) => one.rows)
  const note = yield* Effect.orDie(codecs().encodeNote({ probes: yield* begun, rows }))
  return { stretches: stretches.map(({ from, to }) => ({ from: Instant.of(from), to: Instant.of(to) })), note }
})

/** Opens the reading where another process left it. */
const resume = Effect.fnUntraced(function* (
  range: OpenRange,
  options: Options,
  { note, stretches }: Cut,
  beside: (rows: ReadonlyArray<number | undefined>) => Partial<RangeReading.Beside>
) {
  const { probes, rows } = yield* Effect.mapError(codecs().decodeNote(note), () =>
    mistake("cut", "must be what this version cuts")
  )
  const { others, seen } = SavedProbes.restore(probes)
  const all = stretches.map((one, i) => ({ ...one, at: one.to, rows: rows[i] }))
  const reading = open(range, options, {
    sideBySide: 1,
    size: options.stretchSize,
    logs: others,
    stretches: all,
    ...beside(rows)
  })
  return yield* Effect.provideService(reading, Probes.Probed, seen)
})

/** Where the reading of a stretch begins, and instants that no window spans. */
interface Place {
  readonly from: Instant.Instant | undefined
  readonly cuts: ReadonlyArray<Instant.Instant>
  /** That of the last window before it, if there is one. */
  readonly evidence: Schema.Json | undefined
}

/** The windows of a stretch, and the evidence of those that came so far. */
export const stretch = (range: OpenRange, options: Options, cut: Cut, nth: number, at: Place) =>
  Effect.map(
    resume(range, options, cut, (rows) => ({
      // The others are as if they were read.
      stretches: cut.stretches.map((one, i) => ({ ...one, at: i === nth ? at.from : one.to, rows: rows[i] })),
      resumed: ReadBefore.resumed(at.from, EvidenceJson.decode(at.evidence))
    })),
    ({ evidence, noteRest, windows }) => ({
      windows: Stream.concat(
        WindowTelemetry.reported(windows(nth, at)),
        Stream.fromEffectDrain(Effect.sync(() => noteRest()))
      ),
      evidence: Effect.suspend(() => {
        const known = evidence()
        return Effect.succeed(known === undefined ? undefined : EvidenceJson.encode(known))
      })
    })
  )

const callsOf = ({ divided, entries }: CoverageSet.CoverageSet): number | undefined =>
  divided === undefined && entries.some(({ count }) => count === undefined)
    ? undefined
    : entries.reduce((sum, { count = 0 }) => sum + count, divided?.count ?? 0)

const proofOf = ({ coverage, evidence, failed, range }: StretchProof): ReadBefore.Proof => ({
  ...range,
  entries: coverage.entries,
  evidence: EvidenceJson.decode(evidence),
  calls: failed === undefined ? callsOf(coverage) : undefined
})

/** After all stretches: the calls without a start time, and what is taken back of any. */
export const ending = (
  range: OpenRange,
  options: Options,
  cut: Cut,
  proofs: ReadonlyArray<StretchProof>
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.unwrap(
    Effect.map(
      resume(range, options, cut, () => ({ read: proofs.map(proofOf) })),
      ({ closing }) => WindowTelemetry.reported(closing)
    )
  )
