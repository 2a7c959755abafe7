/** Calls of an organization with habits: agents that differ, long tails, day and night. */
import { type Random, random } from "../../test/sync/SyncRandom.ts"

export const second = 1_000_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const origin = Date.parse("2026-07-01T00:00:00Z") * 1000

/** When each thing becomes true of a call, in µs; `Infinity` for never. */
export interface Life {
  readonly id: string
  readonly agent: number
  readonly created: number
  readonly visible: number
  /** `Infinity` of a call that does not connect. */
  readonly start: number
  readonly startKnown: number
  readonly moves: number
  readonly movedTo: number
  readonly end: number
  /** When its status and its end are known. */
  readonly ended: number
  readonly cost: number
  readonly recording: number
  readonly analysis: number
  readonly corrected: number
  readonly leaves: number
}

export interface Options {
  readonly seed: number
  readonly perDay: number
  readonly days: number
  /** How much more often than usual rare things happen. @default 1 */
  readonly rare?: number
}

/** What an agent's calls get, and the median of how long that takes. */
interface Agent {
  readonly id: string
  readonly recording: number
  readonly analysis: number
  /** From that day on. */
  readonly analysisFrom: number
  readonly slowness: number
}

const agentOf = (id: number, agent: Partial<Agent> = {}): Agent => ({
  id: `${id}d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44`,
  recording: 0.9,
  analysis: 0.9,
  analysisFrom: 0,
  slowness: 1,
  ...agent
})

export const agents: ReadonlyArray<Agent> = [
  agentOf(0),
  agentOf(1, { analysis: 0 }),
  agentOf(2, { recording: 0 }),
  agentOf(3, { slowness: 4 }),
  agentOf(4, { analysis: 0.5 }),
  agentOf(5, { recording: 0, analysis: 0 }),
  agentOf(6, { analysisFrom: 5 }),
  agentOf(7, { slowness: 0.3 })
]

/** Standard normal. */
const normal = ({ next }: Random) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())

const spread = (source: Random, median: number, sigma: number) => median * Math.exp(sigma * normal(source))

/** One in two hundred takes far longer, up to four days: a power law. */
const delay = (source: Random, median: number, sigma: number) =>
  source.chance(0.005) ? Math.min(4 * day, 20 * median * (1 - source.next()) ** -1.2) : spread(source, median, sigma)

/** Calls an hour of the day, beside the mean: few at night. */
const load = [
  0.02, 0.01, 0.01, 0.01, 0.02, 0.05, 0.2, 0.7, 1.4, 2, 2.2, 2.1, 1.8, 2, 2.1, 2, 1.9, 1.7, 1.3, 1, 0.7, 0.4, 0.2, 0.08
]
const most = Math.max(...load)

const uuid = ({ below }: Random, at: number) => {
  const hex = Math.floor(at / 1000)
    .toString(16)
    .padStart(12, "0")
  const part = (length: number) => Array.from({ length }, () => below(16).toString(16)).join("")
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${part(3)}-8${part(3)}-${part(12)}`
}

const createdOf = (source: Random, days: number): number => {
  for (;;) {
    const at = source.next() * days * day
    if (source.next() * most < (load[Math.floor((at % day) / hour)] ?? 0)) return Math.floor(origin + at)
  }
}

const never = Infinity

const lifeOf = (source: Random, created: number, rare: number): Life => {
  const { chance, next } = source
  const connects = chance(0.85)
  const rings = spread(source, 12 * second, 0.5)
  const start = connects ? Math.floor(created + rings) : never
  const end = Math.floor(connects ? start + Math.min(2 * hour, spread(source, 70 * second, 1)) : created + 3 * rings)
  const ended = end + Math.floor(spread(source, 3 * second, 0.8))
  const agent = source.below(agents.length)
  const habits = agents[agent] ?? agentOf(agent)
  const analyses = (created - origin) / day >= habits.analysisFrom ? habits.analysis : 0
  const comes = (share: number, median: number, sigma: number) =>
    connects && chance(share) ? ended + Math.floor(delay(source, habits.slowness * median, sigma)) : never
  const visible = chance(0.0003 * rare)
    ? end + Math.floor(2 * hour + next() * 6 * hour)
    : chance(0.3)
      ? end
      : created + second
  return {
    id: uuid(source, created),
    agent,
    created,
    visible,
    start,
    startKnown: connects && chance(0.005 * rare) ? ended + Math.floor(spread(source, 10 * minute, 1)) : start,
    moves: connects && chance(0.0005 * rare) ? ended + Math.floor(next() * 20 * hour) : never,
    movedTo: connects ? Math.floor(start - (next() - 0.3) * 5 * hour) : never,
    end,
    ended,
    cost: comes(0.995, 2 * minute, 0.8),
    recording: comes(habits.recording, 5 * minute, 0.9),
    analysis: comes(analyses, 15 * minute, 1),
    corrected: chance(0.0003 * rare) ? ended + Math.floor(next() * 2 * day) : never,
    leaves: chance(0.0005 * rare) ? ended + Math.floor(next() * 4 * day) : never
  }
}

export const make = ({ days, perDay, rare = 1, seed }: Options): ReadonlyArray<Life> => {
  const source = random(seed)
  return Array.from({ length: perDay * days }, () => createdOf(source, days))
    .sort((left, right) => left - right)
    .map((created) => lifeOf(source, created, rare))
}

/** The start by which it is listed. */
export const startAt = ({ movedTo, moves, start, startKnown }: Life, at: number): number | undefined =>
  at < start || at < startKnown ? undefined : at >= moves ? movedTo : start

/** When it becomes another one, in order, from when it appears on. */
export const changesOf = (life: Life): ReadonlyArray<number> => {
  const { analysis, corrected, cost, ended, leaves, moves, recording, start, startKnown, visible } = life
  const known = start === never ? never : Math.max(start, startKnown)
  const later = [known, moves, ended, cost, recording, analysis, cost < corrected ? corrected : never, leaves]
  const sorted = [...later.filter((at) => at > visible && at < never), visible].sort((left, right) => left - right)
  return sorted.filter((at) => at <= leaves)
}
