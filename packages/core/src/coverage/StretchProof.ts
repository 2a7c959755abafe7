/**
 * What the readers of the stretches of a range proved, and what that comes to for the whole.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Instant from "../model/Instant.ts"
import type { CoverageReason } from "./CoverageReason.ts"
import * as CoverageSet from "./CoverageSet.ts"

/**
 * The coverage of a stretch; of one that failed, of the part before the failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface StretchProof {
  readonly range: CoverageSet.Range
  readonly coverage: CoverageSet.CoverageSet
  /** Why the rest of it could not be read. @default it was read to its end */
  readonly failed?: CoverageReason | undefined
  /** What its answers showed of the whole. @default no answer counts outside of its window */
  readonly evidence?: Schema.Json | undefined
}

/** Says of each part of the range that no entry speaks of that it is missing, and why. */
const withHoles = (
  set: CoverageSet.CoverageSet,
  { from, to }: CoverageSet.Range,
  reason: CoverageReason
): CoverageSet.CoverageSet => {
  const asOf = set.entries.reduce((least, one) => Math.min(least, one.asOf), Infinity)
  const missing = { verdict: "unprovable", reason, requests: 0, asOf: Instant.of(asOf < Infinity ? asOf : 0) } as const
  const holes: Array<CoverageSet.Entry> = []
  let reached = from
  for (const { range } of set.entries) {
    const end = Instant.min(range.from, to)
    if (end > reached) holes.push({ ...missing, range: { from: reached, to: end } })
    reached = Instant.max(reached, range.to)
  }
  if (reached < to) holes.push({ ...missing, range: { from: reached, to } })
  return holes.reduce(CoverageSet.replace, set)
}

const empty = CoverageSet.empty

/** The sum of two sets, of which no entry is over another one. */
const plus = (
  left: CoverageSet.CoverageSet,
  right: CoverageSet.CoverageSet
): Result.Result<CoverageSet.CoverageSet, CoverageSet.Overlap> => {
  let entries: Result.Result<CoverageSet.CoverageSet, CoverageSet.Overlap> = Result.succeed(left)
  for (const entry of right.entries) entries = Result.flatMap(entries, (set) => CoverageSet.add(set, entry))
  return Result.map(entries, (set) => {
    const all = CoverageSet.addEndpoint(
      CoverageSet.addWithoutStart(set, right.withoutStart, right.outside),
      right.endpoint
    )
    const { divided } = right
    if (divided === undefined) return all
    const { count, final } = all.divided ?? { count: 0, final: 0 }
    return { ...all, divided: { count: count + divided.count, final: final + divided.final } }
  })
}

/**
 * The coverage of a range of which stretches were read apart. Their order does not matter. A part that no stretch speaks of
 * is unprovable, and so is the rest of a stretch that failed, with its reason. Counts add up; neighbours with the same verdict are one
 * entry, whose `asOf` is the earliest.
 *
 * Two stretches that speak of one part are an error: their calls came twice, or it is unknown
 * from whom.
 *
 * @since 0.1.0
 * @category combining
 */
export const fold = (
  whole: CoverageSet.Range,
  proofs: ReadonlyArray<StretchProof>
): Result.Result<CoverageSet.CoverageSet, CoverageSet.Overlap> => {
  let sum: Result.Result<CoverageSet.CoverageSet, CoverageSet.Overlap> = Result.succeed(empty)
  let last: CoverageSet.Range | undefined
  for (const { coverage, failed, range } of proofs.toSorted((left, right) => left.range.from - right.range.from)) {
    if (range.from >= range.to) continue
    if (last !== undefined && range.from < last.to) {
      return Result.fail(new CoverageSet.Overlap({ range, other: last }))
    }
    last = range
    const known = failed === undefined ? coverage : withHoles(coverage, range, failed)
    sum = Result.flatMap(sum, (set) => plus(set, known))
  }
  return Result.map(sum, (set) => withHoles(set, whole, { _tag: "NotRead" }))
}
