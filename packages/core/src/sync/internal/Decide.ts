/** What an answer makes of what was known of a call: pure, a call at a time. */
import * as Change from "../../model/Change.ts"
import type { Outline } from "../../model/internal/Outline.ts"
import type { Micros } from "../Tail.ts"
import * as Version from "../../model/Version.ts"
import { type Entry, factsOf } from "../LedgerEntry.ts"
import * as Settlement from "../Settlement.ts"
import * as Tail from "../Tail.ts"

export const second = 1_000_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Contradictions are accepted when they are seen again that much later. */
export const doubtFor = 10 * minute

export interface Seen {
  readonly id: string
  readonly outline: Outline
  readonly start: Micros | undefined
  readonly version: Version.Version
}

export interface About {
  readonly key: Change.Key
  readonly from: Micros
  readonly now: Micros
  /** Nothing was known before: that a call is new says nothing about when it appeared. */
  readonly isFirst: boolean
  /** When what is new was read before, if it was. */
  readonly before?: Micros | undefined
}

/** A change before it has a commit. */
export type Changed = Omit<Change.Change, "id">

export interface Decided {
  readonly learned: Settlement.Statistics
  /** `born` and `changed` of a change are for the caller, who gives commits. Nothing of a call that is not followed. */
  readonly entry?: Entry | undefined
  readonly change?: Changed | undefined
}

/** Many calls lack the same: their lists of milestones are a few. */
const lacking = new WeakMap<ReadonlyArray<Change.Milestone>, ReadonlyArray<Settlement.Later>>()

const lacksOf = (milestones: ReadonlyArray<Change.Milestone>): ReadonlyArray<Settlement.Later> => {
  const known = lacking.get(milestones)
  if (known !== undefined) return known
  const lacks = Settlement.laters.filter((facet) => !milestones.includes(facet))
  lacking.set(milestones, lacks)
  return lacks
}

const finals = new WeakMap<ReadonlyArray<Change.Milestone>, ReadonlyArray<Change.Milestone>>()

const withFinal = (milestones: ReadonlyArray<Change.Milestone>): ReadonlyArray<Change.Milestone> => {
  const known = finals.get(milestones)
  if (known !== undefined) return known
  const all: ReadonlyArray<Change.Milestone> = [...milestones, "final"]
  finals.set(milestones, all)
  return all
}

export const wholeSeconds = (instant: Micros | undefined): Micros | undefined =>
  instant === undefined ? undefined : Math.floor(instant / second) * second

/** What the record is, as an entry that nobody saw before. */
const read = ({ id, outline, start, version }: Seen, { key, now }: About): Entry => {
  const { agent, created, digests, ended, milestones, status } = outline
  const at = Math.floor(now / second) * second
  return {
    id,
    start,
    created: wholeSeconds(created),
    ended: wholeSeconds(ended),
    agent,
    status,
    digests: digests(key),
    milestones,
    lacks: lacksOf(milestones),
    sequence: version,
    readAt: at,
    firstSeen: at,
    born: 0,
    changed: 0,
    due: undefined,
    doubted: undefined,
    gone: undefined,
    owed: false,
    counted: false,
    shown: "never",
    row: undefined
  }
}

/** What would be a correction of something final, or comes from a replica that lags. */
const isBack = (known: Entry, next: Entry): boolean =>
  (known.status !== "open" && next.status === "open") ||
  (known.start !== undefined && next.start === undefined) ||
  next.lacks.some((facet) => !known.lacks.includes(facet))

/** Passes follow one another closely. */
export const closely = 5 * minute

/** A change that waits for less is worth less: it may wait for others of its page. */
export const fullWait = 7 * minute

/** A page of calls, each of which has changed with this chance, adds to what is worth a request. */
const leastGain = 0.005

/** How long a call may wait: each half as long again as the one before. */
const waits = Array.from({ length: 27 }, (_, i) => minute * 1.5 ** i)

const dueOf = (learned: Settlement.Statistics, entry: Entry): Micros | undefined =>
  dueAfter(learned, factsOf(entry), entry.readAt)

/** When a call that was read at `readAt` adds to what reading its page is worth; nothing where nothing is expected. */
export const dueAfter = (
  learned: Settlement.Statistics,
  facts: Settlement.Facts,
  readAt: Micros
): Micros | undefined => {
  const all = Settlement.gain(learned, facts, readAt, readAt + 2 * Tail.longest)
  if (all < Settlement.leastChance) return undefined
  const enough = Math.min(leastGain, all / 2)
  const value = (wait: number) => Settlement.gain(learned, facts, readAt, readAt + wait) * Math.min(1, wait / fullWait)
  // The longer the wait, the more it is worth.
  let [low, high] = [0, waits.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value(waits[middle] ?? Infinity) < enough) low = middle + 1
    else high = middle
  }
  return Math.floor((readAt + (waits[low] ?? Tail.longest)) / second) * second
}

/** How long each took that came between two instants: about as long as to the middle. */
const learnDelays = (
  learned: Settlement.Statistics,
  { ended = Infinity }: Entry,
  came: ReadonlyArray<Settlement.Later>,
  after: Micros,
  now: Micros
): Settlement.Statistics => {
  const delay = (now + after) / 2 - ended
  if (came.length === 0 || delay < 0) return learned
  const delays = { ...learned.delays }
  for (const facet of came) delays[facet] = Tail.observe(delays[facet], delay)
  return { ...learned, delays }
}

const learnNew = (learned: Settlement.Statistics, next: Entry, { before = -Infinity, isFirst, now }: About) => {
  if (isFirst) return learned
  const { ended, lacks, start } = next
  const there = Settlement.laters.filter((facet) => !lacks.includes(facet))
  const known = ended === undefined ? learned : learnDelays(learned, next, there, ended, now)
  if (start === undefined || now - before >= closely) return known
  const age = (now + Math.max(before, Math.min(now, start))) / 2 - start
  return { ...known, births: Tail.observe(known.births, age) }
}

const learn = (learned: Settlement.Statistics, known: Entry | undefined, next: Entry, about: About) => {
  if (known === undefined) return learnNew(learned, next, about)
  const came = known.lacks.filter((facet) => !next.lacks.includes(facet))
  const { ended, start } = next
  let now = ended === undefined ? learned : learnDelays(learned, next, came, Math.max(ended, known.readAt), about.now)
  if (came.length > 0 && known.counted) now = Settlement.correct(now, next, came)
  if (known.status === "open" && next.status !== "open" && ended !== undefined && start !== undefined) {
    now = { ...now, durations: Tail.observe(now.durations, ended - start) }
  }
  return now
}

/** Whether a call is old enough to be counted. */
export const isCounted = (status: Settlement.Facts["status"], end: Micros, now: Micros): boolean =>
  status !== "open" && now - end >= day

const countIfOld = (learned: Settlement.Statistics, entry: Entry, counted: boolean, now: Micros) => {
  const facts = factsOf(entry)
  if (counted || !isCounted(facts.status, facts.end, now)) return { learned, counted }
  return { learned: Settlement.count(learned, facts), counted: true }
}

const isFinal = (learned: Settlement.Statistics, entry: Entry, now: Micros): boolean =>
  Settlement.standing(learned, factsOf(entry), now)._tag !== "Awaiting"

const union = <A>(order: ReadonlyArray<A>, left: ReadonlyArray<A>, right: ReadonlyArray<A>): ReadonlyArray<A> =>
  order.filter((one) => left.includes(one) || right.includes(one))

/** The answer shows the call. */
export const seen = (learned: Settlement.Statistics, known: Entry | undefined, one: Seen, about: About): Decided => {
  const next = read(one, about)
  const isOutside = next.start !== undefined && next.start < about.from
  // A walk goes further back than the range: by chance it shows calls that never connected and were created before it.
  const isOlder = next.start === undefined && next.created !== undefined && next.created < about.from
  if (known === undefined && (isOutside || isOlder)) return { learned }
  if (known !== undefined && known.gone === undefined && !isOutside) {
    const facets = Change.differing(known.digests, next.digests)
    if (facets.length === 0 && !known.owed) {
      const { counted, learned: now } = countIfOld(learned, known, known.counted, about.now)
      const entry = { ...known, readAt: next.readAt, doubted: undefined, counted }
      return { learned: now, entry: { ...entry, due: dueOf(now, entry) } }
    }
    const { doubted } = known
    const first = doubted?.first ?? next.readAt
    if (isBack(known, next) && about.now - first < doubtFor) {
      const since = doubted?.as === "back" ? doubted.since : next.readAt
      return { learned, entry: { ...known, doubted: { as: "back", since, first }, due: first + doubtFor } }
    }
  }
  if (known?.gone === "left" && isOutside) return { learned }
  const taught = learn(learned, known, next, about)
  const { counted, learned: now } = countIfOld(taught, next, known?.counted ?? false, about.now)
  const reached = isFinal(now, next, about.now) ? withFinal(next.milestones) : next.milestones
  const isNew = known === undefined || (known.gone !== undefined && !isOutside)
  const before = known?.milestones ?? []
  const firstSeen = known?.firstSeen ?? next.firstSeen
  const entry: Entry = {
    ...next,
    sequence: Version.of(Math.max(next.sequence, (known?.sequence ?? 0) + 1)),
    firstSeen,
    due: dueOf(now, firstSeen === next.firstSeen ? next : { ...next, firstSeen }),
    born: known?.born ?? 0,
    milestones: known === undefined ? reached : union(Change.Milestone.literals, before, reached),
    gone: isOutside ? "left" : undefined,
    counted,
    shown: known?.shown ?? "never",
    row: known?.row
  }
  const differing = known === undefined ? Change.facets : Change.differing(known.digests, next.digests)
  return {
    learned: now,
    entry,
    change: {
      kind: isOutside ? "left" : isNew ? "created" : "updated",
      facets: isNew || known.owed ? Change.facets : differing,
      milestones: known === undefined || known.owed ? reached : reached.filter((one) => !before.includes(one)),
      sequence: entry.sequence,
      previous: known === undefined || known.owed ? null : known.sequence
    }
  }
}

/** Whether it was absent long enough ago. */
export const isAbsentFor = ({ doubted }: Entry, now: Micros): boolean =>
  doubted?.as === "absent" && now - doubted.since >= doubtFor

/** It is not where it should be. */
export const missed = (known: Entry, now: Micros): Entry => {
  const { doubted } = known
  const since = Math.floor(now / second) * second
  return doubted?.as === "absent"
    ? known
    : { ...known, doubted: { as: "absent", since, first: doubted?.first ?? since } }
}

/** It is nowhere. */
export const removed = (
  known: Entry,
  version: Version.Version
): { readonly entry: Entry; readonly change: Changed } => {
  const sequence = Version.of(Math.max(version, known.sequence + 1))
  return {
    entry: { ...known, gone: "removed", due: undefined, doubted: undefined, owed: false, sequence },
    change: { kind: "removed", facets: [], milestones: [], sequence, previous: known.owed ? null : known.sequence }
  }
}
