/** A range in stretches that one reading reads in parallel, from their beginnings or from where an earlier reading was stopped. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type * as History from "../History.ts"
import * as Asked from "./Asked.ts"
import type * as PartEvidence from "./PartEvidence.ts"
import * as RangeReading from "./RangeReading.ts"

/**
 * As `History.sideBySide`.
 *
 * @param resumed The evidence of what an earlier reading committed of the stretches. @default nothing is known of that
 */
export const open = (
  range: History.OpenRange,
  options: History.SideBySideOptions,
  resumed?: PartEvidence.Evidence
): Effect.Effect<RangeReading.RangeReading, AgniError, AgniClient> => {
  const asked = Asked.reading({ ...range, end: options.end }, options)
  if (Result.isFailure(asked)) return Effect.fail(asked.failure)
  const { sideBySide, stretches, stretchSize: size } = options
  const beside = { sideBySide, size, stretches }
  return RangeReading.open(asked.success, { ...options, order: "oldest" }, beside, undefined, resumed)
}
