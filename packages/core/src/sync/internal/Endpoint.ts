/** The few questions that a sync asks besides reading ranges to a proof. */
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { Span } from "../Ledger.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import type { EndpointProfile } from "../../endpoint/EndpointProfile.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as Observe from "../../endpoint/internal/Observe.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as CreationSearch from "./CreationSearch.ts"
import * as EndSearch from "./EndSearch.ts"
import * as WholeList from "./WholeList.ts"

/** All rows of a range, as one answer each brought them. */
export interface Looked {
  readonly range: Span
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly rejected: ReadonlyArray<Rejected>
  /** Records whose start cannot be read: the answers have them, and no range does. */
  readonly unread: ReadonlyArray<Rejected>
  /** Whether each part came whole in one answer: what is not in it was not there then. */
  readonly isWhole: boolean
  /** Rows that stand for no item. */
  readonly uncounted: ReadonlyArray<{ readonly at: number; readonly rows: number }>
}

interface Front {
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly rejected: ReadonlyArray<Rejected>
  readonly isWhole: boolean
}

export interface Endpoint extends CreationSearch.Search, EndSearch.EndSearch, WholeList.WholeList {
  readonly look: (range: Span) => Effect.Effect<Looked, AgniError>
  /** The calls in front of the list, down to one with a start time: those without one may be there. `isWhole`: each page came. */
  readonly front: Effect.Effect<Front, AgniError>
  /** Rows that start between two whole seconds; `undefined` where that cannot be counted. */
  readonly count: (range: Span, expected: number) => Effect.Effect<number | undefined, AgniError>
  readonly requests: () => number
}

const { second } = Ask

/** More pages in front are not read. */
const mostInFront = 50

export const make = (list: AgniClient["Service"]["list"], filters: Ask.Filters, profile: EndpointProfile): Endpoint => {
  const size = profile.pageSize
  const ask = Ask.make(list, filters, { size, sort: Observe.newest(profile.sortBy) })

  /** One page, a second wider on both sides: whether a bound is included is not documented. */
  const look = (range: Span): Effect.Effect<Looked, AgniError> =>
    Effect.gen(function* () {
      const bounds = { after: Ask.floorSecond(range.from) - second, before: Ask.ceilSecond(range.to) + second }
      const { rows } = yield* ask(1, bounds)
      // Bounds that mean something else prove nothing about who is absent.
      const isWhole = Misplaced.problemIn(rows, bounds.after - second, bounds.before + second) === undefined
      // A smaller range would bring the same where bounds mean nothing.
      if (rows.length < size || !isWhole) return lookedAt(range, rows, isWhole)
      // A full page has all down to its oldest second, if it has the newest first.
      const oldest = Rows.isNewestFirst(rows) ? rows.findLast(Rows.isDated)?.start : undefined
      const cut = oldest === undefined ? range.to : Ask.floorSecond(oldest) + second
      const isUseful = cut > range.from + second && cut < range.to
      const middle = isUseful ? cut : Ask.floorSecond((range.from + range.to) / 2)
      if (middle <= range.from + second) return lookedAt(range, rows, false)
      const upper = { from: middle, to: range.to }
      return joined(range, [
        yield* look({ from: range.from, to: middle }),
        isUseful ? lookedAt(upper, rows, isWhole) : yield* look(upper)
      ])
    })

  const front = Effect.gen(function* () {
    const items: Array<Item<CallSession>> = []
    const rejected: Array<Rejected> = []
    for (let page = 1; page <= mostInFront; page++) {
      const answer = yield* Ask.orNothing(ask(page, {}))
      if (answer === undefined) return { items, rejected, isWhole: false }
      items.push(...answer.rows.flatMap(({ item }) => item ?? []))
      rejected.push(...unreadIn(answer.rows))
      if (answer.rows.length < size || answer.rows.some(Rows.isDated)) return { items, rejected, isWhole: true }
    }
    return { items, rejected, isWhole: false }
  })

  return {
    look,
    front,
    ...CreationSearch.make(ask, size),
    ...EndSearch.make(ask, { size, repeats: profile.repeatsBeyondEnd }),
    ...WholeList.make(ask, Observe.newest(profile.sortBy).by),
    count: ({ from, to }, expected) =>
      Count.rows(ask, { after: from, before: to }, { expected, size, repeats: profile.repeatsBeyondEnd, even: true }),
    requests: () => ask.log.requests
  }
}

const unreadIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<Rejected> =>
  rows.flatMap(({ rejected }) => rejected ?? [])

/** What an answer says of a range. */
const lookedAt = (range: Span, rows: ReadonlyArray<Rows.Row>, isWhole: boolean): Looked => {
  const within = rows.filter(({ start }) => start !== undefined && start >= range.from && start < range.to)
  const items = new Map(within.flatMap(({ item }) => (item === undefined ? [] : [[item.id, item] as const])))
  return {
    range,
    items: [...items.values()],
    rejected: within.flatMap(({ rejected }) => rejected ?? []),
    unread: unreadIn(rows.filter(Rows.isUnplaced)),
    isWhole,
    uncounted: uncountedOf(within)
  }
}

const joined = (range: Span, parts: ReadonlyArray<Looked>): Looked => ({
  range,
  items: parts.flatMap(({ items }) => items),
  rejected: parts.flatMap(({ rejected }) => rejected),
  unread: parts.flatMap(({ unread }) => unread),
  isWhole: parts.every((part) => part.isWhole),
  uncounted: parts.flatMap(({ uncounted }) => uncounted)
})

/** Rows of the server that are in no entry of a ledger. */
const uncountedOf = (rows: ReadonlyArray<Rows.Row>): Looked["uncounted"] => {
  const held = new Set<string>()
  return rows.flatMap(({ item, key, start = 0 }) => {
    if (item !== undefined && !held.has(key)) {
      held.add(key)
      return []
    }
    return [{ at: start, rows: 1 }]
  })
}

export const uncountedIn = (rejected: ReadonlyArray<Rejected>): Looked["uncounted"] =>
  rejected.flatMap((record) => {
    const { start } = Rows.ofRejected(record)
    return start === undefined ? [] : [{ at: start, rows: 1 }]
  })
