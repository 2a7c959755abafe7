/**
 * Estimates what a call still lacks and may get, from how long costs, recordings and analyses took, and from which agents have them.
 *
 * It decides when a call is read again, and never whether a range is complete.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as CallSession from "../model/CallSession.ts"
import type { Micros } from "./Tail.ts"
import * as Tail from "./Tail.ts"

/**
 * A part of a call that comes after its end, if at all.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Later = Schema.Literals(["cost", "recording", "analysis"])

/**
 * @since 0.1.0
 * @category models
 */
export type Later = typeof Later.Type

/**
 * All of them, in a fixed order.
 *
 * @since 0.1.0
 * @category models
 */
export const laters: ReadonlyArray<Later> = Later.literals

/** Of `of` calls that were a day old, `has` had it by then or got it later. */
const Share = Schema.Struct({ has: Schema.Int, of: Schema.Int })
type Share = typeof Share.Type

const Shares = Schema.Struct({ cost: Share, recording: Share, analysis: Share })

/**
 * Observations of many calls. Only whole counts, so that it can be kept, merged and printed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Statistics = Schema.Struct({
  /** How long after the end of a call each came, over all agents. */
  delays: Schema.Struct({ cost: Tail.Tail, recording: Tail.Tail, analysis: Tail.Tail }),
  /** How long after its start a call was seen to have ended. */
  durations: Tail.Tail,
  /** How long after its start a call appeared in the API, of calls that appeared between two passes shortly one after another. */
  births: Tail.Tail,
  /** By agent (`""` for none), then by what the status says. */
  shares: Schema.Record(Schema.String, Schema.Struct({ answered: Shares, unanswered: Shares })),
  /** Calls that were read again although nothing was expected of them, and how many of these had changed. */
  audited: Schema.Struct({ looked: Schema.Int, changed: Schema.Int })
})

/**
 * @since 0.1.0
 * @category models
 */
export type Statistics = typeof Statistics.Type

const noShare: Share = { has: 0, of: 0 }
const noShares = { cost: noShare, recording: noShare, analysis: noShare }
const noAgent = { answered: noShares, unanswered: noShares }

/**
 * Nothing was observed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: Statistics = {
  delays: { cost: Tail.empty, recording: Tail.empty, analysis: Tail.empty },
  durations: Tail.empty,
  births: Tail.empty,
  shares: {},
  audited: { looked: 0, changed: 0 }
}

/**
 * A call without its content.
 *
 * @since 0.1.0
 * @category models
 */
export interface Facts {
  readonly agent: string
  readonly status: CallSession.StatusClass
  /** When it ended; if that is not known, when it started or was created. */
  readonly end: Micros
  /** What it does not have. */
  readonly lacks: ReadonlyArray<Later>
}

/**
 * Why something is not waited for any more.
 *
 * @since 0.1.0
 * @category models
 */
export type Because = "never seen of this agent" | "unlikely by now" | "too old"

/**
 * Whether more is expected of a call:
 *
 * - `Final`: it has everything that a call can have.
 * - `Awaiting`: its end, or what it lacks, still comes with a chance that is worth waiting for.
 * - `GivenUp`: something it lacks is not waited for any more, and nothing else is. An audit still looks at it.
 *
 * @since 0.1.0
 * @category models
 */
export type Standing =
  | { readonly _tag: "Final" }
  | { readonly _tag: "Awaiting"; readonly facets: ReadonlyArray<Later | "lifecycle"> }
  | { readonly _tag: "GivenUp"; readonly facets: ReadonlyArray<{ readonly facet: Later; readonly because: Because }> }

/**
 * Below this chance nothing is waited for: 0.2 %.
 *
 * @since 0.1.0
 * @category constants
 */
export const leastChance = 0.002

/** A call that is still open after that long, or lacks something, is not waited for: a month, in µs. */
const tooOld = Tail.longest

/** So many imagined calls stand for what all agents have, and so many for no knowledge at all. */
const weight = 2

const shareOf = (learned: Statistics, { agent, status }: Facts, facet: Later): Share =>
  status === "open" ? noShare : (learned.shares[agent]?.[status][facet] ?? noShare)

interface Pooled {
  readonly answered: typeof Shares.Type
  readonly unanswered: typeof Shares.Type
}

const pools = new WeakMap<Statistics["shares"], Pooled>()

/** All agents together. */
const pooled = ({ shares }: Statistics): Pooled => {
  const known = pools.get(shares)
  if (known !== undefined) return known
  let all: Pooled = noAgent
  for (const { answered, unanswered } of Object.values(shares)) {
    all = { answered: mergeShares(all.answered, answered), unanswered: mergeShares(all.unanswered, unanswered) }
  }
  pools.set(shares, all)
  return all
}

/** The share of this agent's calls that get it. An agent of whom little is known counts as one like the others. */
const prevalence = (learned: Statistics, facts: Facts, facet: Later): number => {
  const own = shareOf(learned, facts, facet)
  const all = facts.status === "open" ? noShare : pooled(learned)[facts.status][facet]
  const usual = (all.has + weight / 2) / (all.of + weight)
  return (own.has + weight * usual) / (own.of + weight)
}

/**
 * The chance that something a call lacks at `at` still comes after that.
 *
 * @since 0.1.0
 * @category reading
 */
export const chance = (learned: Statistics, facts: Facts, facet: Later, at: Micros): number => {
  const p = prevalence(learned, facts, facet)
  const longer = Tail.survival(learned.delays[facet], at - facts.end)
  return (p * longer) / (p * longer + (1 - p))
}

/**
 * Whether more is expected of a call at `now`.
 *
 * @since 0.1.0
 * @category reading
 */
export const standing = (learned: Statistics, facts: Facts, now: Micros): Standing => {
  const isOld = now - facts.end >= tooOld
  if (facts.status === "open" && !isOld) return { _tag: "Awaiting", facets: ["lifecycle", ...facts.lacks] }
  const awaited = isOld ? [] : facts.lacks.filter((facet) => chance(learned, facts, facet, now) >= leastChance)
  if (awaited.length > 0) return { _tag: "Awaiting", facets: awaited }
  if (facts.lacks.length === 0) return { _tag: "Final" }
  return {
    _tag: "GivenUp",
    facets: facts.lacks.map((facet) => {
      const { has, of } = shareOf(learned, facts, facet)
      return {
        facet,
        because: isOld ? "too old" : has === 0 && of > 0 ? "never seen of this agent" : "unlikely by now"
      }
    })
  }
}

/**
 * The chance that a call which was read at `read` looks different at `now`: what reading it again is worth.
 *
 * @since 0.1.0
 * @category reading
 */
export const gain = (learned: Statistics, facts: Facts, read: Micros, now: Micros): number => {
  const waiting = standing(learned, facts, read)
  if (waiting._tag !== "Awaiting" || now <= read) return 0
  let same = 1
  for (const facet of waiting.facets) {
    const tail = facet === "lifecycle" ? learned.durations : learned.delays[facet]
    const before = Tail.survival(tail, read - facts.end)
    const after = Tail.survival(tail, now - facts.end)
    const comes = facet === "lifecycle" ? 1 : chance(learned, facts, facet, read)
    // What takes longer than anything seen may come at any time.
    same *= 1 - comes * (before === 0 ? 1 : 1 - after / before)
  }
  return 1 - same
}

/**
 * One more call that is a day old, with what it lacks.
 *
 * @since 0.1.0
 * @category combining
 */
export const count = (learned: Statistics, { agent, lacks, status }: Facts): Statistics => {
  if (status === "open") return learned
  return withShares(learned, agent, status, (facet, { has, of }) => ({
    has: lacks.includes(facet) ? has : has + 1,
    of: of + 1
  }))
}

/**
 * A call that was counted without something got it after all.
 *
 * @since 0.1.0
 * @category combining
 */
export const correct = (
  learned: Statistics,
  { agent, status }: Pick<Facts, "agent" | "status">,
  came: ReadonlyArray<Later>
): Statistics => {
  if (status === "open") return learned
  return withShares(learned, agent, status, (facet, { has, of }) => ({
    has: came.includes(facet) && has < of ? has + 1 : has,
    of
  }))
}

const withShares = (
  learned: Statistics,
  agent: string,
  status: "answered" | "unanswered",
  next: (facet: Later, share: Share) => Share
): Statistics => {
  const known = Object.hasOwn(learned.shares, agent) ? (learned.shares[agent] ?? noAgent) : noAgent
  const { analysis, cost, recording } = known[status]
  const shares = {
    cost: next("cost", cost),
    recording: next("recording", recording),
    analysis: next("analysis", analysis)
  }
  const all = { ...learned.shares, [agent]: { ...known, [status]: shares } }
  // Summed anew, each call would take a step for each agent.
  const pool = pooled(learned)
  pools.set(all, { ...pool, [status]: mergeShares(mergeShares(pool[status], shares), known[status], -1) })
  return { ...learned, shares: all }
}

const mergeShares = (left: typeof Shares.Type, right: typeof Shares.Type, sign = 1): typeof Shares.Type => {
  const merge = (facet: Later): Share => {
    const [one, other] = [left[facet], right[facet]]
    return { has: one.has + sign * other.has, of: one.of + sign * other.of }
  }
  return { cost: merge("cost"), recording: merge("recording"), analysis: merge("analysis") }
}

/**
 * What two syncs observed of different calls.
 *
 * @since 0.1.0
 * @category combining
 */
export const merge = (left: Statistics, right: Statistics): Statistics => ({
  delays: {
    cost: Tail.merge(left.delays.cost, right.delays.cost),
    recording: Tail.merge(left.delays.recording, right.delays.recording),
    analysis: Tail.merge(left.delays.analysis, right.delays.analysis)
  },
  durations: Tail.merge(left.durations, right.durations),
  births: Tail.merge(left.births, right.births),
  shares: Object.fromEntries(
    [...new Set([...Object.keys(left.shares), ...Object.keys(right.shares)])].map((agent) => {
      const [one, other] = [left.shares[agent] ?? noAgent, right.shares[agent] ?? noAgent]
      return [
        agent,
        {
          answered: mergeShares(one.answered, other.answered),
          unanswered: mergeShares(one.unanswered, other.unanswered)
        }
      ]
    })
  ),
  audited: {
    looked: left.audited.looked + right.audited.looked,
    changed: left.audited.changed + right.audited.changed
  }
})

const minute = 60_000_000
const span = (delay: number): string => {
  const minutes = Math.ceil(delay / minute)
  return delay === Infinity
    ? "more than a month"
    : minutes < 100
      ? `${minutes} min`
      : minutes < 2880
        ? `${Math.round(minutes / 60)} h`
        : `${Math.round(minutes / 1440)} days`
}

/**
 * The observations in sentences for people. It names no agent.
 *
 * @since 0.1.0
 * @category formatting
 */
export const describe = (learned: Statistics): ReadonlyArray<string> => {
  const lines = laters.flatMap((facet) => {
    const tail = learned.delays[facet]
    const seen = Tail.total(tail)
    const agents = Object.values(learned.shares)
    const never = agents.filter(({ answered }) => answered[facet].of > 0 && answered[facet].has === 0).length
    return [
      ...(seen === 0
        ? []
        : [
            `${facet}: of ${seen}, half came within ${span(Tail.quantile(tail, 0.5))}, 99 % within ${span(Tail.quantile(tail, 0.99))}`
          ]),
      ...(never === 0 ? [] : [`${facet}: never seen of ${never} of ${agents.length} agents`])
    ]
  })
  const { changed, looked } = learned.audited
  return looked === 0 ? lines : [...lines, `audits: ${changed} of ${looked} calls had changed unexpectedly`]
}
