/** The completeness of a report, in sentences. */
import { type Completeness, Instant } from "@callstream/core"
import type { Zone } from "../../option/Zone.ts"
import * as Figures from "./Figures.ts"

export const names: Readonly<Record<Completeness.Known, string>> = {
  proven: "proven complete",
  provisional: "may still change",
  unprovable: "calls may be missing",
  unknown: "unknown"
}

/** Reasons that are named at once. */
const mostReasons = 4

/** The one sentence that matters. */
export const headline = (
  { provenUntil, stretches, verdict }: Completeness.Completeness,
  { calendar }: Zone
): string => {
  if (verdict === "proven") return "Complete: every call of the period is in it, checked by count."
  if (stretches.length > 0 && stretches.every(({ verdict }) => verdict === "unknown")) {
    return "Unknown: no coverage report says how complete these calls are."
  }
  if (stretches.every(({ verdict }) => verdict === "proven")) {
    return "Every call with a start time is in it, checked by count. Calls that never connected are not proven."
  }
  if (provenUntil !== undefined) {
    return `Complete up to ${Figures.moment(provenUntil, calendar)}, checked by count. What is later is not proven.`
  }
  return "Not proven complete."
}

/** Each stretch that is not proven, with the reason. */
export const doubts = ({ stretches }: Completeness.Completeness, { calendar }: Zone): ReadonlyArray<string> => {
  // Then the headline has said it.
  if (stretches.every(({ verdict }) => verdict === "unknown")) return []
  const open = stretches.filter(({ verdict }) => verdict !== "proven")
  const lines = open.slice(0, mostReasons).map(({ from, reason, to, verdict }) => {
    const range = `${Figures.moment(from, calendar)} to ${Figures.moment(to, calendar)}`
    return `${range}: ${names[verdict]}${reason === undefined ? "" : ` (${reason})`}`
  })
  return open.length > mostReasons ? [...lines, `and ${open.length - mostReasons} more`] : lines
}

const microsPerMinute = 60_000_000

/** Whole minutes, so that it is short. */
const flagTime = (instant: Instant.Instant, round: (minutes: number) => number): string =>
  Instant.format(Instant.of(round(instant / microsPerMinute) * microsPerMinute))

/** What to do where a bill is refused: the longest part of the period that could be billed. */
export const billable = ({ stretches, verdict, withoutStart }: Completeness.Completeness): string => {
  if (verdict === "proven" || withoutStart !== "proven") return "Add --provisional for a bill without the proof."
  const [longest] = stretches
    .filter(({ from, to, verdict }) => verdict === "proven" && to - from > 2 * microsPerMinute)
    .sort((left, right) => right.to - right.from - (left.to - left.from))
  return longest === undefined
    ? "Choose another period, or add --provisional."
    : `Add --provisional, or bill the longest part that is proven: --since ${flagTime(longest.from, Math.ceil)} --until ${flagTime(longest.to, Math.floor)}`
}
