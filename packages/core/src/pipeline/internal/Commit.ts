/** Commits a run: flushes the dead letters, then the sinks, and then writes the checkpoint. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Schema from "effect/Schema"
import type { Lease, State } from "../../checkpoint/Checkpoint.ts"
import type { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type { VersionClock } from "../../client/VersionClock.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { Committed } from "../../model/Committed.ts"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import * as Position from "../../model/Position.ts"
import * as Version from "../../model/Version.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import * as RunState from "./RunState.ts"
import * as RunTelemetry from "./RunTelemetry.ts"
import type { SinkHandle } from "./SinkHandle.ts"

/** Runs a step of a sink; an error of it ends the run, or closes only the sink, and then the step gives `instead`. */
export type OrClose<A> = <B>(
  sink: SinkHandle<A>,
  step: Effect.Effect<B, SinkError>,
  instead: B
) => Effect.Effect<B, SinkError>

export interface Commit {
  /** Saves the state of the source, before anything is read. */
  readonly begin: (source: Schema.Json) => Effect.Effect<void, CheckpointError>
  /** Flushes everything before the cursor, the dead letters first, and then writes the checkpoint. */
  readonly to: (at: Position.Cursor, finished: boolean) => Effect.Effect<void, SinkError | CheckpointError>
  /**
   * Reserves the versions given so far, so that no later run gives them again. Call it before rows reach a sink: a killed
   * run may have written them.
   */
  readonly reserve: Effect.Effect<void, CheckpointError>
}

/** Versions that are reserved for reads until the next commit: 2 seconds of microseconds. */
const ahead = 2_000_000

interface Options<A> {
  /** The name of the pipeline. */
  readonly name: string
  readonly run: Ref.Ref<RunState.RunState>
  readonly lease: Lease
  readonly kept: State | undefined
  readonly fingerprint: Fingerprint
  readonly clock: VersionClock
  readonly letters: SinkHandle<DeadLetter>
  readonly sinks: ReadonlyArray<SinkHandle<A>>
  readonly orClose: OrClose<A>
  /** Whether somebody needs the evidence when it is finished. */
  readonly keepsEvidence: boolean
  readonly onCommitted: (at: Position.Cursor) => Effect.Effect<void>
}

export const make = <A>(options: Options<A>): Commit => {
  const commit = untimed(options)
  const timed = RunTelemetry.commits(options.name)
  return { ...commit, to: (at, finished) => timed(commit.to(at, finished)) }
}

const untimed = <A>(options: Options<A>): Commit => {
  const { clock, fingerprint, kept, lease, letters, orClose, run, sinks } = options
  const source = Ref.makeUnsafe(kept?.source)
  /** The sinks' positions for the checkpoint, never beyond the coverage of the range, even if a sink is ahead. */
  const said = Ref.makeUnsafe<Positions>(kept?.sinks ?? {})

  const say = (handles: ReadonlyArray<Sayable>) => Ref.updateAndGet(said, (before) => withPositions(before, handles))

  const save = Effect.fnUntraced(function* (finished: boolean) {
    const { committedCoverage, committedEvidence: evidence, reserved } = yield* Ref.get(run)
    const lastVersion = reservedOf(clock, reserved)
    const state = yield* Ref.get(source)
    yield* lease.commit({
      version: 2,
      fingerprint,
      sinks: yield* Ref.get(said),
      finished,
      coverage: committedCoverage,
      ...(lastVersion === undefined ? {} : { lastVersion }),
      ...(state === undefined ? {} : { source: state }),
      ...(evidence === undefined ? {} : { evidence })
    })
    yield* Ref.update(run, (now) => ({ ...now, reserved: lastVersion }))
  })

  const flushLetters = Effect.fnUntraced(function* (at: Position.Cursor, behind: ReadonlyArray<SinkHandle<A>>) {
    const isNew = letters.state().dirty
    // A sink that catches up may reject a record that is behind the other sinks.
    if (isNew || Position.isBefore(letters.at(), at)) yield* letters.flush(Position.greatest(at, letters.at()))
    // After a crash here a transactional sink is ahead of the checkpoint and does not reject the same rows again, so
    // their letters must be kept.
    if (isNew && letters.delivery === "resumable" && behind.some((one) => one.delivery === "transactional")) {
      yield* say([letters])
      yield* save(false)
    }
  })

  /** The positions where a run may resume: coverage is not merged across them. */
  const keepCoverage = (keepsEvidence: boolean) =>
    Effect.flatMap(say([...sinks, letters]), (all) =>
      Ref.update(run, (state) => {
        const seams = Object.values(all).flatMap(({ at }) => (at === "end" ? [] : [at]))
        const coverage = CoverageSet.commit(state.coverage, seams)
        const { committedEvidence, evidence } = state
        // It is of megabytes at the end of a great run.
        const kept = !keepsEvidence ? undefined : evidence === undefined ? committedEvidence : evidence.save()
        return { ...state, coverage, committedCoverage: coverage, committedEvidence: kept }
      })
    )

  return {
    begin: (state) => Effect.andThen(Ref.set(source, state), save(false)),
    reserve: Effect.flatMap(Ref.get(run), ({ reserved }) =>
      (clock.state().last ?? -Infinity) <= (reserved ?? -Infinity) ? Effect.void : save(false)
    ),
    to: Effect.fnUntraced(function* (at, finished) {
      const behind = sinks.filter((sink) => sink.state().failure === undefined && Position.isBefore(sink.at(), at))
      yield* Ref.update(run, RunState.doing("committing"))
      yield* flushLetters(at, behind)
      yield* Effect.forEach(behind, (sink) => orClose(sink, sink.flush(at), undefined), {
        concurrency: "unbounded",
        discard: true
      })
      yield* keepCoverage(options.keepsEvidence || !finished)
      // If the run is stopped now, the commit is still reported.
      yield* save(finished).pipe(
        Effect.andThen(Ref.update(run, RunState.committed(at))),
        Effect.andThen(options.onCommitted(at)),
        Effect.uninterruptible
      )
    })
  }
}

type Positions = Readonly<Record<string, Committed>>
type Sayable = Pick<SinkHandle<never>, "name" | "state">

const withPositions = (before: Positions, handles: ReadonlyArray<Sayable>): Positions => {
  const all: Record<string, Committed> = { ...before }
  for (const { name, state } of handles) {
    const { committed } = state()
    if (committed !== undefined) all[name] = committed
  }
  return all
}

/** The version that the next run begins after. */
const reservedOf = (clock: VersionClock, reserved: Version.Version | undefined): Version.Version | undefined => {
  const { last } = clock.state()
  return last === undefined ? reserved : Version.of(Math.max(last + ahead, reserved ?? -Infinity))
}
