/** What a first pass makes of a reading: all its calls are new, and nothing is compared. */
import type { CallSession } from "../../model/CallSession.ts"
import * as Change from "../../model/Change.ts"
import type { Item } from "../../model/Item.ts"
import * as Outline from "../../model/internal/Outline.ts"
import * as Packed from "../../model/internal/Packed.ts"
import * as Version from "../../model/Version.ts"
import * as Settlement from "../Settlement.ts"
import type { Change as Changed } from "../Sync.ts"
import * as Decide from "./Decide.ts"
import * as EntryBytes from "./EntryBytes.ts"
import * as EntryPage from "./EntryPage.ts"
import * as Noted from "./Noted.ts"

interface About {
  readonly ledger: string
  readonly key: Change.Key
  readonly now: number
  /** The last commit that was given. */
  readonly head: number
}

export interface Fresh {
  readonly page: EntryPage.NewPage
  readonly changes: ReadonlyArray<Changed>
  readonly settlement: Settlement.Statistics
  /** The greatest version. */
  readonly clock: number
}

/** What the status says, and what was reached, as in `Outline`: final behind all others. */
const final = 1 << 6

interface Kind extends Pick<Settlement.Facts, "agent" | "lacks" | "status"> {
  calls: number
}

/** Calls of the same agent and with the same flags are of a kind: what is counted is counted once for all. */
const kindOf = (kinds: Map<string, Map<number, Kind>>, agent: string, flags: number): Kind => {
  const own = kinds.get(agent) ?? new Map<number, Kind>()
  if (own.size === 0) kinds.set(agent, own)
  const known = own.get(flags)
  if (known !== undefined) return known
  const kind = {
    agent,
    status: EntryBytes.statuses[flags & 3] ?? "open",
    lacks: EntryBytes.lacksOf[(~flags >>> 3) & 7] ?? [],
    calls: 0
  }
  own.set(flags, kind)
  return kind
}

/** Neighbours mostly have the same change: one is made for all of them. */
const changing = () => {
  let last: Decide.Changed | undefined
  return (milestones: Decide.Changed["milestones"], sequence: Version.Version): Decide.Changed => {
    if (last?.milestones === milestones && last.sequence === sequence) return last
    last = { kind: "created", facets: Change.facets, milestones, sequence, previous: null }
    return last
  }
}

/** Columns of the calls, read before any of them is decided. */
interface Read {
  readonly outlines: ReadonlyArray<Packed.Outlines>
  readonly kinds: ReadonlyArray<Kind>
  readonly ends: Float64Array
  readonly counted: Uint8Array
}

const readAll = (items: ReadonlyArray<Dated>, now: number): Read => {
  const known = new Map<string, Map<number, Kind>>()
  const outlines: Array<Packed.Outlines> = []
  const kinds: Array<Kind> = []
  const ends = new Float64Array(items.length)
  const counted = new Uint8Array(items.length)
  for (const item of items) {
    const i = kinds.length
    const of = Outline.outlinesOf(item)
    const place = Packed.placeOf(item)
    const kind = kindOf(known, of.agents[of.agentOf[place] ?? 0] ?? "", of.flags[place] ?? 0)
    const ended = of.ended[place] ?? Number.NaN
    const end = Number.isNaN(ended) ? item.start : Math.floor(ended / Decide.second) * Decide.second
    outlines.push(of)
    kinds.push(kind)
    ends[i] = end
    if (!Decide.isCounted(kind.status, end, now)) continue
    counted[i] = 1
    kind.calls++
  }
  return { outlines, kinds, ends, counted }
}

/** Counts them, once for each kind. */
const countAll = (before: Settlement.Statistics, { kinds }: Read): Settlement.Statistics => {
  let settlement = before
  for (const kind of new Set(kinds)) {
    if (kind.calls > 0) settlement = Settlement.count(settlement, kind, kind.calls)
  }
  return settlement
}

type Dated = Item<CallSession> & { readonly start: number }

/** When a call is due, in seconds, 0 where it is not; nothing where nothing more is expected of it. */
const dueOf = (
  settlement: Settlement.Statistics,
  facts: Settlement.Facts,
  now: number,
  readAt: number
): number | undefined =>
  Settlement.standing(settlement, facts, now)._tag === "Awaiting"
    ? Math.floor((Decide.dueAfter(settlement, facts, readAt) ?? 0) / Decide.second)
    : undefined

/** What the calls of a reading share while they are decided. */
interface Deciding extends Omit<About, "head"> {
  readonly page: EntryPage.NewPage
  readonly read: Read
  readonly settlement: Settlement.Statistics
  readonly changeOf: ReturnType<typeof changing>
}

/**
 * Decides on one call, and gives its change. A function of its own, because V8 compiles a long loop again in the middle of it, as often
 * as something in it is new: a small function is compiled once.
 */
const decide = (about: Deciding, item: Dated, outlines: Packed.Outlines, kind: Kind, i: number): Changed => {
  const { changeOf, key, now, page, read, settlement } = about
  const { id } = item
  const place = Packed.placeOf(item)
  const end = read.ends[i] ?? Number.NaN
  const ended = outlines.ended[place] ?? Number.NaN
  const isWhole = kind.lacks.length === 0 && kind.status !== "open"
  const due = isWhole ? undefined : dueOf(settlement, { ...kind, end }, now, page.readAt)
  const sequence = Version.of(Math.max(1, item.version ?? now))
  const created = Decide.wholeSeconds(Packed.createdInstant(item)) ?? Number.NaN
  page.putTimes(i, item.start, created, Number.isNaN(ended) ? ended : end)
  page.putVersion(i, sequence)
  const flags = (outlines.flags[place] ?? 0) | (due === undefined ? final : 0)
  page.put(i, id, kind.agent, flags, read.counted[i] === 1, due ?? 0)
  for (let facet = 0; facet < Change.facets.length; facet++) {
    page.putDigest(i, facet, Change.signedDigestAt(outlines.sums, place, facet, key))
  }
  const commit = { ledger: about.ledger, commit: page.first + i }
  return Noted.make(changeOf(page.milestonesAt(i), sequence), item, { id, commit, replaces: undefined })
}

/** @param items Each starts in the range of the sync, and none is twice among them. */
export const make = (
  items: ReadonlyArray<Dated>,
  before: Settlement.Statistics,
  { head, key, ledger, now }: About
): Fresh => {
  const readAt = Math.floor(now / Decide.second) * Decide.second
  const page = new EntryPage.NewPage(items.length, head + 1, readAt)
  const read = readAll(items, now)
  const settlement = countAll(before, read)
  const about: Deciding = { key, ledger, now, page, read, settlement, changeOf: changing() }
  const changes: Array<Changed> = []
  let clock = 0
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    const outlines = read.outlines[i]
    const kind = read.kinds[i]
    if (item === undefined || outlines === undefined || kind === undefined) break
    const change = decide(about, item, outlines, kind, i)
    clock = Math.max(clock, change.sequence)
    changes.push(change)
  }
  return { page, changes, settlement, clock }
}
