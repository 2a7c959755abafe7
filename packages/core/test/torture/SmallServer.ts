/**
 * A list API of a few rows, each answer of which is a function of the number of its request: so all that can happen to a short
 * reading can be tried, one thing after another.
 */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Item } from "@callstream/core/model/Item"
import * as Rows from "@callstream/core/model/Rows"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export interface Row {
  readonly id: string
  /** In µs, like all times here. */
  readonly start: number
  readonly created: number
}

/** What happens to a row, named by its place, or to answers. Requests count from 1; what happens after 0 is there at once. */
export type Event =
  /** It is gone after that request. */
  | { readonly kind: "leaves"; readonly row: number; readonly after: number }
  /** It is there only after that request. */
  | { readonly kind: "arrives"; readonly row: number; readonly after: number }
  /** After that request it has another start. */
  | { readonly kind: "moves"; readonly row: number; readonly after: number; readonly start: number }
  /** These answers lack it, although it is there: each one, or each second one. */
  | { readonly kind: "hides"; readonly row: number; readonly from: number; readonly to: number; readonly every: 1 | 2 }
  /** From that request on each second answer is one of an earlier moment. */
  | { readonly kind: "stale"; readonly from: number; readonly of: number }
  /** These answers take no notice of bounds. */
  | { readonly kind: "unbounded"; readonly from: number; readonly to: number }
  /** For these answers bounds are of the creation. */
  | { readonly kind: "byCreation"; readonly from: number; readonly to: number }

/** A request beyond a limit gets one end of what it asks for, nothing, or a refusal. */
export interface Limit {
  readonly most: number
  readonly cut: "last" | "first" | "empty" | "error"
}

export interface Traits {
  readonly size: number
  readonly order: "newest" | "oldest" | "created" | "scrambled"
  /** Rows that the order does not tell apart: in one order, turned around in each second answer, or the first of four as the last there. */
  readonly ties: "stable" | "turning" | "circling"
  /** Whether bounds are included. */
  readonly inclusive: boolean
  readonly beyond: "empty" | "last" | "first"
  /** Rows of the same bounds. */
  readonly results?: Limit | undefined
  /** The number of a page. */
  readonly depth?: Limit | undefined
  /** Between two bounds, in µs. */
  readonly span?: Limit | undefined
  /** Whether another fiber may ask before an answer arrives. */
  readonly yields: boolean
}

export interface Server {
  readonly list: AgniClient["Service"]["list"]
  readonly requests: () => number
  /** Its start while these requests were answered, both included: nothing if it was not there, or had two. */
  readonly steady: (row: number, first: number, last: number) => number | undefined
  /** Whether one of these answers may have lacked it although it was there. */
  readonly isHidden: (row: number, first: number, last: number) => boolean
  /** The requests that listed it. */
  readonly listed: ReadonlyMap<string, ReadonlyArray<number>>
  /** The last pages of bounds: each counts all rows in front of its end, and itself. */
  readonly counts: ReadonlyArray<Counted>
}

interface Counted {
  readonly number: number
  readonly after: number
  readonly before: number
  readonly ids: ReadonlySet<string>
}

/** All answers have this time. */
export const began = Date.UTC(2026, 5, 1) * 1000

const refusal = new AgniError({
  reason: new InvalidRequest({ status: 400, quote: "out of limits" }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

const isOf = ({ every, from, to }: { from: number; to: number; every: 1 | 2 }, number: number): boolean =>
  number >= from && number <= to && (number - from) % every === 0

/** Where a row is at a request; nothing if it is not there. */
const makeStartOf =
  (rows: ReadonlyArray<Row>, events: ReadonlyArray<Event>) =>
  (row: number, number: number): number | undefined => {
    let start = rows[row]?.start
    for (const event of events) {
      if (!("row" in event) || event.row !== row) continue
      if (event.kind === "leaves" && number > event.after) return undefined
      if (event.kind === "arrives" && number <= event.after) return undefined
      if (event.kind === "moves" && number > event.after) ({ start } = event)
    }
    return start
  }

const itemOf = ({ created, id }: Row, start: number): Item<CallSession> => ({
  id,
  start: Instant.of(start),
  version: undefined,
  row: {
    id,
    status: "completed",
    createdAt: new Date(created / 1000).toISOString(),
    startedAt: new Date(start / 1000).toISOString()
  }
})

type Listed = { readonly row: number; readonly start: number }

/** What a limit leaves of a list, which is in order. */
const limited = <A>(all: ReadonlyArray<A>, { cut, most }: Limit): ReadonlyArray<A> =>
  cut === "empty" ? [] : cut === "first" ? all.slice(0, most) : all.slice(-most)

const ranks: Readonly<Record<Traits["ties"], (row: number) => number>> = {
  stable: (row) => row,
  turning: (row) => -row,
  circling: (row) => (row % 4 === 0 ? row + 3.5 : row)
}

const scrambled = (row: number): number => (row * 5 + 2) % 7

export const serve = (rows: ReadonlyArray<Row>, traits: Traits, events: ReadonlyArray<Event>): Server => {
  const { beyond, depth, inclusive, order, results, size: cap, span, ties, yields } = traits
  const startOf = makeStartOf(rows, events)
  const hides = events.filter((event) => event.kind === "hides")
  const stale = events.filter((event) => event.kind === "stale")
  const byCreation = events.filter((event) => event.kind === "byCreation")
  const unbounded = events.filter((event) => event.kind === "unbounded")
  const items = new Map<string, Item<CallSession>>()
  const listed = new Map<string, Array<number>>()
  const counts: Array<Counted> = []
  let requests = 0

  const keyOf = ({ row, start }: Listed): number =>
    order === "created" ? (rows[row]?.created ?? 0) : order === "scrambled" ? scrambled(row) : start

  const isAbsent = (row: number, number: number): boolean =>
    hides.some((event) => event.row === row && isOf(event, number))
  const isByCreation = (number: number): boolean => byCreation.some((event) => isOf({ ...event, every: 1 }, number))
  /** The moment that an answer is of. */
  const momentOf = (number: number): number =>
    stale.reduce((at, event) => (isOf({ ...event, to: Infinity, every: 2 }, number) ? event.of : at), number)

  const matching = (number: number, after: number, before: number): ReadonlyArray<Listed> => {
    const moment = momentOf(number)
    return rows.flatMap(({ created }, row) => {
      const start = startOf(row, moment)
      if (start === undefined || isAbsent(row, number)) return []
      const at = isByCreation(number) ? created : start
      const isIn = inclusive ? at >= after && at <= before : at > after && at < before
      return isIn ? [{ row, start }] : []
    })
  }

  const sorted = (found: ReadonlyArray<Listed>, number: number, isAscending: boolean): ReadonlyArray<Listed> => {
    const rankOf = number % 2 === 0 ? ranks[ties] : ranks.stable
    const all = found.toSorted((a, b) => keyOf(a) - keyOf(b) || rankOf(a.row) - rankOf(b.row))
    return isAscending ? all : all.reverse()
  }

  const pageOf = (all: ReadonlyArray<Listed>, page: number, size: number): ReadonlyArray<Listed> | undefined => {
    let at = page
    if (depth !== undefined && page > depth.most) {
      if (depth.cut === "error") return undefined
      if (depth.cut === "empty") return []
      at = depth.cut === "last" ? depth.most : 1
    }
    let skip = (at - 1) * size
    if (skip >= all.length && beyond !== "empty")
      skip = beyond === "first" ? 0 : Math.max(0, Math.ceil(all.length / size) - 1) * size
    return all.slice(skip, skip + size)
  }

  /** A page counts where it is the last one, in its own place. */
  const isLast = (all: ReadonlyArray<Listed>, found: ReadonlyArray<Listed>, page: number, size: number): boolean =>
    found.length > 0 && (page - 1) * size + found.length === all.length && all.at(-1) === found.at(-1)

  const answer = (query: CallSessionQuery): ReadonlyArray<Listed> | undefined => {
    const number = ++requests
    const isOpen = unbounded.some((event) => isOf({ ...event, every: 1 }, number))
    const timeOf = (bound: CallSessionQuery["startedAfter"], open: number): number =>
      bound === undefined || isOpen ? open : Date.parse(String(bound)) * 1000
    let after = timeOf(query.startedAfter, -Infinity)
    let before = timeOf(query.startedBefore, Infinity)
    if (span !== undefined && before - after > span.most && before - after < Infinity) {
      if (span.cut === "error") return undefined
      if (span.cut === "empty") return []
      if (span.cut === "last") after = before - span.most
      else before = after + span.most
    }
    let all = sorted(
      matching(number, after, before),
      number,
      (query.sortOrder ?? (order === "oldest" ? "asc" : "desc")) === "asc"
    )
    const isCut = results !== undefined && all.length > results.most
    if (isCut) {
      if (results.cut === "error") return undefined
      all = limited(all, results)
    }
    const size = Math.min(cap, query.pageSize ?? 20)
    const page = pageOf(all, query.page ?? 1, size)
    if (!isCut && isLast(all, page ?? [], query.page ?? 1, size))
      counts.push({ number, after, before, ids: new Set(all.map(({ row }) => rows[row]?.id ?? "")) })
    for (const { row } of page ?? []) {
      const { id } = rows[row] ?? { id: "" }
      listed.set(id, [...(listed.get(id) ?? []), number])
    }
    return page
  }

  const take = (query: CallSessionQuery) => {
    const page = answer(query)
    if (page === undefined) return Effect.fail(refusal)
    const found = page.map(({ row, start }) => {
      const key = `${row} ${start}`
      const known = items.get(key) ?? itemOf(rows[row] ?? { id: "", start, created: start }, start)
      items.set(key, known)
      return known
    })
    return Effect.succeed({
      page: query.page ?? 1,
      rows: Rows.make(found, Instant.of(began)),
      rejected: [],
      observedAt: Instant.of(began),
      edition: "camelCase" as const,
      total: undefined,
      age: 0,
      characters: 1000 * found.length
    })
  }
  return {
    list: (query) => {
      const taken = Effect.suspend(() => take(query))
      return yields ? Effect.flatMap(taken, (page) => Effect.as(Effect.yieldNow, page)) : taken
    },
    requests: () => requests,
    listed,
    counts,
    steady: (row, first, last) => {
      const start = startOf(row, first)
      for (let number = first + 1; number <= last; number++) if (startOf(row, number) !== start) return undefined
      return start
    },
    isHidden: (row, first, last) => {
      for (let number = first; number <= last; number++)
        if (isByCreation(number) || isAbsent(row, number) || startOf(row, momentOf(number)) !== startOf(row, number))
          return true
      return false
    }
  }
}
