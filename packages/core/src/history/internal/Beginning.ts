/** What a reading begins with: its range and its settings, from what people asked for and what the probes saw. */
import * as Duration from "effect/Duration"
import { defaultHorizon, earliestStart } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Clocks from "../../endpoint/internal/Clocks.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import * as Observe from "../../endpoint/internal/Observe.ts"
import * as PastBounds from "../../endpoint/internal/PastBounds.ts"
import type { Seen } from "../../endpoint/internal/Probes.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Asked } from "./Asked.ts"
import * as Partitioner from "./Partitioner.ts"
import * as Settings from "./Settings.ts"

export interface Bounds extends Range {
  /** The whole, of which a run that resumes reads a part. */
  readonly all: Range
  /** Whether neither bound was given. */
  readonly whole: boolean
}

/** Where a range without a beginning begins. One that ends before the first call is counted too, but not for years. */
const beginningOf = (until: Micros, to: Micros | undefined, { isOldestSure, oldest }: Seen): Micros => {
  if (oldest !== undefined && oldest < until) return oldest
  if (to === undefined) return until
  const dayBefore = until - 86_400 * Ask.second
  return oldest !== undefined && isOldestSure ? dayBefore : Math.min(earliestStart, dayBefore)
}

export const boundsOf = (
  { end, from, resume, to }: Asked,
  seen: Seen,
  clocks: Clocks.Clocks,
  newestFirst: boolean
): Bounds => {
  const until = to ?? end ?? Clocks.openEnd(clocks)
  const all = { from: from ?? beginningOf(until, to, seen), to: until }
  const at = resume === undefined ? undefined : Math.min(Math.max(all.from, resume), until)
  return {
    ...all,
    ...(at === undefined ? {} : newestFirst ? { to: at } : { from: at }),
    all,
    whole: from === undefined && to === undefined
  }
}

/** Whether a range without an end, as an earlier process resolved it, ends in the past by now: calls that began since are not in it. */
export const hasEnded = ({ end, to }: Asked, { localNow, serverNow }: Seen): boolean =>
  to === undefined && end !== undefined && end < Math.min(localNow, serverNow)

/** The same where a part was read before, oldest first: reading resumes at its end, wherever the first call is by now. */
export const boundsAfter = (bounds: Bounds, read: Range | undefined): Bounds =>
  read === undefined
    ? bounds
    : { ...bounds, from: read.to, all: { from: Math.min(bounds.all.from, read.from), to: bounds.all.to } }

/** Why nothing can be proven, whatever is counted, if so. */
const doubtOf = ({ from, to }: Asked, { isListCut, isOldestSure }: Seen, { search, status }: Ask.Filters) =>
  Settings.doubtOf(status, search) ??
  (from === undefined && (to === undefined ? isListCut : !isOldestSure) ? Settings.noBeginning : undefined)

/** So many pages overlap for less than two counts and the seams of a walk cost. */
const mostOverlapping = 12

interface Options {
  readonly concurrency: number
  readonly hold: "json" | "objects" | undefined
  readonly horizon: Duration.Input | undefined
  readonly pagesPerWindow: number | undefined
}

export const settingsOf = (
  list: Settings.Settings["list"],
  filters: Ask.Filters,
  asked: Asked,
  seen: Seen,
  clocks: Clocks.Clocks,
  { concurrency, hold, horizon = defaultHorizon, pagesPerWindow }: Options
): Settings.Settings => {
  const { pageSize, roundsPageSize = false, sortBy } = seen.profile
  return {
    list: PastBounds.make(list, Ask.floorSecond(seen.serverNow)),
    filters,
    size: pageSize,
    rounds: roundsPageSize,
    sort: Observe.newest(sortBy),
    repeats: seen.repeats,
    controls: seen.controls,
    ends: seen.ends,
    hold: hold === "objects" ? (rows) => rows : Rows.pack,
    horizon: Duration.toMillis(Duration.fromInputUnsafe(horizon)) * 1000,
    now: clocks.local,
    seen: Math.min(seen.serverNow, clocks.latest),
    latest: Ask.ceilSecond(clocks.latest),
    doubt: doubtOf(asked, seen, filters),
    logs: new Set(),
    perWindow: (pagesPerWindow ?? Partitioner.pagesPerWindow(seen, concurrency)) * pageSize,
    mostOverlapping,
    concurrency,
    maxCharacters: Partitioner.maxCharacters
  }
}
