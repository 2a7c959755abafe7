/** A history, how it is read, and the chance that both are drawn with. */
import * as Instant from "../../src/model/Instant.ts"
import * as History from "@callstream/core/history/History"
import { AgniSimulator } from "@callstream/core/testing"

/** The simulator of a case, with its beginning as plain microseconds. */
export interface Simulator extends Omit<AgniSimulator.Options, "startAt"> {
  readonly startAt?: number | undefined
}

export const optionsOf = ({ startAt, ...rest }: Simulator): AgniSimulator.Options =>
  startAt === undefined ? rest : { ...rest, startAt: Instant.of(startAt) }

/** How a case is read: instants as plain microseconds, so that a case is JSON. */
export interface Read extends Omit<History.Options, "cuts" | "end" | "resume"> {
  readonly cuts?: ReadonlyArray<number> | undefined
  readonly resume?: number | undefined
  readonly end?: undefined
  /** So many stretches at the same time, of about so many calls. */
  readonly sideBySide?: { readonly readers: number; readonly size: number } | undefined
  /** Each stretch is read by itself, in an order that this draws, and some by two readings. */
  readonly apart?: number | undefined
  /** The process that reads is killed now and then, and another one resumes: where, this draws. */
  readonly killed?: number | undefined
}

export const rangeOf = ({ from, to }: Case["range"]): History.OpenRange => ({
  from: from === undefined ? undefined : Instant.of(from),
  to: to === undefined ? undefined : Instant.of(to)
})

/** A history, how it is read, and how fast its time goes by. */
export interface Case {
  readonly simulator: Simulator
  /** Microseconds, so that a case is JSON. */
  readonly range: { readonly from?: number | undefined; readonly to?: number | undefined }
  readonly read: Read
  /** Server time that each request takes, in milliseconds. */
  readonly step: number
  /** Whether the requests go through the real client with its retries, or past it, which is faster. */
  readonly client: boolean
}

/** Chance that follows from a seed. */
export const random = (seed: number) => {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    pick: <A>(...values: readonly [A, ...ReadonlyArray<A>]): A =>
      values[Math.floor(next() * values.length)] ?? values[0],
    chance: (share: number) => next() < share
  }
}

export const startAt = Instant.of(Date.UTC(2026, 5, 1) * 1000)
