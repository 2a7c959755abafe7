/**
 * New calls and departures among the calls without a start time at the end of the list. Two counts say how many there are. While
 * that is what the ledger has, nothing more is read. New ones are on the pages at one end of them; where others left is found by halves.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import { type Entry, isAbsent, type Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as EndDifferences from "./EndDifferences.ts"
import * as EndSearch from "./EndSearch.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Pass from "./Pass.ts"

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

const hour = 3600 * Decide.second
const day = 24 * hour

/** How often callstream checks whether they are there. */
const triedAgain = 6 * hour

const isTried = (run: Pass.Run): boolean => {
  const { byCreation, listEnd, withoutStart } = run.state
  if (run.profile.filterProblem !== undefined || byCreation?.works === true) return false
  const isDue = listEnd === undefined || run.began - listEnd.at >= triedAgain
  return listEnd?.works === true || ((withoutStart?.hidden ?? 0) > 0 && isDue)
}

const looseIn = (pages: ReadonlyArray<EndSearch.Paged>): ReadonlyArray<Rows.Row> =>
  pages.flatMap(({ rows }) => rows.filter(EndSearch.isLoose))

/** New ones are not looked for on more pages before their place is found by halves. */
const mostNew = 50

/** One look at the end of the list. */
interface Reading {
  readonly run: Pass.Run
  readonly endpoint: Endpoint
  readonly looks: Array<Look>
  /** What the ledger has there, by now. */
  held: ReadonlyArray<Entry>
}

/** Notes rows, and gives how many of them are new. */
const take = Effect.fnUntraced(function* (
  reading: Reading,
  rows: ReadonlyArray<Rows.Row>,
  before: number
): Effect.fn.Return<number, LedgerError> {
  const { endpoint, looks, run } = reading
  const ids = rows.map(({ key }) => key)
  const known = yield* run.settings.lease.byId(ids)
  const { look } = yield* ListEnd.note(run, "new", rows, { requests: endpoint.requests() - before })
  looks.push(look)
  // None that is known came, or left, or is there again.
  const isSame = look.changes.length === 0 && ![...known.values()].some(isAbsent)
  if (!isSame) reading.held = yield* ListEnd.heldOf(run)
  return look.changes.filter(({ id }) => !known.has(id)).length
})

/**
 * Reads the pages at the end where new calls come, as long as they bring any and some are missing. A page of new ones alone may have
 * others behind it, as many as calls that left.
 */
const readNew = Effect.fnUntraced(function* (
  reading: Reading,
  end: EndSearch.End,
  { order, rest, taken }: { readonly order: EndSearch.Order; readonly rest: () => number; readonly taken: number }
): Effect.fn.Return<void, AgniError | LedgerError> {
  const { endpoint, run } = reading
  const { pageSize: size } = run.profile
  const isNewest = order === "newest first"
  const first = isNewest ? Math.floor(end.dated / size) + 1 : Math.floor((end.total - 1) / size) + 1
  const has = (page: number) =>
    end.pages.some(
      (one) => one.skip <= (page - 1) * size && one.skip + one.rows.length >= Math.min(end.total, page * size)
    )
  let isMore = rest() > 0 || (taken > 0 && taken >= looseIn(end.pages.filter(({ page }) => page === first)).length)
  for (let i = 0; i < mostNew && isMore; i++) {
    const page = isNewest ? first + i : first - i
    if (page < 1 || page * size <= end.dated) return
    if (has(page)) continue
    const before = endpoint.requests()
    const paged = yield* endpoint.endPage(page)
    if (paged === undefined || paged.rows.length === 0) return
    const rows = looseIn([paged])
    const fresh = yield* take(reading, rows, before)
    isMore = fresh > 0 && (rest() > 0 || fresh >= rows.length)
  }
})

const read = Effect.fnUntraced(function* (
  reading: Reading,
  about: ListEnd.About,
  range: Span
): Effect.fn.Return<ListEnd.Found, AgniError | LedgerError> {
  const { endpoint, looks, run } = reading
  const found = yield* ListEnd.read(run, endpoint, "new", about, range, reading.held)
  looks.push(found.look)
  reading.held = yield* ListEnd.heldOf(run)
  return found
})

interface Differing {
  readonly about: ListEnd.About
  /** How many more are listed than the ledger has. */
  readonly rest: number
  /** When all were read last. */
  readonly whole: Micros
}

/** All of them, where they are not in the order of creation. */
const readAll = Effect.fnUntraced(function* (
  reading: Reading,
  { about, rest, whole }: Differing
): Effect.fn.Return<boolean, AgniError | LedgerError> {
  const { run } = reading
  const pages = ListEnd.pagesOf(run, about)
  const every = Math.min(day, ...run.settings.audits)
  const isDue = run.began - whole >= every && run.allowance.spare() >= pages
  if (!isDue && (rest === 0 || pages > ListEnd.fewPages)) return rest === 0
  return (yield* read(reading, about, { from: ListEnd.earliestOf(run), to: Infinity })).isWhole
})

/** What differs from the ledger: whether all of it was read. */
const readDifferences = Effect.fnUntraced(function* (
  reading: Reading,
  { about, rest, whole }: Differing
): Effect.fn.Return<boolean, AgniError | LedgerError> {
  const { endpoint, run } = reading
  const { order } = about
  if (order === "none") return yield* readAll(reading, { about, rest, whole })
  if (rest === 0) return true
  const created = ListEnd.createdOf(reading.held)
  const size = run.profile.pageSize
  const earliest = ListEnd.earliestOf(run)
  let isWhole = true
  for (const span of yield* EndDifferences.find(endpoint, {
    ...about,
    order,
    size,
    created,
    earliest,
    difference: rest
  })) {
    isWhole &&= (yield* read(reading, about, span)).isWhole
  }
  return isWhole
})

/** The first time: all that the ledger should have, in the order that they seem to be in. They have to show it. */
const readFirst = Effect.fnUntraced(function* (
  reading: Reading,
  about: ListEnd.About
): Effect.fn.Return<boolean, AgniError | LedgerError> {
  const { run } = reading
  const isFew = ListEnd.pagesOf(run, about) <= ListEnd.fewPages
  const order = isFew ? "none" : about.order
  const range = { from: ListEnd.earliestOf(run), to: Infinity }
  const found = yield* read(reading, { ...about, order }, range)
  const { listEnd } = run.state
  return found.isWhole && (order === "none" || listEnd?.order === order)
})

const keep = (run: Pass.Run, listEnd: ListEnd.Kept, hidden: number): Effect.Effect<Look, LedgerError> =>
  Pass.note(run, { why: "new", items: [], rejected: [], requests: 0, uncounted: [] }, (state) => ({
    ...state,
    listEnd,
    withoutStart: { at: run.began, idle: 0, ...state.withoutStart, hidden }
  }))

const readEnd = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint
): Effect.fn.Return<ReadonlyArray<Look>, AgniError | LedgerError> {
  const { lease } = run.settings
  const before = endpoint.requests()
  const reading: Reading = { run, endpoint, looks: [], held: yield* ListEnd.heldOf(run) }
  const { looks } = reading
  const kept = run.state.listEnd?.works === true ? run.state.listEnd : undefined
  const hidden = run.state.withoutStart?.hidden ?? 0
  const known = yield* lease.count(ListEnd.always)
  const dated = kept === undefined ? known : kept.dated + known - kept.known
  const there = reading.held.length + (kept?.others ?? hidden)
  let end = yield* ListEnd.locate(endpoint, { dated, total: dated + there }, kept !== undefined)
  if (end._tag === "Moved") return looks
  if (end._tag === "Elsewhere") {
    // Where they were there until now they may be soon again.
    const at = kept === undefined ? run.began : run.began - triedAgain
    return [yield* keep(run, { ...ListEnd.none, at }, hidden)]
  }
  const taken = yield* take(reading, looseIn(end.pages), before)
  const restOf = ({ dated, total }: EndSearch.Counts) => total - dated - reading.held.length - (kept?.others ?? 0)
  const isFirst = kept === undefined
  const orderBy = (pages: ReadonlyArray<EndSearch.Paged>): EndSearch.Order =>
    kept === undefined ? EndSearch.likelyOrder(pages) : EndSearch.isIn(pages, kept.order) ? kept.order : "none"
  let order = orderBy(end.pages)
  if (!isFirst && order !== "none") {
    const counts = end
    yield* readNew(reading, end, { order, rest: () => restOf(counts), taken })
  }
  if (restOf(end) !== 0 && !isFirst) {
    // Calls may have come or left between the two counts.
    const again = endpoint.requests()
    const next = yield* ListEnd.locate(endpoint, end, true)
    if (next._tag !== "End") return looks
    yield* take(reading, looseIn(next.pages), again)
    order = order === "none" ? "none" : orderBy(next.pages)
    end = next
  }
  const about: ListEnd.About = { dated: end.dated, total: end.total, order }
  const listEnd: ListEnd.Kept = {
    works: true,
    at: run.began,
    dated: end.dated,
    total: end.total,
    known: yield* lease.count(ListEnd.always),
    others: kept?.others ?? 0,
    order: isFirst ? "none" : order,
    whole: kept?.whole ?? 0
  }
  run.state = { ...run.state, listEnd }
  const rest = restOf(end)
  const isSure = isFirst
    ? yield* readFirst(reading, about)
    : yield* readDifferences(reading, { about, rest, whole: kept.whole })
  const left = restOf(end)
  const { listEnd: now = listEnd } = run.state
  const others = isSure ? now.others + left : now.others
  // Others are found by a later pass.
  const isHidden = !isSure && ListEnd.pagesOf(run, about) > ListEnd.mostPages
  looks.push(yield* keep(run, { ...now, others }, isHidden ? Math.max(0, left) : 0))
  return looks
})

/** New calls and departures at the end of the list since it was read last. */
export const looks = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.fromIterableEffect(Effect.suspend(() => (isTried(run) ? readEnd(run, endpoint) : Effect.succeed([]))))
