/**
 * From a source through transforms to sinks, in a way that a run that is killed can be resumed.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Checkpoint, CheckpointError, type State } from "../checkpoint/Checkpoint.ts"
import * as VersionClock from "../client/VersionClock.ts"
import * as CoverageSet from "../coverage/CoverageSet.ts"
import type * as CallSession from "../model/CallSession.ts"
import { difference, type Fingerprint } from "../model/Fingerprint.ts"
import type { Item } from "../model/Item.ts"
import * as Position from "../model/Position.ts"
import type { RejectedRow } from "../model/RejectedRow.ts"
import * as Version from "../model/Version.ts"
import type { Covers } from "../sink/Manifest.ts"
import type { Opening, SessionSink } from "../sink/SessionSink.ts"
import { SinkError } from "../sink/SinkError.ts"
import type { Source, Unit } from "../source/Source.ts"
import type { Transform } from "../transform/Transform.ts"
import type { DeadLetter } from "./DeadLetter.ts"
import * as Guarantee from "./Guarantee.ts"
import * as Commit from "./internal/Commit.ts"
import * as Events from "./internal/Events.ts"
import * as RunState from "./internal/RunState.ts"
import * as SinkHandle from "./internal/SinkHandle.ts"
import * as UnitProcessor from "./internal/UnitProcessor.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunSummary, SinkSummary } from "./RunSummary.ts"
import type { TooManyDeadLetters } from "./TooManyDeadLetters.ts"

export type { RunEvent, Totals } from "./RunEvent.ts"
export type { RunSummary, SinkSummary } from "./RunSummary.ts"

/**
 * What ends a run, besides what its source and its callbacks fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type RunError = SinkError | CheckpointError | TooManyDeadLetters

/**
 * A source, a transform and sinks, ready to run. The services its parts need are in `R`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pipeline<out E, out R> {
  readonly name: string
  readonly fingerprint: Fingerprint
  /** What is promised of each sink with a checkpoint that outlasts the process, or without one. */
  readonly explain: (options: { readonly durable: boolean }) => ReadonlyArray<Guarantee.Guarantee>
  /**
   * Runs it. A listener that is slow misses events, one that fails is asked again at the next one, and neither holds
   * anything up; at the end it has five seconds for what is left.
   */
  readonly run: (
    onEvent?: (event: RunEvent) => Effect.Effect<void>
  ) => Effect.Effect<RunSummary, E | RunError, R | Checkpoint>
  /** Runs it, and says what happens. Whoever is slow misses events, never the last one; who leaves interrupts the run. */
  readonly events: Stream.Stream<RunEvent, E | RunError, R | Checkpoint>
}

type AnySink = SessionSink<never, unknown>
type Services<Sinks extends ReadonlyArray<AnySink>> = {
  [K in keyof Sinks]: Sinks[K] extends SessionSink<never, infer R> ? Exclude<R, Scope.Scope> : never
}[number]

/**
 * What a pipeline is made of.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<A, S, E, RS, Sinks extends ReadonlyArray<AnySink>, RD, E2, R2> {
  /** The key of its checkpoint. */
  readonly name: string
  /** Where calls come from. Its fingerprint is part of the pipeline's. */
  readonly source: Source<S, E, RS>
  /** What else tells this pipeline from others: base URL, organization. @default nothing */
  readonly fingerprint?: Fingerprint | undefined
  readonly transform: Transform<CallSession.CallSession, A>
  /**
   * The starts of which the run has every call, by the state of the source: files of days are replaced only by what
   * covers them. @default that is not known
   */
  readonly covers?: ((state: S) => Covers | undefined) | undefined
  readonly sinks: Sinks & { readonly [K in keyof Sinks]: SessionSink<NoInfer<A>, unknown> }
  /** A sink like any other, flushed before the checkpoint. */
  readonly deadLetters: SessionSink<DeadLetter, RD>
  /**
   * Keep in dead letters the records as they were read, with the personal data that the transform takes out, and where
   * a sink rejected a row the record instead of it. @default false
   */
  readonly rawLetters?: boolean | undefined
  /** A flush and a checkpoint cost several milliseconds each: they go by time. @default "1 second" */
  readonly commitEvery?: Duration.Input | undefined
  /**
   * `stop` ends the run with the error. `continue` closes the sink, or does without one that cannot be opened, and keeps
   * the others as long as there are any; the next run brings it up to them. @default "stop"
   */
  readonly onSinkFailure?: "stop" | "continue" | undefined
  /** The share of records that may become dead letters, once there are 100. @default 0.1 */
  readonly maxDeadShare?: number | undefined
  /**
   * Called with the rows that a decoder, a transform or a sink rejected, when they are among the dead letters. An error
   * of it ends the run. @default nothing
   */
  readonly onRejected?: ((rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, E2, R2>) | undefined
  /**
   * Called when a unit is in all sinks, before it can be committed, with those of its calls that the transform let
   * through. An error of it ends the run. @default nothing
   */
  readonly onUnit?:
    | ((unit: Unit, passed: ReadonlyArray<Item<CallSession.CallSession>>) => Effect.Effect<void, E2, R2>)
    | undefined
}

/**
 * Builds a pipeline.
 *
 * A run resumes at the sink that is furthest behind, and each sink is given only what it does not have. Once a second all
 * sinks are flushed, the dead letters too, and then the checkpoint is written; so a run that is killed at any moment has,
 * in each sink, at least what the checkpoint says, and resumes from there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <
  A,
  S,
  E,
  RS,
  RD,
  const Sinks extends readonly [AnySink, ...ReadonlyArray<AnySink>],
  E2 = never,
  R2 = never
>(
  options: Options<A, S, E, RS, Sinks, RD, E2, R2>
): Pipeline<
  E | E2,
  Services<Sinks> | Exclude<RS, Scope.Scope> | Exclude<RD, Scope.Scope> | Exclude<R2, Scope.Scope>
> => {
  const { name, source, transform } = options
  // The constraint above has checked that each sink takes what the transform gives.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const sinks = options.sinks as unknown as ReadonlyArray<SessionSink<A, Services<Sinks> | Scope.Scope>>
  const fingerprint: Fingerprint = {
    ...source.fingerprint,
    ...options.fingerprint,
    transforms: transform.label,
    sinks: sinks.map((sink) => sink.name).join(", ")
  }
  const execute = (emit: Events.Emit) => Effect.scoped(runOnce({ ...options, sinks, fingerprint, emit }))
  return {
    name,
    fingerprint,
    explain: ({ durable }) => sinks.map((sink) => Guarantee.of(sink.name, sink.delivery, { durable })),
    run: (onEvent) => (onEvent === undefined ? execute(Events.nobody) : Events.listened(execute, onEvent)),
    events: Events.streamed(execute)
  }
}

interface Once<A, S, E, RS, RA, RD, E2, R2> extends Omit<
  Options<A, S, E, RS, ReadonlyArray<AnySink>, RD, E2, R2>,
  "sinks"
> {
  readonly sinks: ReadonlyArray<SessionSink<A, RA>>
  readonly fingerprint: Fingerprint
  readonly emit: Events.Emit
}

const runOnce = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2>(options: Once<A, S, E, RS, RA, RD, E2, R2>) {
  const { deadLetters, emit, fingerprint, name, sinks, source } = options
  yield* refuseTwice([...sinks.map((sink) => sink.name), deadLetters.name])
  const lease = yield* Effect.flatMap(Checkpoint, (checkpoint) => checkpoint.open(name, fingerprint))
  const found = Option.getOrUndefined(lease.state)
  const kept = found !== undefined && isOurs(found, fingerprint) ? found : undefined
  if (kept?.finished === true) {
    for (const { name: sink, verify } of sinks) {
      const left = kept.sinks[sink]
      if (verify !== undefined && left !== undefined) {
        yield* SinkHandle.patiently(verify(left, { pipeline: name, fingerprint, from: Option.some(left) }))
      }
    }
    return yield* finished(emit, nothingToDo(sinks, kept))
  }

  const run = yield* Ref.make(
    RunState.make({ coverage: kept?.coverage ?? CoverageSet.empty, reserved: found?.lastVersion })
  )
  const tell: Tell = (event) => Effect.flatMap(Ref.get(run), ({ totals }) => emit({ ...event, totals }))
  // Before the sinks: some have to know what they will cover.
  const state = yield* stateOf(source, name, kept)
  const covers = options.covers?.(state)
  const opening = (sink: string): Opening => ({
    pipeline: name,
    fingerprint,
    from: Option.fromUndefinedOr(kept?.sinks[sink]),
    covers
  })
  const handles = yield* openAll(options, opening, run)
  const open = () => handles.filter(({ state }) => state().failure === undefined)
  const letters = yield* SinkHandle.open(deadLetters, opening(deadLetters.name), run)
  const noLetters = letters.state().failure
  if (noLetters !== undefined) return yield* noLetters

  const clock = VersionClock.make(Version.clock(found?.lastVersion))
  const orClose = orCloseOf(options.onSinkFailure ?? "stop", open, tell)
  const commit = Commit.make({
    run,
    lease,
    kept,
    fingerprint,
    clock,
    letters,
    sinks: handles,
    orClose,
    onCommitted: (at) => tell({ _tag: "Committed", at })
  })

  const starts = open().map((sink) => sink.at())
  const began = Position.least(starts)
  // After a crash a transactional sink may be ahead of the checkpoint, and so of what is known of the range: that is read
  // again, and given to no sink that has it.
  const known = Position.least(open().map((sink) => kept?.sinks[sink.name]?.at))
  const least = Position.least([began, known])
  yield* Ref.update(run, (state) => ({
    ...state,
    reached: least,
    coverage: RunState.coverageAt(state.coverage, least)
  }))
  const from = resumedAt(least, kept)
  yield* tell({ _tag: "Started", from })

  // What a run that was killed between its last unit and its end left to do is not to read.
  if (least !== "end") {
    if (kept?.source === undefined) yield* commit.begin(yield* encodeState(source, name, state))
    const cuts = [...starts, letters.at()]
      .filter((at) => at !== undefined && at !== "end")
      .filter((at) => Position.isBefore(least, at))
    const units = Stream.provideService(source.units(state, { from: least, cuts }), VersionClock.Current, clock)
    yield* deliverAll({ ...options, sinks: handles, units, run, tell, commit, clock, letters, orClose, began })
  }
  yield* commit.to("end", false)
  yield* Effect.forEach(open(), (sink) => orClose(sink, sink.finish, undefined), {
    concurrency: "unbounded",
    discard: true
  })
  // A sink that was closed catches up later, and may then have dead letters.
  if (open().length === handles.length) {
    yield* letters.finish
    yield* commit.to("end", true)
  }
  const { coverage, received, totals } = yield* Ref.get(run)
  const { dead, filtered } = totals
  return yield* finished(emit, {
    received,
    filtered,
    dead,
    finishedBefore: false,
    from,
    coverage,
    totals,
    sinks: handles.map(summaryOf)
  })
})

/** An event without the totals so far. */
type Tell = (event: WithoutTotals<RunEvent>) => Effect.Effect<void>
type WithoutTotals<Event> = Event extends unknown ? Omit<Event, "totals"> : never

const finished = (emit: Events.Emit, summary: RunSummary): Effect.Effect<RunSummary> =>
  Effect.as(emit({ _tag: "Finished", summary, totals: summary.totals }), summary)

const refuseTwice = (names: ReadonlyArray<string>): Effect.Effect<void, SinkError> => {
  const twice = names.find((one, at) => names.indexOf(one) !== at)
  const description = "two sinks of the pipeline have this name"
  return twice === undefined
    ? Effect.void
    : Effect.fail(new SinkError({ sink: twice, operation: "open", retryable: false, description }))
}

/** In a state without sinks only the versions are of use to another pipeline. */
const isOurs = ({ fingerprint, sinks }: State, asked: Fingerprint): boolean =>
  Object.keys(sinks).length > 0 || difference(fingerprint, asked).length === 0

const openAll = Effect.fnUntraced(function* <A, R>(
  {
    onSinkFailure = "stop",
    sinks
  }: { readonly onSinkFailure?: "stop" | "continue" | undefined; readonly sinks: ReadonlyArray<SessionSink<A, R>> },
  opening: (sink: string) => Opening,
  run: Ref.Ref<RunState.RunState>
) {
  const handles: Array<SinkHandle.SinkHandle<A>> = []
  for (const sink of sinks) {
    const handle = yield* SinkHandle.open(sink, opening(sink.name), run)
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
    tell: Tell
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

/** What the source knows again, or what it begins with. */
const stateOf = Effect.fnUntraced(function* <S, E, R>(source: Source<S, E, R>, name: string, kept: State | undefined) {
  if (kept?.source !== undefined) {
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(source.state)(kept.source),
      () =>
        new CheckpointError({
          reason: "torn",
          description: `the checkpoint ${name} does not hold the state of its source`,
          advice: "Restore it from a copy, or delete it to begin again from the beginning."
        })
    )
  }
  return yield* source.begin
})

/** Kept before anything is read. */
const encodeState = <S, E, R>(source: Source<S, E, R>, name: string, state: S) =>
  Effect.mapError(
    Schema.encodeEffect(source.state)(state),
    () =>
      new CheckpointError({
        reason: "io",
        description: `the state of the source cannot be kept in the checkpoint ${name}: it is no JSON`,
        advice: "Correct the codec of the source."
      })
  )

/** A clock that nobody sets. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

interface Delivering<A, E, R, E2, R2> {
  readonly units: Stream.Stream<Unit, E, R>
  readonly transform: Transform<CallSession.CallSession, A>
  readonly sinks: ReadonlyArray<SinkHandle.SinkHandle<A>>
  readonly letters: SinkHandle.SinkHandle<DeadLetter>
  readonly run: Ref.Ref<RunState.RunState>
  readonly tell: Tell
  readonly commit: Commit.Commit
  readonly clock: VersionClock.VersionClock
  readonly orClose: Commit.OrClose<A>
  readonly began: Position.Cursor | undefined
  readonly rawLetters?: boolean | undefined
  readonly maxDeadShare?: number | undefined
  readonly commitEvery?: Duration.Input | undefined
  readonly onRejected?: ((rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, E2, R2>) | undefined
  readonly onUnit?:
    | ((unit: Unit, passed: ReadonlyArray<Item<CallSession.CallSession>>) => Effect.Effect<void, E2, R2>)
    | undefined
}

/** All units, one after another, into all sinks; commits go by time. */
const deliverAll = Effect.fnUntraced(function* <A, E, R, E2, R2>(options: Delivering<A, E, R, E2, R2>) {
  const { began, clock, commit, letters, onUnit, orClose, run, sinks, tell, transform } = options
  const every = Duration.toMillis(Duration.fromInputUnsafe(options.commitEvery ?? "1 second"))
  const { through } = UnitProcessor.make({
    transform,
    run,
    sinks,
    letters,
    clock,
    maxDeadShare: options.maxDeadShare ?? 0.1,
    rawLetters: options.rawLetters ?? false,
    onRejected: options.onRejected
  })
  // Files hold each row once, whatever its version.
  const reserve = sinks.some(({ delivery }) => delivery === "idempotent" || delivery === "transactional")
    ? commit.reserve
    : Effect.void
  const last = yield* Effect.flatMap(now, Ref.make)
  const ahead = Effect.map(Ref.get(run), (state) => RunState.ahead(state, began))

  const deliver = Effect.fnUntraced(function* (unit: Unit) {
    yield* Ref.update(run, RunState.read(unit))
    yield* tell({ _tag: "Read" })
    yield* Ref.update(run, RunState.doing("delivering"))
    const passed = yield* through(unit, orClose, reserve)
    if (onUnit !== undefined) yield* onUnit(unit, passed)
    yield* Ref.update(run, RunState.delivered(unit, passed))
    yield* tell({ _tag: "Delivered" })
    const at = yield* ahead
    if (at !== undefined && (yield* now) - (yield* Ref.get(last)) >= every) {
      yield* commit.to(at, false)
      yield* Effect.flatMap(now, (time) => Ref.set(last, time))
    }
  })

  /** What cannot be committed is cut off by the next run, but whoever stopped this one may look at it. */
  const writeOut = Effect.forEach(
    sinks.filter(({ delivery, state }) => delivery === "resumable" && state().failure === undefined),
    (sink) => sink.flush(sink.at() ?? Position.of(0)),
    { concurrency: "unbounded", discard: true }
  )

  yield* Stream.runForEach(options.units, deliver).pipe(
    Effect.onExit(
      Effect.fnUntraced(function* (exit) {
        const { activity } = yield* Ref.get(run)
        // A sink that failed may not be flushed again.
        if (Exit.isSuccess(exit) || Cause.hasDies(exit.cause) || activity !== "idle") return
        const at = yield* ahead
        // A clean stop loses nothing, and repeats nothing; but whoever stops a run does not wait for a sink that hangs.
        yield* Effect.ignore(Effect.timeoutOption(at === undefined ? writeOut : commit.to(at, false), "5 seconds"))
      })
    )
  )
})

const summaryOf = <A>(sink: SinkHandle.SinkHandle<A>): SinkSummary => {
  const { failure, refused, written } = sink.state()
  return { sink: sink.name, written, refused, ...sink.compared(), failure, ...sink.replaced() }
}

const nothingToDo = (
  sinks: ReadonlyArray<{ readonly name: string }>,
  { coverage = CoverageSet.empty }: State
): RunSummary => ({
  received: 0,
  filtered: 0,
  dead: 0,
  finishedBefore: true,
  from: undefined,
  coverage,
  totals: RunState.nothing,
  sinks: sinks.map(({ name }) => ({
    sink: name,
    written: 0,
    refused: 0,
    newer: 0,
    notBelieved: 0,
    failure: undefined,
    ...SinkHandle.nothingReplaced
  }))
})
