/** What the windows of a run say together: for the summary, and for `--coverage FILE`. */
import { type Calendar, CoverageSet, Instant } from "@callstream/core"
import * as Result from "effect/Result"
import * as Format from "../option/Format.ts"

interface Stretch {
  readonly from: string
  readonly to: string
  readonly set: CoverageSet.Verdict
  readonly reason: string | null
  readonly count: number | null
  readonly requests: number
}

/** The form of the file. Instants are ISO 8601 in UTC, the horizon is in seconds. */
export interface Report {
  readonly set: CoverageSet.Verdict
  readonly reasons: ReadonlyArray<string>
  /** Sessions that are not expected to change any more, of all that came. */
  readonly settled: number
  readonly of: number
  readonly undated: number
  /** Sessions without a start, which lie outside a bounded range; `null` where they were not counted. */
  readonly undatedOutside: number | null
  readonly horizon: number
  /** When the first of it was observed: what is said holds as of then. */
  readonly asOf: string | null
  /** Up to here, from the beginning, everything is proven. */
  readonly provenUntil: string | null
  readonly windows: ReadonlyArray<Stretch>
}

/** How far everything is proven, from the first stretch on. */
const provenUpTo = (windows: ReadonlyArray<Stretch>): string | null => {
  const end = windows.findIndex(({ set }) => set !== "proven")
  return windows.slice(0, end < 0 ? windows.length : end).at(-1)?.to ?? null
}

const stretchOf = (
  { count, reason, requests, verdict }: CoverageSet.Part,
  { from, to }: CoverageSet.Range
): Stretch => ({
  from: Instant.format(from),
  to: Instant.format(to),
  set: verdict,
  reason: reason?.text ?? null,
  count: count ?? null,
  requests
})

/** What lies between the ends of what is known. */
const wholeOf = ({ entries }: CoverageSet.CoverageSet): CoverageSet.Range => ({
  from: entries[0]?.range.from ?? Instant.of(0),
  to: entries.at(-1)?.range.to ?? Instant.of(0)
})

/** Those without a start are a last stretch of no length. */
export const make = (
  coverage: CoverageSet.CoverageSet,
  horizonMillis: number,
  clock: Calendar.Calendar | undefined
): Report => {
  const { entries, outside, withoutStart } = coverage
  const whole = wholeOf(coverage)
  const end = entries.length === 0 ? (withoutStart?.asOf ?? Instant.of(0)) : whole.to
  const parts: ReadonlyArray<CoverageSet.Entry> = [
    ...entries,
    ...(withoutStart === undefined ? [] : [{ ...withoutStart, range: { from: end, to: end } }])
  ]
  const reasons = parts.flatMap(({ range, reason }) =>
    reason === undefined
      ? []
      : [reason.kind === "gap" ? `${place(range, clock)} could not all be read: ${reason.text}` : reason.text]
  )
  const verdict = CoverageSet.verdict([coverage], whole)
  const windows = parts.map((part) => stretchOf(part, part.range))
  const observed = parts.flatMap(({ asOf }) => (asOf > 0 ? [asOf] : []))
  const nothing = parts.length === 0
  return {
    // Nothing was looked at, so nothing is known.
    set: nothing ? "provisional" : Result.isSuccess(verdict) ? verdict.success : "unprovable",
    reasons: nothing ? ["nothing was read"] : [...new Set(reasons)],
    settled: parts.reduce((sum, { final = 0 }) => sum + final, 0),
    of: parts.reduce((sum, { count = 0 }) => sum + count, 0),
    undated: withoutStart?.count ?? 0,
    undatedOutside: outside ?? null,
    horizon: horizonMillis / 1000,
    asOf: observed.length === 0 ? null : Instant.format(observed.reduce(Instant.min)),
    provenUntil: provenUpTo(windows),
    windows
  }
}

const place = ({ from, to }: CoverageSet.Range, clock: Calendar.Calendar | undefined): string =>
  from === to ? "sessions without a start" : Format.times(from, "to", to, clock)
