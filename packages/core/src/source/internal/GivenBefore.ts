/** Windows that some sinks have as an earlier process read them, while others lack them. */
import type { Evidence } from "../../history/internal/PartEvidence.ts"
import * as PartEvidence from "../../history/internal/PartEvidence.ts"
import type * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import * as ListedRows from "../../endpoint/internal/ListedRows.ts"
import * as Position from "../../model/Position.ts"
import * as Rows from "../../model/Rows.ts"
import type { Place, Unit } from "../Source.ts"

const weakened = <Part extends CoverageSet.Part>(part: Part, reason: CoverageReason): Part =>
  part.verdict === "proven" ? { ...part, verdict: "provisional", reason } : part

type Window = Extract<Unit, { readonly _tag: "Window" }>

/** Calls that came in one of both readings only, at least. */
const differences = ({ range, rejected, rows }: Window, had: PartEvidence.Delivered, isAhead: boolean): number => {
  const keys = [...Rows.items(rows).map(({ id }) => id), ...rejected.map(ListedRows.keyOf)]
  const again = keys.filter(had.has).length
  const lost = Math.max(0, had.startsIn(range) - again)
  // One that is new comes to each sink but those that are ahead.
  return lost + (isAhead ? keys.length - again : 0)
}

/**
 * A window that an earlier process delivered is only as good as before where the same calls come again: one that is not listed any more is
 * lacking where the window is given now, and one that is new where it was given then, because a sink that is ahead does not get it again.
 *
 * @param evidence What that process saved. Without it nothing is known of its calls.
 */
export const judged = (
  { ahead, doubted = [] }: Pick<Place, "ahead" | "doubted">,
  evidence: Evidence | undefined
): ((unit: Unit) => Unit) => {
  const had = evidence === undefined ? undefined : PartEvidence.deliveredIn(evidence)
  const reasonOf = (unit: Window): CoverageReason | undefined => {
    const isAhead = ahead !== undefined && Position.isBefore(Position.of(unit.range.from), ahead)
    const isDoubted = doubted.some(({ from, to }) => from < unit.range.to && to > unit.range.from)
    if (isAhead && (isDoubted || had?.covers(unit.range) !== true)) return { _tag: "Resumed" }
    const calls = had === undefined ? 0 : differences(unit, had, isAhead)
    return calls === 0 ? undefined : { _tag: "AnswersDiffer", calls }
  }
  return (unit) => {
    if (unit._tag === "Window") {
      const reason = reasonOf(unit)
      return reason === undefined ? unit : { ...unit, coverage: weakened(unit.coverage, reason) }
    }
    const { coverage } = unit._tag === "WithoutStart" ? unit : { coverage: undefined }
    // Which calls without a start time came is not saved.
    return unit._tag === "WithoutStart" && ahead === "end" && unit.rows.length > 0 && coverage !== undefined
      ? { ...unit, coverage: weakened(coverage, { _tag: "Resumed" }) }
      : unit
  }
}
