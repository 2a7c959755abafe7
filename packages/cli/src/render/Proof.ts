/** What is proven of a run, as sentences of the summary. */
import { type Calendar, Instant } from "@callstream/core"
import type { Report } from "../job/CoverageReport.ts"
import * as Format from "../option/Format.ts"

/** A history can have as many as it has windows. */
const mostReasons = 3

const joined = (reasons: ReadonlyArray<string>): string => {
  const more = reasons.length - mostReasons
  return [
    ...reasons.slice(0, mostReasons),
    ...(more > 0 ? [`and ${Format.counted(more, "more reason")}, in the file of --coverage`] : [])
  ].join("; ")
}

/** The reasons of everything but the last hours, of which nothing can be proven yet and one sentence says so. */
const otherReasons = ({ asOf, horizon, reasons, windows }: Report): ReadonlyArray<string> => {
  const young = asOf === null ? Infinity : (Instant.parse(asOf) ?? Infinity) - horizon * 1_000_000
  // They begin with the horizon, or a little earlier where the clock was read twice.
  const first = young - 60_000_000
  const isYoung = ({ from, set, to }: Report["windows"][number]) =>
    set === "provisional" && from !== to && (Instant.parse(from) ?? -Infinity) >= first
  const expected = new Set(windows.filter(isYoung).map(({ reason }) => reason))
  return reasons.filter((reason) => !expected.has(reason))
}

const finality = ({ of, settled }: Report): ReadonlyArray<string> => {
  if (of === 0) return []
  if (settled < of) return [`${Format.count(settled)} of ${Format.counted(of, "call")} are final.`]
  return [of === 1 ? "The one call is final." : `All ${Format.count(of)} calls are final.`]
}

const outside = ({ undatedOutside: count }: Report): ReadonlyArray<string> =>
  count === null || count === 0
    ? []
    : [
        `${Format.counted(count, "call")} without a start time ${count === 1 ? "is" : "are"} not in this export: created outside the range, or the API does not show when. Export without --since and --until to have them.`
      ]

/** What was checked and how, what is assumed, what may still change. */
export const describe = (report: Report, clock: Calendar.Calendar | undefined): string => {
  const time = (text: string) => Format.minute(Instant.parse(text) ?? Instant.of(0), clock)
  const { asOf, horizon, provenUntil, reasons, set } = report
  const limit = Format.duration(horizon * 1000)
  const rest = [...finality(report), ...outside(report)]
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
