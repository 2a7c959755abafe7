/** Why a whole history with its calls without a start time does not add up. */
import type * as Coverage from "../Coverage.ts"
import type { Known } from "./Known.ts"
import { expected as expectedOf, type Found } from "./UndatedFound.ts"

/** A count of all, and whether nothing moved before it. */
export interface Total {
  readonly total: number | undefined
  readonly still: boolean
}

/** The counts of all calls, before and after the last look. */
export interface Counts extends Total {
  readonly after: number | undefined
  /** Whether the calls with a start are as many as were delivered. */
  readonly isDatedRight: boolean
  /** Whether an answer stayed older than one before it. */
  readonly old: boolean
}

/** Why it is not complete. */
export const whyNot = (
  found: Found,
  { after, old, still, total }: Counts,
  { cut = false, deepest }: Known,
  resumed: boolean
): Coverage.Coverage => {
  const expected = expectedOf(found)
  // A limit of the server cuts the list of all calls: fewer were counted than came.
  const isCut = (cut || deepest < Infinity) && (total ?? 0) < found.ledger.rows()
  if (isCut) return { _tag: "Provisional", reason: { _tag: "TooDeepToCount" } }
  const counted = Math.max(total ?? 0, after ?? 0)
  // Calls that began since their window was read are counted too, and more of them with each request.
  const isSteady = total === after && still && found.later.size() === 0
  if (counted > expected && isSteady && !(resumed && found.measured === undefined))
    return { _tag: "Unprovable", reason: { _tag: "CountDiffers", read: expected, counted } }
  if (total === undefined) return { _tag: "Provisional", reason: { _tag: "TooDeepToCount" } }
  if (old) return { _tag: "Provisional", reason: { _tag: "FromCache" } }
  return { _tag: "Provisional", reason: { _tag: resumed ? "Resumed" : "CallsMoved" } }
}
