/** The coverage of core in plain words, and the verdict on a whole reading. */
import * as CoreReason from "@callstream/core/coverage/CoverageReason"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as CoreCoverage from "@callstream/core/history/Coverage"
import * as Instant from "@callstream/core/model/Instant"
import * as WindowCoverage from "@callstream/core/source/WindowCoverage"
import * as Result from "effect/Result"
import type { Coverage, ReasonInWords, Verdict, Window } from "../CoverageTypes.ts"
import type { Checked } from "./Checked.ts"
import * as PlainErrors from "./PlainErrors.ts"

const inWords = (reason: CoreReason.CoverageReason): ReasonInWords => ({
  ...reason,
  message: CoreReason.describe(reason)
})

const coverageOf = (coverage: CoreCoverage.Coverage): Coverage => ({
  verdict: CoreCoverage.verdict(coverage),
  ...(coverage._tag === "Proven" ? {} : { reason: inWords(coverage.reason) }),
  ...(coverage._tag === "Gap" ? { error: PlainErrors.ofAgni(coverage.error) } : {})
})

export const windowOf = <Metadata, Analysis>(
  window: CoreCoverage.Window,
  { final, rejected, sessions }: Checked<Metadata, Analysis>
): Window<Metadata, Analysis> => {
  const { coverage, from, observedAt, outside, requests, revised, to } = window
  return {
    from: Instant.format(from),
    to: Instant.format(to),
    sessions,
    rejected,
    coverage: coverageOf(coverage),
    final,
    ...(outside === undefined ? {} : { outside }),
    ...(revised === undefined
      ? {}
      : {
          revised: revised.map(({ coverage, from, to }) => ({
            from: Instant.format(from),
            to: Instant.format(to),
            coverage: coverageOf(coverage)
          }))
        }),
    requests,
    observedAt: Instant.format(observedAt)
  }
}

/** The coverage so far, while a loop reads. */
export interface ReadingProof {
  readonly add: (window: CoreCoverage.Window) => void
  /** Adds calls that were delivered. */
  readonly count: (checked: Checked<unknown, unknown>) => void
  readonly verdict: () => Verdict
}

const weakest = (set: CoverageSet.CoverageSet): CoverageSet.Verdict => {
  const [first] = set.entries
  const last = set.entries.at(-1)
  if (first === undefined || last === undefined) return set.withoutStart?.verdict ?? "unprovable"
  const whole = { from: first.range.from, to: last.range.to }
  // Windows are disjoint.
  return Result.getOrElse(CoverageSet.verdict([set], whole), () => "unprovable" as const)
}

const provenUntil = ({ entries }: CoverageSet.CoverageSet): Instant.Instant | undefined => {
  const at = entries.findIndex(({ verdict }) => verdict !== "proven")
  return entries[(at === -1 ? entries.length : at) - 1]?.range.to
}

const textOf = (instant: Instant.Instant | undefined): string | undefined =>
  instant === undefined ? undefined : Instant.format(instant)

export const make = (): ReadingProof => {
  const known = { coverage: WindowCoverage.empty, sessions: 0, final: 0, rejected: 0, requests: 0 }
  return {
    add: (window) => {
      known.coverage = known.coverage.add(window)
      known.requests += window.requests
    },
    count: ({ final, rejected, sessions }) => {
      known.sessions += sessions.length
      known.final += final
      known.rejected += rejected.length
    },
    verdict: () => {
      const set = known.coverage.end()
      const { final, rejected, requests, sessions } = known
      const parts = [...set.entries, ...(set.withoutStart === undefined ? [] : [set.withoutStart])]
      return {
        verdict: weakest(set),
        reasons: CoreReason.merge(parts.flatMap(({ reason }) => reason ?? [])).map(inWords),
        from: textOf(set.entries[0]?.range.from),
        to: textOf(set.entries.at(-1)?.range.to),
        provenUntil: textOf(provenUntil(set)),
        sessions,
        final,
        rejected,
        requests,
        outside: set.outside
      }
    }
  }
}
