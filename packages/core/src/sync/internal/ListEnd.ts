/** Calls without a start time where the list has them behind all others: where they are, and the calls of a range of creation. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { type Entry, isAbsent, isBefore, type Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look, Why } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as EndDifferences from "./EndDifferences.ts"
import * as EndSearch from "./EndSearch.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

const { second } = Decide

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>
export type Kept = NonNullable<SyncState.SyncState["listEnd"]>

/** Where the calls of a range of creation were read. */
export interface Found {
  readonly look: Look
  readonly sessions: ReadonlyArray<CallSession>
  /** Whether those that it does not show are not there. */
  readonly isWhole: boolean
}

/** Whether they are read there. */
export const works = ({ state: { byCreation, listEnd } }: Pick<Pass.Run, "state">): boolean =>
  byCreation?.works !== true && listEnd?.works === true

export const always = { from: -Number.MAX_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER }

/** Calls that the ledger has there, the newest first. */
export const heldOf = (run: Pass.Run): Effect.Effect<ReadonlyArray<Entry>, LedgerError> =>
  Effect.map(run.settings.lease.withoutStart, (entries) =>
    entries
      .filter((entry) => !isAbsent(entry))
      .sort((left, right) => (right.created ?? right.firstSeen) - (left.created ?? left.firstSeen))
  )

export const createdOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Micros> =>
  entries.map(({ created, firstSeen }) => created ?? firstSeen)

export const earliestOf = ({ now, settings: { from, remember } }: Pass.Run): Micros => Math.max(from, now - remember)

interface Noted {
  readonly requests: number
  readonly expected?: ReadonlyArray<Entry> | undefined
}

/** Notes rows without a start time: those that the ledger has, and those that were created since it begins. */
export const note = Effect.fnUntraced(function* (
  run: Pass.Run,
  why: Why,
  rows: ReadonlyArray<Rows.Row>,
  noted: Noted
): Effect.fn.Return<Pick<Found, "look" | "sessions">, LedgerError> {
  const known = yield* run.settings.lease.byId(rows.map(({ key }) => key))
  const earliest = earliestOf(run)
  const isMeant = (row: Rows.Row) => {
    const entry = known.get(row.key)
    const created = Rows.createdOf(row) ?? -Infinity
    return (entry !== undefined && entry.gone === undefined) || Math.floor(created / second) * second >= earliest
  }
  const meant = rows.filter(isMeant)
  const items = meant.flatMap(({ item }) => item ?? [])
  const rejected = meant.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : []))
  const look = yield* Pass.note(run, { why, items, rejected, uncounted: [], ...noted })
  return { look, sessions: items.map(({ row }) => row) }
})

export interface About extends EndSearch.Counts {
  readonly order: EndSearch.Order
}

/** More pages of calls in no order are not read; so many at most each time that their number differs. */
export const mostPages = 500
export const fewPages = 10

export const pagesOf = ({ profile: { pageSize } }: Pass.Run, { dated, total }: EndSearch.Counts): number =>
  (total - dated) / pageSize

/** How often a range is read at most, while calls come and leave. */
const attempts = 3

/** Reads a range of creation, all where they are in no order, and notes what is there and what is not. */
export const read = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint,
  why: Why,
  about: About,
  range: Span,
  held: ReadonlyArray<Entry>
): Effect.fn.Return<Found, AgniError | LedgerError> {
  const before = endpoint.requests()
  const created = createdOf(held)
  const { dated, total } = about
  let { order } = about
  const rows = new Map<string, Rows.Row>()
  let part: EndSearch.Part | undefined
  for (let left = attempts; left > 0 && part?.isWhole !== true; left--) {
    if (order === "none" && pagesOf(run, about) > mostPages) break
    const first =
      order === "newest first"
        ? dated + EndDifferences.newer(created, range.to)
        : order === "oldest first"
          ? Math.max(dated, total - EndDifferences.newer(created, range.from) - 1)
          : dated
    part = yield* endpoint.endIn(range, { order, first, total })
    for (const row of part.rows) rows.set(row.key, row)
    if (!part.isInOrder) order = "none"
  }
  const isWhole = part?.isWhole === true
  const isIn = ({ created = -Infinity }: Entry) => order === "none" || (created >= range.from && created < range.to)
  const lacks = (yield* run.settings.lease.withoutStart).filter((entry) => isIn(entry) && !rows.has(entry.id))
  const { listEnd } = run.state
  if (listEnd !== undefined && part !== undefined) {
    const shown = EndSearch.orderOf([{ page: 1, size: total, skip: 0, rows: part.rows }])
    const isAll = isWhole && order === "none"
    // A few of them show no order.
    const before = order === about.order ? listEnd.order : "none"
    const now = isAll || (shown === order && order !== "none") ? shown : before
    run.state = { ...run.state, listEnd: { ...listEnd, order: now, whole: isAll ? run.began : listEnd.whole } }
  }
  const found = yield* note(run, why, [...rows.values()], {
    requests: endpoint.requests() - before,
    expected: isWhole ? lacks : undefined
  })
  return { ...found, isWhole }
})

const readNow = (
  run: Pass.Run,
  endpoint: Endpoint,
  why: Why,
  range: Span
): Effect.Effect<Found, AgniError | LedgerError> =>
  Effect.flatMap(heldOf(run), (held) => read(run, endpoint, why, run.state.listEnd ?? none, range, held))

/** Nothing is known of it. */
export const none: Kept = { works: false, at: 0, dated: 0, total: 0, known: 0, others: 0, order: "none", whole: 0 }

/** Every start that is credible. */
const starts: Span = { from: earliestStart, to: Date.parse("2100-01-01T00:00:00Z") * 1000 }

/**
 * Where they begin and end. Others may be among the calls with a start time, unless the server counts as many of those as are in front:
 * it is asked where there are not as many as expected.
 */
export const locate = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  expected: EndSearch.Counts,
  isKnown: boolean
): Effect.fn.Return<EndSearch.Located, AgniError> {
  let located: EndSearch.Located = { _tag: "Moved" }
  for (let left = attempts; left > 0; left--) {
    const end = yield* endpoint.end(expected)
    if (end._tag === "Elsewhere" || (end._tag === "End" && isKnown && end.dated === expected.dated)) return end
    const isSo = end._tag === "End" && (yield* endpoint.count(starts, end.dated)) === end.dated
    if (isSo) return end
    located = end._tag === "End" ? { _tag: "Elsewhere" } : end
  }
  return located
})

/** An audit of the calls that were created in a range. Where they are in no order, all are read in turn: see `EndLooks`. */
export const audit = (run: Pass.Run, endpoint: Endpoint, range: Span): Looks =>
  Stream.fromIterableEffect(
    Effect.suspend(() =>
      works(run) && run.state.listEnd?.order !== "none"
        ? Effect.map(readNow(run, endpoint, "audit", range), ({ look }) => [look])
        : Effect.succeed([])
    )
  )

/** Ranges of creation with these calls: two are one range if less than a page is between them. */
const spansOf = Effect.fnUntraced(function* (
  run: Pass.Run,
  entries: ReadonlyArray<Entry>
): Effect.fn.Return<ReadonlyArray<Span>, LedgerError> {
  const created = createdOf(yield* heldOf(run))
  const spans: Array<Span> = []
  for (const at of createdOf(entries).toSorted((left, right) => left - right)) {
    const last = spans.at(-1)
    const [from, to] = [Math.floor(at / second) * second, Math.floor(at / second) * second + second]
    const between =
      last === undefined ? Infinity : EndDifferences.newer(created, last.to) - EndDifferences.newer(created, to)
    if (last !== undefined && between <= run.profile.pageSize) spans[spans.length - 1] = { from: last.from, to }
    else spans.push({ from, to })
  }
  return spans
})

/** Known calls, where the list has them. */
export const find = (
  run: Pass.Run,
  endpoint: Endpoint,
  why: Why,
  entries: ReadonlyArray<Entry>
): Stream.Stream<Found, AgniError | LedgerError, AgniClient> => {
  if (entries.length === 0) return Stream.empty
  const ranges = Effect.gen(function* () {
    const { listEnd = none } = run.state
    // One that is removed must have nowhere else to be.
    const isSure = why !== "missing" || (yield* locate(endpoint, listEnd, false))._tag === "End"
    const isMany = listEnd.order === "none" && pagesOf(run, listEnd) > fewPages
    const all = { from: -Infinity, to: Infinity }
    const spans = listEnd.order === "none" ? [all] : yield* spansOf(run, entries)
    return spans.map((span) => ({ isMany, isSure, span }))
  })
  return Stream.fromIterableEffect(ranges).pipe(
    Stream.mapEffect(({ isMany, isSure, span }) =>
      Effect.map(isMany ? readAlready(run, why) : readNow(run, endpoint, why, span), (found) => ({
        ...found,
        isWhole: found.isWhole && isSure
      }))
    )
  )
}

/** Many calls in no order are read once a day, and not for a few of them: what this pass read is all there is. */
const readAlready = (run: Pass.Run, why: Why): Effect.Effect<Found, LedgerError> =>
  Effect.map(note(run, why, [], { requests: 0 }), (found) => ({
    ...found,
    isWhole: run.state.listEnd?.whole === run.began
  }))

/** Calls that are forgotten are still in the list. */
export const forgetting = (run: Pass.Run, forget: Effect.Effect<void, LedgerError>): Effect.Effect<void, LedgerError> =>
  Effect.gen(function* () {
    if (!works(run)) return yield* forget
    const { lease } = run.settings
    const held = yield* heldOf(run)
    const count = yield* lease.count(always)
    yield* forget
    const { listEnd } = run.state
    const isOld = held.some((entry) => isBefore(entry, run.now - run.settings.remember))
    const there = isOld ? held.length - (yield* heldOf(run)).length : 0
    const known = count - (yield* lease.count(always))
    if (listEnd === undefined || (there === 0 && known === 0)) return
    run.state = { ...run.state, listEnd: { ...listEnd, others: listEnd.others + there, known: listEnd.known - known } }
    yield* SyncState.note(run.settings.lease, run.state, run.head, [])
  })
