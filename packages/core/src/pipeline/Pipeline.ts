/**
 * From a source through transforms to sinks, in a way that a run that is killed can be resumed.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Checkpoint } from "../checkpoint/Checkpoint.ts"
import type { CheckpointError } from "../checkpoint/CheckpointError.ts"
import type * as CallSession from "../model/CallSession.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import type { Item } from "../model/Item.ts"
import type { RejectedRow } from "../model/RejectedRow.ts"
import type { Covers, SessionSink } from "../sink/SessionSink.ts"
import type { SinkError } from "../sink/SinkError.ts"
import type { Source, Unit } from "../source/Source.ts"
import type { Transform } from "../transform/TransformContract.ts"
import type { DeadLetter } from "./DeadLetter.ts"
import * as Guarantee from "./Guarantee.ts"
import * as Events from "./internal/Events.ts"
import { execute as executeRun } from "./internal/Execute.ts"
import * as RunParts from "./internal/RunParts.ts"
import * as RunTelemetry from "./internal/RunTelemetry.ts"
import type { Parts } from "./PipelineParts.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunSummary } from "./RunSummary.ts"
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
  /** The guarantee of each sink, with a checkpoint that outlasts the process or without one. */
  readonly explain: (options: { readonly durable: boolean }) => ReadonlyArray<Guarantee.Guarantee>
  /**
   * Runs it. A listener that is slow misses events, one that fails is asked again at the next one, and neither holds
   * anything up; at the end it has five seconds for what is left.
   */
  readonly run: (
    onEvent?: (event: RunEvent) => Effect.Effect<void>
  ) => Effect.Effect<RunSummary, E | RunError, R | Checkpoint>
  /** Runs it, and reports events. A slow listener misses events, never the last one; a listener that leaves interrupts the run. */
  readonly events: Stream.Stream<RunEvent, E | RunError, R | Checkpoint>
  /** The same in parts, for several processes. */
  readonly parts: Parts<E | RunError, R>
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
export interface Options<A, S, E, RS, Sinks extends ReadonlyArray<AnySink>, RD, E2, R2, ET = never, RT = never> {
  /** The key of its checkpoint. */
  readonly name: string
  /** Where calls come from. Its fingerprint is part of the pipeline's. */
  readonly source: Source<S, E, RS>
  /** Other parts of its identity, such as base URL and organization. @default nothing */
  readonly fingerprint?: Fingerprint | undefined
  readonly transform: Transform<CallSession.CallSession, A, ET, RT>
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
  /** The share of records that may become dead letters, once there are 100, in each stretch. @default 0.1 */
  readonly maxDeadShare?: number | undefined
  /**
   * Stretches of the source that are read in parallel, each with sinks and a position of its own. The requests of all of
   * them stay within the client's limits. Refused where a sink needs all calls in order (`SessionSink.shares`). A run that
   * resumes may have another number, but stays in one piece if it began so. @default 1
   */
  readonly stretches?: number | undefined
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
  R2 = never,
  ET = never,
  RT = never
>(
  options: Options<A, S, E, RS, Sinks, RD, E2, R2, ET, RT>
): Pipeline<E | E2 | ET, Services<Sinks> | Exclude<RS | RD | R2 | RT, Scope.Scope>> => {
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
  const run = { ...options, sinks, fingerprint }
  const execute = (emit: Events.Emit) => RunTelemetry.run(name, Effect.scoped(executeRun({ ...run, emit })))
  return {
    name,
    fingerprint,
    explain: ({ durable }) => sinks.map((sink) => Guarantee.of(sink.name, sink.delivery, { durable })),
    run: (onEvent) => (onEvent === undefined ? execute(Events.nobody) : Events.listened(execute, onEvent)),
    events: Events.streamed(execute),
    parts: {
      cut: ({ readers }) => Effect.scoped(RunParts.cut(run, readers)),
      stretch: (cut, nth, lease, onEvent) => RunParts.stretch(run, cut, nth, lease, onEvent),
      ending: (cut, delivered, lease, onEvent) => RunParts.ending(run, cut, delivered, lease, onEvent)
    }
  }
}
