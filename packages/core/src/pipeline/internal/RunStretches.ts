/** One run in stretches that are read in parallel: each is a run of its own, under the state of the whole. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type { Stretch } from "../../checkpoint/Checkpoint.ts"
import * as VersionClock from "../../client/VersionClock.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import * as StretchProof from "../../coverage/StretchProof.ts"
import * as Position from "../../model/Position.ts"
import * as Source from "../../source/Source.ts"
import type { RunEvent, Totals } from "../RunEvent.ts"
import type * as Events from "./Events.ts"
import { encodeState, finished, type Once, runOnce, type Saved, stateOf } from "./RunOnce.ts"
import * as RunState from "./RunState.ts"
import * as SharedSink from "./SharedSink.ts"
import * as StretchState from "./StretchState.ts"
import * as StretchTotals from "./StretchTotals.ts"

type Open<S, E, R> = NonNullable<Source.Source<S, E, R>["stretches"]>

/** Runs all stretches that are left, so many at a time, and then what is in none of them. */
export const run = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  options: Once<A, S, E, RS, RA, RD, E2, R2, ET, RT>,
  saved: Saved,
  open: Open<S, E, RS>,
  readers: number
) {
  const { deadLetters, emit, fingerprint, name, sinks, source } = options
  const { clock, kept } = saved
  const bounds = yield* stateOf(source, name, kept)
  const beside = yield* Effect.provideService(
    open(bounds, readers, kept?.stretches?.map(StretchState.begun(sinks)), kept?.evidence),
    VersionClock.Current,
    clock
  )
  const stretches = beside.stretches.map((range): Stretch => ({ range, sinks: {}, finished: false }))
  const encoded = yield* encodeState(source, name, bounds)
  const first = { version: 2, fingerprint, sinks: {}, finished: false, source: encoded, stretches } as const
  const state = yield* StretchState.make(saved, first, { sinks, evidence: beside.evidence })
  const frontier = () => StretchState.frontier(sinks, state.stretches())
  // The first stretch may be the only one that has nothing yet.
  const from = StretchState.hasBegun(state.stretches()) ? (frontier() ?? beginningOf(state.stretches())) : undefined
  const events = reporter(emit, frontier)
  yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.void : events.tell({ _tag: "Stopped" })))
  yield* events.tell({ _tag: "Started", from })

  const covers = options.covers?.(bounds)
  const ranges = state.stretches().map(({ range }) => range)
  const opening = { pipeline: name, fingerprint, covers, epoch: saved.lease.epoch }
  const letters = yield* SharedSink.open(deadLetters, opening, kept?.sinks[deadLetters.name], ranges)
  const together = yield* Effect.forEach(
    sinks.filter(({ shares }) => shares === "together" || shares === "parts"),
    (sink) => SharedSink.open(sink, opening, kept?.sinks[sink.name], ranges)
  )
  state.share([letters, ...together])

  const part = (nth: number, units: (at: Source.Place) => ReturnType<typeof beside.units>) => ({
    ...options,
    source: Source.make({ fingerprint: source.fingerprint, units }),
    sinks: sinks.map((sink) => together.find(({ name }) => name === sink.name)?.of(nth) ?? sink),
    deadLetters: letters.of(nth),
    covers: () => covers,
    emit: events.of(nth)
  })
  const left = state.stretches().flatMap((one, nth) => (one.finished ? [] : [nth]))
  const read = (nth: number) =>
    Effect.scoped(
      runOnce(
        part(nth, (at) => beside.units(nth, at)),
        state.of(nth)
      )
    )
  const summaries = yield* Effect.forEach(left, read, { concurrency: readers })
  const proven = yield* fold(name, ranges, state.stretches().map(proofOf))
  const last = yield* Effect.scoped(
    runOnce(
      part(SharedSink.ending, () => beside.closing),
      state.of(SharedSink.ending, proven)
    )
  )
  return yield* finished(emit, {
    ...StretchTotals.ofRuns(
      [...summaries, last],
      sinks.map(({ name }) => name)
    ),
    from,
    coverage: last.coverage,
    totals: events.totals()
  })
})

const beginningOf = ([first]: ReadonlyArray<Stretch>) =>
  first === undefined ? undefined : Position.of(first.range.from)

const proofOf = ({ coverage = CoverageSet.empty, range }: Stretch): StretchProof.StretchProof => ({ range, coverage })

/** What stretches, which tile a range, prove together. */
export const fold = (
  name: string,
  stretches: ReadonlyArray<CoverageSet.Range>,
  proofs: ReadonlyArray<StretchProof.StretchProof>
): Effect.Effect<CoverageSet.CoverageSet, CheckpointError> => {
  const [first] = stretches
  const last = stretches.at(-1)
  if (first === undefined || last === undefined) return Effect.succeed(CoverageSet.empty)
  return Effect.mapError(
    Effect.fromResult(StretchProof.fold({ from: first.from, to: last.to }, proofs)),
    () => new CheckpointError({ reason: { _tag: "Torn", path: name, problem: { _tag: "NoState" } } })
  )
}

/** Passes on the events of all stretches, with the totals of the whole. */
const reporter = (emit: Events.Emit, frontier: () => Position.Position | undefined) => {
  const all = new Map<number, Totals>()
  let latest: Totals = RunState.nothing
  const totals = () =>
    StretchTotals.sum(all.values(), { latest, committed: frontier(), ending: all.get(SharedSink.ending) })
  return {
    totals,
    tell: (
      event: { readonly _tag: "Started"; readonly from: Position.Position | undefined } | { readonly _tag: "Stopped" }
    ) => emit({ ...event, totals: totals() }),
    of:
      (nth: number): Events.Emit =>
      (event: RunEvent) => {
        all.set(nth, event.totals)
        latest = event.totals
        // The whole starts and ends once.
        return event._tag === "Started" || event._tag === "Stopped" || event._tag === "Finished"
          ? Effect.void
          : emit({ ...event, totals: totals() })
      }
  }
}
