/** Histories on the adversary, by seed and trait, and what a run over one of them must hold. */
import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { startInstant } from "@callstream/core/model/CallSession"
import { type Verdict, verdict, weaker, type Window } from "@callstream/core/stream/Coverage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as Adversary from "./Adversary.ts"
import { type Case as HistoriesCase, finalCoverage, random, type Read, windows as windowsOf } from "./Histories.ts"

const second = 1_000_000
const hour = 3600 * second
const day = 24 * hour
const began = Date.UTC(2026, 5, 1) * 1000

/** Each combines with all others. */
export const names = [
  "span",
  "offset",
  "depth",
  "results",
  "shard",
  "replica",
  "hidden",
  "date",
  "two starts",
  "moving",
  "burst",
  "sparse",
  "change",
  "departures",
  "poison after paging",
  "undated"
] as const
export type Name = (typeof names)[number]

/** Those that leave a proof possible where they are the only ones. */
const provable: ReadonlySet<string> = new Set([
  "none",
  "span",
  "offset",
  "depth",
  "results",
  "burst",
  "sparse",
  "date",
  "undated"
])

export interface Case {
  readonly seed: number
  readonly traits: ReadonlyArray<Name>
  readonly server: Adversary.Traits
  readonly rows: ReadonlyArray<Adversary.Row>
  readonly range: HistoriesCase["range"]
  readonly read: Read
  readonly step: number
}

type Chance = ReturnType<typeof random>

const when = ({ next, pick }: Chance, step: number): Adversary.When => {
  const every = pick(2, 3, 7, 20)
  const from = Math.floor(next() * 40) * step
  return pick<Adversary.When>(
    { by: "number", every, for: pick(1, Math.max(1, Math.floor(every / 2))) },
    { by: "time", from, to: from + pick(3, 10, 30, 100) * step },
    { by: "connection", of: 2 },
    { by: "chance", share: pick(0.05, 0.3, 0.6) }
  )
}

const rowsOf = (chance: Chance, has: (name: Name) => boolean, shape: string, spread: number, step: number) => {
  const { next, pick } = chance
  const count = Math.floor(next() ** 2 * 260)
  const rows: Array<Adversary.Row> = []
  const burst = has("burst") ? began - 3 * hour - Math.floor(next() * spread) : 0
  const granularity = pick(1, 1000, second)
  for (let i = 0; i < count; i++) {
    const at = began - 5 * second - Math.floor(next() * spread)
    const start =
      Math.floor((has("burst") && next() < 0.5 ? burst + Math.floor(next() * pick(1, 3)) * second : at) / granularity) *
      granularity
    const queued =
      shape === "queued" && next() < 0.2 ? Math.floor(next() * 6 * hour) : shape === "in order" ? 4 * second : 0
    const undated = has("undated") && next() < 0.1
    rows.push({
      id: `row-${i}`,
      start: undated ? undefined : start,
      created: start - queued,
      ...(has("departures") && next() < 0.05 ? { gone: began + Math.floor(next() * 60) * step } : {}),
      ...(has("departures") && next() < 0.03 ? { seen: began + Math.floor(next() * 60) * step } : {}),
      ...(has("moving") && !undated && next() < 0.04
        ? {
            moves: {
              at: began + Math.floor(next() * 60) * step,
              start: start + Math.floor((next() - 0.5) * spread * 0.5)
            }
          }
        : {})
    })
    if (has("two starts") && next() < 0.03)
      rows.push({ id: `row-${i}`, start: began - 5 * second - Math.floor(next() * spread), created: start })
  }
  return rows
}

/** The case of a seed; with `only` that trait alone. */
export const make = (seed: number, only?: Name | "none"): Case => {
  const chance = random(seed)
  const { next, pick } = chance
  const few = pick(0, 1, 1, 2, 3)
  const chosen = new Set<Name>(
    only === undefined ? Array.from({ length: few }, () => pick(...names)) : only === "none" ? [] : [only]
  )
  const has = (name: Name) => chosen.has(name)
  const step = pick(0, 50, 1000) * 1000
  const cap = pick(5, 7, 10, 20, 50)
  const shape = pick("same", "same", "in order", "queued")
  const spread = has("sparse") ? 700 * day : pick(3 * hour, 2 * day, 45 * day, 120 * day)
  const rows = rowsOf(chance, has, shape, spread, step)
  const cut = pick("last" as const, "first", "empty", "error")
  const ids = rows.filter(() => next() < 0.02).map(({ id }) => id)
  const server: Adversary.Traits = {
    cap,
    order:
      shape === "queued" ? pick("start", "start", "created", "id") : pick("start", "start", "start", "created", "id"),
    newestFirst: pick(true, true, true, false),
    sorting: pick(true, true, false),
    undatedFirst: pick(true, false),
    includes: { after: pick(true, false), before: pick(true, false) },
    tieOrder: pick("id", "id", "query", "random"),
    // What repeats itself below a limit and is empty behind it cannot be counted.
    beyond: has("depth") || has("offset") ? "empty" : pick("empty", "empty", "empty", "last", "first"),
    offsetFrom: pick("brought", "asked"),
    filterAfterPaging: has("poison after paging"),
    poison: has("poison after paging") ? rows[Math.floor(next() * rows.length)]?.id : undefined,
    span: has("span") ? { most: pick(2, 7, 31) * day, cut } : undefined,
    offset: has("offset") ? { most: pick(50, 100, 200), cut: pick("empty", "error") } : undefined,
    depth: has("depth") ? { most: pick(5, 10, 20), cut: pick("empty", "error") } : undefined,
    results: has("results") ? { most: pick(50, 100, 150), cut: pick("first", "last") } : undefined,
    shard: has("shard") ? { of: pick(2, 4), when: when(chance, step) } : undefined,
    replica: has("replica") ? { lag: pick(1, 60, 6 * 3600) * second, when: when(chance, step) } : undefined,
    hidden: has("hidden")
      ? { ids: new Set(ids.length > 0 ? ids : rows.slice(0, 1).map(({ id }) => id)), when: when(chance, step) }
      : undefined,
    date: has("date")
      ? { offset: pick(3, -3, 25) * hour, from: pick(0, 0, 5, 20), to: pick(2, 10, 1e9), every: pick(1, 1, 3) }
      : undefined,
    change: has("change")
      ? {
          at: 5 + Math.floor(next() * 40),
          ...(next() < 0.5 ? { cap: pick(3, 5, 12) } : { order: pick("start", "created", "id") })
        }
      : undefined
  }
  const back = (most: number) => began - Math.floor(next() * most)
  const [a = 0, b = 0] = [back(1.1 * spread), back(1.1 * spread)].sort((x, y) => x - y)
  const bounded = { from: a, to: Math.max(a + 1, Math.min(b, began - 3 * hour)) }
  const range: Case["range"] =
    next() < 0.6 ? bounded : next() < 0.6 ? {} : pick<Case["range"]>({ from: a }, { to: bounded.to })
  const read: Read = {
    concurrency: pick(1, 3, 4),
    pageSize: pick(10, 100),
    pagesPerWindow: pick(undefined, 2, 5, 20),
    keepGoing: has("poison after paging"),
    cuts: next() < 0.1 ? [back(spread)] : []
  }
  return { seed, traits: [...chosen], server, rows, range, read, step }
}

const open = (one: Case, limit = 20_000): Adversary.Server =>
  Adversary.serve(one.rows, one.server, { began, step: one.step, seed: one.seed, limit })

export interface Judgement {
  readonly verdict: Verdict
  readonly complete: boolean
  readonly requests: number
  readonly windows: number
  readonly proven: number
  readonly reasons: ReadonlyArray<string>
  readonly wrong: ReadonlyArray<string>
}

const horizon = 2 * hour

/** Holds what was delivered, and what was said of it, against what the server has and what it showed. */
const judge = (one: Case, server: Adversary.Server, windows: ReadonlyArray<Window>): Judgement => {
  const wrong: Array<string> = []
  const coverages = finalCoverage(windows)
  const ids = windows.flatMap(({ rows }) => rows.sessions().map(({ id }) => id))
  const delivered = new Set(ids)
  if (delivered.size !== ids.length) wrong.push("a session came twice")
  for (const [i, window] of windows.entries()) {
    const before = windows[i - 1]
    if (before !== undefined && before.to !== window.from) wrong.push("the windows do not tile the range")
    const starts = window.rows.sessions().map((session) => startInstant(session) ?? -Infinity)
    const tells = verdict(window.coverage) !== "unprovable" && window.from < window.to
    if (tells && starts.some((start) => start < window.from || start >= window.to))
      wrong.push("a session lies outside its window")
  }
  const { from = -Infinity } = one.range
  const to = one.range.to ?? server.began
  const whole = one.range.from === undefined && one.range.to === undefined
  const twice = new Set<string>()
  const once = new Set<string>()
  for (const { id } of one.rows) (once.has(id) ? twice : once).add(id)
  const ended = server.now()
  const there = one.rows.filter(
    ({ gone = Infinity, id, moves, seen = -Infinity }) =>
      seen <= server.began - 7 * hour && gone > ended && (moves === undefined || moves.at > ended) && !twice.has(id)
  )
  const last = windows.at(-1)
  /** Calls without a start were read: all of a history, or, where the server shows which they are, those of a range. */
  const { created = 1, unassigned = 0 } = last?.outside ?? {}
  const hasUndated = whole || (last !== undefined && last.from === last.to && (unassigned === 0 || created > 0))
  const isIn = (at: number) => at >= from && at < to
  const missing = there.filter(
    ({ created, id, start }) =>
      !delivered.has(id) && (start === undefined ? hasUndated && (whole || isIn(created)) : isIn(start))
  )
  // The place of a row in a list without bounds says nothing of a range.
  const inCounts = whole ? server.counted : server.countedWithin
  const shown = missing.filter(({ id }) => server.listed.has(id) || inCounts.has(id))
  const total = coverages.reduce<Verdict>((sum, { coverage }) => weaker(sum, verdict(coverage)), "proven")
  if (total === "proven" && shown.length > 0) wrong.push(`proven, and ${shown.length} that were shown are missing`)
  for (const { coverage, from, to } of coverages) {
    if (coverage._tag !== "Proven" || from === to) continue
    if (to > server.began - horizon + second) wrong.push("proven beyond the horizon")
    const lost = missing.filter(
      ({ id, start = -Infinity }) =>
        start >= from && start < to && (server.listed.has(id) || server.countedWithin.has(id))
    )
    if (lost.length > 0) wrong.push(`${lost.length} that were shown are missing from a window that is proven`)
  }
  if (one.range.to === undefined && windows.length > 0) {
    const end = windows.at(-1)?.to ?? 0
    const left = missing.filter(({ id, start = -Infinity }) => start >= end && server.listed.has(id))
    if (left.length > 0) wrong.push(`${left.length} that were listed lie behind the end of the range`)
  }
  return {
    verdict: total,
    complete: missing.length === 0,
    requests: server.requests(),
    windows: coverages.length,
    proven: coverages.filter(({ coverage }) => coverage._tag === "Proven").length,
    reasons: [
      ...new Set(
        coverages.flatMap(({ coverage }) => ("reason" in coverage ? [CoverageReason.describe(coverage.reason)] : []))
      )
    ],
    wrong
  }
}

const clockOf = (server: Adversary.Server): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (clock) => ({
    currentTimeMillis: Effect.sync(() => server.now() / 1000),
    currentTimeMillisUnsafe: () => server.now() / 1000,
    currentTimeNanos: Effect.sync(() => BigInt(server.now()) * 1000n),
    currentTimeNanosUnsafe: () => BigInt(server.now()) * 1000n,
    monotonicTimeNanos: clock.monotonicTimeNanos,
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    sleep: () => Effect.yieldNow
  }))

const read = (one: Case, server: Adversary.Server) =>
  Stream.runCollect(windowsOf(one)).pipe(
    Effect.provideService(AgniClient, server.client),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideServiceEffect(Clock.Clock, clockOf(server))
  )

export const run = (one: Case) => {
  const server = open(one)
  return Effect.map(read(one, server), (windows) => judge(one, server, windows))
}

/** Whether all of a case can be proven: nothing that it meets hides rows, the range is old enough, and holds known ones. */
export const isProvable = ({ range, rows, server, traits }: Case): boolean =>
  !(traits.includes("burst") && server.tieOrder !== "id") &&
  traits.every((trait) => provable.has(trait)) &&
  range.to !== undefined &&
  range.to <= began - 3 * hour &&
  rows.filter(({ start }) => start !== undefined).length > 0
