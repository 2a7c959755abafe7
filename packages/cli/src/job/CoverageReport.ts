/** What the windows of a run say together: for the summary, and for `--coverage FILE`. */
import { type Calendar, Coverage, Instant } from "@callstream/core"
import * as Schema from "effect/Schema"
import * as Format from "../option/Format.ts"

const Verdict = Schema.Literals(["proven", "provisional", "unprovable"])

const Stretch = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  set: Verdict,
  reason: Schema.NullOr(Schema.String),
  count: Schema.Int,
  requests: Schema.Int
})
type Stretch = typeof Stretch.Type

/** What a run that goes on must know of the part before. */
export const Saved = Schema.Struct({
  windows: Schema.Array(Stretch),
  reasons: Schema.Array(Schema.String),
  set: Verdict,
  settled: Schema.Int,
  of: Schema.Int,
  undated: Schema.Int,
  asOf: Schema.NullOr(Schema.Int)
})
export type Saved = typeof Saved.Type

/** The form of the file. Instants are ISO 8601 in UTC, the horizon is in seconds. */
export interface Report {
  readonly set: Coverage.Verdict
  readonly reasons: ReadonlyArray<string>
  /** Sessions that are not expected to change any more, of all that came. */
  readonly settled: number
  readonly of: number
  readonly undated: number
  /** Sessions without a start, which lie outside a bounded range; `null` where they were not counted. */
  readonly undatedOutside: number | null
  readonly horizon: number
  /** When the first of it was observed: what is said holds as of then. */
  readonly asOf: string | null
  /** Up to here, from the beginning, everything is proven. */
  readonly provenUntil: string | null
  readonly windows: ReadonlyArray<Stretch>
}

export interface Collector {
  readonly add: (window: Coverage.Window) => void
  readonly report: () => Report
  readonly save: () => Saved
  readonly restore: (saved: Saved) => void
  /** The end of the last window, if there is one. */
  readonly end: () => Instant.Instant | undefined
}

const instantOf = (text: string): Instant.Instant => Instant.parse(text) ?? 0

/** The newest few are read from the end backwards. */
const ascending = (left: Stretch, right: Stretch): number => instantOf(left.from) - instantOf(right.from)

/** How far everything is proven, from the first stretch on. */
const provenUpTo = (windows: ReadonlyArray<Stretch>): string | null => {
  const end = windows.findIndex(({ set }) => set !== "proven")
  return windows.slice(0, end < 0 ? windows.length : end).at(-1)?.to ?? null
}

export const make = (horizonMillis: number, clock: Calendar.Calendar | undefined): Collector => {
  const windows: Array<Stretch> = []
  const reasons = new Set<string>()
  let set: Coverage.Verdict = "proven"
  let settled = 0
  let of = 0
  let undated = 0
  let asOf = Infinity
  let outside: number | undefined
  /** The windows that were restored, which tile it; the last one of no length is for what has no start. */
  let restored: (Coverage.Range & { readonly undated: boolean }) | undefined
  /** What was said of windows before, and no longer holds. */
  const takeBack = ({ coverage, from, to }: Coverage.Range & { readonly coverage: Coverage.Coverage }): void => {
    if (coverage._tag === "Proven") return
    const verdict = Coverage.verdict(coverage)
    for (const [i, window] of windows.entries()) {
      if (window.set !== "proven" || instantOf(window.from) >= to || instantOf(window.to) <= from) continue
      windows[i] = { ...window, set: verdict, reason: coverage.reason }
      reasons.add(coverage.reason)
      set = Coverage.weaker(set, verdict)
    }
  }
  return {
    end: () => {
      const last = windows.at(-1)
      return last === undefined ? undefined : Instant.parse(last.to)
    },
    add: (window) => {
      const { coverage, from, requests, to } = window
      const items = Coverage.items(window)
      // A sink that catches up is given what is accounted for already.
      if (restored !== undefined && from >= restored.from && to <= restored.to && (from < to || restored.undated))
        return
      if (window.outside !== undefined) {
        outside = window.outside
        if (items.length === 0 && coverage._tag === "Proven" && window.revised === undefined) return
      }
      for (const revision of window.revised ?? []) takeBack(revision)
      const verdict = Coverage.verdict(coverage)
      const reason = coverage._tag === "Proven" ? null : coverage.reason
      set = Coverage.weaker(set, verdict)
      if (reason !== null)
        reasons.add(coverage._tag === "Gap" ? `${place(window, clock)} could not all be read: ${reason}` : reason)
      settled += window.settled
      of += items.length
      if (from === to) undated += items.filter(({ start }) => start === undefined).length
      if (window.observedAt > 0) asOf = Math.min(asOf, window.observedAt)
      windows.push({
        from: Instant.format(from),
        to: Instant.format(to),
        set: verdict,
        reason,
        count: items.length,
        requests
      })
    },
    save: () => ({
      windows: [...windows],
      reasons: [...reasons],
      set,
      settled,
      of,
      undated,
      asOf: asOf === Infinity ? null : asOf
    }),
    restore: (saved) => {
      windows.splice(0, windows.length, ...saved.windows)
      for (const reason of saved.reasons) reasons.add(reason)
      ;({ of, set, settled, undated } = saved)
      const first = saved.windows[0]
      const last = saved.windows.at(-1)
      if (first === undefined || last === undefined) return
      restored = {
        from: Instant.parse(first.from) ?? 0,
        to: Instant.parse(last.to) ?? 0,
        undated: last.from === last.to
      }
      asOf = saved.asOf ?? Infinity
    },
    report: () => {
      const stretches = windows.toSorted(ascending)
      return {
        // Nothing was looked at, so nothing is known.
        set: windows.length === 0 ? "provisional" : set,
        reasons: windows.length === 0 ? ["nothing was read"] : [...reasons],
        settled,
        of,
        undated,
        undatedOutside: outside ?? null,
        horizon: horizonMillis / 1000,
        asOf: asOf === Infinity ? null : Instant.format(asOf),
        provenUntil: provenUpTo(stretches),
        windows: stretches
      }
    }
  }
}

const place = ({ from, to }: Coverage.Range, clock: Calendar.Calendar | undefined): string =>
  from === to ? "sessions without a start" : Format.times(from, "to", to, clock)
