/** How a reading asks, and what its clocks and doubts make of a proof. */
import type * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import { type Known, leastWidth } from "./Known.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** How a reading asks: none of it changes while it reads. */
export interface Settings {
  readonly list: AgniClient["Service"]["list"]
  readonly filters: Ask.Filters
  /** Rows that a page really brings. */
  readonly size: number
  /** Whether pages of another size are not what they were asked to be. */
  readonly rounds?: boolean | undefined
  readonly sort: Ask.Sort
  /** Whether a page beyond the last brings the last or the first again. */
  readonly repeats: Effect.Effect<boolean, AgniError>
  /** Rows that are known to be there, by start: a range that holds none is tried on its neighbours. */
  readonly controls: ReadonlyArray<Rows.Dated>
  /** Whether the last control is the first row of the list without bounds, newest first, and whether the first one ends it. */
  readonly ends: { readonly newest: boolean; readonly oldest: boolean }
  /** What rows are until their window is delivered. */
  readonly hold: (rows: ReadonlyArray<Rows.Row>) => ReadonlyArray<Rows.Row>
  /** How long after its start a session may appear, in µs. */
  readonly horizon: number
  /** This machine's time when the reading began. */
  readonly now: Micros
  /** The server's time then, and the latest time that may have been right. */
  readonly seen: Micros
  readonly latest: Micros
  /** Why no window of this reading can be proven, whatever its count says. */
  readonly doubt: Coverage | undefined
  /** What those who ask saw, until it is noted: an answer is evidence, whatever becomes of who asked. */
  readonly logs: Set<Ask.Log>
  /** Rows that a window should hold, and characters of it at most. */
  readonly perWindow: number
  /** Up to so many pages are read so that they overlap, and not by a walk. */
  readonly mostOverlapping: number
  /** Windows that are read in parallel. */
  readonly concurrency: number
  readonly maxCharacters: number
}

/** Asks on behalf of one reader, whose answers are noted at the end at the latest. */
export const ask = (settings: Settings): Ask.Ask => {
  const ask = Ask.make(settings.list, settings.filters, settings)
  ask.log.rounds = settings.rounds ?? false
  settings.logs.add(ask.log)
  return ask
}

/** Asks with all patience: what failed alone may have failed by chance. */
export const patient = (settings: Settings): Settings => ({
  ...settings,
  list: (query) => settings.list(query, Patience.last)
})

/** Up to here nothing can be added any more: the earliest of all clocks, less what a session may take to appear. */
export const horizonOf = ({ horizon, now }: Settings, { earliest }: Known): Micros => Math.min(now, earliest) - horizon

/** A few seconds more, because bounds reach a little beyond the rows that they are taken from. */
export const believedWidth = (width: number): number => Math.max(leastWidth, width + 5_000_000)

/** An outage may answer so too: neither pages nor bounds were tried. */
export const nothingKnown: Coverage = { _tag: "Provisional", reason: { _tag: "NothingSeen" } }

/** The range begins where the calls do, and nothing shows where that is. */
export const noBeginning: Coverage = {
  _tag: "Provisional",
  reason: { _tag: "NoBeginning" }
}

export const tooYoung: Coverage = {
  _tag: "Provisional",
  reason: { _tag: "TooRecent" }
}

/** The same, with what the answers to one reader showed. */
export const horizonFor = (settings: Settings, known: Known, { observedAt = Infinity }: Ask.Log): Micros =>
  Math.min(horizonOf(settings, known), observedAt - settings.horizon)

/** A count that agrees is not yet a proof when what it counts may still change. */
export const temper = (settings: Settings, known: Known, log: Ask.Log, range: Range, coverage: Coverage): Coverage => {
  if (coverage._tag !== "Proven") return coverage
  if (settings.controls.length === 0) return nothingKnown
  if (settings.doubt !== undefined) return settings.doubt
  if (log.cached) return { _tag: "Provisional", reason: { _tag: "FromCache" } }
  return range.to > horizonFor(settings, known, log) ? tooYoung : coverage
}

/** A set filtered by what changes with time is another one at each request. */
export const doubtOf = (status: string | undefined, search: string | undefined): Coverage | undefined =>
  status === undefined && search === undefined
    ? undefined
    : {
        _tag: "Provisional",
        reason: { _tag: "Changing", filter: status === undefined ? "search" : "status" }
      }
