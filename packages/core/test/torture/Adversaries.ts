/** Histories on the adversary, by seed and trait. */
import type * as Adversary from "./Adversary.ts"
import { type Case as HistoriesCase, random, type Read } from "./Histories.ts"

const second = 1_000_000
const hour = 3600 * second
const day = 24 * hour

/** When each history begins to be read. */
export const began = Date.UTC(2026, 5, 1) * 1000

/** Each combines with all others. */
const often = [
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
  "undated",
  "poison"
] as const

/** Drawn last: the meaning of a seed stays. */
const rare = ["slow", "zone", "not found"] as const

/** Drawn after those. */
const latest = ["flaky"] as const

/** Drawn after all others. */
const last = ["ignores", "connecting", "one leaves"] as const

/** Drawn after everything: one of these limits, where there is any, fails rather than what was drawn for it. */
const limits = ["fails deep"] as const

/** Drawn after those. */
const sizes = ["rounds"] as const

/** Drawn after those. */
const places = ["coalesce"] as const

export const names = [...often, ...rare, ...latest, ...last, ...limits, ...sizes, ...places]
export type Name = (typeof names)[number]

/** A history, its server, and how it is read: all of it is JSON. */
export interface Case {
  readonly seed: number
  readonly traits: ReadonlyArray<Name>
  readonly server: Adversary.Traits
  readonly rows: ReadonlyArray<Adversary.Row>
  readonly range: HistoriesCase["range"]
  readonly read: Read
  /** Server time that each request takes, in µs. */
  readonly step: number
  /** Through the real client, with its retries. */
  readonly client?: true | undefined
}

type Chance = ReturnType<typeof random>
type Shape = "same" | "in order" | "queued"

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

interface Drawn {
  readonly has: (name: Name) => boolean
  readonly shape: Shape
  readonly spread: number
  readonly step: number
}

/** Most histories are small, so that there are many; one in fifty is as long as a small organization's. */
const countOf = ({ chance, next }: Chance, has: Drawn["has"]): number => {
  if (has("sparse") && chance(0.02)) return Math.floor(1000 + next() * 6300)
  if (has("burst") && chance(0.1)) return Math.floor(300 + next() * 500)
  return Math.floor(next() ** 2 * 260)
}

const movesOf = ({ chance, next }: Chance, start: number, spread: number, step: number) => {
  const at = began + Math.floor(next() * 60) * step
  const first = { at, start: start + Math.floor((next() - 0.5) * spread * 0.5) }
  // And back.
  return chance(0.3) ? [first, { at: at + Math.floor(next() * 60) * step, start }] : [first]
}

const rowsOf = (random: Chance, { has, shape, spread, step }: Drawn): ReadonlyArray<Adversary.Row> => {
  const { chance, next, pick } = random
  const count = countOf(random, has)
  const rows: Array<Adversary.Row> = []
  const burst = began - 3 * hour - Math.floor(next() * spread)
  const tied = has("burst") ? pick(0.5, 0.5, 0.9) : 0
  const granularity = pick(1, 1000, second)
  const later = () => began + Math.floor(next() * 60) * step
  for (let i = 0; i < count; i++) {
    const at = chance(tied)
      ? burst + Math.floor(next() * pick(1, 3)) * second
      : began - 5 * second - Math.floor(next() * spread)
    const start = Math.floor(at / granularity) * granularity
    const late = shape === "in order" ? 4 * second : 0
    const queued = shape === "queued" && chance(0.2) ? Math.floor(next() * 6 * hour) : late
    const undated = has("undated") && chance(0.1)
    const id = `row-${i}`
    rows.push({
      id,
      created: start - queued,
      start: undated ? undefined : start,
      ...(has("departures") && chance(0.05) ? { gone: later() } : {}),
      ...(has("departures") && chance(0.03) ? { seen: later() } : {}),
      ...(has("moving") && !undated && chance(0.04) ? { moves: movesOf(random, start, spread, step) } : {})
    })
    if (has("two starts") && chance(0.03))
      rows.push({ id, start: began - 5 * second - Math.floor(next() * spread), created: start })
  }
  return rows
}

const limitOf = ({ pick }: Chance, isThere: boolean, ...most: readonly [number, ...ReadonlyArray<number>]) => {
  const limit: Adversary.Limit = { most: pick(...most), cut: pick("last", "first", "empty", "error") }
  return isThere ? limit : undefined
}

const faultsOf = (random: Chance, rows: ReadonlyArray<Adversary.Row>, { has, step }: Drawn) => {
  const { chance, next, pick } = random
  const some = rows.filter(() => chance(0.02)).map(({ id }) => id)
  const fails = has("poison") || has("poison after paging")
  const ids = some.length > 0 ? some : rows.slice(0, 1).map(({ id }) => id)
  return {
    poison: fails ? rows[Math.floor(next() * rows.length)]?.id : undefined,
    span: limitOf(random, has("span"), 2 * day, 7 * day, 31 * day),
    offset: limitOf(random, has("offset"), 50, 100, 200),
    depth: limitOf(random, has("depth"), 5, 10, 20),
    results: limitOf(random, has("results"), 50, 100, 150),
    shard: has("shard") ? { of: pick(2, 4), when: when(random, step) } : undefined,
    replica: has("replica") ? { lag: pick(1, 60, 6 * 3600) * second, when: when(random, step) } : undefined,
    hidden: has("hidden") ? { ids, when: when(random, step) } : undefined,
    date: has("date")
      ? { offset: pick(3, -3, 25) * hour, from: pick(0, 0, 5, 20), to: pick(2, 10, 1e9), every: pick(1, 1, 3) }
      : undefined,
    change: has("change")
      ? {
          at: 5 + Math.floor(next() * 40),
          ...(chance(0.5) ? { cap: pick(3, 5, 12) } : { order: pick<Adversary.Order>("start", "created", "id") })
        }
      : undefined
  }
}

const serverOf = (random: Chance, rows: ReadonlyArray<Adversary.Row>, drawn: Drawn, cap: number): Adversary.Traits => {
  const { pick } = random
  return {
    cap,
    order:
      drawn.shape === "queued"
        ? pick<Adversary.Order>("start", "start", "created", "id")
        : pick<Adversary.Order>("start", "start", "start", "created", "id"),
    newestFirst: pick(true, true, true, false),
    sorting: pick(true, true, false),
    undatedFirst: pick(true, false),
    includes: { after: pick(true, false), before: pick(true, false) },
    tieOrder: pick("id", "id", "query", "random"),
    beyond: pick("empty", "empty", "empty", "last", "first"),
    offsetFrom: pick("brought", "asked"),
    filterAfterPaging: drawn.has("poison after paging"),
    ...faultsOf(random, rows, drawn)
  }
}

/** Calls that are listed before they connect, and have a start from then on: a replica that lags shows them without one. */
const connecting = ({ chance, next }: Chance, rows: ReadonlyArray<Adversary.Row>, step: number) =>
  rows.map((row): Adversary.Row => {
    const { moves, start } = row
    if (start === undefined || moves !== undefined || !chance(0.1)) return row
    return { ...row, start: undefined, moves: [{ at: began + Math.floor(next() * 60) * step, start }] }
  })

/** One call leaves at any time of the run, another one is without a start, or comes: numbers that stay the same hide both. */
const oneLeaves = ({ chance, next, pick }: Chance, rows: ReadonlyArray<Adversary.Row>, step: number) => {
  const at = () => began + Math.floor(next() ** 2 * 250) * step + 1
  const [leaving, other] = [Math.floor(next() * rows.length), Math.floor(next() * rows.length)]
  const gone = at()
  const seen = chance(0.5) ? pick(gone, at()) : undefined
  const isUndated = chance(0.6)
  return rows.map((row, i): Adversary.Row => {
    if (i === leaving) return { ...row, gone }
    return i === other
      ? { ...row, ...(isUndated ? { start: undefined } : {}), ...(seen === undefined ? {} : { seen }) }
      : row
  })
}

const flakyOf = (random: Chance, step: number): NonNullable<Adversary.Traits["flaky"]> => {
  const { chance, pick } = random
  const as = pick<Adversary.Fault>("busy", "busy", "limited", "reset", "cut off", "unsuccessful", "hang")
  const byChance = { by: "chance" as const, share: pick(0.05, 0.2, 0.4) }
  return { as, when: chance(0.7) ? byChance : when(random, step) }
}

/** The case of a seed; with `only` that trait alone, and `also` besides the others. */
export const make = (seed: number, only?: Name | "none", also?: Name): Case => {
  const chance = random(seed)
  const { next, pick } = chance
  const few = pick(0, 1, 1, 2, 3)
  const chosen = new Set<Name>(
    only === undefined ? Array.from({ length: few }, () => pick(...often)) : only === "none" ? [] : [only]
  )
  if (also !== undefined) chosen.add(also)
  const has = (name: Name) => chosen.has(name)
  const step = pick(0, 50, 1000) * 1000
  const cap = pick(5, 7, 10, 20, 50)
  const shape = pick<Shape>("same", "same", "in order", "queued")
  const spread = has("sparse") ? 700 * day : pick(3 * hour, 2 * day, 45 * day, 120 * day)
  const drawn: Drawn = { has, shape, spread, step }
  const rows = rowsOf(chance, drawn)
  const server = serverOf(chance, rows, drawn, rows.length > 1000 ? 100 : cap)
  const back = (most: number) => began - Math.floor(next() * most)
  const [a = 0, b = 0] = [back(1.1 * spread), back(1.1 * spread)].sort((x, y) => x - y)
  const bounded = { from: a, to: Math.max(a + 1, Math.min(b, began - 3 * hour)) }
  const range: Case["range"] =
    next() < 0.6 ? bounded : next() < 0.6 ? {} : pick<Case["range"]>({ from: a }, { to: bounded.to })
  const read: Read = {
    concurrency: pick(1, 3, 4),
    pageSize: pick(10, 100),
    pagesPerWindow: pick(undefined, 2, 5, 20),
    keepGoing: has("poison") || has("poison after paging"),
    cuts: next() < 0.1 ? [back(spread)] : [],
    order: pick(undefined, undefined, undefined, "newest")
  }
  // Drawn last: the meaning of a seed stays.
  const sideBySide = next() < 0.4 ? { readers: pick(2, 3), size: pick(5, 40, 20_000) } : undefined
  for (const name of rare) if (only === undefined && chance.chance(0.02)) chosen.add(name)
  const most = pick(2 * day, 7 * day, 31 * day)
  const zone = pick(-5, 1, 5.5) * hour
  for (const name of latest) if (only === undefined && chance.chance(0.03)) chosen.add(name)
  const flaky = flakyOf(chance, step)
  const isClient = chance.chance(0.1) || has("flaky")
  const keepGoing = read.keepGoing === true || (has("flaky") && chance.chance(0.5))
  for (const name of last) if (only === undefined && chance.chance(0.02)) chosen.add(name)
  const ignores = when(chance, step)
  const connected = has("connecting") ? connecting(chance, rows, step) : rows
  for (const name of limits) if (only === undefined && chance.chance(0.1)) chosen.add(name)
  const failing = has("fails deep") ? failingDeep(server) : {}
  const ahead = chance.chance(0.5)
  for (const name of sizes) if (only === undefined && chance.chance(0.05)) chosen.add(name)
  const rounded = roundedOf(chance, server.cap)
  // At another time than the answers before.
  const apart = has("one leaves") ? Math.max(step, 50_000) : step
  const left = has("one leaves") ? oneLeaves(chance, connected, apart) : connected
  for (const name of places) if (only === undefined && chance.chance(0.03)) chosen.add(name)
  return {
    seed,
    traits: [...chosen],
    server: {
      ...server,
      ...failing,
      ...(has("slow") ? { span: { most, cut: "failure" } } : {}),
      ...(has("zone") ? { zone } : {}),
      ...(has("not found") ? { beyond: "not found" } : {}),
      ...(has("flaky") ? { flaky } : {}),
      ...(has("ignores") ? { ignores } : {}),
      ...(has("rounds") ? { sizes: rounded } : {}),
      ...(has("coalesce") ? { coalesces: true as const } : {})
    },
    rows: has("coalesce") ? coalescing(chance, left) : left,
    range,
    read:
      sideBySide === undefined ? { ...read, keepGoing, ahead } : { ...read, keepGoing, order: undefined, sideBySide },
    step: apart,
    ...(isClient ? { client: true } : {})
  }
}

/** Some calls have no start, and lie among the others by their creation. */
const coalescing = ({ chance, pick }: Chance, rows: ReadonlyArray<Adversary.Row>) => {
  const share = pick(0.02, 0.1, 0.5)
  return rows.map((row): Adversary.Row => (chance(share) ? { ...row, start: undefined, moves: [] } : row))
}

/** A page has as many rows as the server likes. */
const roundedOf = ({ pick }: Chance, cap: number): Adversary.Sizes => {
  const [half, fifth] = [Math.ceil(cap / 2), Math.max(2, Math.ceil(cap / 5))]
  return { of: pick([cap], [half, cap], [fifth, half, cap]), round: pick("up", "down", "least") }
}

/** Pages that lie too deep make it fail, after two at the earliest. */
const failingDeep = ({ cap, depth, offset }: Adversary.Traits): Partial<Adversary.Traits> =>
  depth === undefined
    ? { offset: { most: Math.max(2 * cap, offset?.most ?? 0), cut: "failure" } }
    : { depth: { ...depth, cut: "failure" } }

/** The same, in stretches that are read each by itself. */
export const apart = (one: Case): Case => ({
  ...one,
  read: { ...one.read, order: undefined, sideBySide: one.read.sideBySide ?? { readers: 2, size: 40 }, apart: one.seed }
})

/** The same history, read by processes that are killed, one after another. */
export const killed = (one: Case): Case => ({ ...one, read: { ...one.read, order: undefined, killed: one.seed } })
