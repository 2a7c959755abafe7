/** The parts of a pass behind what is new: holes, awaited calls, counts, audits and calls that are missing. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Micros } from "../Tail.ts"
import * as Instant from "../../model/Instant.ts"
import * as Version from "../../model/Version.ts"
import { type Entry, isAbsent, type Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import * as Settlement from "../Settlement.ts"
import type { Change, Look } from "../Sync.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

const { second } = Decide
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

/** Of a page, so much is filled with what is known: more may have come. */
const full = ({ seen: { profile } }: Pass.Run): number => Math.max(1, Math.floor(0.8 * profile.pageSize))

/** More are not retried in one pass. */
const mostHoles = 5

export const holes = (run: Pass.Run): Looks =>
  Stream.suspend(() =>
    Stream.fromIterable(Pass.holes(run).slice(0, mostHoles)).pipe(
      Stream.flatMap((range) => Pass.prove(run, "hole", range, { withoutStart: "skip" }))
    )
  )

/** Ranges of about a page with calls that are due, where the changes to expect are worth a request. */
const dueRanges = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<ReadonlyArray<Span>, LedgerError> {
  const { lease, worth } = run.settings
  const due = (yield* lease.awaiting(run.now)).filter((entry) => entry.start !== undefined)
  const ids = new Set(due.map(({ id }) => id))
  const parts = new Set(due.map(({ start = 0 }) => Math.floor(start / (6 * hour))))
  const ranges: Array<Span> = []
  for (const part of [...parts].sort((left, right) => left - right)) {
    const entries = yield* lease.between({ from: 6 * hour * part, to: 6 * hour * (part + 1) })
    const isDue = entries.map(({ id }) => ids.has(id))
    for (let first = isDue.indexOf(true); first !== -1;) {
      const last = Math.max(first, isDue.lastIndexOf(true, first + full(run) - 1))
      const group = entries.slice(first, last + 1)
      if (valueOf(run, group) >= worth) {
        const [begin, end] = [group[0]?.start ?? 0, group.at(-1)?.start ?? 0]
        ranges.push({ from: Math.floor(begin / second) * second, to: Math.floor(end / second) * second + second })
      }
      first = isDue.indexOf(true, last + 1)
    }
  }
  return ranges
})

/** The changes that reading the calls now can be expected to bring, times the hours that they were waited for. */
const valueOf = (run: Pass.Run, entries: ReadonlyArray<Entry>): number =>
  entries.reduce((sum, entry) => {
    if (entry.due === undefined) return sum
    // A call that is doubted, or that a consumer may lack, has to be seen again.
    if (entry.doubted !== undefined || entry.owed) return entry.due <= run.now ? sum + run.settings.worth : sum
    const gain = Settlement.gain(run.state.settlement, Decide.factsOf(entry), entry.readAt, run.now)
    return sum + gain * Math.max(1, (run.now - entry.readAt) / hour)
  }, 0)

export const awaited = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.fromIterableEffect(Effect.suspend(() => dueRanges(run))).pipe(
    Stream.mapEffect((range) => Pass.look(run, endpoint, "awaited", range))
  )

/** What the counts behind the watermark came to. */
export interface Counted {
  /** Where the server counts other calls than are known. */
  readonly ranges: ReadonlyArray<Span>
  /** Whether it could be counted at all. */
  readonly isCounted: boolean
}

const expectedIn = Effect.fnUntraced(function* (run: Pass.Run, { from, to }: Span) {
  const known = yield* run.settings.lease.count({ from, to })
  return run.state.uncounted.reduce((sum, { at, rows }) => (at >= from && at < to ? sum + rows : sum), known)
})

/** Compares what lies behind the watermark with one count of the server, and halves until the differences are in ranges that can be read. */
export const counts = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint
): Effect.fn.Return<Counted, AgniError | LedgerError> {
  const { from: begin, lease, remember } = run.settings
  const from = yield* Pass.edge(lease, Math.max(begin, run.now - remember) + minute)
  const to = yield* Pass.edge(lease, run.state.watermark - minute)
  if (from >= to) return { ranges: [], isCounted: true }
  const ranges: Array<Span> = []
  const halve = (range: Span, expected: number, difference: number): Effect.Effect<void, AgniError | LedgerError> =>
    Effect.gen(function* () {
      if (difference === 0) return
      const pages = expected / full(run)
      const middle = yield* Pass.edge(lease, (range.from + range.to) / 2)
      const isSmall = middle <= range.from || middle >= range.to
      if (isSmall || pages <= 1 || pages <= Math.abs(difference) * (1 + Math.log2(pages))) {
        ranges.push(range)
        return
      }
      const left = { from: range.from, to: middle }
      const known = yield* expectedIn(run, left)
      const counted = yield* endpoint.count(left, known)
      // Whatever cannot be counted is read.
      const found = counted === undefined ? difference : counted - known
      yield* halve(left, known, found)
      yield* halve(
        { from: middle, to: range.to },
        expected - known,
        counted === undefined ? difference : difference - found
      )
    })
  const expected = yield* expectedIn(run, { from, to })
  const counted = yield* endpoint.count({ from, to }, expected)
  if (counted === undefined) return { ranges: [], isCounted: false }
  yield* halve({ from, to }, expected, counted - expected)
  return { ranges, isCounted: true }
})

export const behind = (run: Pass.Run, endpoint: Endpoint, ranges: ReadonlyArray<Span>): Looks =>
  Stream.fromIterable(ranges).pipe(Stream.mapEffect((range) => Pass.look(run, endpoint, "behind the watermark", range)))

/** Everything is read again at some ages, whatever was expected of it. */
export const audits = (run: Pass.Run): Looks =>
  Stream.suspend(() => {
    const { settings } = run
    const { lease } = settings
    return Stream.fromIterable(settings.audits).pipe(
      Stream.flatMap((age) => {
        const until = run.state.audits.find((one) => one.age === age)?.until
        const to = Math.floor((run.now - age) / second) * second
        const keep = Effect.fnUntraced(function* (until: Micros) {
          const others = run.state.audits.filter((one) => one.age !== age)
          run.state = { ...run.state, audits: [...others, { age, until }] }
          yield* SyncState.note(lease, run.state, run.head, [])
        })
        // Calls that were older when they were read first need no audit.
        if (until === undefined) return Stream.fromEffectDrain(keep(Math.max(settings.from, to)))
        if (to - until < 6 * hour) return Stream.empty
        return Stream.concat(
          Pass.prove(run, "audit", { from: until, to }),
          Stream.fromEffectDrain(Effect.suspend(() => keep(to)))
        )
      })
    )
  })

/**
 * Where a call that is not where it was may be: still there, or around its creation, if its start moved; and before the
 * range that is followed, where no count would show it.
 */
const placesOf =
  (from: Micros) =>
  ({ created, start }: Entry): ReadonlyArray<Span> => {
    const about = created ?? start ?? from
    return [
      ...(start === undefined ? [] : [{ from: start - second, to: start + second }]),
      ...(created === undefined ? [] : [{ from: created - 2 * minute, to: created + 5 * minute }]),
      ...(about - from < 6 * hour ? [{ from: Math.min(about, from) - 6 * hour, to: from }] : [])
    ]
  }

/** Ranges that touch as one, unless it would be longer than ten minutes. */
export const joined = (ranges: ReadonlyArray<Span>): ReadonlyArray<Span> => {
  const all: Array<Span> = []
  for (const range of ranges.toSorted((left, right) => left.from - right.from)) {
    const last = all.at(-1)
    if (last !== undefined && range.from <= last.to && range.to - last.from <= 10 * minute) {
      all[all.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    } else all.push(range)
  }
  return all
}

/** More absences than that, and than 1 % of the calls that were read, are an outage until proven otherwise. */
const usualAbsences = 20

const isOld = (run: Pass.Run, { firstSeen }: Entry): boolean => run.now - firstSeen >= 15 * minute

/** Calls that are absent for long enough to be looked for once more. */
const suspects = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<ReadonlyArray<Entry>, LedgerError> {
  const absent = yield* run.settings.lease.absent
  const isOutage = absent.length > Math.max(usualAbsences, 0.01 * run.looked)
  return absent.filter(
    (entry) =>
      isOld(run, entry) &&
      Decide.isBelieved(entry, "absent", run.now) &&
      (!isOutage || run.now - (entry.doubted?.since ?? run.now) >= day)
  )
})

/**
 * Looks for calls that were absent, and says of those that are absent again, ten minutes later, that they were removed. `isSure`:
 * nothing is known of the endpoint that could be one of them.
 */
export const missing = (run: Pass.Run, endpoint: Endpoint, isSure: () => boolean): Looks =>
  Stream.unwrap(
    Effect.map(
      Effect.suspend(() => suspects(run)),
      (all) => {
        if (all.length === 0) return Stream.empty
        const dated = all.filter(({ start }) => start !== undefined)
        const undated = joined(
          all.flatMap(({ created: at, start }) =>
            start === undefined && at !== undefined ? [{ from: at - second, to: at + 2 * second }] : []
          )
        )
        return Stream.fromEffect(Effect.suspend(() => byCreation(run, endpoint, dated))).pipe(
          Stream.flatMap(({ looks, rest }) =>
            Stream.concat(
              Stream.fromIterable(looks),
              Stream.fromIterable(joined(rest.flatMap(placesOf(run.settings.from)))).pipe(
                Stream.mapEffect((range) => Pass.look(run, endpoint, "missing", range))
              )
            )
          ),
          Stream.concat(
            Stream.fromIterable(undated).pipe(Stream.flatMap((range) => Pass.prove(run, "missing", range)))
          ),
          Stream.concat(Stream.fromIterableEffect(Effect.suspend(() => (isSure() ? remove(run, all) : nothing))))
        )
      }
    )
  )

/** More are not looked for one by one. */
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
  for (const entry of entries.slice(0, mostByCreation)) {
    if (entry.created === undefined) continue
    const before = endpoint.requests()
    const items = yield* endpoint.createdAbout(entry.created)
    if (items === undefined) break
    rest.delete(entry)
    const found = items.filter(({ id }) => id === entry.id)
    const requests = endpoint.requests() - before
    looks.push(yield* Pass.note(run, { why: "missing", items: found, rejected: [], requests, uncounted: [] }))
  }
  return { looks, rest: [...rest] }
})

const nothing = Effect.succeed<ReadonlyArray<Look>>([])

const remove = Effect.fnUntraced(function* (
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
    changes.push({ ...change, id: entry.id, session: undefined, commit: { ledger: lease.id, commit } })
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
