/**
 * Why a range is not proven, as data: words are made where they are shown.
 *
 * @since 0.1.0
 */
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"

/**
 * The range may still change, or something changed while it was read: read it again later.
 *
 * - `TooRecent`: it started less than the horizon ago.
 * - `AfterNow`: it begins later than the server's clock.
 * - `NothingSeen`: the server listed no call when the run began; an outage looks the same.
 * - `NoBeginning`: the range is open, and nothing shows where the calls begin.
 * - `CallsMoved`, `StartsMoved`, `WithoutStartMoved`: calls came, went, or got another start while they were read.
 * - `AnswersDiffer`: so many calls at least were in some answers only.
 * - `AnswersDisagree`: more than so many requests did not bring answers that agree, so it was read once, and not again.
 * - `FromCache`: a cache answered, or a replica that lags.
 * - `NotCounted`, `TooDeepToCount`: whether the whole adds up was not counted, or could not be.
 * - `Resumed`: an earlier process read a part, and this one could not compare it with its answers, or with the server's total, or with
 *   what some sinks have.
 * - `CountDiffers`: the server counts more calls, or fewer, than were read.
 * - `WiderThanSeen`: nothing was found in a range wider than any that the server was seen to answer in full.
 * - `Changing`: a filter by something that changes during a call.
 * - `StoppedAtLimit`, `ByPages`: the chosen walk or filter proves nothing.
 *
 * The endpoint cannot be trusted with the range: calls may be missing.
 *
 * - `NotBack`, `Hidden`: a call did not come back for its own start; calls of equal start hid it.
 * - `BoundsCoarse`: the server reads time bounds to the minute, hour or day only.
 * - `OutsideBounds`, `WithoutStartInBounds`: the answer held calls that do not belong to the range.
 * - `BoundsAfterPaging`, `BoundsUnclear`, `BoundsRefused`, `NoStartSeen`: time bounds are applied too late, or could not be tried.
 * - `FilterFails`, `FilterUntried`: the same of a filter.
 * - `Incomplete`: fewer rows came than were counted.
 * - `NotRead`: nobody read it: a stretch of the whole is missing.
 * - `Unreadable`: the server failed; `problem` is what it said.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CoverageReason = Schema.Union([
  Schema.TaggedStruct("TooRecent", {}),
  Schema.TaggedStruct("AfterNow", {}),
  Schema.TaggedStruct("NothingSeen", {}),
  Schema.TaggedStruct("NoBeginning", {}),
  Schema.TaggedStruct("CallsMoved", {}),
  Schema.TaggedStruct("StartsMoved", {}),
  Schema.TaggedStruct("WithoutStartMoved", {}),
  Schema.TaggedStruct("AnswersDiffer", { calls: Schema.Int }),
  Schema.TaggedStruct("AnswersDisagree", { requests: Schema.Int }),
  Schema.TaggedStruct("FromCache", {}),
  Schema.TaggedStruct("NotCounted", {}),
  Schema.TaggedStruct("TooDeepToCount", {}),
  Schema.TaggedStruct("Resumed", {}),
  Schema.TaggedStruct("CountDiffers", { read: Schema.Int, counted: Schema.Int }),
  Schema.TaggedStruct("WiderThanSeen", {}),
  Schema.TaggedStruct("Changing", { filter: Schema.Literals(["status", "search"]) }),
  Schema.TaggedStruct("StoppedAtLimit", { limit: Schema.Int }),
  Schema.TaggedStruct("ByPages", {}),
  Schema.TaggedStruct("NotBack", {}),
  Schema.TaggedStruct("Hidden", {}),
  Schema.TaggedStruct("OutsideBounds", {}),
  Schema.TaggedStruct("BoundsCoarse", { unit: Schema.Literals(["minute", "hour", "day"]) }),
  Schema.TaggedStruct("WithoutStartInBounds", {}),
  Schema.TaggedStruct("BoundsAfterPaging", {}),
  Schema.TaggedStruct("BoundsUnclear", {}),
  Schema.TaggedStruct("BoundsRefused", {}),
  Schema.TaggedStruct("NoStartSeen", {}),
  Schema.TaggedStruct("FilterFails", {
    filter: Schema.Literals(["agentId", "channel", "callerNumber"]),
    answer: Schema.Literals(["ignored", "applied after paging", "unknown"])
  }),
  Schema.TaggedStruct("FilterUntried", {}),
  Schema.TaggedStruct("Incomplete", { read: Schema.Int, counted: Schema.Int }),
  Schema.TaggedStruct("NotRead", {}),
  Schema.TaggedStruct("Unreadable", { problem: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type CoverageReason = typeof CoverageReason.Type

const calls = (count: number): string => `${count} call${count === 1 ? "" : "s"}`

/**
 * A reason as a clause in English.
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = (reason: CoverageReason): string => {
  switch (reason._tag) {
    case "TooRecent":
      return "calls may still be added"
    case "AfterNow":
      return "the range begins later than the server's clock"
    case "NothingSeen":
      return "the server listed no call when the run began"
    case "NoBeginning":
      return "the API does not show how far back calls go"
    case "CallsMoved":
      return "calls were added or removed while they were read"
    case "StartsMoved":
      return "calls changed their start while they were read"
    case "WithoutStartMoved":
      return "calls may have come or left while those without a start time were read"
    case "AnswersDiffer":
      return `answers differ: at least ${calls(reason.calls)} came in some of them only`
    case "AnswersDisagree":
      return `answers still disagreed after more than ${reason.requests} requests: the rest was read once and not checked`
    case "FromCache":
      return "a cache, or a replica that lags, answered in the server's place"
    case "NotCounted":
      return "the total was not counted"
    case "TooDeepToCount":
      return "the server has no pages so deep that all calls could be counted"
    case "Resumed":
      return "the run resumed, and could not compare what was read before with later answers"
    case "CountDiffers":
      return `the server counted ${calls(reason.counted)}, and ${reason.read} were read`
    case "WiderThanSeen":
      return "nothing was found in a range wider than the server was seen to answer"
    case "Changing":
      return `${reason.filter === "status" ? "the status of a call" : "what search finds"} changes with time: filter in callstream instead to have it proven`
    case "StoppedAtLimit":
      return `stopped at the limit of ${reason.limit}`
    case "ByPages":
      return "page numbers prove nothing"
    case "NotBack":
      return "a call did not come back for its own start time: it was removed meanwhile, or the time bounds mean something else"
    case "Hidden":
      return "calls of equal start time hid a call from its own start time"
    case "BoundsCoarse":
      return `the server reads time bounds only to the ${reason.unit}`
    case "OutsideBounds":
      return "calls from outside the time bounds came back"
    case "WithoutStartInBounds":
      return "a call without a start time came back for a time range"
    case "BoundsAfterPaging":
      return "the time bounds are applied after paging"
    case "BoundsUnclear":
      return "all calls that were listed start together, so it could not be seen whether the time bounds are applied before paging: run it again when others exist"
    case "BoundsRefused":
      return "the server refuses time bounds"
    case "NoStartSeen":
      return "no call with a start time was seen, so the time bounds could not be tried"
    case "FilterFails":
      return reason.answer === "unknown"
        ? `whether the filter by ${reason.filter} works could not be seen`
        : `the filter by ${reason.filter} is ${reason.answer}`
    case "FilterUntried":
      return "no call was found, so the filter could not be tried"
    case "Incomplete":
      return `${reason.read} of ${calls(reason.counted)} were read`
    case "NotRead":
      return "it was not read"
    case "Unreadable":
      return reason.problem
  }
}

/**
 * Whether the range, or a part of it, could not be read at all.
 *
 * @since 0.1.0
 * @category reading
 */
export const isGap = ({ _tag }: CoverageReason): boolean => _tag === "Unreadable"

/**
 * Each reason once. Of calls that came in some answers only the greatest number counts, and there may be more: some windows name those of
 * the whole range, others only their own.
 *
 * @since 0.1.0
 * @category combining
 */
export const merge = (reasons: Iterable<CoverageReason>): ReadonlyArray<CoverageReason> => {
  const merged: Array<CoverageReason> = []
  for (const reason of reasons) {
    const at = merged.findIndex((one) =>
      reason._tag === "AnswersDiffer" ? one._tag === reason._tag : Equal.equals(one, reason)
    )
    const known = merged[at]
    if (known === undefined) merged.push(reason)
    else if (known._tag === "AnswersDiffer" && reason._tag === "AnswersDiffer") {
      merged[at] = { ...known, calls: Math.max(known.calls, reason.calls) }
    }
  }
  return merged
}
