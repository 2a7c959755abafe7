import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { Fingerprint, Lease, State } from "../../checkpoint/Checkpoint.ts"
import type { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type { Committed } from "../../model/Committed.ts"
import type { VersionClock } from "../../client/VersionClock.ts"
import type { Instant } from "../../model/Instant.ts"
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
  readonly to: (cursor: Instant, finished: boolean) => Effect.Effect<void, SinkError | CheckpointError>
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

  let sinks: Readonly<Record<string, Committed>> = kept?.sinks ?? {}

  /**
   * @param those The sinks whose place is kept anew. A table that is ahead of the checkpoint keeps its old place until the
   * notes have seen what is in between.
   */
  const save = (finished: boolean, those: ReadonlyArray<Pick<Outlet<never>, "name" | "committed">>) =>
    Effect.suspend(() => {
      const next: Record<string, Committed> = { ...sinks }
      for (const { committed, name } of those) {
        const one = committed()
        if (one !== undefined) next[name] = one
      }
      sinks = next
      const { last } = clock.state()
      const lastVersion = last === undefined ? reserved : Version.of(Math.max(last + ahead, reserved ?? -Infinity))
      const state: State = {
        version: 1,
        fingerprint,
        sinks: next,
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
    reserve: Effect.suspend(() => (isReserved() ? Effect.void : save(false, []))),
    to: Effect.fnUntraced(function* (cursor, finished) {
      const behind = outlets.filter((outlet) => outlet.failure() === undefined && outlet.at() < cursor)
      const newLetters = letters.dirty()
      midway = true
      // It may stand beyond the sinks, and get a letter all the same, from one that catches up.
      if (newLetters || letters.at() < cursor) yield* letters.flush(Math.max(cursor, letters.at()))
      // A sink with an account of its own stands beyond the checkpoint when the run is killed here, and will not refuse the
      // same rows again: their letters may not be cut off.
      if (newLetters && letters.delivery === "resumable" && behind.some((one) => one.delivery === "transactional")) {
        yield* save(false, [letters])
      }
      yield* Effect.forEach(behind, (outlet) => orClose(outlet, outlet.flush(cursor), undefined), {
        concurrency: "unbounded",
        discard: true
      })
      midway = false
      notes = options.notes?.() ?? notes
      yield* save(finished, [...outlets, letters])
    })
  }
}
