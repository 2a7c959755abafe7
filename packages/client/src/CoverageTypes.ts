/**
 * What a reading proves, as plain interfaces.
 *
 * @since 0.1.0
 */
import type { CallSession, OwnKeys, Rejected } from "./CallTypes.ts"
import type { AgniError } from "./ClientErrors.ts"

/**
 * - `proven`: every call of the range came.
 * - `provisional`: the range may still change; read it again later.
 * - `unprovable`: calls may be missing.
 *
 * @since 0.1.0
 * @category models
 */
export type Proof = "proven" | "provisional" | "unprovable"

/**
 * Why a range is not proven, as data. Each is described in `docs/completeness.md`.
 *
 * @since 0.1.0
 * @category models
 */
export type CoverageReason =
  | {
      readonly _tag:
        | "TooRecent"
        | "AfterNow"
        | "NothingSeen"
        | "NoBeginning"
        | "CallsMoved"
        | "StartsMoved"
        | "WithoutStartMoved"
        | "FromCache"
        | "NotCounted"
        | "TooDeepToCount"
        | "Resumed"
        | "WiderThanSeen"
        | "ByPages"
        | "NotBack"
        | "Hidden"
        | "OutsideBounds"
        | "WithoutStartInBounds"
        | "BoundsAfterPaging"
        | "BoundsUnclear"
        | "BoundsRefused"
        | "NoStartSeen"
        | "FilterUntried"
        | "NotRead"
    }
  | { readonly _tag: "AnswersDiffer"; readonly calls: number }
  | { readonly _tag: "AnswersDisagree"; readonly requests: number }
  | { readonly _tag: "CountDiffers" | "Incomplete"; readonly read: number; readonly counted: number }
  | { readonly _tag: "Changing"; readonly filter: "status" | "search" }
  | { readonly _tag: "BoundsCoarse"; readonly unit: "minute" | "hour" | "day" }
  | { readonly _tag: "StoppedAtLimit"; readonly limit: number }
  | {
      readonly _tag: "FilterFails"
      readonly filter: "agentId" | "channel" | "callerNumber"
      readonly answer: "ignored" | "applied after paging" | "unknown"
    }
  | { readonly _tag: "Unreadable"; readonly problem: string }

/**
 * A reason with its words.
 *
 * @since 0.1.0
 * @category models
 */
export type ReasonInWords = CoverageReason & { readonly message: string }

/**
 * Whether all calls of a window came. `reason` is absent where it is proven; `error` is what made a range unreadable.
 *
 * @since 0.1.0
 * @category models
 */
export interface Coverage {
  readonly verdict: Proof
  readonly reason?: ReasonInWords
  readonly error?: AgniError
}

/**
 * The calls of a range of start time, `from <= start < to`, by start. Each call is in one window. The last window may have an
 * empty range: it has the calls without a start time. Times are ISO 8601 text in UTC.
 *
 * @since 0.1.0
 * @category models
 */
export interface Window<Metadata = OwnKeys, Analysis = OwnKeys> {
  readonly from: string
  readonly to: string
  readonly sessions: ReadonlyArray<CallSession<Metadata, Analysis>>
  readonly rejected: ReadonlyArray<Rejected>
  readonly coverage: Coverage
  /** How many of the calls are final. */
  readonly final: number
  /** In the last window of a bounded range: the calls without a start time that are not in it. */
  readonly outside?: Outside
  /** New coverage of earlier windows, which a later answer contradicted. */
  readonly revised?: ReadonlyArray<{ readonly from: string; readonly to: string; readonly coverage: Coverage }>
  readonly requests: number
  /** The server's clock at the first response. */
  readonly observedAt: string
}

/**
 * The calls without a start time that a bounded range leaves out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outside {
  /** Created outside the range. */
  readonly created: number
  /** The API does not show which of them were created in the range. */
  readonly unassigned: number
}

/**
 * What a whole reading proved. Times are ISO 8601 text in UTC.
 *
 * @since 0.1.0
 * @category models
 */
export interface Verdict {
  /** The weakest of all that was read, corrected by what later answers showed. */
  readonly verdict: Proof
  /** Each reason once, in words too. Empty where all is proven. */
  readonly reasons: ReadonlyArray<ReasonInWords>
  /** The range that was read; `undefined` where no time bounds were used. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** Everything from `from` up to here is proven. */
  readonly provenUntil: string | undefined
  /** Calls that were delivered, how many of them are final, and records that were rejected. */
  readonly sessions: number
  readonly final: number
  readonly rejected: number
  /** Requests that it took, probing not counted. */
  readonly requests: number
  readonly outside: Outside | undefined
}

/**
 * A reading, which each loop begins again. Leaving the loop ends it at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reading<A> extends AsyncIterable<A> {
  /** What the loop that reached its end last proved; `undefined` before, and again when another loop begins. */
  readonly verdict: Verdict | undefined
}
