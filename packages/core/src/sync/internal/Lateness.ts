/** Calls that appeared later than the horizon allows for: measured, because no proof can show that none will. */
import * as Schema from "effect/Schema"
import type * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Entry } from "../Ledger.ts"
import type { Why } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import type * as Pass from "./Pass.ts"

export const Lateness = Schema.Struct({
  /** By which it was measured, in µs. */
  horizon: Schema.Int,
  /** Calls with a start time that appeared since then. */
  calls: Schema.Int,
  /** Those of them that started before a watermark that was proven without them. */
  late: Schema.Int,
  /** The longest time from a start to when the call was seen first, of these, in µs. */
  longest: Schema.Int
})
export type Lateness = typeof Lateness.Type

interface About {
  readonly horizon: number
  readonly now: Micros
  readonly watermark: Micros
  readonly coverage: CoverageSet.CoverageSet
}

export const none = (horizon: number): Lateness => ({ horizon, calls: 0, late: 0, longest: 0 })

/** With the starts of calls that were seen for the first time. By another horizon it begins again. */
const observe = (
  before: Lateness | undefined,
  starts: ReadonlyArray<Micros>,
  { coverage, horizon, now, watermark }: About
): Lateness => {
  const known = before?.horizon === horizon ? before : none(horizon)
  if (starts.length === 0) return known
  const holes = coverage.entries.filter(({ verdict }) => verdict !== "proven").map(({ range }) => range)
  const isLate = (start: Micros) =>
    start < watermark && now - start > horizon && !holes.some(({ from, to }) => start >= from && start < to)
  const late = starts.filter(isLate)
  return {
    horizon,
    calls: known.calls + starts.length,
    late: known.late + late.length,
    longest: late.reduce((longest, start) => Math.max(longest, now - start), known.longest)
  }
}

interface Read {
  readonly why: Why
  readonly items: ReadonlyArray<Item<CallSession>>
}

/** After a reading. Calls that are known already, and those that were forgotten, say nothing about when they appeared. */
export const after = (
  { isFirst, now, settings, state }: Pass.Run,
  { items, why }: Read,
  known: ReadonlyMap<string, Entry>
): Lateness => {
  const earliest = Math.max(settings.from, now - settings.remember)
  const isNew = !isFirst && why !== "again"
  const fresh = isNew ? items.filter(({ id }) => !known.has(id)).flatMap(({ start }) => start ?? []) : []
  const { coverage, watermark } = state
  const about = { coverage, horizon: settings.horizon, now, watermark }
  return observe(
    state.lateness,
    fresh.filter((start) => start >= earliest),
    about
  )
}
