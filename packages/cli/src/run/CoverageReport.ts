/** The coverage report of a run, for the summary and for `--coverage FILE`. */
import { type Calendar, CoverageReason, CoverageSet, Instant } from "@callstream/core"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { Job } from "../job/Job.ts"
import * as ShownTime from "../option/ShownTime.ts"

interface Stretch {
  readonly from: string
  readonly to: string
  readonly set: CoverageSet.Verdict
  readonly kind: CoverageReason.CoverageReason["_tag"] | null
  readonly reason: string | null
  readonly count: number | null
  readonly requests: number
}

/** The form of the file. Instants are ISO 8601 in UTC, the horizon is in seconds. */
export interface Report {
  readonly set: CoverageSet.Verdict
  readonly reasons: ReadonlyArray<string>
  /** Calls that are final, of all that came. */
  readonly settled: number
  readonly of: number
  readonly undated: number
  /** Calls without a start time that were created outside a bounded range; `null` where they were not counted. */
  readonly undatedOutside: number | null
  /** Calls without a start time of which the API does not show whether they were created in the range. */
  readonly undatedUnassigned: number | null
  readonly horizon: number
  /** The earliest observation: the report holds as of then. */
  readonly asOf: string | null
  /** Everything from the beginning up to here is proven. */
  readonly provenUntil: string | null
  /** What the server does not go beyond in one range, as far as that was seen: days, and calls. Ranges were cut accordingly. */
  readonly limits: { readonly days: number | null; readonly calls: number | null }
  /** How far the clocks of the server and of this machine are apart, in seconds; `null` where it is less than two minutes. */
  readonly clocksApart: number | null
  /** Of a run that keeps recordings: how many calls have one, how many of these are in the folder, and why others are not. */
  readonly recordings?: {
    readonly of: number
    readonly kept: number
    readonly failed: Readonly<Record<string, number>>
  }
  readonly windows: ReadonlyArray<Stretch>
}

/** The reason for the last hours, of which nothing can be proven yet. */
export const tooRecent = CoverageReason.describe({ _tag: "TooRecent" })

/** How far everything is proven, from the first entry on. */
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
  kind: reason?._tag ?? null,
  reason: reason === undefined ? null : CoverageReason.describe(reason),
  count: count ?? null,
  requests
})

/** The gaps between the entries. */
const wholeOf = ({ entries }: CoverageSet.CoverageSet): CoverageSet.Range => ({
  from: entries[0]?.range.from ?? Instant.of(0),
  to: entries.at(-1)?.range.to ?? Instant.of(0)
})

/** Whether the range has no calls without a start time, so that the report leaves them out. */
const isNone = ({ outside, withoutStart }: CoverageSet.CoverageSet): boolean =>
  outside !== undefined && withoutStart?.count === 0 && withoutStart.verdict === "proven"

/** Calls without a start time are a last entry with an empty range. */
export const make = (
  coverage: CoverageSet.CoverageSet,
  horizonMillis: number,
  clock: Calendar.Calendar | undefined
): Report => {
  const { divided, endpoint, entries, outside, withoutStart } = coverage
  const whole = wholeOf(coverage)
  const end = entries.length === 0 ? (withoutStart?.asOf ?? Instant.of(0)) : whole.to
  const parts: ReadonlyArray<CoverageSet.Entry> = [
    ...entries,
    ...(withoutStart === undefined || isNone(coverage) ? [] : [{ ...withoutStart, range: { from: end, to: end } }])
  ]
  const gaps = parts.flatMap(({ range, reason }) =>
    reason !== undefined && CoverageReason.isGap(reason)
      ? [`${place(range, clock)} could not all be read: ${CoverageReason.describe(reason)}`]
      : []
  )
  const doubts = CoverageReason.merge(
    parts.flatMap(({ reason }) => (reason === undefined || CoverageReason.isGap(reason) ? [] : [reason]))
  )
  const verdict = CoverageSet.verdict([coverage], whole)
  const windows = parts.map((part) => stretchOf(part, part.range))
  const observed = parts.flatMap(({ asOf }) => (asOf > 0 ? [asOf] : []))
  const nothing = parts.length === 0
  return {
    // Nothing was read, so nothing is known.
    set: nothing ? "provisional" : Result.isSuccess(verdict) ? verdict.success : "unprovable",
    reasons: nothing ? ["nothing was read"] : [...gaps, ...doubts.map(CoverageReason.describe)],
    settled: parts.reduce((sum, { final = 0 }) => sum + final, divided?.final ?? 0),
    of: parts.reduce((sum, { count = 0 }) => sum + count, divided?.count ?? 0),
    undated: (withoutStart?.count ?? 0) - (withoutStart?.dated ?? 0),
    undatedOutside: outside?.created ?? null,
    undatedUnassigned: outside?.unassigned ?? null,
    horizon: horizonMillis / 1000,
    asOf: observed.length === 0 ? null : Instant.format(observed.reduce(Instant.min)),
    provenUntil: provenUpTo(windows),
    limits: { days: endpoint?.span === undefined ? null : endpoint.span / 86_400e6, calls: endpoint?.rows ?? null },
    clocksApart: endpoint?.clocksApart === undefined ? null : Math.round(endpoint.clocksApart / 1e6),
    windows
  }
}

/** Of a job, with what the calls that it wrote passed. */
export const ofJob = (
  { filters, horizon, zone }: Pick<Job, "filters" | "horizon" | "zone">,
  coverage: CoverageSet.CoverageSet
) => ({ ...make(coverage, Duration.toMillis(horizon), zone.clock), filters })

const place = ({ from, to }: CoverageSet.Range, clock: Calendar.Calendar | undefined): string =>
  from === to ? "calls without a start time" : ShownTime.times(from, "to", to, clock)
