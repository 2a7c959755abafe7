/** What a window proves of its range, and how far the watermark goes with it. */
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import * as Coverage from "../../history/Coverage.ts"
import * as Instant from "../../model/Instant.ts"
import type * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

const partOf = (window: Coverage.Window): CoverageSet.Entry => ({
  range: { from: window.from, to: window.to },
  verdict: Coverage.verdict(window.coverage),
  ...(window.coverage._tag === "Proven" ? {} : { reason: window.coverage.reason }),
  // What an entry took is no part of what is known, and each part of a divided entry would keep all of it.
  requests: 0,
  asOf: window.observedAt
})

/** The window ends less than the horizon ago: it is read again each time. */
const isRecent = ({ coverage }: Coverage.Window): boolean =>
  coverage._tag === "Provisional" && (coverage.reason._tag === "TooRecent" || coverage.reason._tag === "AfterNow")

/** What a window proves, and how far the watermark goes with it: never past the horizon, and over no range that was not read. */
export const by =
  ({ now, settings }: Pick<Pass.Run, "now" | "settings">, window: Coverage.Window) =>
  (state: SyncState.SyncState): SyncState.SyncState => {
    let { coverage, watermark } = state
    if (window.to > window.from) {
      const part = partOf(window)
      // An API in which bounds mean nothing any more says nothing about what was proven before.
      const from = window.coverage._tag === "Unprovable" ? Instant.of(Math.max(window.from, watermark)) : window.from
      if (from < window.to) coverage = CoverageSet.replace(coverage, { ...part, range: { from, to: window.to } })
      if (window.from <= watermark && !isRecent(window))
        watermark = Math.max(watermark, Math.min(window.to, now - settings.horizon))
    }
    for (const { coverage: revised, from, to } of window.revised ?? []) {
      if (revised._tag === "Proven") continue
      coverage = CoverageSet.weaken(coverage, {
        range: { from, to },
        verdict: Coverage.verdict(revised),
        reason: revised.reason
      })
    }
    return { ...state, watermark, coverage: SyncState.covered({ ...state, watermark, coverage }) }
  }
