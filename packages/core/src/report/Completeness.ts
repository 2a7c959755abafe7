/**
 * How complete the calls of a period are.
 *
 * @since 0.1.0
 */
import type { Verdict } from "../coverage/CoverageSet.ts"
import * as Instant from "../model/Instant.ts"

/**
 * A verdict, or `unknown` where nothing says whether all calls are there.
 *
 * @since 0.1.0
 * @category models
 */
export type Known = Verdict | "unknown"

/**
 * A range of time with one verdict, `from <= start < to`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stretch {
  readonly from: Instant.Instant
  readonly to: Instant.Instant
  readonly verdict: Known
  /** Why it is not proven, in words. */
  readonly reason?: string | undefined
}

/**
 * The stretches of a period, without a gap, and the weakest verdict of all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Completeness {
  readonly verdict: Known
  readonly stretches: ReadonlyArray<Stretch>
  /** Everything from the beginning of the period up to here is proven. */
  readonly provenUntil: Instant.Instant | undefined
  /** Of calls that never connected, and so are in no stretch. */
  readonly withoutStart: Known
  /** What else a reader should know, in words. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Knowledge beside the stretches.
 *
 * @since 0.1.0
 * @category models
 */
export interface Beside {
  /** Of calls that never connected. @default proven */
  readonly withoutStart?: Known | undefined
  /** In words. @default none */
  readonly notes?: ReadonlyArray<string> | undefined
}

const order: ReadonlyArray<Known> = ["proven", "provisional", "unprovable", "unknown"]

/**
 * The weaker of two verdicts: `unknown` is the weakest.
 *
 * @since 0.1.0
 * @category combining
 */
export const weaker = (left: Known, right: Known): Known => (order.indexOf(left) > order.indexOf(right) ? left : right)

const isSame = (left: Stretch | undefined, right: Stretch): boolean =>
  left !== undefined && left.verdict === right.verdict && left.reason === right.reason && left.to === right.from

const joined = (stretches: Iterable<Stretch>): ReadonlyArray<Stretch> => {
  const all: Array<Stretch> = []
  for (const one of stretches) {
    if (one.from >= one.to) continue
    const last = all.at(-1)
    if (last !== undefined && isSame(last, one)) all[all.length - 1] = { ...last, to: one.to }
    else all.push(one)
  }
  return all
}

const clip = (one: Stretch, from: Instant.Instant, to: Instant.Instant): Stretch => ({
  ...one,
  from: Instant.max(one.from, from),
  to: Instant.min(one.to, to)
})

/**
 * Puts newer stretches in the place of what was known of their ranges. Both lists are ascending.
 *
 * @since 0.1.0
 * @category combining
 */
export const overlay = (known: ReadonlyArray<Stretch>, newer: ReadonlyArray<Stretch>): ReadonlyArray<Stretch> => {
  let rest = [...known]
  for (const { from, to } of newer) {
    if (from >= to) continue
    rest = rest.flatMap((one) =>
      one.to <= from || one.from >= to
        ? [one]
        : [clip(one, one.from, from), clip(one, to, one.to)].filter((part) => part.from < part.to)
    )
  }
  return joined([...rest, ...newer].sort((left, right) => left.from - right.from))
}

/**
 * The completeness of a period. Ranges of which nothing is known are `unknown`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  known: ReadonlyArray<Stretch>,
  { from, to }: { readonly from: Instant.Instant; readonly to: Instant.Instant },
  { notes = [], withoutStart = "proven" }: Beside = {}
): Completeness => {
  const stretches = overlay(
    from < to ? [{ from, to, verdict: "unknown" }] : [],
    known.map((one) => clip(one, from, to)).filter((one) => one.from < one.to)
  )
  const first = stretches[0]
  return {
    verdict: stretches.reduce<Known>(
      (verdict, one) => weaker(verdict, one.verdict),
      first === undefined ? "unknown" : withoutStart
    ),
    stretches,
    provenUntil: first?.verdict === "proven" ? first.to : undefined,
    withoutStart,
    notes
  }
}
