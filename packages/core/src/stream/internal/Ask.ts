import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import * as Rows from "./Rows.ts"

/** One second in µs: bounds are whole seconds on the wire, because fractions are where servers differ most. */
export const second = 1_000_000

export const floorSecond = (instant: Instant.Instant): Instant.Instant => Math.floor(instant / second) * second
export const ceilSecond = (instant: Instant.Instant): Instant.Instant => Math.ceil(instant / second) * second

export interface Bounds {
  readonly after?: Instant.Instant | undefined
  readonly before?: Instant.Instant | undefined
}

export interface Sort {
  readonly by: string | undefined
  readonly order: "asc" | "desc" | undefined
}

export interface Answer {
  readonly rows: ReadonlyArray<Rows.Row>
  readonly observedAt: Instant.Instant
}

/** Asks on behalf of one window, and keeps what its verdict needs: how often, when first, and whether a cache answered. */
export interface Ask {
  (
    page: number,
    bounds: Bounds,
    options?: { readonly size?: number; readonly sort?: Sort }
  ): Effect.Effect<Answer, AgniError>
  readonly log: { requests: number; observedAt: Instant.Instant | undefined; cached: boolean }
}

export type Filters = Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search">

export const make = (
  list: AgniClient["Service"]["list"],
  filters: Filters,
  defaults: { readonly size: number; readonly sort: Sort }
): Ask => {
  const log: Ask["log"] = { requests: 0, observedAt: undefined, cached: false }
  const ask = (page: number, bounds: Bounds, options: { readonly size?: number; readonly sort?: Sort } = {}) => {
    const sort = options.sort ?? defaults.sort
    log.requests++
    return Effect.map(
      list({
        ...filters,
        page,
        pageSize: options.size ?? defaults.size,
        sortBy: sort.by,
        sortOrder: sort.order,
        startedAfter: bounds.after === undefined ? undefined : Instant.format(bounds.after),
        startedBefore: bounds.before === undefined ? undefined : Instant.format(bounds.before)
      }),
      (answer): Answer => {
        log.observedAt = Math.min(log.observedAt ?? Infinity, answer.observedAt)
        log.cached ||= answer.age > 0
        return { rows: Rows.ofPage(answer), observedAt: answer.observedAt }
      }
    )
  }
  return Object.assign(ask, { log })
}

/** The number of rows of fixed bounds, from the last page that holds any; `more` when there are at least so many. */
export type Count =
  | { readonly _tag: "Exactly"; readonly rows: number }
  | { readonly _tag: "More"; readonly rows: number }

/**
 * Counts by looking where the end should be when there are `expected` rows: (k − 1) × size + the length of page k, where k
 * is the last page that holds rows. `sure` also looks behind a page that is not full, which a server that filters after
 * paging may cut short.
 */
export const count = Effect.fnUntraced(function* (
  ask: Ask,
  bounds: Bounds,
  options: {
    readonly expected: number
    readonly size: number
    readonly first: ReadonlyArray<Rows.Row>
    readonly sure: boolean
    readonly snapshot: boolean
  }
): Effect.fn.Return<Count, AgniError> {
  const { expected, first, size, snapshot, sure } = options
  const k = Math.max(1, Math.ceil(expected / size))
  const [last, next] = yield* Effect.all(
    [
      snapshot ? Effect.succeed({ rows: first }) : ask(k, bounds),
      sure || expected % size === 0 ? Effect.asSome(ask(k + 1, bounds)) : Effect.succeedNone
    ],
    { concurrency: 2 }
  )
  const rows = (k - 1) * size + last.rows.length
  if (last.rows.length === 0 || (k > 1 && Rows.sameRows(last.rows, first))) {
    return { _tag: "Exactly", rows: k === 1 ? 0 : Math.min(expected - 1, rows) }
  }
  if (last.rows.length < size && next._tag === "None") return { _tag: "Exactly", rows }
  const behind = next._tag === "Some" ? next.value : yield* ask(k + 1, bounds)
  const ended = behind.rows.length === 0 || Rows.sameRows(behind.rows, last.rows) || Rows.sameRows(behind.rows, first)
  return ended ? { _tag: "Exactly", rows } : { _tag: "More", rows: rows + behind.rows.length }
})

/** Whether a known row comes back for its own second, and nothing from elsewhere with it. */
export const control = Effect.fnUntraced(function* (
  ask: Ask,
  row: Rows.Row & { readonly start: number },
  size: number
) {
  const bounds = { after: floorSecond(row.start) - second, before: floorSecond(row.start) + 2 * second }
  for (let page = 1; page <= 20; page++) {
    const { rows } = yield* ask(page, bounds)
    for (const { start } of rows) {
      if (start === undefined) return "a session without a start came back for a range of time"
      if (start < bounds.after - 2 * second || start > bounds.before + 2 * second) {
        return "sessions from outside the bounds came back"
      }
    }
    if (rows.some(({ key }) => key === row.key)) return undefined
    if (rows.length < size) break
  }
  return "a session did not come back for its own start"
})
