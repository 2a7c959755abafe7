/** One run over all that a source brings: opens the sinks, delivers, and finishes. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Lease, State } from "../../checkpoint/Checkpoint.ts"
import { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import * as VersionClock from "../../client/VersionClock.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import * as Position from "../../model/Position.ts"
import type * as Version from "../../model/Version.ts"
import type { Covers, Opening, RunPart, SessionSink } from "../../sink/SessionSink.ts"
import type { Place, Source } from "../../source/Source.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import type { RunSummary, SinkSummary } from "../RunSummary.ts"
import * as Commit from "./Commit.ts"
import * as Counting from "./Counting.ts"
import * as Deliver from "./Deliver.ts"
import type * as Events from "./Events.ts"
import * as PatientStop from "./PatientStop.ts"
import * as RunState from "./RunState.ts"
import * as SinkHandle from "./SinkHandle.ts"

export interface Once<A, S, E, RS, RA, RD, E2, R2, ET, RT> extends Pick<
  Deliver.Options<A, E, RS, E2, R2, ET, RT>,
  "transform" | "rawLetters" | "maxDeadShare" | "commitEvery" | "onRejected" | "onUnit"
> {
  readonly name: string
  readonly fingerprint: Fingerprint
  readonly source: Source<S, E, RS>
  readonly covers?: ((state: S) => Covers | undefined) | undefined
  readonly sinks: ReadonlyArray<SessionSink<A, RA>>
  readonly deadLetters: SessionSink<DeadLetter, RD>
  readonly onSinkFailure?: "stop" | "continue" | undefined
  readonly emit: Events.Emit
}

/** The saved state that a run continues, and where it saves its own. */
export interface Saved {
  /** What its sinks take it for: a stretch has a name of its own. */
  readonly name: string
  readonly lease: Lease
  /** The state of this pipeline, if there is one. */
  readonly kept: State | undefined
  readonly clock: VersionClock.VersionClock
  /** No run that is killed now has given a higher version. */
  readonly reserved: Version.Version | undefined
  /** The names that the stretches had before it. */
  readonly stretches?: ReadonlyArray<string> | undefined
  /** What a sink that shares its parts is opened as. @default one process writes all of it */
  readonly partOf?: ((sink: string) => RunPart) | undefined
  /** @default there are no other stretches */
  readonly together?: Commit.Together | undefined
  /** Coverage to begin with. @default nothing */
  readonly proven?: CoverageSet.CoverageSet | undefined
}

/** One run of a pipeline over all that its source brings, to the summary. */
export const runOnce = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  options: Once<A, S, E, RS, RA, RD, E2, R2, ET, RT>,
  { clock, kept, lease, name: own, partOf, proven, reserved, stretches, together }: Saved
) {
  const { deadLetters, emit, fingerprint, name, source } = options
  const run = yield* Ref.make(
    RunState.make({ coverage: kept?.coverage ?? CoverageSet.empty, evidence: kept?.evidence, reserved })
  )
  const count = Counting.make(name, run)
  const names = options.sinks.map((sink) => sink.name)
  const tell = tellOf(run, emit, count, names)
  yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? count : tell({ _tag: "Stopped" })))
  // Before the sinks, because some need to know what they will cover.
  const state = yield* stateOf(source, name, kept)
  const covers = options.covers?.(state)
  const opening = (sink: string): Opening => ({
    pipeline: own,
    fingerprint,
    from: Option.fromUndefinedOr(kept?.sinks[sink]),
    covers,
    hasWithoutStart: Effect.map(Ref.get(run), ({ coverage }) => CoverageSet.hasWithoutStart(coverage)),
    stretches,
    part: partOf?.(sink),
    epoch: lease.epoch
  })
  const handles = yield* openAll(options, opening, run)
  const open = () => handles.filter(({ state }) => state().failure === undefined)
  const letters = yield* SinkHandle.open(deadLetters, opening(deadLetters.name), run, name)
  const noLetters = letters.state().failure
  if (noLetters !== undefined) return yield* noLetters

  // After a crash a transactional sink may be ahead of the checkpoint, and so of the coverage. That part is read again. The sink gets it
  // again, because only then it has what is proven now.
  const least = Position.least(open().flatMap((sink) => [sink.at(), kept?.sinks[sink.name]?.at]))
  const orClose = orCloseOf(options.onSinkFailure ?? "stop", open, tell)
  const commit = Commit.make({
    name,
    run,
    lease,
    kept,
    fingerprint,
    clock,
    letters,
    sinks: handles,
    orClose,
    keepsEvidence: partOf !== undefined,
    least,
    together,
    onCommitted: (at) => tell({ _tag: "Committed", at })
  })

  yield* Ref.update(run, (state) => ({
    ...state,
    reached: least,
    coverage: least === "end" ? state.coverage : (proven ?? RunState.coverageAt(state.coverage, least))
  }))
  const from = resumedAt(least, kept)
  yield* tell({ _tag: "Started", from })

  // A run that was killed after its last unit has nothing left to read.
  if (least !== "end") {
    if (kept?.source === undefined) yield* commit.begin(yield* encodeState(source, name, state))
    const place = placeOf(least, kept, handles, letters)
    const units = Stream.provideService(source.units(state, place), VersionClock.Current, clock)
    yield* Deliver.all({ ...options, sinks: handles, units, run, tell, commit, clock, letters, orClose, least })
  }
  yield* closeAll({ handles, letters, commit, orClose })
  const last = yield* Ref.get(run)
  const { coverage, received } = last
  const totals = RunState.totalsOf(last, names)
  const { dead, filtered } = totals
  const all = handles.map(summaryOf)
  return yield* finished(emit, { received, filtered, dead, finishedBefore: false, from, coverage, totals, sinks: all })
})

/** Where the source resumes, and what some sinks have of what it reads again. */
const placeOf = (
  least: Position.Position | undefined,
  kept: State | undefined,
  handles: ReadonlyArray<SinkHandle.SinkHandle<never>>,
  letters: SinkHandle.SinkHandle<never>
): Place => {
  // One that is closed will not get again what it has, whatever it is: the next run may begin behind that.
  const ahead = handles.reduce<Position.Cursor | undefined>((most, sink) => {
    const isClosed = sink.state().failure !== undefined
    const at = isClosed ? kept?.sinks[sink.name]?.at : SinkHandle.takesAgain(sink) ? undefined : sink.at()
    return at !== undefined && Position.isBefore(least, at) ? Position.greatest(at, most) : most
  }, undefined)
  const cuts = [...handles.filter(({ state }) => state().failure === undefined), letters]
    .flatMap((sink) => (SinkHandle.takesAgain(sink) ? [] : [sink.at()]))
    .filter((at) => at !== undefined && at !== "end")
    .filter((at) => Position.isBefore(least, at))
  // The evidence has what the other sinks were given, too.
  const doubted = (kept?.coverage?.entries ?? []).flatMap(({ range, reason }) =>
    ahead !== undefined && (reason?._tag === "AnswersDiffer" || reason?._tag === "Resumed") ? [range] : []
  )
  return {
    from: least,
    cuts,
    ahead,
    ...(doubted.length === 0 ? {} : { doubted }),
    ...(kept?.evidence === undefined ? {} : { evidence: kept.evidence })
  }
}

/** Events have the totals so far, and the metrics are up to them. */
const tellOf =
  (
    run: Ref.Ref<RunState.RunState>,
    emit: Events.Emit,
    count: Effect.Effect<void>,
    sinks: ReadonlyArray<string>
  ): Deliver.Tell =>
  (event) =>
    Effect.andThen(
      count,
      Effect.flatMap(Ref.get(run), (state) => emit({ ...event, totals: RunState.totalsOf(state, sinks) }))
    )

/** The last commit, and the end of each open sink. */
const closeAll = Effect.fnUntraced(function* <A>({
  commit,
  handles,
  letters,
  orClose
}: {
  readonly handles: ReadonlyArray<SinkHandle.SinkHandle<A>>
  readonly letters: SinkHandle.SinkHandle<DeadLetter>
  readonly commit: Commit.Commit
  readonly orClose: Commit.OrClose<A>
}) {
  const open = () => handles.filter(({ state }) => state().failure === undefined)
  // Then a stop finds all of it safe, or nothing of it said.
  yield* PatientStop.toItsEnd(commit.to("end", false))
  yield* Effect.forEach(open(), (sink) => orClose(sink, sink.finish, undefined), {
    concurrency: "unbounded",
    discard: true
  })
  // A sink that was closed catches up later, and may then have dead letters.
  if (open().length === handles.length) {
    yield* letters.finish
    yield* commit.to("end", true)
  }
})

export const finished = (emit: Events.Emit, summary: RunSummary): Effect.Effect<RunSummary> =>
  Effect.as(emit({ _tag: "Finished", summary, totals: summary.totals }), summary)

const openAll = Effect.fnUntraced(function* <A, R>(
  {
    name,
    onSinkFailure = "stop",
    sinks
  }: {
    readonly name: string
    readonly onSinkFailure?: "stop" | "continue" | undefined
    readonly sinks: ReadonlyArray<SessionSink<A, R>>
  },
  opening: (sink: string) => Opening,
  run: Ref.Ref<RunState.RunState>
) {
  const handles: Array<SinkHandle.SinkHandle<A>> = []
  for (const sink of sinks) {
    const handle = yield* SinkHandle.open(sink, opening(sink.name), run, name)
    handles.push(handle)
    const { failure } = handle.state()
    const isLast = handles.length === sinks.length
    const noneIsOpen = handles.every(({ state }) => state().failure !== undefined)
    if (failure !== undefined && (onSinkFailure === "stop" || (isLast && noneIsOpen))) return yield* failure
  }
  return handles
})

/** A sink that fails ends the run, or only itself. */
const orCloseOf =
  <A>(
    onSinkFailure: "stop" | "continue",
    open: () => ReadonlyArray<SinkHandle.SinkHandle<A>>,
    tell: Deliver.Tell
  ): Commit.OrClose<A> =>
  (sink, step, instead) =>
    onSinkFailure === "stop"
      ? step
      : step.pipe(
          Effect.catch((error) =>
            sink
              .close(error)
              .pipe(
                Effect.andThen(tell({ _tag: "SinkClosed", sink: sink.name, error })),
                Effect.andThen(
                  Effect.suspend(() => (open().length === 0 ? Effect.fail(error) : Effect.succeed(instead)))
                )
              )
          )
        )

const resumedAt = (least: Position.Cursor | undefined, kept: State | undefined): Position.Position | undefined => {
  if (least !== "end") return least
  const last = kept?.coverage?.entries.at(-1)
  return last === undefined ? undefined : Position.of(last.range.to)
}

/** The saved state of the source, or its first one. */
export const stateOf = Effect.fnUntraced(function* <S, E, R>(
  source: Source<S, E, R>,
  name: string,
  kept: Pick<State, "source"> | undefined
) {
  if (kept?.source !== undefined) {
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(source.state)(kept.source),
      () => new CheckpointError({ reason: { _tag: "Torn", path: name, problem: { _tag: "NoSource" } } })
    )
  }
  return yield* source.begin
})

/** Saved before anything is read. */
export const encodeState = <S, E, R>(source: Source<S, E, R>, name: string, state: S) =>
  Effect.mapError(
    Schema.encodeEffect(source.state)(state),
    () => new CheckpointError({ reason: { _tag: "NotJson", path: name, what: "source" } })
  )

const summaryOf = <A>(sink: SinkHandle.SinkHandle<A>): SinkSummary => {
  const { failure, refused, written } = sink.state()
  return { sink: sink.name, written, refused, ...sink.compared(), failure, ...sink.replaced() }
}
