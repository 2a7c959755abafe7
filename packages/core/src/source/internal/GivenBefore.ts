/** Windows that some sinks have as an earlier process read them, while others lack them. */
import type { Evidence } from "../../history/internal/PartEvidence.ts"
import * as PartEvidence from "../../history/internal/PartEvidence.ts"
import type * as CoverageSet from "../../coverage/CoverageSet.ts"
import * as Position from "../../model/Position.ts"
import * as Rows from "../../model/Rows.ts"
import type { Place, Unit } from "../Source.ts"

const weakened = <Part extends CoverageSet.Part>(part: Part): Part =>
  part.verdict === "proven" ? { ...part, verdict: "provisional", reason: { _tag: "Resumed" } } : part

/**
 * A sink that is ahead does not get such a window again: the window is only as good as before where each of its calls is one that the
 * earlier process delivered.
 *
 * @param evidence What that process saved. Without it nothing is known of its calls.
 */
export const judged = ({ ahead }: Pick<Place, "ahead">, evidence: Evidence | undefined): ((unit: Unit) => Unit) => {
  if (ahead === undefined) return (unit) => unit
  const had = evidence === undefined ? undefined : PartEvidence.deliveredIn(evidence)
  return (unit) => {
    if (unit._tag === "Window" && Position.isBefore(Position.of(unit.range.from), ahead)) {
      const isSame = had?.covers(unit.range) === true && Rows.items(unit.rows).every(({ id }) => had.has(id))
      return isSame ? unit : { ...unit, coverage: weakened(unit.coverage) }
    }
    const { coverage } = unit._tag === "WithoutStart" ? unit : { coverage: undefined }
    // Which calls without a start time came is not saved.
    return unit._tag === "WithoutStart" && ahead === "end" && unit.rows.length > 0 && coverage !== undefined
      ? { ...unit, coverage: weakened(coverage) }
      : unit
  }
}
