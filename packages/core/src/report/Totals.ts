/**
 * What some calls come to together.
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"
import * as CallSession from "../model/CallSession.ts"
import * as Outcome from "../model/Outcome.ts"
import * as Money from "./Money.ts"

/**
 * The sum of some calls. A call is final when its record is not expected to change any more; what the others cost so far is
 * apart, as `open`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Totals {
  readonly calls: number
  /** The sum of `durationSec`. */
  readonly seconds: number
  readonly outcomes: Readonly<Record<Outcome.Outcome, number>>
  readonly final: Part
  readonly open: Part
}

/**
 * Calls, those of them that have a cost, and the exact sum of their costs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Part {
  readonly calls: number
  readonly priced: number
  readonly cost: BigDecimal.BigDecimal
}

/** @internal A sum while calls are added to it. */
export interface Sum extends Totals {
  calls: number
  seconds: number
  readonly outcomes: Record<Outcome.Outcome, number>
  readonly final: { -readonly [K in keyof Part]: Part[K] }
  readonly open: { -readonly [K in keyof Part]: Part[K] }
}

/** @internal What a sum needs of a call, read once for all the sums that it is in. */
export interface Facts {
  readonly seconds: number | undefined
  readonly outcome: Outcome.Outcome
  readonly isFinal: boolean
  readonly cost: BigDecimal.BigDecimal | undefined
}

/** @internal */
export const factsOf = (session: CallSession.CallSession): Facts => ({
  seconds: secondsOf(session),
  outcome: CallSession.outcome(session),
  isFinal: CallSession.isSettled(session),
  cost: CallSession.cost(session)
})

/** A length below zero is a mistake of the record. */
const secondsOf = ({ durationSec }: CallSession.CallSession): number | undefined => {
  const seconds: unknown = durationSec
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

/** @internal */
export const empty = (): Sum => ({
  calls: 0,
  seconds: 0,
  outcomes: { completed: 0, missed: 0, busy: 0, voicemail: 0, failed: 0, "in progress": 0, other: 0 },
  final: { calls: 0, priced: 0, cost: Money.zero },
  open: { calls: 0, priced: 0, cost: Money.zero }
})

/** @internal */
export const add = (sum: Sum, { cost, isFinal, outcome, seconds = 0 }: Facts): void => {
  sum.calls++
  sum.seconds += seconds
  sum.outcomes[outcome]++
  const part = isFinal ? sum.final : sum.open
  part.calls++
  if (cost === undefined) return
  part.priced++
  part.cost = BigDecimal.sum(part.cost, cost)
}

/** @internal Adds all of one sum to another. */
export const merge = (sum: Sum, other: Totals): void => {
  sum.calls += other.calls
  sum.seconds += other.seconds
  for (const outcome of Outcome.all) sum.outcomes[outcome] += other.outcomes[outcome]
  for (const part of ["final", "open"] as const) {
    sum[part].calls += other[part].calls
    sum[part].priced += other[part].priced
    sum[part].cost = BigDecimal.sum(sum[part].cost, other[part].cost)
  }
}

/**
 * Several sums together, such as those of the agents that a chart has no room for.
 *
 * @since 0.1.0
 * @category combining
 */
export const together = (all: Iterable<Totals>): Totals => {
  const sum = empty()
  for (const one of all) merge(sum, one)
  return sum
}
