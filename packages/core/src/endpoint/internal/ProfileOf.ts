/** What the answers to all probes make of the profile. */
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import * as Instant from "../../model/Instant.ts"
import type { EndpointProfile } from "../EndpointProfile.ts"
import * as Ask from "./Ask.ts"
import * as FilterProbe from "./FilterProbe.ts"
import * as Examine from "./Examine.ts"
import type { FirstPages } from "./FirstPages.ts"
import type { ListShape, Old } from "./ListShape.ts"
import type { Micros } from "./Micros.ts"
import * as Observe from "./Observe.ts"
import type { Probing } from "./Probing.ts"
import type * as Rows from "./ListedRows.ts"

const unknown = "unknown"

/** Why nothing is proven by bounds or filters, if so: those that are in use, and were tried. */
export const problemOf = (
  { filters, tried }: Probing,
  { fails, first }: FirstPages,
  controls: ReadonlyArray<Rows.Dated>,
  answers: FilterProbe.FilterAnswers,
  bounds: CoverageReason | undefined
): CoverageReason | undefined => {
  const problems = tried
    .filter((kind) => filters[kind] !== undefined)
    .map((kind) => FilterProbe.problemOf(kind, answers[kind]))
  const problem = problems.find((problem) => problem !== undefined) ?? bounds
  if (problem !== undefined || controls.length > 0) return problem
  if (first.length > 0 || fails) return { _tag: "NoStartSeen" }
  return filters.status !== undefined || filters.search !== undefined ? { _tag: "FilterUntried" } : undefined
}

/** How many rows there are, about: all that came, what a profile knows, or as many as lie between both ends at their rate. */
export const aboutOf = (
  { isFiltered, known }: Probing,
  { clamped, ended, first }: FirstPages,
  { trusted }: ListShape,
  controls: ReadonlyArray<Rows.Dated>,
  {
    measured,
    oldest,
    rate
  }: { readonly measured: number | undefined; readonly oldest: Micros | undefined; readonly rate: number }
): number => {
  if (measured !== undefined) return measured
  if (ended && !clamped) return first.length
  if (trusted && !isFiltered && known?.calls !== undefined) return known.calls
  const newest = controls.at(-1)
  return Math.max(controls.length, newest === undefined || oldest === undefined ? 0 : rate * (newest.start - oldest))
}

/** Rows a µs, where rows are known that follow one another. */
export const rateOf = (...runs: ReadonlyArray<ReadonlyArray<Rows.Row>>): number => {
  const rates = runs.flatMap((rows) => {
    const starts = rows.flatMap(({ start }) => start ?? [])
    const spread = Math.max(...starts) - Math.min(...starts)
    return starts.length > 2 && spread > 0 ? [(starts.length - 1) / spread] : []
  })
  return rates.length === 0 ? 0 : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
}

export const make = (
  { asked, isDeep, isFiltered, known, localNow, log }: Probing,
  { answer, clamped, refused, size }: FirstPages,
  { newestFirst, plain, sortBy }: ListShape,
  { ascending }: Old,
  found: {
    readonly pagesAtMost: number
    readonly repeatsBeyondEnd: boolean
    readonly filters: FilterProbe.FilterAnswers
    readonly problem: CoverageReason | undefined
  }
): EndpointProfile => ({
  version: 1,
  observedAt: Instant.format(Instant.of(answer.observedAt)),
  edition: answer.edition ?? unknown,
  pageSizeAsked: asked,
  pageSize: size,
  clamped,
  ...(log.rounds || known?.roundsPageSize === true ? { roundsPageSize: true } : {}),
  ...(refused === undefined ? {} : { pageSizeRefused: refused }),
  offsets: known?.offsets ?? unknown,
  repeatsBeyondEnd: found.repeatsBeyondEnd,
  ...(isFiltered || !isDeep ? {} : { pagesAtMost: found.pagesAtMost }),
  order: plain === undefined ? (known?.order ?? unknown) : Observe.orderOf(plain),
  sortFields: {
    started_at: sortBy === "started_at" ? "understood" : plain === undefined ? unknown : ascending,
    startedAt: sortBy === "startedAt" ? "understood" : unknown
  },
  sortBy,
  newestFirst,
  bounds: known?.bounds ?? Examine.unseen,
  filters: found.filters,
  ...(found.problem === undefined ? {} : { filterProblem: found.problem }),
  clockOffset: Math.round(Ask.clockOf(answer) - localNow)
})
