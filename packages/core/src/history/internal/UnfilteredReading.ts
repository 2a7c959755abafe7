/** A range whose time bounds or filters do not work: all pages are read, and no answer says more of it. */
import * as Stream from "effect/Stream"
import { AgniClient } from "../../client/AgniClient.ts"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import type * as Probes from "../../endpoint/internal/Probes.ts"
import * as SavedProbes from "../../endpoint/internal/SavedProbes.ts"
import type { Coverage, Window } from "../Coverage.ts"
import type * as Asked from "./Asked.ts"
import type * as Beginning from "./Beginning.ts"
import * as Fallback from "./Fallback.ts"
import type * as PartEvidence from "./PartEvidence.ts"
import type * as RangeReading from "./RangeReading.ts"
import * as Windows from "./Windows.ts"

/** All pages, where bounds or filters do not work. */
export const make = (
  { from: since }: Asked.Asked,
  { all, from, whole }: Beginning.Bounds,
  { concurrency = 4, keepGoing = false, withoutStart }: RangeReading.Options,
  beside: RangeReading.Beside | undefined,
  about: {
    readonly filterProblem: CoverageReason
    readonly filters: Ask.Filters
    readonly size: number
    readonly resumed: PartEvidence.Evidence | undefined
    readonly now: Micros.Micros
  },
  client: AgniClient["Service"]
): Pick<RangeReading.RangeReading, "closing" | "stretches" | "windows"> => {
  const stretches = beside?.stretches ?? [{ from, to: all.to }]
  const created = withoutStart === "skip" ? undefined : { from: since ?? -Infinity, to: all.to }
  const { filterProblem, filters, now, resumed, size } = about
  return {
    stretches,
    windows: (nth, at) => {
      const one = stretches[nth] ?? all
      const isLast = nth === stretches.length - 1
      return Fallback.windows({ from: at.from ?? one.from, to: one.to }, whole && isLast, filters, filterProblem, {
        created: isLast ? created : undefined,
        concurrency,
        keepGoing,
        size
      }).pipe(Stream.provideService(AgniClient, client))
    },
    closing: resumed === undefined ? Stream.empty : Stream.make(notCompared(resumed.parts, all.to, now))
  }
}

/** No answer of now says anything of windows that were read while bounds and filters seemed to work. */
const notCompared = (parts: ReadonlyArray<Micros.Range>, end: Micros.Micros, now: Micros.Micros): Window => {
  const coverage: Coverage = { _tag: "Provisional", reason: { _tag: "Resumed" } }
  const revised = parts.map(({ from, to }) => ({ from, to, coverage }))
  return Windows.make([], { from: end, to: end, rejected: [], coverage, requests: 0, observedAt: now, revised })
}

/** No answer says more of a window than the pages it was read from. */
export const noEvidence = (seen: Probes.Seen) => ({
  begun: SavedProbes.save(seen, []),
  evidence: () => undefined,
  rows: () => 0,
  noteRest: () => {}
})
