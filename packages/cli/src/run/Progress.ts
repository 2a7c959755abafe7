/** The progress of a run, as a fold over its events. */
import { Instant, type Pipeline } from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface Progress {
  readonly startedAt: number
  /** Calls read from the server, and calls written. */
  readonly read: number
  readonly sessions: number
  readonly rejected: number
  /** Left out by conditions before the newest or oldest were chosen. */
  readonly leftOut: number
  /** The least and the greatest start written, and the last one read, in µs. */
  readonly earliest: Instant.Instant | undefined
  readonly latest: Instant.Instant | undefined
  readonly last: Instant.Instant | undefined
  /** Where an earlier run stopped, when this one resumes. */
  readonly resumedAt: Instant.Instant | undefined
  /** Whether a state is saved to resume from. */
  readonly committed: boolean
  /** What the sinks have when the run ends early. */
  readonly stage: Pipeline.Totals["stage"]
  readonly written: number
  readonly safe: number
  readonly inFlight: number
}

const nothing = { committed: false, stage: "reading", written: 0, safe: 0, inFlight: 0 } as const

export const make: Effect.Effect<Progress> = Effect.map(Clock.currentTimeMillis, (startedAt) => ({
  startedAt,
  read: 0,
  sessions: 0,
  rejected: 0,
  leftOut: 0,
  earliest: undefined,
  latest: undefined,
  last: undefined,
  resumedAt: undefined,
  ...nothing
}))

/** The progress after one more event. */
export const after =
  (event: Pipeline.RunEvent) =>
  (progress: Progress): Progress => {
    const { delivered, earliest, inFlight, last, latest, read, rejected, safe, stage, written } = event.totals
    const from = event._tag === "Started" ? event.from : progress.resumedAt
    const resumedAt = from === undefined ? undefined : Instant.of(from)
    // Of stretches a later one may be saved before the first.
    const committed = resumedAt !== undefined || event.totals.committed !== undefined || safe > 0
    const calls = { read, sessions: delivered, rejected, earliest, latest, last }
    return { ...progress, ...calls, resumedAt, committed, stage, written, safe, inFlight }
  }

/** Adds calls that the conditions left out before the newest or oldest were chosen. */
export const withLeftOut =
  (count: number) =>
  (progress: Progress): Progress => ({ ...progress, leftOut: progress.leftOut + count })

/** The progress of several runs together. */
export const sum = (all: ReadonlyArray<Progress>): Progress => ({
  startedAt: Math.min(...all.map(({ startedAt }) => startedAt)),
  read: all.reduce((sum, { read }) => sum + read, 0),
  sessions: all.reduce((sum, { sessions }) => sum + sessions, 0),
  rejected: all.reduce((sum, { rejected }) => sum + rejected, 0),
  leftOut: all.reduce((sum, { leftOut }) => sum + leftOut, 0),
  earliest: undefined,
  latest: undefined,
  last: undefined,
  resumedAt: undefined,
  ...nothing
})
