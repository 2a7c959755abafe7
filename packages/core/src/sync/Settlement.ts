/**
 * Estimates what a call still lacks and may get, from how long costs, recordings and analyses took, and from which agents have them.
 *
 * It decides when a call is read again, and never whether a range is complete.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as CallSession from "../model/CallSession.ts"
import * as Shares from "./internal/Shares.ts"
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
  shares: Shares.ByAgent,
  /** Calls that were read again although nothing was expected of them, and how many of these had changed. */
  audited: Schema.Struct({ looked: Schema.Int, changed: Schema.Int })
})

/**
 * @since 0.1.0
 * @category models
 */
export type Statistics = typeof Statistics.Type

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

const shareOf = (learned: Statistics, { agent, status }: Facts, facet: Later): Shares.Share =>
  status === "open" ? Shares.noShare : (learned.shares[agent]?.[status][facet] ?? Shares.noShare)

/** The share of this agent's calls that get it. An agent of whom little is known counts as one like the others. */
const prevalence = (learned: Statistics, facts: Facts, facet: Later): number => {
  const own = shareOf(learned, facts, facet)
  const all = facts.status === "open" ? Shares.noShare : Shares.pooled(learned.shares)[facts.status][facet]
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
 * One more call that is a day old, with what it lacks; or so many of the same kind.
 *
 * @since 0.1.0
 * @category combining
 */
export const count = (
  learned: Statistics,
  { agent, lacks, status }: Pick<Facts, "agent" | "lacks" | "status">,
  calls = 1
): Statistics => {
  if (status === "open") return learned
  const shares = Shares.change(learned.shares, agent, status, (facet, { has, of }) => ({
    has: lacks.includes(facet) ? has : has + calls,
    of: of + calls
  }))
  return { ...learned, shares }
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
  const shares = Shares.change(learned.shares, agent, status, (facet, { has, of }) => ({
    has: came.includes(facet) && has < of ? has + 1 : has,
    of
  }))
  return { ...learned, shares }
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
  shares: Shares.merge(left.shares, right.shares),
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
