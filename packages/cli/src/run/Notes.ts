/** What a run wants to know again when it goes on: the range as it was resolved, and what was proven so far. */
import { type CallSessions, Instant } from "@callstream/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CoverageReport from "../job/CoverageReport.ts"

const Bound = Schema.NullOr(Schema.Int)
const Kept = Schema.Struct({ from: Bound, to: Bound, end: Bound, coverage: CoverageReport.Saved })
const decode = Schema.decodeUnknownOption(Kept)

export interface Range {
  readonly from: Instant.Instant | undefined
  readonly to: Instant.Instant | undefined
  /** Where it ends when it has no `to`. */
  readonly end: Instant.Instant | undefined
}

export interface Notes {
  /** The run begins: a range without an end ends here, also when it is resumed later. */
  readonly begin: (end: Instant.Instant | undefined) => void
  readonly range: () => Range
  readonly save: () => Schema.Json
  /** The run goes on. */
  readonly restore: (kept: Schema.Json | undefined) => void
}

const instant = (input: Instant.Input | undefined) => (input === undefined ? undefined : Instant.fromInput(input))

export const make = (selection: CallSessions.Selection, collector: CoverageReport.Collector): Notes => {
  let range: Range = { from: instant(selection.from), to: instant(selection.to), end: undefined }
  return {
    begin: (end) => {
      range = { ...range, end }
    },
    range: () => range,
    save: () => ({
      from: range.from ?? null,
      to: range.to ?? null,
      end: range.end ?? null,
      coverage: collector.save()
    }),
    restore: (kept) => {
      const known = Option.getOrUndefined(decode(kept))
      if (known === undefined) return
      const { end, from, to } = known
      range = { from: from ?? undefined, to: to ?? undefined, end: end ?? undefined }
      collector.restore(known.coverage)
    }
  }
}
