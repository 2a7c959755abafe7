import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { CheckpointError, Fingerprint, Lease, State } from "../../checkpoint/Checkpoint.ts"
import type { Committed } from "../../model/Committed.ts"
import type { VersionClock } from "../../client/VersionClock.ts"
import * as Position from "../../model/Position.ts"
import * as Version from "../../model/Version.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import type { Outlet } from "./Outlet.ts"

/** Runs a step of a sink; an error of it ends the run, or closes only the sink, and then the step gives `instead`. */
export type OrClose<A> = <B>(
  outlet: Outlet<A>,
  step: Effect.Effect<B, SinkError>,
  instead: B
) => Effect.Effect<B, SinkError>

export interface Commit {
  /** Flushes what is behind the cursor, the dead letters first, and then writes the checkpoint. */
  readonly to: (cursor: Position.Cursor, finished: boolean) => Effect.Effect<void, SinkError | CheckpointError>
  /**
   * Keeps the versions given so far from being given again, whatever happens to this run. To be called before rows go to a
   * sink: one that was killed may have them.
   */
  readonly reserve: Effect.Effect<void, CheckpointError>
  /** A flush did not come to its end: what the sink holds is not known. */
  readonly isMidway: () => boolean
}

/** Versions that are kept for what is read until the next commit: 2 seconds of microseconds. */
const ahead = 2_000_000

export const make = <A>(options: {
  readonly lease: Lease
  readonly fingerprint: Fingerprint
  readonly clock: VersionClock
  readonly notes: (() => Schema.Json) | undefined
  readonly letters: Outlet<DeadLetter>
  readonly outlets: ReadonlyArray<Outlet<A>>
  readonly orClose: OrClose<A>
}): Commit => {
  const { clock, fingerprint, lease, letters, orClose, outlets } = options
  const kept = Option.getOrUndefined(lease.state)
  let notes = kept?.notes
  let midway = false
  let reserved = kept?.lastVersion
  const isReserved = () => (clock.state().last ?? -Infinity) <= (reserved ?? -Infinity)

  const save = (finished: boolean) =>
    Effect.suspend(() => {
      const sinks: Record<string, Committed> = { ...kept?.sinks }
      for (const { committed, name } of [...outlets, letters]) {
        const one = committed()
        if (one !== undefined) sinks[name] = one
      }
      const { last } = clock.state()
      const lastVersion = last === undefined ? reserved : Version.of(Math.max(last + ahead, reserved ?? -Infinity))
      const state: State = {
        version: 2,
        fingerprint,
        sinks,
        finished,
        ...(lastVersion === undefined ? {} : { lastVersion }),
        ...(notes === undefined ? {} : { notes })
      }
      return Effect.tap(lease.commit(state), () =>
        Effect.sync(() => {
          reserved = lastVersion
        })
      )
    })

  return {
    isMidway: () => midway,
    reserve: Effect.suspend(() => (isReserved() ? Effect.void : save(false))),
    to: Effect.fnUntraced(function* (cursor, finished) {
      const behind = outlets.filter(
        (outlet) => outlet.failure() === undefined && Position.isBefore(outlet.at(), cursor)
      )
      const newLetters = letters.dirty()
      midway = true
      // It may stand beyond the sinks, and get a letter all the same, from one that catches up.
      if (newLetters || Position.isBefore(letters.at(), cursor))
        yield* letters.flush(Position.greatest(cursor, letters.at()))
      // A sink with an account of its own stands beyond the checkpoint when the run is killed here, and will not refuse the
      // same rows again: their letters may not be cut off.
      if (newLetters && letters.delivery === "resumable" && behind.some((one) => one.delivery === "transactional")) {
        yield* save(false)
      }
      yield* Effect.forEach(behind, (outlet) => orClose(outlet, outlet.flush(cursor), undefined), {
        concurrency: "unbounded",
        discard: true
      })
      midway = false
      notes = options.notes?.() ?? notes
      yield* save(finished)
    })
  }
}
