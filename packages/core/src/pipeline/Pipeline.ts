/**
 * From a source through transforms to sinks, in a way that a run that is killed goes on where it was.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Checkpoint, type CheckpointError, type Fingerprint } from "../checkpoint/Checkpoint.ts"
import * as VersionClock from "../client/VersionClock.ts"
import { AgniError } from "../model/AgniError.ts"
import * as CallSession from "../model/CallSession.ts"
import type { Instant } from "../model/Instant.ts"
import type { Item } from "../model/Item.ts"
import * as Position from "../model/Position.ts"
import * as Version from "../model/Version.ts"
import type { Replaced, SessionSink } from "../sink/SessionSink.ts"
import { SinkError } from "../sink/SinkError.ts"
import type { Window } from "../stream/Coverage.ts"
import type { Transform } from "../transform/Transform.ts"
import type { DeadLetter } from "./DeadLetter.ts"
import * as Guarantee from "./Guarantee.ts"
import * as Commit from "./internal/Commit.ts"
import * as Outlet from "./internal/Outlet.ts"
import * as Pass from "./internal/Pass.ts"
import type { TooManyDeadLetters } from "./TooManyDeadLetters.ts"

/**
 * Where a run goes on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Resume {
  /** Everything that started before this is in all sinks; `undefined` to begin at the beginning. */
  readonly from: Instant | undefined
  /** Where the sinks stand: no window may lie across. */
  readonly cuts: ReadonlyArray<Instant>
  /** What `notes` saved last. */
  readonly notes: Schema.Json | undefined
}

/**
 * How a sink got on.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkSummary extends Replaced {
  readonly sink: string
  readonly written: number
  readonly refused: number
  /** Of those written, rows left as they are, because the sink holds a newer version of them. */
  readonly newer: number
  /** Of those written, rows that overwrote a version in the future of both clocks, the server's and this machine's. */
  readonly notBelieved: number
  /** What closed it, when the run went on without it. */
  readonly failure: SinkError | undefined
}

/**
 * What a run did. Sessions that a sink had from an earlier run are not counted as written again.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSummary {
  readonly received: number
  /** Left out by a transform. */
  readonly filtered: number
  /** Dead letters written. */
  readonly dead: number
  readonly sinks: ReadonlyArray<SinkSummary>
  /** The run before this one came to its end, and this one had nothing to do. */
  readonly finishedBefore: boolean
}

/**
 * A source, a transform and sinks, ready to run. The services its parts need are in `R`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pipeline<out R> {
  readonly name: string
  readonly fingerprint: Fingerprint
  /** What is promised of each sink with a checkpoint that outlasts the process, or without one. */
  readonly explain: (options: { readonly durable: boolean }) => ReadonlyArray<Guarantee.Guarantee>
  readonly run: Effect.Effect<RunSummary, AgniError | SinkError | CheckpointError | TooManyDeadLetters, R | Checkpoint>
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
export interface Options<A, RS, Sinks extends ReadonlyArray<AnySink>, RD> {
  /** The key of its checkpoint. */
  readonly name: string
  /** Windows in ascending order from `from` on, none across a cut: `(o) => History.windows(range, { resume: o.from, cuts: o.cuts })`. */
  readonly source: (resume: Resume) => Stream.Stream<Window, AgniError, RS>
  /** What the source is: base URL, organization, range, filters. @default nothing */
  readonly fingerprint?: Fingerprint | undefined
  readonly transform: Transform<CallSession.CallSession, A>
  readonly sinks: Sinks & { readonly [K in keyof Sinks]: SessionSink<NoInfer<A>, unknown> }
  /** A sink like any other, flushed before the checkpoint. */
  readonly deadLetters: SessionSink<DeadLetter, RD>
  /**
   * Keep in dead letters the records as they were read, with the personal data that the transform takes out, and where
   * a sink refused a row the record instead of it. @default false
   */
  readonly rawLetters?: boolean | undefined
  /** A flush and a checkpoint cost several milliseconds each: they go by time. @default "1 second" */
  readonly commitEvery?: Duration.Input | undefined
  /**
   * `stop` ends the run with the error. `continue` closes the sink, or does without one that cannot be opened, and goes on
   * with the others as long as there are any; the next run brings it up to them. @default "stop"
   */
  readonly onSinkFailure?: "stop" | "continue" | undefined
  /** The share of records that may become dead letters, once there are 100. @default 0.1 */
  readonly maxDeadShare?: number | undefined
  /** Given what `notes` saved last, before anything is read; also when an earlier run left nothing to read, or to do. */
  readonly restore?: ((notes: Schema.Json) => void) | undefined
  /** What is kept in the checkpoint beside the sinks, and given to the source when the run goes on. */
  readonly notes?: (() => Schema.Json) | undefined
  /** Called when a window is in all sinks, with those of its sessions that the transform let through. */
  readonly onDelivered?: ((window: Window, passed: ReadonlyArray<Item<CallSession.CallSession>>) => void) | undefined
}

/**
 * Builds a pipeline.
 *
 * A run goes on from the sink that is furthest behind, and each sink is given only what it does not have. Once a second all
 * sinks are flushed, the dead letters too, and then the checkpoint is written; so a run that is killed at any moment has,
 * in each sink, at least what the checkpoint says, and goes on from there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, RS, RD, const Sinks extends readonly [AnySink, ...ReadonlyArray<AnySink>]>(
  options: Options<A, RS, Sinks, RD>
): Pipeline<Services<Sinks> | Exclude<RS, Scope.Scope> | Exclude<RD, Scope.Scope>> => {
  type R = Services<Sinks> | RS | RD
  const { deadLetters, maxDeadShare = 0.1, name, onSinkFailure = "stop", transform } = options
  // The constraint above has checked that each sink takes what the transform gives.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const sinks = options.sinks as unknown as ReadonlyArray<SessionSink<A, R>>
  const every = Duration.toMillis(Duration.fromInputUnsafe(options.commitEvery ?? "1 second"))
  const fingerprint: Fingerprint = {
    ...options.fingerprint,
    transforms: transform.label,
    sinks: sinks.map((sink) => sink.name).join(", ")
  }

  const run = Effect.gen(function* () {
    const names = [...sinks.map((sink) => sink.name), deadLetters.name]
    const twice = names.find((one, at) => names.indexOf(one) !== at)
    if (twice !== undefined) {
      const description = "two sinks of the pipeline have this name"
      return yield* new SinkError({ sink: twice, operation: "open", retryable: false, description })
    }
    const lease = yield* Effect.flatMap(Checkpoint, (checkpoint) => checkpoint.open(name, fingerprint))
    const kept = Option.getOrUndefined(lease.state)
    if (kept?.notes !== undefined) options.restore?.(kept.notes)
    if (kept?.finished === true) {
      for (const { name, verify } of sinks) {
        const left = kept.sinks[name]
        if (verify !== undefined && left !== undefined) yield* Outlet.patiently(verify(left))
      }
      return nothingToDo(sinks)
    }

    const outlets: Array<Outlet.Outlet<A>> = []
    const open = () => outlets.filter((outlet) => outlet.failure() === undefined)
    for (const sink of sinks) {
      const outlet = yield* Outlet.open(sink, kept?.sinks[sink.name])
      const failure = outlet.failure()
      outlets.push(outlet)
      if (
        failure !== undefined &&
        (onSinkFailure === "stop" || (outlets.length === sinks.length && open().length === 0))
      ) {
        return yield* failure
      }
    }
    const letters = yield* Outlet.open(deadLetters, kept?.sinks[deadLetters.name])
    const noLetters = letters.failure()
    if (noLetters !== undefined) return yield* noLetters

    /** A sink that fails ends the run, or only itself. */
    const orClose: Commit.OrClose<A> = (outlet, step, instead) =>
      onSinkFailure === "stop"
        ? step
        : step.pipe(
            Effect.catch((error) =>
              Effect.andThen(
                outlet.close(error),
                Effect.suspend(() => (open().length === 0 ? Effect.fail(error) : Effect.succeed(instead)))
              )
            )
          )
    const clock = VersionClock.make(Version.clock(kept?.lastVersion))
    const pass = Pass.make({
      transform,
      outlets,
      letters,
      clock,
      maxDeadShare,
      rawLetters: options.rawLetters ?? false
    })
    const commit = Commit.make({ lease, fingerprint, clock, notes: options.notes, letters, outlets, orClose })

    const starts = open().map((outlet) => outlet.at())
    const behind = Position.least(starts)
    // A sink with an account of its own stands beyond the checkpoint when a run was killed between the two, and the notes
    // stand where the checkpoint does: what they have not seen is read again, and given to no sink that has it.
    const noted =
      options.notes === undefined ? behind : Position.least(open().map((outlet) => kept?.sinks[outlet.name]?.at))
    const least = Position.least([behind, noted])
    const from = least === "end" ? undefined : least
    /** Everything before this is in all sinks that are open, though perhaps not yet for good. */
    let reached: Position.Cursor | undefined = least
    /** The sinks hold rows that no cursor tells apart: what has no start, or a part of a walk that goes by pages. */
    let loose = false
    /** A window is in some sinks. */
    let midway = false
    let last = yield* now
    /** How far the sinks can be committed, if that is further than where they began. */
    const ahead = () =>
      !loose && !midway && !commit.isMidway() && Position.isBefore(behind, reached) ? reached : undefined

    /** Files hold each row once, whatever its version. */
    const reserve = outlets.some(({ delivery }) => delivery === "idempotent" || delivery === "transactional")
      ? commit.reserve
      : Effect.void

    const deliver = Effect.fnUntraced(function* (window: Window) {
      midway = true
      const passed = yield* pass.through(window, orClose, reserve)
      midway = false
      options.onDelivered?.(window, passed)
      if (window.to > window.from) reached = Position.of(window.to)
      else loose = true
      const cursor = ahead()
      if (cursor !== undefined && (yield* now) - last >= every) {
        yield* commit.to(cursor, false)
        last = yield* now
      }
    })

    /** What cannot be committed is cut off by the next run, but whoever stopped this one may look at it. */
    const writeOut = Effect.suspend(() =>
      midway || commit.isMidway()
        ? Effect.void
        : Effect.forEach(
            open().filter((outlet) => outlet.delivery === "resumable"),
            (outlet) => outlet.flush(outlet.at() ?? Position.of(0)),
            { concurrency: "unbounded", discard: true }
          )
    )

    // What a run that was killed between its last window and its end left to do is not to read.
    if (least !== "end") {
      const cuts = [...starts, letters.at()]
        .filter((at) => at !== undefined && at !== "end")
        .filter((at) => Position.isBefore(least, at))
      yield* options.source({ from, cuts, notes: kept?.notes }).pipe(
        Stream.provideService(VersionClock.Current, clock),
        Stream.runForEach(deliver),
        Effect.onExit((exit) => {
          if (Exit.isSuccess(exit) || !isClean(exit.cause)) return Effect.void
          const cursor = ahead()
          // A clean stop loses nothing, and repeats nothing; but whoever stops a run does not wait for a sink that hangs.
          return Effect.ignore(
            Effect.timeoutOption(cursor === undefined ? writeOut : commit.to(cursor, false), "5 seconds")
          )
        })
      )
    }
    yield* commit.to("end", false)
    yield* Effect.forEach(open(), (outlet) => orClose(outlet, outlet.finish, undefined), {
      concurrency: "unbounded",
      discard: true
    })
    // A sink that was closed catches up later, and may then have dead letters.
    if (open().length === outlets.length) {
      yield* letters.finish
      yield* commit.to("end", true)
    }
    return {
      ...pass.counts(),
      finishedBefore: false,
      sinks: outlets.map((outlet): SinkSummary => ({
        sink: outlet.name,
        written: outlet.written(),
        refused: outlet.refused(),
        ...outlet.compared(),
        failure: outlet.failure(),
        ...outlet.replaced()
      }))
    } satisfies RunSummary
  }).pipe(Effect.scoped)

  return {
    name,
    fingerprint,
    explain: ({ durable }) => sinks.map((sink) => Guarantee.of(sink.name, sink.delivery, { durable })),
    run
  }
}

/** A clock that nobody sets. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** What came from the endpoint ended, or somebody stopped the run; a sink that failed may not be flushed again. */
const isClean = (cause: Cause.Cause<unknown>): boolean =>
  Cause.hasInterruptsOnly(cause) || Cause.squash(cause) instanceof AgniError

const nothingToDo = (sinks: ReadonlyArray<{ readonly name: string }>): RunSummary => ({
  received: 0,
  filtered: 0,
  dead: 0,
  finishedBefore: true,
  sinks: sinks.map(({ name }) => ({
    sink: name,
    written: 0,
    refused: 0,
    newer: 0,
    notBelieved: 0,
    failure: undefined,
    ...Outlet.nothing
  }))
})
