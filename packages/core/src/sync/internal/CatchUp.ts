/** What a consumer lacks: what was noted and not acknowledged is read again, in the order of its commits. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Change from "../../model/Change.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Entry, Lease, Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Change as Delivered } from "../Sync.ts"
import * as Consumers from "./Consumers.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as FindUndated from "./FindUndated.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

/** Calls that are read again at once. */
const atOnce = 1000

const second = Decide.second

/** Ranges with these calls, each of about a page of all that is known: one answer brings many of them. */
const pagesOf = Effect.fnUntraced(function* (
  { profile: { pageSize }, settings: { lease } }: Pass.Run,
  entries: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyArray<Span>, LedgerError> {
  const seconds = new Set(entries.flatMap(({ start }) => (start === undefined ? [] : Math.floor(start / second))))
  const starts = [...seconds].sort((left, right) => left - right).map((start) => start * second)
  const spanOf = (first: number, last: number): Span => ({ from: starts[first] ?? 0, to: (starts[last] ?? 0) + second })
  const fits = (first: number, last: number) =>
    Effect.map(lease.count(spanOf(first, last)), (calls) => calls < 0.9 * pageSize)
  const ranges: Array<Span> = []
  for (let first = 0; first < starts.length;) {
    // The last start that fits: by steps twice as long each, then by halves.
    let [last, step] = [first, 1]
    while (last + step < starts.length && (yield* fits(first, last + step))) {
      last += step
      step *= 2
    }
    let beyond = Math.min(last + step, starts.length)
    while (beyond - last > 1) {
      const middle = (last + beyond) >>> 1
      if (yield* fits(first, middle)) last = middle
      else beyond = middle
    }
    ranges.push(spanOf(first, last))
    first = last + 1
  }
  return ranges
})

/** Reads the calls again. What differs is noted behind all others, and its turn comes then. */
const read = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint,
  entries: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyMap<string, CallSession>, AgniError | LedgerError, AgniClient> {
  const found = new Map<string, CallSession>()
  for (const range of yield* pagesOf(run, entries)) {
    const looked = yield* endpoint.look(range)
    yield* Pass.note(run, { ...looked, why: "awaited", requests: 0, whole: looked.isWhole ? range : undefined })
    for (const { id, row } of looked.items) found.set(id, row)
  }
  const undated = entries.filter(({ start }) => start === undefined)
  yield* FindUndated.find(run, endpoint, undated).pipe(
    Stream.runForEach(({ sessions }) =>
      Effect.sync(() => {
        for (const session of sessions) found.set(session.id, session)
      })
    )
  )
  return found
})

/** Everything after the commit. It ends when there is nothing behind it. */
const changes = (
  run: Pass.Run,
  endpoint: Endpoint,
  acknowledged: number
): Stream.Stream<Delivered, AgniError | LedgerError, AgniClient> =>
  Stream.paginate(acknowledged, (after) =>
    Effect.gen(function* () {
      const { lease } = run.settings
      const lacking = yield* lease.changedAfter(after, atOnce)
      if (lacking.length === 0) return [[], Option.none<number>()] as const
      const found = yield* read(
        run,
        endpoint,
        lacking.filter(({ gone }) => gone === undefined)
      )
      const now = yield* lease.byId(lacking.map(({ id }) => id))
      const owed: Array<Entry> = []
      const told = lacking.flatMap((before): ReadonlyArray<Delivered> => {
        const entry = now.get(before.id)
        // It changed again, and comes later.
        if (entry === undefined || entry.changed !== before.changed) return []
        const read = found.get(entry.id)
        // An answer that is doubted, or of a replica that lags, has another content than this version.
        const isIt = read !== undefined && Change.differing(entry.digests, Change.digests(read, lease.key)).length === 0
        const session = isIt ? read : undefined
        if (entry.gone === undefined && session === undefined) {
          // A consumer that has no version of it acknowledges commits behind it: the next version is the first one for it.
          const born = entry.born > acknowledged ? 0 : entry.born
          owed.push({ ...entry, born, owed: true, due: run.now })
          return []
        }
        return [
          {
            kind: entry.gone ?? (entry.born > acknowledged ? "created" : "updated"),
            id: entry.id,
            facets: entry.gone === "removed" ? [] : Change.facets,
            milestones: entry.milestones,
            sequence: entry.sequence,
            previous: null,
            session: entry.gone === undefined ? session : undefined,
            commit: { ledger: lease.id, commit: entry.changed },
            replaces: undefined
          }
        ]
      })
      if (owed.length > 0) {
        yield* SyncState.note(lease, run.state, run.head, owed)
      }
      return [told, Option.some(lacking.at(-1)?.changed ?? after)] as const
    })
  )

/** Notes before any request what the consumers of a pass have, where the ledger says something else of them. */
export const begin = Effect.fnUntraced(function* (
  lease: Lease,
  consumers: Consumers.Consumers
): Effect.fn.Return<void, LedgerError> {
  if ((yield* lease.kept).state === undefined) return
  const { head, state } = yield* SyncState.open(lease, 0, 0)
  if (!Consumers.isNews(state, consumers, yield* lease.acknowledged)) return
  yield* SyncState.note(lease, Consumers.begun(state, head, consumers), head, [])
})

/** Everything that an open consumer lacks. What each of them has is noted with it. */
export const ofConsumers = (
  run: Pass.Run,
  endpoint: Endpoint,
  consumers: Consumers.Consumers
): Stream.Stream<Delivered, AgniError | LedgerError, AgniClient> => {
  const least = Object.values(consumers).reduce(
    (least, { has, isOpen }) => (isOpen ? Math.min(least, has) : least),
    Infinity
  )
  const { lease } = run.settings
  const first = Effect.gen(function* () {
    const isNews = Consumers.isNews(run.state, consumers, yield* lease.acknowledged)
    run.state = Consumers.begun(run.state, run.head, consumers)
    // One that is new lacks everything, whatever becomes of this pass.
    if (isNews) yield* SyncState.note(lease, run.state, run.head, [])
  })
  const end = Effect.sync(() => {
    run.state = Consumers.caughtUp(run.state, run.head, consumers)
  })
  return Stream.fromEffectDrain(first).pipe(
    Stream.concat(changes(run, endpoint, least)),
    Stream.concat(Stream.fromEffectDrain(end))
  )
}
