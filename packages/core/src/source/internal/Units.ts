/** Windows of a history, and pages, as units. */
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import * as Instant from "../../model/Instant.ts"
import * as Position from "../../model/Position.ts"
import * as Rows from "../../model/Rows.ts"
import type { Page } from "../../model/Page.ts"
import * as Coverage from "../../history/Coverage.ts"
import type { Doubt, Unit } from "../Source.ts"

export type Batch = Pick<Page, "rows" | "rejected">

export const page = ({ rejected, rows }: Batch): Unit => ({ _tag: "Page", rows, rejected })

const reasonOf = (coverage: Coverage.Coverage): CoverageReason | undefined =>
  coverage._tag === "Proven" ? undefined : coverage.reason

const doubtsOf = ({ revised = [] }: Coverage.Window): ReadonlyArray<Doubt> =>
  revised.flatMap(({ coverage, from, to }) => {
    const reason = reasonOf(coverage)
    return reason === undefined ? [] : [{ range: { from, to }, verdict: Coverage.verdict(coverage), reason }]
  })

const partOf = (window: Coverage.Window): CoverageSet.Part => {
  const { coverage } = window
  const reason = reasonOf(coverage)
  return {
    verdict: Coverage.verdict(coverage),
    ...(reason === undefined ? {} : { reason }),
    count: window.rows.length,
    final: window.settled,
    requests: window.requests,
    asOf: window.observedAt
  }
}

/** The calls of pages without order, which later windows cover. */
interface Pages {
  readonly part: CoverageSet.Part
  readonly undated: number
}

export interface Reading {
  /** Whether a window with a start and an end was delivered. */
  readonly dated: boolean
  readonly pages: Pages | undefined
}

export const begin: Reading = { dated: false, pages: undefined }

/** After the stretches of a range: what comes now is in none of them. */
export const ending: Reading = { dated: true, pages: undefined }

const plus = (left: CoverageSet.Part, right: CoverageSet.Part): CoverageSet.Part => ({
  ...right,
  count: (left.count ?? 0) + (right.count ?? 0),
  final: (left.final ?? 0) + (right.final ?? 0),
  requests: left.requests + right.requests,
  asOf: right.asOf > 0 ? Instant.min(left.asOf, right.asOf) : left.asOf
})

/**
 * The next unit. A window with an empty range after other windows holds the calls without a start time. Before all other
 * windows it is a page of a walk without order, and the next window has the coverage of both.
 */
export const next = (reading: Reading, window: Coverage.Window): readonly [Reading, ReadonlyArray<Unit>] => {
  const { endpoint, from, outside, rejected, rows, to } = window
  const part = partOf(window)
  const doubts = doubtsOf(window)
  if (from < to) {
    const { pages } = reading
    const known = pages === undefined ? part : plus(pages.part, part)
    const undated = pages?.undated ?? 0
    const coverage = { ...known, count: (known.count ?? 0) - undated, range: { from, to } }
    return [
      { dated: true, pages },
      [{ _tag: "Window", rows, rejected, doubts, range: { from, to }, coverage, to: Position.of(to) }]
    ]
  }
  if (reading.dated || outside !== undefined) {
    const coverage = countsOnly(window) ? undefined : withDated(part, rows.length - undatedIn(rows))
    return [reading, [{ _tag: "WithoutStart", rows, rejected, doubts, endpoint, outside, coverage, late: true }]]
  }
  const undated = undatedIn(rows)
  const { pages } = reading
  return [
    {
      dated: false,
      pages: {
        part: pages === undefined ? part : plus(pages.part, part),
        undated: (pages?.undated ?? 0) + undated
      }
    },
    [{ _tag: "Page", rows, rejected, doubts }]
  ]
}

const undatedIn = (rows: Rows.Rows): number =>
  Rows.items(rows).reduce((sum, { start }) => (start === undefined ? sum + 1 : sum), 0)

/** The part of the calls without a start time, where some of them have one. */
const withDated = (part: CoverageSet.Part, dated: number): CoverageSet.Part => (dated === 0 ? part : { ...part, dated })

/** A window that only counts calls without a start time, none of which could be assigned to the range. */
const countsOnly = (window: Coverage.Window): boolean => {
  const { coverage, outside, rows } = window
  if (outside === undefined || outside.unassigned === 0 || outside.created > 0) return false
  return rows.length === 0 && coverage._tag === "Proven"
}

/** The last unit, after all windows. */
export const last = ({ dated, pages }: Reading): ReadonlyArray<Unit> => {
  if (pages === undefined || (dated && pages.undated === 0)) return []
  const coverage = dated
    ? { ...pages.part, count: pages.undated, final: 0, requests: 0 }
    : withDated(pages.part, (pages.part.count ?? 0) - pages.undated)
  return [{ _tag: "WithoutStart", rows: Rows.make([], coverage.asOf), rejected: [], coverage }]
}

/** Has no calls, and says nothing of any. */
export const nothing: Unit = { _tag: "WithoutStart", rows: Rows.make([], Instant.of(0)), rejected: [] }

/** The coverage of a unit. */
export const cover = (before: CoverageSet.CoverageSet, unit: Unit): CoverageSet.CoverageSet => {
  const set = CoverageSet.addEndpoint((unit.doubts ?? []).reduce(CoverageSet.weaken, before), unit.endpoint)
  switch (unit._tag) {
    case "Window":
      return CoverageSet.replace(set, unit.coverage)
    case "WithoutStart":
      return CoverageSet.addWithoutStart(set, unit.coverage, unit.outside)
    case "Page":
      return unit.coverage === undefined
        ? set
        : CoverageSet.addEndpoint(
            CoverageSet.addWithoutStart(
              unit.coverage.entries.reduce(CoverageSet.replace, set),
              unit.coverage.withoutStart,
              unit.coverage.outside
            ),
            unit.coverage.endpoint
          )
  }
}
