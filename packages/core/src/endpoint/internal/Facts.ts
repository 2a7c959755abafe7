/** An endpoint profile, in words. */
import * as CoverageReason from "../../coverage/CoverageReason.ts"
import * as EndpointLimits from "../../coverage/EndpointLimits.ts"
import type { EndpointProfile, Fact } from "../EndpointProfile.ts"

/** An endpoint profile as short sentences, in a fixed order, for people; what could not be seen says so. */
export const facts = (profile: EndpointProfile): ReadonlyArray<Fact> => [
  { about: "edition", text: editions[profile.edition] },
  { about: "page size", text: pageSize(profile) },
  { about: "paging", text: paging(profile) },
  { about: "limits", text: limits(profile) },
  { about: "order", text: order(profile) },
  { about: "sorting", text: sorting(profile) },
  { about: "time bounds", text: bounds(profile) },
  { about: "filters", text: filters(profile) },
  { about: "clock", text: clock(profile) }
]

const editions = {
  camelCase: "camelCase records in data.callSessions, as documented",
  snake_case: "snake_case records in data, the older edition",
  unknown: "not to be seen: there are no calls"
} as const

const pageSize = (profile: EndpointProfile): string =>
  `${largest(profile)}${profile.roundsPageSize === true ? "; other page sizes are ROUNDED: pages cannot overlap, and a sync may miss calls" : ""}`

const largest = ({ clamped, pageSize, pageSizeAsked, pageSizeRefused, pagesAtMost }: EndpointProfile): string => {
  if (pageSizeRefused !== undefined) return `at most ${pageSize} in one request: ${pageSizeRefused} is refused`
  if (clamped)
    return `at most ${pageSize} in one request (asked for ${pageSizeAsked}): a larger page size brings no more`
  if (pagesAtMost === 0) return "not to be seen: there are no calls"
  return pagesAtMost !== undefined && pagesAtMost <= 2
    ? `not known to have a limit: ${pageSizeAsked} were asked for, and one page held nearly all there are`
    : `${pageSize} in one request, and perhaps more`
}

const paging = ({ offsets, pagesAtMost, repeatsBeyondEnd }: EndpointProfile): string => {
  const step =
    offsets === "asked"
      ? "a page begins where earlier ones would end had they been as long as asked for"
      : offsets === "brought"
        ? "a page begins where the one before it ended"
        : ""
  // Only a look at all pages shows the end.
  const end = repeatsBeyondEnd
    ? "a page beyond the last repeats another one"
    : pagesAtMost === undefined
      ? ""
      : "a page beyond the last brings no calls"
  const parts = [step, ...(pagesAtMost === 0 ? [] : [end])].filter((part) => part !== "")
  if (parts.length > 0) return parts.join("; ")
  return pagesAtMost === 0 ? "not to be seen: there are no calls" : "not tried"
}

const limits = ({ limits, pagesAtMost }: EndpointProfile): string => {
  if (pagesAtMost === 0) return "not to be seen: there are no calls"
  const seen = limits === undefined ? [] : EndpointLimits.describe(limits)
  return seen.length === 0 ? "none seen" : `${seen.join("; ")}: larger ranges are read in parts`
}

const orders = {
  "start-desc": "newest start first",
  "start-asc": "oldest start first",
  "created-desc": "newest creation first",
  "created-asc": "oldest creation first",
  other: "neither by start nor by creation",
  unknown: "not to be seen: too few calls"
} as const

const order = ({ newestFirst, order, sortBy }: EndpointProfile): string => {
  if (order === "unknown") return orders.unknown
  const asked =
    sortBy === "none"
      ? newestFirst
        ? ""
        : "; no way was seen to have the newest start first"
      : `; newest start first with sort_by=${sortBy}`
  return `${orders[order]}, when none is asked for${asked}`
}

const sortWords = {
  understood: "is understood",
  ignored: "changes nothing",
  refused: "is refused",
  unknown: ""
} as const

const sorting = ({ sortFields }: EndpointProfile): string => {
  const parts = (["started_at", "startedAt"] as const).flatMap((field) =>
    sortFields[field] === "unknown" ? [] : [`sort_by=${field} ${sortWords[sortFields[field]]}`]
  )
  return parts.length === 0 ? "not to be seen: too few calls" : parts.join("; ")
}

const bounds = ({ bounds, filterProblem, pagesAtMost }: EndpointProfile): string => {
  if (bounds.zone === "another") {
    return "NOT UNDERSTOOD: they are read in another zone than UTC, so nothing can be proven, and each export reads everything"
  }
  if (filterProblem !== undefined) {
    return `NOT UNDERSTOOD: ${CoverageReason.describe(filterProblem)}, so nothing can be proven, and each export reads everything`
  }
  if (pagesAtMost === 0) return "not to be seen: there are no calls"
  if (bounds.zone === "unknown") return "understood; whether a bound itself is included was not tried"
  const edges =
    bounds.after === "unknown" || bounds.before === "unknown"
      ? "whether the bound itself is included could not be seen"
      : `the bound itself is ${bounds.after} in started_after and ${bounds.before} in started_before`
  const precision =
    bounds.precision === "unknown"
      ? ""
      : bounds.precision === "bounds with a fraction are ignored"
        ? "; a bound with a fraction of a second is IGNORED"
        : `; read to the ${bounds.precision}`
  return `understood, in UTC; ${edges}${precision}`
}

const parameters = { agentId: "agent_id", channel: "channel", callerNumber: "caller_number" } as const

const filters = ({ filters }: EndpointProfile): string => {
  const kinds = ["agentId", "channel", "callerNumber"] as const
  const answers = ["understood", "ignored", "applied after paging", "unknown"] as const
  const parts = answers.flatMap((answer) => {
    const names = kinds.filter((kind) => filters[kind] === answer).map((kind) => parameters[kind])
    if (names.length === 0) return []
    const verb = names.length === 1 ? "is" : "are"
    return [
      `${names.join(", ")} ${answer === "unknown" ? "not seen to work" : `${verb} ${answer === "understood" ? answer : answer.toUpperCase()}`}`
    ]
  })
  return kinds.every((kind) => filters[kind] === "unknown") ? "not tried, or not to be seen" : parts.join("; ")
}

const clock = ({ clockOffset }: EndpointProfile): string => {
  const seconds = Math.round(clockOffset / 1e6)
  return Math.abs(seconds) <= 2
    ? "the server's agrees with this machine's"
    : `the server's is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} this machine's`
}
