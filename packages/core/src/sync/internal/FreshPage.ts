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

interface Read extends Outline.Placed {
  readonly facts: Settlement.Facts
  readonly counted: boolean
}

/** @param items Each starts in the range of the sync, and none is twice among them. */
export const make = (
  items: ReadonlyArray<Item<CallSession> & { readonly start: number }>,
  before: Settlement.Statistics,
  { head, key, ledger, now }: About
): Fresh => {
  const readAt = Math.floor(now / Decide.second) * Decide.second
  const page = new EntryPage.NewPage(items.length, head + 1, readAt)
  const kinds = new Map<string, Map<number, Kind>>()
  const read: Array<Read> = []
  for (const item of items) {
    const placed = Outline.placeOf(item)
    const { outlines, place } = placed
    const agent = outlines.agents[outlines.agentOf[place] ?? 0] ?? ""
    const kind = kindOf(kinds, agent, outlines.flags[place] ?? 0)
    const ended = outlines.ended[place] ?? Number.NaN
    const end = Number.isNaN(ended) ? item.start : Math.floor(ended / Decide.second) * Decide.second
    const facts = { agent, status: kind.status, lacks: kind.lacks, end }
    const counted = Decide.isCounted(facts, now)
    read.push({ ...placed, facts, counted })
    if (counted) kind.calls++
  }
  let settlement = before
  for (const own of kinds.values()) {
    for (const kind of own.values()) if (kind.calls > 0) settlement = Settlement.count(settlement, kind, kind.calls)
  }
  const changes: Array<Changed> = []
  let clock = 0
  for (const [i, item] of items.entries()) {
    const one = read[i]
    if (one === undefined) break
    const { counted, created, facts, outlines, place } = one
    const ended = outlines.ended[place] ?? Number.NaN
    const isFinal =
      (facts.lacks.length === 0 && facts.status !== "open") ||
      Settlement.standing(settlement, facts, now)._tag !== "Awaiting"
    const sequence = Version.of(Math.max(1, item.version ?? now))
    clock = Math.max(clock, sequence)
    page.put(i, {
      id: item.id,
      start: item.start,
      created: Decide.wholeSeconds(created),
      ended: Number.isNaN(ended) ? undefined : facts.end,
      agent: facts.agent,
      flags: (outlines.flags[place] ?? 0) | (isFinal ? final : 0),
      counted,
      due: isFinal ? undefined : Decide.dueAfter(settlement, facts, readAt),
      sequence
    })
    for (let facet = 0; facet < Change.facets.length; facet++) {
      page.putDigest(i, facet, Change.digestAt(outlines.sums, place, facet, key))
    }
    const change = {
      kind: "created",
      facets: Change.facets,
      milestones: page.milestonesAt(i),
      sequence,
      previous: null
    } as const
    const commit = { ledger, commit: page.first + i }
    changes.push(Noted.make(change, item, { id: item.id, commit, replaces: undefined }))
  }
  return { page, changes, settlement, clock }
}
