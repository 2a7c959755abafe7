/** The life of calls beyond the ordinary: when each thing becomes true of one, by its agent, with long tails. */
import type { LifeOptions } from "./SimulatorOptions.ts"
import { hash, unit } from "./Random.ts"

const second = 1_000_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

export type Later = "cost" | "recording" | "analysis"

/** What an agent's calls get, as shares, and how long that takes: its medians times `slowness`. */
interface Habit extends Readonly<Record<Later, number>> {
  /** Calls created earlier than so long after the begin of the history get no analysis. */
  readonly analysisAfter: number
  readonly slowness: number
}

const usual: Habit = { cost: 0.995, recording: 0.9, analysis: 0.9, analysisAfter: 0, slowness: 1 }

/** Agents that differ: some have no recording or no analysis, one is slow, one begins to analyse in mid-life. */
const habits: ReadonlyArray<Habit> = [
  {},
  { analysis: 0 },
  { recording: 0 },
  { slowness: 4 },
  { analysis: 0.5 },
  { recording: 0, analysis: 0 },
  { analysisAfter: 5 * day },
  { slowness: 0.3 }
].map((habit) => ({ ...usual, ...habit }))

/** The median after the end, how far values lie around it, and a salt, by what comes. */
const delays = {
  cost: { median: 2 * minute, sigma: 0.8, salt: 100 },
  recording: { median: 5 * minute, sigma: 0.9, salt: 104 },
  analysis: { median: 15 * minute, sigma: 1, salt: 108 }
} as const satisfies Record<Later, unknown>

/** New calls by the hour of the day, beside the mean: few at night. */
const dayAndNight = [
  0.02, 0.01, 0.01, 0.01, 0.02, 0.05, 0.2, 0.7, 1.4, 2, 2.2, 2.1, 1.8, 2, 2.1, 2, 1.9, 1.7, 1.3, 1, 0.7, 0.4, 0.2, 0.08
]

/** Every option decided. */
export const resolve = ({ loads = dayAndNight, rare = 1, slowness = 1, storms }: LifeOptions) => {
  const sum = loads.reduce((sum, load) => sum + load, 0)
  const { calls = 0.01, perDay = 0.1 } = storms ?? {}
  return {
    rare,
    slowness,
    storms: { perDay, calls },
    /** The load of hours before each hour of the day, of 24 in all. */
    loads: loads.reduce<ReadonlyArray<number>>((all, load) => [...all, (all.at(-1) ?? 0) + (24 * load) / sum], [0])
  }
}
export type Resolved = ReturnType<typeof resolve>

/** How much load there was until then: time in which calls come evenly. */
export const loadUntil = ({ loads }: Resolved, at: number): number => {
  const [days, within] = [Math.floor(at / day), at % day]
  const from = Math.floor(within / hour)
  const before = loads[from] ?? 0
  return days * day + hour * before + (within - from * hour) * ((loads[from + 1] ?? 24) - before)
}

/** The instant until which there was so much load. */
export const whenLoaded = ({ loads }: Resolved, load: number): number => {
  const [days, within] = [Math.floor(load / day), (load % day) / hour]
  const from = Math.max(0, loads.findIndex((all) => all > within) - 1)
  const before = loads[from] ?? 0
  const share = (within - before) / ((loads[from + 1] ?? 24) - before)
  return Math.floor(days * day + (from + share) * hour)
}

/** Standard normal, of two numbers in [0, 1). */
const normal = (u: number, v: number): number => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v)

/** Chance about one call, the same each time it is asked for. */
export class Dice {
  readonly seed: number
  readonly row: number
  constructor(seed: number, row: number) {
    this.seed = seed
    this.row = row
  }

  unit(salt: number): number {
    return unit(this.seed, salt, this.row)
  }

  chance(salt: number, share: number): boolean {
    return unit(this.seed, salt, this.row) < share
  }

  /** Log-normal around a median. It takes two salts. */
  around(salt: number, median: number, sigma: number): number {
    return median * Math.exp(sigma * normal(this.unit(salt), this.unit(salt + 1)))
  }

  /** The same, but one in two hundred takes far longer, up to four days: a power law. It takes four salts. */
  tailed(salt: number, median: number, sigma: number): number {
    return this.chance(salt, 0.005)
      ? Math.min(4 * day, 20 * median * (1 - this.unit(salt + 1)) ** -1.2)
      : this.around(salt + 2, median, sigma)
  }
}

/** What a call is like while it lasts. */
export interface Made {
  readonly start: number
  readonly end: number
}

/** How long it rings and lasts: `created` until `start` until `end`. A call that does not connect has no start. */
export const made = (dice: Dice, created: number, connects: boolean): Made => {
  const rings = dice.around(120, 12 * second, 0.5)
  if (!connects) return { start: NaN, end: Math.floor(created + 3 * rings) }
  const start = Math.floor(created + rings)
  return { start, end: Math.floor(start + Math.min(2 * hour, dice.around(122, 70 * second, 1))) }
}

/** When the status and the end of a call that ended are known. */
export const ended = (dice: Dice, end: number): number => end + Math.floor(dice.around(124, 3 * second, 0.8))

/** When it appears: at once, at its end, or hours after that. */
export const visible = (
  { rare, slowness }: Resolved,
  dice: Dice,
  { created, end }: Made & { readonly created: number }
) =>
  dice.chance(126, 0.0003 * rare)
    ? end + Math.floor(slowness * (2 + 6 * dice.unit(127)) * hour)
    : dice.chance(128, 0.3)
      ? end
      : created + second

/** When something that a call lacks at its end comes; `Infinity` for never. */
export const comes = (life: Resolved, dice: Dice, call: Facts, later: Later): number => {
  const { median, salt, sigma } = delays[later]
  const habit = habits[call.agent % habits.length] ?? usual
  const share = later === "analysis" && call.age < habit.analysisAfter ? 0 : habit[later]
  if (!dice.chance(salt + 20, share)) return Infinity
  return call.ended + Math.floor(dice.tailed(salt, life.slowness * habit.slowness * median, sigma))
}

/** What decides about what comes later. */
export interface Facts {
  readonly agent: number
  /** How long after the begin of the history it was created. */
  readonly age: number
  readonly ended: number
}

/** When the start of a call that connected is known, if that is late. */
export const startKnown = ({ rare, slowness }: Resolved, dice: Dice, ended: number): number | undefined =>
  dice.chance(132, 0.005 * rare) ? ended + Math.floor(slowness * dice.around(133, 10 * minute, 1)) : undefined

/** When its start is corrected, if it is, and to what. */
export const moves = (
  { rare, slowness }: Resolved,
  dice: Dice,
  { ended, start }: { readonly start: number; readonly ended: number }
): { readonly at: number; readonly to: number } | undefined =>
  dice.chance(136, 0.0005 * rare)
    ? {
        at: ended + Math.floor(slowness * dice.unit(137) * 20 * hour),
        to: Math.floor(start - slowness * (dice.unit(138) - 0.3) * 5 * hour)
      }
    : undefined

/** When something final of it changes; `Infinity` for never. */
export const corrected = ({ rare, slowness }: Resolved, dice: Dice, ended: number): number =>
  dice.chance(140, 0.0003 * rare) ? ended + Math.floor(slowness * dice.unit(141) * 2 * day) : Infinity

/** When a storm breaks out on a day, if one does. */
const stormOn = (seed: number, { storms }: Resolved, date: number): number =>
  hash(seed, 142, date) / 2 ** 32 < storms.perDay ? (date + hash(seed, 143, date) / 2 ** 32) * day : Infinity

/** When it leaves: by itself, or in a storm, which takes a share of the calls of the last two days at once. */
export const leaves = (life: Resolved, dice: Dice, ended: number): number => {
  const alone = dice.chance(144, 0.0005 * life.rare)
    ? ended + Math.floor(life.slowness * dice.unit(145) * 4 * day)
    : Infinity
  const date = Math.floor(ended / day)
  const storm = [date, date + 1, date + 2].reduce((first, date) => {
    const at = stormOn(dice.seed, life, date)
    const isHit = at > ended && at - ended < 2 * day && unit(dice.seed ^ date, 146, dice.row) < life.storms.calls
    return isHit ? Math.min(first, Math.floor(at)) : first
  }, Infinity)
  return Math.min(alone, storm)
}
