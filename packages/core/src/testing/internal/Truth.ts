/** What exists, read without the endpoint, to compare a complete history with. */
import * as Instant from "../../model/Instant.ts"
import * as GivenTime from "./GivenTime.ts"
import { channels } from "./CallKinds.ts"
import type { World } from "./World.ts"

/** A session as it is, whatever the endpoint says. */
export interface TrueSession {
  readonly id: string
  /** Its index in order of birth. */
  readonly row: number
  readonly agentId: string
  readonly channel: string
  /** At the instant asked for. */
  readonly status: string
  readonly createdAt: Instant.Instant
  /** `undefined` where it has no start yet, or never will. */
  readonly startedAt: Instant.Instant | undefined
  readonly endedAt: Instant.Instant | undefined
  readonly visibleAt: Instant.Instant
  readonly leavesAt: Instant.Instant
}

/** The life of a session from its creation to the end of time. */
export interface TrueLife {
  readonly id: string
  readonly createdAt: Instant.Instant
  /** `Infinity` of one that never appears, or never leaves. */
  readonly visibleAt: Instant.Instant
  readonly leavesAt: Instant.Instant
  /** The last one that it will have; `undefined` of one that never starts. */
  readonly startedAt: Instant.Instant | undefined
  /** When its first start is known. */
  readonly startKnownAt: Instant.Instant | undefined
  /** When it differs from before: when it appears, when its start, end, cost, recording or analysis is known, and when it leaves. */
  readonly changesAt: ReadonlyArray<Instant.Instant>
}

/** Which sessions are meant. */
export interface TruthOptions {
  /** The instant of the view. @default the server's now */
  readonly at?: Instant.Bound | undefined
  /** Started at or after it. With `from` or `to`, sessions without a start time are left out. */
  readonly from?: Instant.Bound | undefined
  /** Started before it. */
  readonly to?: Instant.Bound | undefined
  readonly agentId?: string | undefined
  readonly status?: string | undefined
  readonly channel?: string | undefined
}

/** A stretch of server time, and which sessions are meant. */
export interface MissedOptions extends Omit<TruthOptions, "at"> {
  /** @default the first request */
  readonly since?: Instant.Bound | undefined
  /** @default the last request */
  readonly until?: Instant.Bound | undefined
}

/** The rows that are visible then. */
export const rows = (world: World, at: number, options: TruthOptions): ReadonlyArray<number> => {
  world.advanceTo(at)
  const from = GivenTime.perhaps("from", options.from) ?? -Infinity
  const to = GivenTime.perhaps("to", options.to) ?? Infinity
  const ranged = from !== -Infinity || to !== Infinity
  const found: Array<number> = []
  for (let row = 0; row < world.count; row++) {
    if (!world.isVisible(row, at)) continue
    if (ranged) {
      const start = world.startAt(row, at)
      if (!(from <= start && start < to)) continue
    }
    if (options.channel !== undefined && channels[world.channel[row] ?? 0] !== options.channel) continue
    if (options.status !== undefined && world.statusAt(row, at) !== options.status) continue
    if (options.agentId !== undefined && world.agentId(row) !== options.agentId) continue
    found.push(row)
  }
  return found
}

export const describe = (world: World, row: number, at: number): TrueSession => {
  const start = world.startAt(row, at)
  const end = world.end[row] ?? Infinity
  return {
    id: world.id(row),
    row,
    agentId: world.agentId(row),
    channel: channels[world.channel[row] ?? 0] ?? "",
    status: world.statusAt(row, at),
    createdAt: Instant.of(world.created[row] ?? NaN),
    startedAt: Number.isNaN(start) ? undefined : Instant.of(start),
    endedAt: end <= at ? Instant.of(end) : undefined,
    visibleAt: Instant.of(world.visible[row] ?? NaN),
    leavesAt: Instant.of(world.leave[row] ?? NaN)
  }
}

const perhaps = (instant: number): Instant.Instant | undefined =>
  Number.isNaN(instant) ? undefined : Instant.of(instant)

export const lifeOf = (world: World, row: number): TrueLife => ({
  id: world.id(row),
  createdAt: Instant.of(world.created[row] ?? NaN),
  visibleAt: Instant.of(world.visible[row] ?? NaN),
  leavesAt: Instant.of(world.leave[row] ?? NaN),
  startedAt: perhaps(world.startAt(row, Infinity)),
  startKnownAt: perhaps(world.startKnown(row)),
  changesAt: world.changes(row).map(Instant.of)
})

/** The ids of sessions that fit at both ends of the stretch and aren't among those given. */
export const missed = (world: World, ids: Iterable<string>, since: number, until: number, options: TruthOptions) => {
  const held = new Set(ids)
  const still = new Set(rows(world, until, options))
  return rows(world, since, options).flatMap((row) => {
    const id = world.id(row)
    return still.has(row) && !held.has(id) ? [id] : []
  })
}
