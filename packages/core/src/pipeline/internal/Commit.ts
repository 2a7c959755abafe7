/** Commits a run: flushes the sinks and the dead letters, and then writes the checkpoint. */
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
import { type SinkHandle, takesAgain } from "./SinkHandle.ts"

/** Runs a step of a sink; an error of it ends the run, or closes only the sink, and then the step gives `instead`. */
export type OrClose<A> = <B>(
  sink: SinkHandle<A>,
  step: Effect.Effect<B, SinkError>,
  instead: B
) => Effect.Effect<B, SinkError>

export interface Commit {
  /** Saves the state of the source, before anything is read. */
  readonly begin: (source: Schema.Json) => Effect.Effect<void, CheckpointError>
  /** Flushes everything before the cursor, with the dead letters, and then writes the checkpoint. */
  readonly to: (at: Position.Cursor, finished: boolean) => Effect.Effect<void, SinkError | CheckpointError>
  /**
   * Reserves the versions given so far, so that no later run gives them again. Call it before rows reach a sink: a killed
   * run may have written them.
   */
  readonly reserve: Effect.Effect<void, SinkError | CheckpointError>
}

/** Versions that are reserved for reads until the next commit: 2 seconds of microseconds. */
const ahead = 2_000_000

/** Of a run in stretches: the sinks that all of them share, and the turn of one stretch to flush these and to save its state. */
export interface Together {
  readonly has: (sink: string) => boolean
  readonly inTurn: (
    step: Effect.Effect<void, SinkError | CheckpointError>
  ) => Effect.Effect<void, SinkError | CheckpointError>
}

const alone: Together = { has: () => false, inTurn: (step) => step }

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
  /** Where the run begins to read. */
  readonly least: Position.Cursor | undefined
  /** @default there are no other stretches */
  readonly together?: Together | undefined
}

export const make = <A>(options: Options<A>): Commit => {
  const commit = untimed(options)
  const timed = RunTelemetry.commits(options.name)
  return { ...commit, to: (at, finished) => timed(commit.to(at, finished)) }
}

const untimed = <A>(options: Options<A>): Commit => {
  const { clock, fingerprint, kept, lease, least, letters, orClose, run, sinks, together = alone } = options
  const names = sinks.map(({ name }) => name)
  const source = Ref.makeUnsafe(kept?.source)
  /** The sinks' positions for the checkpoint, never beyond what was read and given to them, even if a sink is ahead. */
  const said = Ref.makeUnsafe<Positions>(kept?.sinks ?? {})

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

  /** A sink that catches up may reject a record that is behind the others, and one that is ahead may be given rows again. */
  const isDue = ({ at: has, state }: Pick<SinkHandle<never>, "at" | "state">, at: Position.Cursor) =>
    state().failure === undefined && (state().dirty || Position.isBefore(has(), at))

  const flushAll = (due: ReadonlyArray<SinkHandle<A>>, at: Position.Cursor) =>
    Effect.forEach(due, (sink) => orClose(sink, sink.flush(Position.greatest(at, sink.at())), undefined), {
      concurrency: "unbounded",
      discard: true
    })

  /** The positions where a run may resume: coverage is not merged across them. */
  const keepCoverage = (at: Position.Cursor, keepsEvidence: boolean) =>
    Effect.flatMap(
      Ref.updateAndGet(said, (before) => withPositions(before, [...sinks, letters], at, { kept, least })),
      (all) =>
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
      (clock.state().last ?? -Infinity) <= (reserved ?? -Infinity) ? Effect.void : together.inTurn(save(false))
    ),
    to: Effect.fnUntraced(function* (at, finished) {
      const due = sinks.filter((sink) => isDue(sink, at))
      yield* Ref.update(run, RunState.doing("committing"))
      yield* flushAll(
        due.filter(({ name }) => !together.has(name)),
        at
      )
      yield* together.inTurn(
        Effect.gen(function* () {
          if (isDue(letters, at)) yield* letters.flush(Position.greatest(at, letters.at()))
          yield* flushAll(
            due.filter(({ name }) => together.has(name)),
            at
          )
          yield* keepCoverage(at, options.keepsEvidence || !finished)
          // If the run is stopped now, the commit is still reported.
          yield* save(finished).pipe(
            Effect.andThen(Ref.update(run, RunState.committed(at, finished, names))),
            Effect.andThen(options.onCommitted(at)),
            Effect.uninterruptible
          )
        })
      )
    })
  }
}

type Positions = Readonly<Record<string, Committed>>
type Positioned = Pick<SinkHandle<never>, "delivery" | "name" | "state">

const withPositions = (
  before: Positions,
  handles: ReadonlyArray<Positioned>,
  at: Position.Cursor,
  { kept, least }: Pick<Options<never>, "kept" | "least">
): Positions => {
  const all = new Map(Object.entries(before))
  for (const { delivery, name, state } of handles) {
    const { committed, failure } = state()
    const had = all.get(name)
    if (failure !== undefined) {
      // It did not take what it was given since: a table that had all of it before is given that by the next run.
      const isUntaken = takesAgain({ delivery }) && had !== undefined && had === kept?.sinks[name]
      if (!isUntaken || !Position.isBefore(least, had.at)) continue
      if (least === undefined) all.delete(name)
      else all.set(name, { ...had, at: least })
    } else if (committed !== undefined) {
      const isAhead = Position.isBefore(at, committed.at)
      // From here on a table has what an earlier process read. It will be given again.
      all.set(name, isAhead && takesAgain({ delivery }) ? { ...committed, at } : committed)
    }
  }
  return Object.fromEntries(all)
}

/** The version that the next run begins after. */
const reservedOf = (clock: VersionClock, reserved: Version.Version | undefined): Version.Version | undefined => {
  const { last } = clock.state()
  return last === undefined ? reserved : Version.of(Math.max(last + ahead, reserved ?? -Infinity))
}
