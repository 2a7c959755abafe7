/** What a sync over a living world takes, and how far behind its consumer is. */
import { Ledger } from "@callstream/core/sync/Ledger"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import * as Sync from "@callstream/core/sync/Sync"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { SyncState } from "../../src/sync/internal/SyncState.ts"
import * as World from "./World.ts"

const { day, hour, origin } = World

export interface Case {
  readonly days: number
  /** How long after the begin of a pass the next one begins, in µs. */
  readonly every: number
  /** Hourly passes for so many days first. @default 0 */
  readonly warm?: number
  /** Days at the end that are measured. */
  readonly measured: number
}

export interface Measured {
  readonly requestsADay: number
  /** Requests a day by why they were sent. */
  readonly byWhy: Readonly<Record<string, number>>
  /** The most requests of a pass with at most two changes, no audit, and no difference to find: of a quiet night. */
  readonly quiet: number
  /** Of calls whose last change is a day old: those of which the consumer has another version. */
  readonly stale: number
  /** Those whose last change took more than a day to arrive, whenever that was. */
  readonly late: number
  readonly of: number
  readonly missed: number
  /** Those of them that have no start. */
  readonly missedUndated: number
  /** Behind a watermark that has no hole there. */
  readonly missedBehind: number
  readonly removedWrongly: number
  /** How long after a change the consumer had it, in µs: the half, and 99 in 100. */
  readonly half: number
  readonly most: number
}

/** What the consumer has of each call. */
interface Held {
  /** Changes of it that the consumer has: those of `changesOf` before this. */
  readonly upTo: Float64Array
  readonly delays: Array<number>
}

const isListed = ({ leavesAt, visibleAt }: World.Life, at: number) => at >= visibleAt && at < leavesAt

const stateOf = Effect.scoped(
  Effect.gen(function* () {
    const ledger = yield* Ledger
    const lease = yield* ledger.open("calls", undefined)
    return yield* Schema.decodeUnknownEffect(Schema.toCodecJson(SyncState))((yield* lease.kept).state)
  })
)

/** Hourly or otherwise: passes that begin at regular times, and last as long as their requests. */
export const run = (world: World.World, one: Case): Effect.Effect<Measured, unknown> => {
  const end = origin + one.days * day
  const measuredFrom = end - one.measured * day
  const { lives } = world
  const placeOf = new Map(lives.map(({ id }, place) => [id, place]))
  const held: Held = { upTo: new Float64Array(lives.length).fill(-Infinity), delays: [] }
  const heldAt = new Float64Array(lives.length).fill(Infinity)
  const byWhy: Record<string, number> = {}
  const sums = { requests: 0, quiet: 0, removedWrongly: 0 }

  const take = (change: Sync.Change) => {
    const place = placeOf.get(change.id) ?? -1
    const life = lives[place]
    if (life === undefined) return
    const isGone = change.kind === "removed"
    if (isGone && isListed(life, world.now)) sums.removedWrongly++
    const before = held.upTo[place] ?? -Infinity
    for (const at of life.changesAt) {
      if (at <= before || at > world.now || (at >= life.leavesAt && !isGone)) continue
      if (at >= measuredFrom) held.delays.push(world.now - at)
    }
    const last = isGone ? life.leavesAt : Math.min(world.now, life.leavesAt - 1)
    held.upTo[place] = last
    const final = life.changesAt.at(-1) ?? 0
    if (last >= final && heldAt[place] === Infinity) heldAt[place] = world.now
  }

  const pass = Effect.suspend(() => {
    const [requests, isMeasured] = [world.requests, world.now >= measuredFrom]
    let [counted, changed, isBusy] = [0, 0, false]
    const onLook = (look: Sync.Look) =>
      Effect.sync(() => {
        counted += look.requests
        if (look.why !== "new" && look.why !== "awaited") isBusy = true
        if (isMeasured) byWhy[look.why] = (byWhy[look.why] ?? 0) + look.requests
      })
    return Sync.changes({ name: "calls", from: "2026-07-01T00:00:00Z", onLook }).pipe(
      Stream.runForEach((change) => {
        changed++
        take(change)
        return change.acknowledge
      }),
      Effect.andThen(
        Effect.sync(() => {
          if (!isMeasured) return
          const all = world.requests - requests
          sums.requests += all
          byWhy["besides"] = (byWhy["besides"] ?? 0) + all - counted
          if (changed <= 2 && !isBusy) sums.quiet = Math.max(sums.quiet, all)
        })
      )
    )
  })

  return Effect.gen(function* () {
    for (let next = origin + hour; next < end;) {
      world.now = Math.max(world.now, next)
      yield* pass
      next += next < origin + (one.warm ?? 0) * day ? hour : one.every
    }
    const counts = { stale: 0, late: 0, of: 0, missed: 0, missedUndated: 0, missedBehind: 0 }
    const state = yield* stateOf
    const isProven = (start: Instant.Instant) =>
      CoverageSet.verdict([state.coverage], { from: start, to: Instant.of(start + 1) })
    for (const [place, life] of lives.entries()) {
      const final = life.changesAt.at(-1) ?? Infinity
      const upTo = held.upTo[place] ?? -Infinity
      if (final < end - day) {
        counts.of++
        // One that is missing altogether counts as missed.
        const isLate = upTo > -Infinity && (heldAt[place] ?? Infinity) - final > day
        if (isLate) counts.late++
        if (isLate && heldAt[place] === Infinity) counts.stale++
      }
      if (upTo === -Infinity && isListed(life, end) && life.visibleAt < end - 2 * day) {
        counts.missed++
        const start = life.startedAt
        if (start === undefined) counts.missedUndated++
        if (start === undefined || start >= state.watermark) continue
        const verdict = isProven(start)
        if (verdict._tag === "Success" && verdict.success === "proven") counts.missedBehind++
      }
    }
    const delays = held.delays.sort((left, right) => left - right)
    const at = (share: number) => delays[Math.floor(share * delays.length)] ?? 0
    const aDay = (n: number) => Math.round(n / one.measured)
    return {
      requestsADay: aDay(sums.requests),
      byWhy: Object.fromEntries(Object.entries(byWhy).map(([why, n]) => [why, aDay(n)])),
      quiet: sums.quiet,
      removedWrongly: sums.removedWrongly,
      ...counts,
      half: at(0.5),
      most: at(0.99)
    }
  }).pipe(Effect.provide([world.layer, Ledger.layerMemory]))
}

/** What reading the last hours again each time comes to: by its rule, without reading. */
export const lookBack = (
  { lives }: World.World,
  one: Case,
  back: number,
  pageSize = 100
): Pick<Measured, "requestsADay" | "stale" | "missed" | "of"> => {
  const end = origin + one.days * day
  const measuredFrom = end - one.measured * day
  const starts = lives.flatMap(({ startedAt }) => startedAt ?? []).sort((a, b) => a - b)
  const rank = (at: number) => {
    let [low, high] = [0, starts.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((starts[middle] ?? 0) < at) low = middle + 1
      else high = middle
    }
    return low
  }
  let requests = 0
  for (let at = measuredFrom; at < end; at += one.every)
    requests += Math.floor((rank(at) - rank(at - back)) / pageSize) + 1
  const counts = { stale: 0, missed: 0, of: 0 }
  for (const life of lives) {
    const final = life.changesAt.at(-1) ?? Infinity
    if (final >= end - day) continue
    counts.of++
    // The last pass that reads it: what comes after that is never seen, and a departure neither.
    const { leavesAt, startedAt, startKnownAt = 0, visibleAt } = life
    const last = origin + Math.floor(((startedAt ?? 0) + back - origin) / one.every) * one.every
    if (startedAt === undefined || Math.max(visibleAt, startKnownAt) > last) counts.missed++
    else if (final > last || leavesAt < Infinity) counts.stale++
  }
  return { requestsADay: Math.round(requests / one.measured), ...counts }
}
