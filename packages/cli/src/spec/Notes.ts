/** What a run wants to know again when it goes on: the range as it was resolved, and what was proven so far. */
import { type CallSessions, Instant } from "@callstream/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CoverageReport from "../output/CoverageReport.ts"

const Kept = Schema.Struct({
  from: Schema.NullOr(Schema.Int),
  to: Schema.NullOr(Schema.Int),
  coverage: CoverageReport.Saved
})
const decode = Schema.decodeUnknownOption(Kept)

export interface Notes {
  readonly selection: () => CallSessions.Selection
  readonly save: () => Schema.Json
  readonly restore: (kept: Schema.Json | undefined) => void
}

const instant = (input: Instant.Input | undefined) => (input === undefined ? undefined : Instant.fromInput(input))

export const make = (selection: CallSessions.Selection, collector: CoverageReport.Collector): Notes => {
  let current = selection
  return {
    selection: () => current,
    save: () => ({
      from: instant(current.from) ?? null,
      to: instant(current.to) ?? null,
      coverage: collector.save()
    }),
    restore: (kept) => {
      const known = Option.getOrUndefined(decode(kept))
      if (known === undefined) return
      const { from, to } = known
      current = {
        ...selection,
        from: from === null ? undefined : Instant.format(from),
        to: to === null ? undefined : Instant.format(to)
      }
      collector.restore(known.coverage)
    }
  }
}
