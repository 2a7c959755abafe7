/** How many calls of an agent have what, by what their status says. */
import * as Schema from "effect/Schema"

/** Of `of` calls that were a day old, `has` had it by then or got it later. */
const Share = Schema.Struct({ has: Schema.Int, of: Schema.Int })
export type Share = typeof Share.Type

const Shares = Schema.Struct({ cost: Share, recording: Share, analysis: Share })
type Shares = typeof Shares.Type
type Facet = keyof Shares

const OfAgent = Schema.Struct({ answered: Shares, unanswered: Shares })
type OfAgent = typeof OfAgent.Type

/** By agent, `""` for none. */
export const ByAgent = Schema.Record(Schema.String, OfAgent)
type ByAgent = typeof ByAgent.Type

export const noShare: Share = { has: 0, of: 0 }
const noShares: Shares = { cost: noShare, recording: noShare, analysis: noShare }
const noAgent: OfAgent = { answered: noShares, unanswered: noShares }

const ofAgent = (all: ByAgent, agent: string): OfAgent =>
  Object.hasOwn(all, agent) ? (all[agent] ?? noAgent) : noAgent

const sum = (left: Shares, right: Shares, sign = 1): Shares => {
  const of = (facet: Facet): Share => ({
    has: left[facet].has + sign * right[facet].has,
    of: left[facet].of + sign * right[facet].of
  })
  return { cost: of("cost"), recording: of("recording"), analysis: of("analysis") }
}

const sumOfAgents = (left: OfAgent, right: OfAgent): OfAgent => ({
  answered: sum(left.answered, right.answered),
  unanswered: sum(left.unanswered, right.unanswered)
})

const pools = new WeakMap<ByAgent, OfAgent>()

/** All agents together. */
export const pooled = (all: ByAgent): OfAgent => {
  const known = pools.get(all) ?? Object.values(all).reduce(sumOfAgents, noAgent)
  pools.set(all, known)
  return known
}

/** The shares of an agent's calls, each changed. */
export const change = (
  all: ByAgent,
  agent: string,
  status: keyof OfAgent,
  next: (facet: Facet, share: Share) => Share
): ByAgent => {
  const known = ofAgent(all, agent)
  const { analysis, cost, recording } = known[status]
  const shares = {
    cost: next("cost", cost),
    recording: next("recording", recording),
    analysis: next("analysis", analysis)
  }
  const changed = { ...all, [agent]: { ...known, [status]: shares } }
  // Summed again, each call would take a step for each agent.
  const pool = pooled(all)
  pools.set(changed, { ...pool, [status]: sum(sum(pool[status], shares), known[status], -1) })
  return changed
}

export const merge = (left: ByAgent, right: ByAgent): ByAgent =>
  Object.fromEntries(
    [...new Set([...Object.keys(left), ...Object.keys(right)])].map((agent) => [
      agent,
      sumOfAgents(ofAgent(left, agent), ofAgent(right, agent))
    ])
  )
