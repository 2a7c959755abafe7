/** What a first pass makes of a reading: all its calls are new, and nothing is compared. */
import type { CallSession } from "../../model/CallSession.ts"
import * as Change from "../../model/Change.ts"
import type { Item } from "../../model/Item.ts"
import * as Outline from "../../model/internal/Outline.ts"
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

interface Read extends Outline.Placed {
  readonly kind: Kind
  readonly facts: Settlement.Facts
  readonly counted: boolean
}

const readAll = (items: ReadonlyArray<Dated>, now: number): ReadonlyArray<Read> => {
  const kinds = new Map<string, Map<number, Kind>>()
  const read: Array<Read> = []
  for (const item of items) {
    const { created, outlines, place } = Outline.placeOf(item)
    const agent = outlines.agents[outlines.agentOf[place] ?? 0] ?? ""
    const kind = kindOf(kinds, agent, outlines.flags[place] ?? 0)
    const ended = outlines.ended[place] ?? Number.NaN
    const end = Number.isNaN(ended) ? item.start : Math.floor(ended / Decide.second) * Decide.second
    const facts = { agent, status: kind.status, lacks: kind.lacks, end }
    const counted = Decide.isCounted(facts, now)
    read.push({ outlines, place, created, kind, facts, counted })
    if (counted) kind.calls++
  }
  return read
}

/** What is learned of them, once for each kind. */
const learn = (before: Settlement.Statistics, read: ReadonlyArray<Read>): Settlement.Statistics => {
  let settlement = before
  for (const kind of new Set(read.map(({ kind }) => kind))) {
    if (kind.calls > 0) settlement = Settlement.count(settlement, kind, kind.calls)
  }
  return settlement
}

type Dated = Item<CallSession> & { readonly start: number }

/** @param items Each starts in the range of the sync, and none is twice among them. */
export const make = (
  items: ReadonlyArray<Dated>,
  before: Settlement.Statistics,
  { head, key, ledger, now }: About
): Fresh => {
  const readAt = Math.floor(now / Decide.second) * Decide.second
  const page = new EntryPage.NewPage(items.length, head + 1, readAt)
  const read = readAll(items, now)
  const settlement = learn(before, read)
  const changeOf = changing()
  const changes: Array<Changed> = []
  let clock = 0
  for (let i = 0; i < items.length; i++) {
    const [item, one] = [items[i], read[i]]
    if (item === undefined || one === undefined) break
    const { counted, created, facts, outlines, place } = one
    const isFinal =
      (facts.lacks.length === 0 && facts.status !== "open") ||
      Settlement.standing(settlement, facts, now)._tag !== "Awaiting"
    const sequence = Version.of(Math.max(1, item.version ?? now))
    clock = Math.max(clock, sequence)
    const { id } = item
    page.put(i, {
      id,
      start: item.start,
      created: Decide.wholeSeconds(created),
      ended: Number.isNaN(outlines.ended[place] ?? Number.NaN) ? undefined : facts.end,
      agent: facts.agent,
      flags: (outlines.flags[place] ?? 0) | (isFinal ? final : 0),
      counted,
      due: isFinal ? undefined : Decide.dueAfter(settlement, facts, readAt),
      sequence
    })
    for (let facet = 0; facet < Change.facets.length; facet++) {
      page.putDigest(i, facet, Change.digestAt(outlines.sums, place, facet, key))
    }
    const commit = { ledger, commit: page.first + i }
    changes.push(Noted.make(changeOf(page.milestonesAt(i), sequence), item, { id, commit, replaces: undefined }))
  }
  return { page, changes, settlement, clock }
}
