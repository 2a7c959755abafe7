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
import * as Count from "../../endpoint/internal/Count.ts"
import * as Observe from "../../endpoint/internal/Observe.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import * as CreationSearch from "./CreationSearch.ts"

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

export interface Endpoint extends CreationSearch.Search {
  readonly look: (range: Span) => Effect.Effect<Looked, AgniError>
  /** Rows that start between two whole seconds; `undefined` where that cannot be counted. */
  readonly count: (range: Span, expected: number) => Effect.Effect<number | undefined, AgniError>
  readonly requests: () => number
}

const { second } = Ask

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

  return {
    look,
    ...CreationSearch.make(ask, size),
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
