/** The few questions that a sync asks besides reading ranges to a proof. */
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { Span } from "../Ledger.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Micros } from "../Tail.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import type { EndpointProfile } from "../../endpoint/EndpointProfile.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as Observe from "../../endpoint/internal/Observe.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"

/** All rows of a range, as one answer each brought them. */
export interface Looked {
  readonly range: Span
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly rejected: ReadonlyArray<Rejected>
  /** Whether each part came whole in one answer: what is not in it was not there then. */
  readonly isWhole: boolean
  /** Rows that stand for no item. */
  readonly uncounted: ReadonlyArray<{ readonly at: number; readonly rows: number }>
}

/** A page in the order of creation. */
export interface Created extends Pick<Looked, "items" | "rejected"> {
  readonly observedAt: Micros
  /** When the first and the last call of it were created; without any, `from` is before all and `to` behind all. */
  readonly newest: Micros
  readonly oldest: Micros
  readonly rows: number
  /** Fewer rows than were asked for: nothing is older. */
  readonly isLast: boolean
  /** No order by start could bring the rows so. */
  readonly isShown: boolean
}

export interface Endpoint {
  readonly look: (range: Span) => Effect.Effect<Looked, AgniError>
  /** Rows that start between two whole seconds; `undefined` where that cannot be counted. */
  readonly count: (range: Span, expected: number) => Effect.Effect<number | undefined, AgniError>
  /**
   * One page of the list in the order of creation, newest first, whatever the calls' starts; `undefined` if the server brings it in
   * another order, or does not go so deep.
   */
  readonly created: (page: number, size?: number) => Effect.Effect<Created | undefined, AgniError>
  /**
   * The calls that were created in a range, from the page that has `rank` calls before it; `undefined` where the server does not
   * order by creation. `isKnown`: nothing has to show that it does.
   */
  readonly createdIn: (
    range: Span,
    rank: number,
    isKnown: boolean
  ) => Effect.Effect<ReadonlyArray<Item<CallSession>> | undefined, AgniError>
  readonly requests: () => number
}

const { second } = Ask

const byCreation: Ask.Sort = { by: "created_at", order: "desc" }

/** More pages than that no search goes through. */
const mostPages = 2 ** 20

type Row = Rows.Row

const oldestOf = (rows: ReadonlyArray<Row>): Micros => Math.min(...rows.map((row) => Rows.createdOf(row) ?? Infinity))

const descends = (rows: ReadonlyArray<Row>): boolean => {
  let last = Infinity
  for (const row of rows) {
    const created = Rows.createdOf(row)
    if (created === undefined || created > last) return false
    last = created
  }
  return true
}

/** Whether no order by start could bring the rows so: one that starts later is behind one that starts earlier, or has no start. */
const isByCreation = (rows: ReadonlyArray<Row>): boolean => {
  const starts = rows.map(({ start }) => start)
  const isRising = starts.some(
    (start, i) => start !== undefined && starts.slice(0, i).some((before) => before !== undefined && before < start)
  )
  const firstDated = starts.findIndex((start) => start !== undefined)
  const lastDated = starts.findLastIndex((start) => start !== undefined)
  return isRising || starts.slice(firstDated, lastDated).includes(undefined)
}

export const make = (list: AgniClient["Service"]["list"], filters: Ask.Filters, profile: EndpointProfile): Endpoint => {
  const size = profile.pageSize
  const ask = Ask.make(list, filters, { size, sort: Observe.newest(profile.sortBy) })

  /** One page, a second wider on both sides: whether a bound is included is not documented. */
  const look = (range: Span): Effect.Effect<Looked, AgniError> =>
    Effect.gen(function* () {
      const bounds = { after: Ask.floorSecond(range.from) - second, before: Ask.ceilSecond(range.to) + second }
      const { rows } = yield* ask(1, bounds)
      const within = rows.filter(({ start }) => start !== undefined && start >= range.from && start < range.to)
      const isWhole = rows.length < size
      const middle = Ask.floorSecond((range.from + range.to) / 2)
      if (!isWhole && middle > range.from + second) {
        const parts = yield* Effect.forEach(
          [
            { from: range.from, to: middle },
            { from: middle, to: range.to }
          ],
          look
        )
        return {
          range,
          items: parts.flatMap(({ items }) => items),
          rejected: parts.flatMap(({ rejected }) => rejected),
          isWhole: parts.every((part) => part.isWhole),
          uncounted: parts.flatMap(({ uncounted }) => uncounted)
        }
      }
      // Bounds that mean something else prove nothing about who is absent.
      const problem = Ask.misplaced(rows, bounds.after - second, bounds.before + second)
      const items = new Map(within.flatMap(({ item }) => (item === undefined ? [] : [[item.id, item] as const])))
      return {
        range,
        items: [...items.values()],
        rejected: within.flatMap(({ rejected }) => rejected ?? []),
        isWhole: isWhole && problem === undefined,
        uncounted: uncountedOf(within)
      }
    })

  const created: Endpoint["created"] = (page, asked = size) =>
    Effect.map(Ask.orNothing(ask(page, {}, { size: asked, sort: byCreation })), (answer) => {
      if (answer === undefined || !descends(answer.rows)) return undefined
      const { observedAt, rows } = answer
      return {
        observedAt,
        items: rows.flatMap(({ item }) => item ?? []),
        rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
        newest: rows[0] === undefined ? -Infinity : (Rows.createdOf(rows[0]) ?? -Infinity),
        oldest: oldestOf(rows),
        rows: rows.length,
        isLast: rows.length < asked,
        isShown: isByCreation(rows)
      }
    })

  const createdIn: Endpoint["createdIn"] = Effect.fnUntraced(function* ({ from, to }, rank, isKnown) {
    const shown: Array<boolean> = [isKnown]
    const page = (number: number) =>
      Effect.tap(created(number), (found) => Effect.sync(() => shown.push(found?.isShown === true)))
    /** Whether a page begins with later calls, so that nothing of the range is before it. */
    const begins = (found: Created, number: number) => number === 1 || found.newest >= to
    let first = Math.max(1, Math.floor(rank / size) + 1)
    let at = yield* page(first)
    for (let step = 1; at !== undefined && !begins(at, first); step *= 2) {
      first = Math.max(1, first - step)
      at = yield* page(first)
    }
    const found: Array<Item<CallSession>> = []
    for (let number = first; at !== undefined; at = yield* page(++number)) {
      if (number > mostPages) return undefined
      found.push(...at.items)
      if (!at.isLast && at.oldest >= from) continue
      // Calls that left meanwhile moved others from one page to the one before it.
      if (number > first) found.push(...((yield* page(first))?.items ?? []))
      // A server that is down may answer with nothing.
      return shown.includes(true) && found.length > 0 ? found : undefined
    }
    return undefined
  })

  return {
    look,
    created,
    createdIn,
    count: ({ from, to }, expected) =>
      Count.rows(ask, { after: from, before: to }, { expected, size, repeats: profile.repeatsBeyondEnd, even: true }),
    requests: () => ask.log.requests
  }
}

/** Rows of the server that no entry of a ledger stands for. */
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
