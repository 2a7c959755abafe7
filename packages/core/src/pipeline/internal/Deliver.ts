/** Delivers the units of a source, one after another, to all sinks, and commits by time. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type * as VersionClock from "../../client/VersionClock.ts"
import type * as CallSession from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import * as Position from "../../model/Position.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import type { Unit } from "../../source/Source.ts"
import type { Transform } from "../../transform/TransformContract.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import type { RunEvent } from "../RunEvent.ts"
import type * as Commit from "./Commit.ts"
import * as PatientStop from "./PatientStop.ts"
import * as RunState from "./RunState.ts"
import type * as SinkHandle from "./SinkHandle.ts"
import * as UnitProcessor from "./UnitProcessor.ts"

/** A monotonic clock. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** An event without the totals so far. */
export type Tell = (event: WithoutTotals<RunEvent>) => Effect.Effect<void>
type WithoutTotals<Event> = Event extends unknown ? Omit<Event, "totals"> : never

export interface Options<A, E, R, E2, R2, ET, RT> {
  readonly units: Stream.Stream<Unit, E, R>
  readonly transform: Transform<CallSession.CallSession, A, ET, RT>
  readonly sinks: ReadonlyArray<SinkHandle.SinkHandle<A>>
  readonly letters: SinkHandle.SinkHandle<DeadLetter>
  readonly run: Ref.Ref<RunState.RunState>
  readonly tell: Tell
  readonly commit: Commit.Commit
  readonly clock: VersionClock.VersionClock
  readonly orClose: Commit.OrClose<A>
  /** Each sink, and the checkpoint, has all before this. */
  readonly least: Position.Cursor | undefined
  readonly rawLetters?: boolean | undefined
  readonly maxDeadShare?: number | undefined
  readonly commitEvery?: Duration.Input | undefined
  readonly onRejected?: ((rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, E2, R2>) | undefined
  readonly onUnit?:
    | ((unit: Unit, passed: ReadonlyArray<Item<CallSession.CallSession>>) => Effect.Effect<void, E2, R2>)
    | undefined
}

/** Each commit saves what is known of all calls so far: for so many more, a second longer passes before the next one. */
const callsASecond = 60_000

/** Delivers all units, one after another, to all sinks, and commits by time. */
export const all = Effect.fnUntraced(function* <A, E, R, E2, R2, ET, RT>(options: Options<A, E, R, E2, R2, ET, RT>) {
  const { clock, commit, least, letters, onUnit, orClose, run, sinks, tell, transform } = options
  const every = Duration.toMillis(Duration.fromInputUnsafe(options.commitEvery ?? "1 second"))
  const { through } = UnitProcessor.make({
    transform,
    run,
    sinks,
    least,
    letters,
    clock,
    orClose,
    maxDeadShare: options.maxDeadShare ?? 0.1,
    rawLetters: options.rawLetters ?? false,
    onRejected: options.onRejected
  })
  // A file has each row once, whatever its version.
  const reserve = sinks.some(({ delivery }) => delivery === "idempotent" || delivery === "transactional")
    ? commit.reserve
    : Effect.void
  const last = yield* Effect.flatMap(now, Ref.make)
  const ahead = Effect.map(Ref.get(run), (state) => RunState.ahead(state, least))

  const deliver = Effect.fnUntraced(function* (unit: Unit) {
    yield* Ref.update(run, RunState.read(unit))
    yield* tell({ _tag: "Read" })
    yield* Ref.update(run, RunState.doing("delivering"))
    const passed = yield* through(unit, reserve)
    if (onUnit !== undefined) yield* onUnit(unit, passed)
    yield* Ref.update(run, RunState.delivered(unit, passed))
    yield* tell({ _tag: "Delivered" })
    const at = yield* ahead
    const { evidence } = yield* Ref.get(run)
    const pause = Math.max(every, 1000 * Math.floor((evidence?.calls ?? 0) / callsASecond))
    if (at !== undefined && (yield* now) - (yield* Ref.get(last)) >= pause) {
      yield* PatientStop.toItsEnd(commit.to(at, false))
      yield* Effect.flatMap(now, (time) => Ref.set(last, time))
    }
  })

  /** The next run cuts off uncommitted lines, but people may read the file until then. */
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
        // A clean stop loses and repeats nothing. It does not wait for a sink that hangs.
        yield* Effect.ignore(Effect.timeoutOption(at === undefined ? writeOut : commit.to(at, false), "5 seconds"))
      })
    )
  )
})
