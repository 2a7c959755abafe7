/** One pass of a sync as work of a fleet: a single part, because only one process at a time reads a ledger. */
import {
  CoverageSet,
  Instant,
  type Pipeline,
  type PipelineParts,
  type SyncPipeline,
  type Verdict
} from "@callstream/core"
import type { Lease } from "@callstream/core/checkpoint/Checkpoint"
import * as Effect from "effect/Effect"
import * as CoverageNote from "../CoverageNote.ts"
import * as RunMetrics from "../RunMetrics.ts"
import * as RunSync from "../RunSync.ts"
import * as JobFailure from "./JobFailure.ts"
import * as PartEvent from "./PartEvent.ts"
import type * as Pauses from "./Pauses.ts"

type OnEvent = (event: Pipeline.RunEvent) => Effect.Effect<void>

export interface Options {
  /** Its state is in the database of the fleet. */
  readonly job: RunSync.SyncJob
  readonly name: string
  readonly handingBack: Pauses.HandingBack
  readonly onPart: PartEvent.OnPart
  readonly reworded: (text: string) => string
}

/** The pass saves everything in its ledger: this one only shows whether the run was cancelled. */
const nothingSaved = { version: 2, fingerprint: {}, sinks: {}, finished: false } as const

const totalsOf = ({ changes, dead, filtered }: SyncPipeline.Delivered): Pipeline.Totals => {
  const delivered = changes.created + changes.updated + changes.removed
  return {
    committed: undefined,
    stage: "reading",
    written: delivered,
    safe: delivered,
    inFlight: 0,
    read: delivered + filtered,
    delivered,
    filtered,
    rejected: 0,
    dead,
    earliest: undefined,
    latest: undefined,
    last: undefined
  }
}

/** What the ledger shows of the range after the pass. */
export const coverageOf = (
  { awaited, calls, completeUpTo, from, holes, watermark }: Verdict.Verdict,
  asOf: Instant.Instant
): CoverageSet.CoverageSet => {
  const end = Instant.max(watermark, from)
  const known: ReadonlyArray<CoverageSet.Entry> = [
    {
      range: { from, to: end },
      verdict: completeUpTo === undefined ? "provisional" : "proven",
      ...(completeUpTo === undefined ? { reason: { _tag: "NotRead" } as const } : {}),
      count: calls,
      final: calls - awaited.calls,
      requests: 0,
      asOf
    },
    { range: { from: end, to: asOf }, verdict: "provisional", reason: { _tag: "TooRecent" }, requests: 0, asOf },
    ...holes.map(({ reason = { _tag: "NotRead" }, ...range }): CoverageSet.Entry => ({
      range: { from: range.from, to: range.to },
      verdict: "provisional",
      reason,
      requests: 0,
      asOf
    }))
  ]
  return known.reduce(CoverageSet.replace, CoverageSet.empty)
}

/** Fails once another worker has the part, or the run was cancelled. */
const whileHeld = ({ commit }: Lease) => Effect.forever(Effect.delay(commit(nothingSaved), "2 seconds"))

const failureOf = ({ sinks }: RunSync.PassSummary) => sinks.find(({ failure }) => failure !== undefined)?.failure

const pass = Effect.fnUntraced(function* ({ job }: Options, onEvent: OnEvent) {
  const done = yield* RunSync.run(job, {
    restart: false,
    onDelivered: (delivered) => onEvent({ _tag: "Delivered", totals: totalsOf(delivered) }),
    onPass: () => Effect.void
  })
  yield* CoverageNote.ofSync(job, done)
  // The others have everything, and the next pass brings what this one lacks.
  const failure = failureOf(done)
  if (failure !== undefined) return yield* failure
  yield* RunMetrics.succeeded(job.name)
  return { coverage: coverageOf(done.verdict, yield* Instant.now), totals: totalsOf(done) }
})

/** `Jobs.Job`, with what it needs still in its types. It has no stretches: the ending is the pass. */
export const make = (options: Options) => {
  const { handingBack, name, onPart, reworded } = options
  return {
    cut: () => Effect.succeed<PipelineParts.Cut>({ id: "", fingerprint: {}, source: null, stretches: [], note: null }),
    ending: (lease: Lease, onEvent: OnEvent) =>
      PartEvent.reported({ run: name, stretch: undefined, of: 0 }, onPart, onEvent, (onEvent) =>
        handingBack(Effect.raceFirst(pass(options, onEvent), whileHeld(lease))).pipe(
          Effect.mapError(JobFailure.of(reworded))
        )
      )
  }
}
