/**
 * New calls. Where the server orders by creation, a walk from the newest creation brings it, calls without a start time among it,
 * and one count proves the range that passes the horizon. Elsewhere that range is read to its proof, as an export reads it.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import type { Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { Created } from "./CreationSearch.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Pass from "./Pass.ts"
import * as Counts from "./Counts.ts"
import * as EndLooks from "./EndLooks.ts"
import * as ListEnd from "./ListEnd.ts"
import * as SyncState from "./SyncState.ts"
import * as CreationWalk from "./CreationWalk.ts"

const { second } = Decide
const minute = 60 * second
const hour = 60 * minute

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

/** After a longer pause the history is read as an export reads it: in windows, several at once. */
const longestWalk = 72 * hour

/** Calls without a start time are looked for at least once in so many times. */
const mostIdle = 3

/** How long after it the next pass reads everything again that may have come: others read what is likely to have changed. */
const pace = (horizon: number): number => 0.45 * horizon

/** Whether a pass that begins then reads everything which may have come, and proves it. */
export const isWholeAt = (read: SyncState.SyncState["read"], began: Micros, horizon: number): boolean =>
  read === undefined || began - read.whole >= pace(horizon)

/** Whether this pass is one of them. */
export const isWhole = ({ began, settings: { horizon }, state: { read } }: Pass.Run): boolean =>
  isWholeAt(read, began, horizon)

const noteRead = (run: Pass.Run, whole: boolean): Effect.Effect<void, LedgerError> =>
  Effect.suspend(() => {
    const before = run.state.read
    const read = { whole: whole ? run.began : (before?.whole ?? run.began), last: run.began }
    run.state = { ...run.state, read }
    return SyncState.note(run.settings.lease, run.state, run.head, [])
  })

/** A range at the bounds of which nothing starts, as one count can compare it: with a known call in it, so that no outage looks like it. */
const countable = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<Span | undefined, LedgerError> {
  const { from: begin, horizon, lease } = run.settings
  const { watermark } = run.state
  const to = yield* Counts.edge(lease, run.now - horizon)
  const latest = Math.min(to, run.now - horizon)
  for (const back of [minute, hour, 6 * hour, 24 * hour]) {
    const wanted = Math.max(begin + minute, watermark - back)
    const from = yield* Counts.edge(lease, wanted)
    if (from < latest && from <= watermark && (yield* lease.count({ from, to: latest })) > 0) return { from, to }
  }
  return undefined
})

/**
 * Moves the watermark to the horizon if the server counts what was read just now: all that is known there was listed in this pass,
 * and there is nothing else.
 */
const proveByCount = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint
): Effect.fn.Return<Look | undefined, AgniError | LedgerError> {
  const { lease } = run.settings
  const range = yield* countable(run)
  if (range === undefined || range.to - 2 * second <= run.state.watermark) return undefined
  const known = yield* lease.between({ from: run.state.watermark, to: range.to })
  if (known.some(({ doubted, readAt }) => readAt < run.began || doubted?.as === "back")) return undefined
  const before = endpoint.requests()
  const expected = yield* Counts.expectedIn(run, range)
  const counted = yield* endpoint.count(range, expected)
  const requests = endpoint.requests() - before
  const isProven = counted === expected
  const watermark = Math.min(range.to - 2 * second, run.now - run.settings.horizon)
  const entry: CoverageSet.Entry = {
    range: Pass.rangeOf({ from: run.state.watermark, to: watermark }),
    verdict: "proven",
    requests: 0,
    asOf: Instant.of(run.now)
  }
  return yield* Pass.note(run, { why: "new", items: [], rejected: [], requests, uncounted: [] }, (state) =>
    isProven && watermark > state.watermark
      ? { ...state, watermark, coverage: CoverageSet.replace(state.coverage, entry) }
      : state
  )
})

/** So long before its start a call may have been created for a walk to go back to it. */
const longestRing = 10 * minute

/**
 * Back to when a walk goes that reads everything which may have come: what was created since a horizon before the last one, and what
 * is in the range that passes the horizon now, because that was created earlier still.
 */
const backTo = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<Micros, LedgerError> {
  const { horizon, lease } = run.settings
  const { read, watermark } = run.state
  const from = (read?.whole ?? run.now) - horizon - minute
  const passing = yield* lease.between({ from: watermark, to: run.now - horizon })
  return passing.reduce(
    (least, { created = from }) => (created >= from - longestRing ? Math.min(least, created - second) : least),
    from
  )
})

/** New calls, as an export reads them. */
const byProof = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.suspend(() => {
    const { from, remember } = run.settings
    const { watermark, withoutStart } = run.state
    const isUsable = run.profile.filterProblem === undefined
    const resume = isUsable && run.isFirst && watermark > from ? watermark : undefined
    // A pass that cannot walk brings what a walk would have brought.
    const isDue =
      !ListEnd.works(run) &&
      (withoutStart === undefined ||
        run.state.byCreation?.works === true ||
        run.began - withoutStart.at >= pace(run.settings.horizon) * 2 ** Math.min(mostIdle, withoutStart.idle))
    // Where bounds mean nothing all pages come anyway: nothing else would bring changes of calls before the watermark.
    const range = { from: run.isFirst ? from : isUsable ? watermark : Math.max(from, run.now - remember) }
    const noteAt = Effect.suspend(() => {
      // Whether something came is noted with it.
      run.state = { ...run.state, withoutStart: { idle: 0, ...run.state.withoutStart, at: run.began } }
      return noteRead(run, true)
    })
    return Pass.prove(run, "new", range, {
      resume,
      withoutStart: isDue || !isUsable ? "include" : "skip",
      // The first commit is the first call.
      isNew: run.isFirst && run.head === 0
    }).pipe(
      Stream.concat(EndLooks.looks(run, endpoint)),
      Stream.concat(Stream.fromEffectDrain(isDue || !isUsable ? noteAt : noteRead(run, true)))
    )
  })

/** New calls, in the order of creation. */
const byCreation = (run: Pass.Run, endpoint: Endpoint, first: Created): Looks => {
  const { horizon } = run.settings
  const { read } = run.state
  const whole = isWhole(run)
  const proof = Stream.suspend(() =>
    Stream.unwrap(
      Effect.gen(function* () {
        const look = yield* proveByCount(run, endpoint)
        const done = Stream.fromEffectDrain(noteRead(run, true))
        const isProven = run.state.watermark >= run.now - horizon - 2 * minute
        const to = Math.floor((run.now - horizon) / second) * second
        const rest =
          isProven || to <= run.state.watermark
            ? Stream.empty
            : Pass.prove(run, "new", { from: run.state.watermark, to }, { withoutStart: "skip" })
        return Stream.concat(Stream.fromIterable(look === undefined ? [] : [look]), Stream.concat(rest, done))
      })
    )
  )
  const from = whole ? backTo(run) : Effect.succeed((read?.last ?? run.now) - minute)
  const walked = { isComplete: false }
  const walk = Stream.unwrap(
    Effect.map(from, (from) =>
      CreationWalk.walk(run, endpoint, "new", { from, to: Infinity }, { page: 1, first }, () => {
        walked.isComplete = true
        return whole ? proof : Stream.fromEffectDrain(noteRead(run, false))
      })
    )
  )
  // A server may not go so deep: the next walk would be longer still.
  const instead = Stream.suspend(() => (walked.isComplete || !whole ? Stream.empty : byProof(run, endpoint)))
  return Stream.concat(walk, instead)
}

/** The newest calls alone, between passes that read everything. */
const newest = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.fromEffect(
    Effect.gen(function* () {
      const from = Math.floor(((run.state.read?.last ?? run.now) - 5 * minute) / second) * second
      const look = yield* Pass.look(run, endpoint, "new", { from, to: Math.ceil(run.now / second) * second + hour })
      yield* noteRead(run, false)
      return look
    })
  )

/** How often callstream checks whether the server orders by creation. */
const triedAgain = 24 * hour

/** Whether a pass begins with the first page in the order of creation. */
export const isByCreation = ({ byCreation, read }: SyncState.SyncState, now: Micros): boolean =>
  read !== undefined &&
  now - read.whole <= longestWalk &&
  (byCreation === undefined || byCreation.works || now - byCreation.at >= triedAgain)

export const looks = (run: Pass.Run, endpoint: Endpoint, first: Created | undefined): Looks =>
  first !== undefined
    ? byCreation(run, endpoint, first)
    : isWhole(run) || run.profile.filterProblem !== undefined
      ? byProof(run, endpoint)
      : newest(run, endpoint)
