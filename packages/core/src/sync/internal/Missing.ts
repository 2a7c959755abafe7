/** Calls that are not where they should be: looked for once more, and removed if they are nowhere. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import * as Version from "../../model/Version.ts"
import { type Entry, isAbsent, type Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Change, Look } from "../Sync.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"
import * as CreationWalk from "./CreationWalk.ts"

const { second } = Decide
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

/** A start that is corrected is rarely farther from the creation. */
const farthest = 6 * hour

/**
 * Where a call that is not where it was may be: still there, or around its creation, if its start moved. No count stands for reading
 * these places: a call that left unseen would hide in it one that moved.
 */
const placesOf = ({ created, firstSeen, start }: Entry): ReadonlyArray<Span> => {
  const about = created ?? start ?? firstSeen
  return [
    ...(start === undefined ? [] : [{ from: start - second, to: start + second }]),
    { from: about - farthest, to: about + farthest }
  ]
}

/** Ranges that touch as one, unless it would be longer than `longest`. */
export const joined = (ranges: ReadonlyArray<Span>, longest = 10 * minute): ReadonlyArray<Span> => {
  const all: Array<Span> = []
  for (const range of ranges.toSorted((left, right) => left.from - right.from)) {
    const last = all.at(-1)
    if (last !== undefined && range.from <= last.to && Math.max(last.to, range.to) - last.from <= longest) {
      all[all.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    } else all.push(range)
  }
  return all
}

/** More absences than that, and than 1 % of the calls that were read, are an outage until proven otherwise. */
const usualAbsences = 20

const isOld = (run: Pass.Run, { firstSeen }: Entry): boolean => run.now - firstSeen >= 15 * minute

/** Calls that are absent for long enough to be looked for once more. */
export const suspects = Effect.fnUntraced(function* (
  run: Pass.Run
): Effect.fn.Return<ReadonlyArray<Entry>, LedgerError> {
  const absent = yield* run.settings.lease.absent
  const isOutage = absent.length > Math.max(usualAbsences, 0.01 * run.looked)
  return absent.filter(
    (entry) =>
      isOld(run, entry) &&
      Decide.isAbsentFor(entry, run.now) &&
      (!isOutage || run.now - (entry.doubted?.since ?? run.now) >= day)
  )
})

/** What a search showed so far. */
interface Search {
  /** Ranges of start time that were read, whether all of each came, and how many calls were in it. */
  readonly read: Array<Span & { readonly isWhole: boolean; readonly calls: number }>
  /** Calls that were looked for among those without a start time, and would have come. */
  readonly undated: Set<string>
  /** Calls that may have lost their start, where not all came of the place where they would be then. */
  readonly unsure: Set<string>
}

/**
 * Whether a search shows that a call is nowhere: all came of each place where it may be, and at least one call. An answer with nothing
 * may be one of a server that is down in part: where no other call is known, that counts after half a day.
 */
const isShown = (run: Pass.Run, { read, undated, unsure }: Search, entry: Entry): boolean => {
  const places = placesOf(entry)
  const found = places.map(({ from, to }) => read.find((range) => range.from <= from && to <= range.to))
  const isLong = run.now - (entry.doubted?.since ?? run.now) >= longestWait
  const isThere = found.some((range) => (range?.calls ?? 0) > 0) && !unsure.has(entry.id)
  return (
    found.every((range) => range?.isWhole === true) &&
    (isThere || isLong) &&
    (entry.start !== undefined || undated.has(entry.id))
  )
}

/**
 * Looks for calls that were absent, and says of those that are absent again, ten minutes later, that they were removed. `isSure`:
 * nothing is known of the endpoint that could be one of them.
 */
export const missing = (run: Pass.Run, endpoint: Endpoint, isSure: () => boolean): Looks =>
  Stream.unwrap(
    Effect.gen(function* () {
      const all = yield* suspects(run)
      if (all.length === 0) return Stream.empty
      const { looks, rest } = yield* byCreation(run, endpoint, all)
      const searched = yield* affordable(run, rest)
      const search: Search = { read: [], undated: new Set(), unsure: new Set() }
      const removed = Effect.suspend(() => {
        const byStart = new Set(rest)
        return isSure()
          ? remove(
              run,
              all.filter((entry) => !byStart.has(entry) || isShown(run, search, entry))
            )
          : nothing
      })
      return Stream.fromIterable(looks).pipe(
        Stream.concat(byStart(run, endpoint, searched, search)),
        Stream.concat(Stream.fromIterableEffect(removed))
      )
    })
  )

/** A search by start that takes more pages waits until others can be looked for with it. */
const fewPages = 20
const longestWait = 12 * hour

/** Those that are looked for by start in this pass. */
const affordable = Effect.fnUntraced(function* (
  run: Pass.Run,
  entries: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyArray<Entry>, LedgerError> {
  const { lease } = run.settings
  const oldest = entries.reduce((least, { doubted }) => Math.min(least, doubted?.since ?? run.now), run.now)
  if (run.now - oldest >= longestWait) return entries
  const places = joined(entries.flatMap(placesOf), Infinity)
  const calls = yield* Effect.forEach(places, (range) => lease.count(range))
  return calls.reduce((sum, one) => sum + one, 0) <= fewPages * run.profile.pageSize ? entries : []
})

const createdOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Span> =>
  joined(entries.flatMap(({ created: at }) => (at === undefined ? [] : [{ from: at - second, to: at + 2 * second }])))

/** Looks for calls without a start time where they were created. */
const undated = (run: Pass.Run, entries: ReadonlyArray<Entry>, search: Search): Looks =>
  Stream.fromIterable(createdOf(entries)).pipe(
    Stream.flatMap((range) =>
      Pass.prove(run, "missing", range, { onExpected: (shown) => shown.forEach(({ id }) => search.undated.add(id)) })
    )
  )

/**
 * Looks at the end of the list for calls without a start time, and for those that may have lost theirs: one of them hides in a count
 * when another call left. They are found there by their creation.
 */
const atEnd = (run: Pass.Run, endpoint: Endpoint, entries: ReadonlyArray<Entry>, search: Search): Looks => {
  const placed = entries.filter(({ created, start }) => start === undefined || created !== undefined)
  const all = { came: true }
  const show = () => {
    for (const { id, start } of placed) {
      if (start === undefined && all.came) search.undated.add(id)
      if (start !== undefined && !all.came) search.unsure.add(id)
    }
  }
  return ListEnd.find(run, endpoint, "missing", placed).pipe(
    Stream.map(({ isWhole, look }) => {
      all.came &&= isWhole
      return look
    }),
    Stream.concat(Stream.fromEffectDrain(Effect.sync(show)))
  )
}

/** Looks for calls where they would be without a start time, which some never had and others may have lost. */
const withoutStart = (run: Pass.Run, endpoint: Endpoint, entries: ReadonlyArray<Entry>, search: Search): Looks =>
  Stream.suspend(() => {
    if (ListEnd.works(run)) return atEnd(run, endpoint, entries, search)
    const dated = entries.filter(({ start }) => start !== undefined)
    const front = dated.length === 0 ? nothing : readFront(run, endpoint, dated, search)
    const others = entries.filter(({ start }) => start === undefined)
    return Stream.concat(Stream.fromIterableEffect(front), undated(run, others, search))
  })

const readFront = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint,
  entries: ReadonlyArray<Entry>,
  search: Search
): Effect.fn.Return<ReadonlyArray<Look>, AgniError | LedgerError> {
  const before = endpoint.requests()
  const wanted = new Set(entries.map(({ id }) => id))
  const { isWhole, items, rejected: unread } = yield* endpoint.front
  if (!isWhole) wanted.forEach((id) => search.unsure.add(id))
  const found = items.filter(({ id }) => wanted.has(id))
  const requests = endpoint.requests() - before
  return [yield* Pass.note(run, { why: "missing", items: found, rejected: [], requests, uncounted: [], unread })]
})

/** Looks for calls where they may be by their start. */
const byStart = (run: Pass.Run, endpoint: Endpoint, entries: ReadonlyArray<Entry>, search: Search): Looks => {
  const places = joined(entries.flatMap(placesOf), Infinity)
  const lookIn = (place: Span): Looks => {
    const shown = { isWhole: true, calls: 0 }
    return Stream.fromIterableEffect(Pass.pages(run, place)).pipe(
      Stream.mapEffect((range) => Pass.lookAt(run, endpoint, "missing", range)),
      Stream.map(({ calls, isWhole, look }) => {
        shown.isWhole &&= isWhole
        shown.calls += calls
        return look
      }),
      Stream.concat(Stream.fromEffectDrain(Effect.sync(() => search.read.push({ ...place, ...shown }))))
    )
  }
  return Stream.fromIterable(places).pipe(
    Stream.flatMap(lookIn),
    Stream.concat(withoutStart(run, endpoint, entries, search))
  )
}

/** More are not looked for in the order of creation, which may take some pages each. */
const mostByCreation = 20

/** Looks for calls in the order of creation, in which no start counts. `rest`: those that have to be looked for by start. */
const byCreation = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint,
  entries: ReadonlyArray<Entry>
): Effect.fn.Return<
  { readonly looks: ReadonlyArray<Look>; readonly rest: ReadonlyArray<Entry> },
  AgniError | LedgerError
> {
  const looks: Array<Look> = []
  const rest = new Set(entries)
  for (const range of createdOf(entries).slice(0, mostByCreation)) {
    const before = endpoint.requests()
    const rank = yield* CreationWalk.rankOf(run.settings.lease, range.to)
    const found = yield* endpoint.createdIn(range, rank, run.state.byCreation?.works === true)
    const { isWhole, items, rejected: unread } = found
    const requests = endpoint.requests() - before
    const isHere = ({ created = -1 }: Entry) => created >= range.from && created < range.to
    const here = entries.filter(isHere)
    const now = yield* run.settings.lease.byId(here.map(({ id }) => id))
    const expected = isWhole ? [...now.values()].filter(isAbsent) : []
    looks.push(
      yield* Pass.note(run, { why: "missing", items, rejected: [], requests, uncounted: [], expected, unread })
    )
    if (!isWhole) break
    here.forEach((entry) => rest.delete(entry))
  }
  return { looks, rest: [...rest] }
})

const nothing = Effect.succeed<ReadonlyArray<Look>>([])

export const remove = Effect.fnUntraced(function* (
  run: Pass.Run,
  suspected: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyArray<Look>, LedgerError> {
  const { lease } = run.settings
  const now = yield* lease.byId(suspected.map(({ id }) => id))
  const gone = [...now.values()].filter((entry) => entry.gone === undefined && isAbsent(entry))
  if (gone.length === 0) return []
  const changes: Array<Change> = []
  const entries = gone.map((known) => {
    const { change, entry } = Decide.removed(known, Version.of(run.now))
    const commit = ++run.head
    const at = { ledger: lease.id, commit }
    changes.push({ ...change, id: entry.id, session: undefined, commit: at, replaces: known.changed })
    return { ...entry, changed: commit }
  })
  const clock = Math.max(run.state.clock ?? 0, ...changes.map(({ sequence }) => sequence))
  run.state = { ...run.state, clock: Version.of(clock) }
  yield* SyncState.note(lease, run.state, run.head, entries)
  return [{ why: "missing", changes, rejected: [], requests: 0, watermark: Instant.of(run.state.watermark) }]
})

/** While many calls are absent at once, what lies between them is no longer called proven. */
export const doubtOutage = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<void, LedgerError> {
  const { lease } = run.settings
  const absent = yield* lease.absent
  const starts = absent.flatMap(({ start }) => start ?? [])
  if (absent.length <= Math.max(usualAbsences, 0.01 * run.looked) || starts.length === 0) return
  const coverage = CoverageSet.weaken(run.state.coverage, {
    range: Pass.rangeOf({
      from: starts.reduce((a, b) => Math.min(a, b)),
      to: starts.reduce((a, b) => Math.max(a, b)) + 1
    }),
    verdict: "provisional",
    reason: { _tag: "AnswersDiffer", calls: absent.length }
  })
  run.state = { ...run.state, coverage }
  yield* SyncState.note(lease, run.state, run.head, [])
})
