/**
 * How far a sync is: what is proven, what may still change, and what is no longer waited for.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CoverageReason } from "../coverage/CoverageReason.ts"
import * as Instant from "../model/Instant.ts"
import * as Allowance from "./internal/Allowance.ts"
import * as Consumers from "./internal/Consumers.ts"
import * as Decide from "./internal/Decide.ts"
import * as Lateness from "./internal/Lateness.ts"
import * as SyncState from "./internal/SyncState.ts"
import { byStart, type Entry, type View } from "./Ledger.ts"
import type { LedgerError } from "./LedgerError.ts"
import * as Settlement from "./Settlement.ts"

/**
 * A range before the watermark that is not proven, and why. Each pass retries some of them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hole {
  readonly from: Instant.Instant
  readonly to: Instant.Instant
  readonly reason: CoverageReason | undefined
}

/**
 * What waits when a day has no requests left:
 *
 * - `audits`: an audit that is due, or a hole.
 * - `looks`: calls are read again later than it is worth it.
 * - `backfill`: the first pass reads its range in parts.
 * - `passes`: a whole pass.
 *
 * @since 0.1.0
 * @category models
 */
export type Work = "passes" | "backfill" | "looks" | "audits"

/**
 * Calls that lack something which is not waited for any more.
 *
 * @since 0.1.0
 * @category models
 */
export interface GivenUp {
  readonly facet: Settlement.Later
  readonly because: Settlement.Because
  readonly calls: number
}

/**
 * Where a sync finds calls without a start time, which are in no range of start times:
 *
 * - `creation`: among all others, in the order of creation
 * - `front`: in front of the list
 * - `end`: at the end of the list
 *
 * @since 0.1.0
 * @category models
 */
export type WithoutStart = "creation" | "front" | "end"

/**
 * A consumer that acknowledges, or a sink of the last run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Consumer {
  /** How many commits it may lack. */
  readonly lacks: number
  /** It has every call that starts before this and is proven, though maybe not in its latest version. */
  readonly watermark: Instant.Instant
  /** The last run had it. */
  readonly isUsed: boolean
}

/**
 * What a ledger shows of its sync. It takes no request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Verdict {
  /** Calls that start earlier are not followed. */
  readonly from: Instant.Instant
  /** Everything that starts before this was read and is proven, or is in a hole. A consumer may lack it. */
  readonly watermark: Instant.Instant
  /**
   * Everything that starts before this is proven, or is in a hole, and each consumer of the last run has it; `undefined` where
   * that is nothing. Of a first pass that is not finished, it is nothing: calls without a start time are read last.
   */
  readonly completeUpTo: Instant.Instant | undefined
  readonly isFirstPass: boolean
  /** How long after its start a call may appear in the API, in microseconds. */
  readonly horizon: number
  readonly holes: ReadonlyArray<Hole>
  /** Calls that are known and not gone. */
  readonly calls: number
  /** Those of them that may still change, and the start of the oldest one. */
  readonly awaited: { readonly calls: number; readonly oldest: Instant.Instant | undefined }
  /**
   * Where calls without a start time are found, `undefined` while none shows it, and how many the API counts that it does not let a sync
   * find.
   */
  readonly withoutStart: { readonly by: WithoutStart | undefined; readonly hidden: number }
  /** Calls that appeared since the first pass, how many later than the horizon, and how long the longest took, in µs. */
  readonly lateness: { readonly calls: number; readonly late: number; readonly longest: number }
  /** The time of the server's clock where it has stopped; then the watermark waits. */
  readonly stopped: Instant.Instant | undefined
  /** Calls that were read again although nothing was expected of them, and how many of these had changed. */
  readonly audited: { readonly looked: number; readonly changed: number }
  /** Requests that were sent in the last day, by this machine's clock, and what waits because there may be no more. */
  readonly requests: {
    readonly sent: number
    /** The most a day, of the last pass. */
    readonly most: number | undefined
    readonly waiting: ReadonlyArray<{ readonly work: Work; readonly since: Instant.Instant }>
  }
  readonly consumers: Readonly<Record<string, Consumer>>
}

const always = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER }

const stateOf = (view: View) => SyncState.open(view, 0, 0)

const withoutStartOf = (
  { byCreation, listEnd, profile, withoutStart }: SyncState.SyncState,
  calls: number
): Verdict["withoutStart"] => {
  if (byCreation?.works === true) return { by: "creation", hidden: 0 }
  const hidden = withoutStart?.hidden ?? 0
  if (listEnd?.works === true) return { by: "end", hidden }
  // Where bounds mean nothing, every page is read.
  const isInFront = calls > 0 && byCreation?.works === false && profile?.filterProblem === undefined
  return { by: isInFront ? "front" : undefined, hidden }
}

/** What no consumer has for sure: calls that are owed, and ranges that a resync has not delivered yet. */
const owedFrom = Effect.fnUntraced(function* (
  view: View,
  { again = [] }: SyncState.SyncState,
  awaited: ReadonlyArray<Entry>
) {
  const owed = [...awaited, ...(yield* view.absent)].filter(({ owed }) => owed)
  return [...owed.map(timeOf), ...again.map(({ from }) => from)].reduce((least, at) => Math.min(least, at), Infinity)
})

const timeOf = ({ created, firstSeen, start }: Entry): number => start ?? created ?? firstSeen

interface Known {
  readonly state: SyncState.SyncState
  readonly head: number
  readonly withoutStart: ReadonlyArray<Entry>
  readonly owed: number
}

const consumersOf = Effect.fnUntraced(function* (view: View, { head, owed, state, withoutStart }: Known) {
  const acknowledged = yield* view.acknowledged
  const { consumers: kept } = state
  const used = new Set(kept === undefined ? Object.keys(acknowledged) : Consumers.used(kept))
  const names = new Set([...Object.keys(kept ?? {}), ...Object.keys(acknowledged)])
  return yield* Effect.forEach(names, (name) =>
    Effect.gen(function* () {
      const has = Consumers.has(kept?.[name], acknowledged[name]?.commit ?? 0)
      const isUsed = used.has(name)
      // Before the first call of all nothing is missing, which would be no news.
      if (has === 0 && head > 0) return [name, { lacks: head, watermark: Instant.of(state.from), isUsed }] as const
      const times = has < head ? withoutStart.filter(({ born }) => born > has).map(timeOf) : []
      const born = has < head ? yield* view.bornAfter(has) : undefined
      const least = times.reduce((least, at) => Math.min(least, at), Math.min(state.watermark, owed, born ?? Infinity))
      const watermark = Instant.of(Math.max(state.from, least))
      return [name, { lacks: Math.max(0, head - has), watermark, isUsed }] as const
    })
  )
})

/**
 * The verdict of a ledger. Of a ledger that no pass was noted in, the watermark is 1970.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = Effect.fnUntraced(function* (view: View): Effect.fn.Return<Verdict, LedgerError> {
  const { head, state } = yield* stateOf(view)
  const { requests = Allowance.empty } = state
  const awaited = yield* view.awaiting(Number.MAX_SAFE_INTEGER)
  const oldest = awaited.filter(({ start }) => start !== undefined).sort(byStart)[0]?.start
  const dated = yield* view.count(always)
  const withoutStart = yield* view.withoutStart
  const owed = yield* owedFrom(view, state, awaited)
  const consumers = yield* consumersOf(view, { state, head, withoutStart, owed })
  const isFirstPass = state.read === undefined
  const complete = consumers.reduce(
    (least, [, { isUsed, watermark }]) => (isUsed ? Math.min(least, watermark) : least),
    state.watermark
  )
  return {
    from: Instant.of(state.from),
    watermark: Instant.of(state.watermark),
    completeUpTo: isFirstPass || complete <= state.from ? undefined : Instant.of(complete),
    isFirstPass,
    horizon: state.horizon,
    holes: state.coverage.entries
      .filter(({ verdict }) => verdict !== "proven")
      .map(({ range, reason }) => ({ ...range, reason })),
    calls: dated + withoutStart.length,
    awaited: { calls: awaited.length, oldest: oldest === undefined ? undefined : Instant.of(oldest) },
    withoutStart: withoutStartOf(state, withoutStart.length),
    lateness: state.lateness ?? Lateness.none(state.horizon),
    stopped: state.stopped === undefined ? undefined : Instant.of(state.stopped),
    audited: state.settlement.audited,
    requests: {
      sent: Allowance.sentIn(requests, yield* Allowance.now),
      most: requests.most,
      waiting: requests.waiting.map(({ since, work }) => ({ work, since: Instant.of(since) }))
    },
    consumers: Object.fromEntries(consumers)
  }
})

/** When the state was noted last, as far as it shows. */
const nowOf = ({ horizon, watermark }: SyncState.SyncState): number => watermark + horizon

/**
 * Counts what is no longer waited for, most calls first. Reads every call of the ledger.
 *
 * @since 0.1.0
 * @category reading
 */
export const givenUp = Effect.fnUntraced(function* (view: View): Effect.fn.Return<ReadonlyArray<GivenUp>, LedgerError> {
  const { state } = yield* stateOf(view)
  const now = nowOf(state)
  const found = new Map<string, GivenUp>()
  const count = (entries: ReadonlyArray<Entry>) => {
    for (const entry of entries) {
      if (entry.gone !== undefined) continue
      const standing = Settlement.standing(state.settlement, Decide.factsOf(entry), now)
      if (standing._tag !== "GivenUp") continue
      for (const { because, facet } of standing.facets) {
        const key = `${facet} ${because}`
        found.set(key, { facet, because, calls: (found.get(key)?.calls ?? 0) + 1 })
      }
    }
  }
  yield* Stream.runForEachArray(view.all, (entries) => Effect.sync(() => count(entries)))
  return [...found.values()].sort((left, right) => right.calls - left.calls)
})

/**
 * What the ledger knows of one call, and what is expected of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Explained {
  readonly entry: Entry
  readonly standing: Settlement.Standing
  /** Consumers that have its latest version, and those that may lack it. */
  readonly has: ReadonlyArray<string>
  readonly lacks: ReadonlyArray<string>
}

/**
 * Explains one call; `undefined` of one that the ledger does not know.
 *
 * @since 0.1.0
 * @category reading
 */
export const explain = Effect.fnUntraced(function* (
  view: View,
  id: string
): Effect.fn.Return<Explained | undefined, LedgerError> {
  const { state } = yield* stateOf(view)
  const entry = (yield* view.byId([id])).get(id)
  if (entry === undefined) return undefined
  const acknowledged = yield* view.acknowledged
  const consumers = new Set([...Object.keys(state.consumers ?? {}), ...Object.keys(acknowledged)])
  const isLatest = (commit: number) => !entry.owed && commit >= entry.changed
  const names = (isWanted: (commit: number) => boolean) =>
    [...consumers].filter((name) => isWanted(Consumers.has(state.consumers?.[name], acknowledged[name]?.commit ?? 0)))
  return {
    entry,
    standing: Settlement.standing(state.settlement, Decide.factsOf(entry), nowOf(state)),
    has: names(isLatest),
    lacks: names((commit) => !isLatest(commit))
  }
})
