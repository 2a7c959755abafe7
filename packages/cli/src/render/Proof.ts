/** Describes in the summary what is proven of a run. */
import { type Calendar, type CoverageReason, EndpointLimits, Instant } from "@callstream/core"
import * as CoverageReport from "../run/CoverageReport.ts"
import type { Report } from "../run/CoverageReport.ts"
import * as Format from "./Format.ts"
import * as ShownTime from "../option/ShownTime.ts"

/** A history may have a reason for each window. */
const mostReasons = 3

const joined = (reasons: ReadonlyArray<string>): string => {
  const more = reasons.length - mostReasons
  return [
    ...reasons.slice(0, mostReasons),
    ...(more > 0 ? [`and ${Format.counted(more, "more reason")}, in the coverage report`] : [])
  ].join("; ")
}

/** All reasons except that of the last hours, which has a sentence of its own. */
const otherReasons = ({ reasons }: Report): ReadonlyArray<string> =>
  reasons.filter((reason) => reason !== CoverageReport.tooRecent)

/** Its numbers are of calls that were read: it says so where others were written. */
const finality = ({ of, settled }: Report, written: number): ReadonlyArray<string> => {
  if (of === 0) return []
  const read = of === written ? "" : " read"
  if (settled < of) {
    return [`${Format.count(settled)} of ${Format.counted(of, "call")}${read} ${settled === 1 ? "is" : "are"} final.`]
  }
  return [of === 1 ? `The one call${read} is final.` : `All ${Format.count(of)} calls${read} are final.`]
}

/** Calls without a start time that the export lacks: for one of the two reasons there is advice. */
const outside = ({ undatedOutside, undatedUnassigned }: Report): ReadonlyArray<string> => {
  const calls = (count: number) => Format.counted(count, "call")
  const created = undatedOutside ?? 0
  const unassigned = undatedUnassigned ?? 0
  return [
    ...(created === 0
      ? []
      : [`${calls(created)} without a start time ${created === 1 ? "was" : "were"} created outside this range.`]),
    ...(unassigned === 0
      ? []
      : [
          `${calls(unassigned)} without a start time ${unassigned === 1 ? "exists" : "exist"}; this API does not tell which belong to this range: export without a range to have them.`
        ])
  ]
}

const limits = ({ limits: { calls, days } }: Report): ReadonlyArray<string> => {
  const seen = EndpointLimits.describe({
    ...(days === null ? {} : { span: days * 86_400e6 }),
    ...(calls === null ? {} : { rows: calls })
  })
  return seen.length === 0 ? [] : [`The API gives ${seen.join(" and ")}: it was read in parts.`]
}

const clocks = ({ clocksApart }: Report): ReadonlyArray<string> =>
  clocksApart === null
    ? []
    : [
        `The clocks of the API and of this machine are ${Format.duration(clocksApart * 1000)} apart: the earlier one decides what is proven.`
      ]

/** A range with both ends can be proven where one without them cannot. */
const advice = ({ asOf, windows }: Report, clock: Calendar.Calendar | undefined): ReadonlyArray<string> => {
  const day = (text: string) => ShownTime.day(Instant.parse(text) ?? Instant.of(0), clock)
  const [first] = windows
  const has = (tag: CoverageReason.CoverageReason["_tag"]) => windows.some(({ kind }) => kind === tag)
  return [
    ...(has("Resumed") && asOf !== null
      ? [`To have it proven, run it with an end, such as --until ${day(asOf)}, and under another --name.`]
      : []),
    ...(has("NoBeginning") && first !== undefined
      ? [`To have it proven, run it with a beginning, such as --since ${day(first.from)}.`]
      : [])
  ]
}

/** Describes the check, the assumption, and the calls that may still change, of a run that wrote so many calls. */
export const describe = (report: Report, clock: Calendar.Calendar | undefined, written: number): string => {
  const time = (text: string) => ShownTime.minute(Instant.parse(text) ?? Instant.of(0), clock)
  const { asOf, horizon, provenUntil, reasons, set } = report
  const limit = Format.duration(horizon * 1000)
  const rest = [
    ...finality(report, written),
    ...outside(report),
    ...limits(report),
    ...clocks(report),
    ...advice(report, clock)
  ]
  const checked = "checked by count (assumed: every call was in at least one answer about its time)."
  if (set === "unprovable") return [`NOT proven complete: ${joined(reasons)}.`, ...rest].join(" ")
  if (set === "proven") return [`Complete as of ${asOf === null ? "now" : time(asOf)}, ${checked}`, ...rest].join(" ")
  const others = otherReasons(report)
  const young = others.length < reasons.length ? [`Calls from the last ${limit} may still be added.`] : []
  const doubts =
    others.length === 0 ? [] : [`Not proven${provenUntil === null ? "" : " after that"}: ${joined(others)}.`]
  return [
    ...(provenUntil === null
      ? doubts.length === 0
        ? ["Not proven yet."]
        : []
      : [`Complete up to ${time(provenUntil)}, ${checked}`]),
    ...doubts,
    ...young,
    ...rest
  ].join(" ")
}
