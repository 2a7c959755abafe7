import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import type { Edition } from "../../model/Page.ts"
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
  readonly edition: Edition | undefined
  readonly characters: number
}

/** Asks on behalf of one window, and keeps what its verdict needs: how often, when first, and whether a cache answered. */
export interface Ask {
  (
    page: number,
    bounds: Bounds,
    options?: {
      readonly size?: number
      readonly sort?: Sort
      /** Where nothing should be: it is asked at once as often as an empty answer must come to be believed. */
      readonly expectNothing?: boolean
    }
  ): Effect.Effect<Answer, AgniError>
  readonly log: { requests: number; observedAt: Instant.Instant | undefined; cached: boolean }
}

export type Filters = Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search">

/**
 * The last try at a request failed: for a row that the server cannot render, a response beyond its limit, or a connection
 * that breaks each time. Whether it is the request's fault or the server is down, `isUp` tells.
 */
export const isPoison = ({ reason }: AgniError): boolean =>
  reason._tag === "Unavailable" || (reason._tag === "InvalidResponse" && reason.fault !== undefined)

/**
 * @param defaults `believeEmpty` is how often an empty answer must come to be believed: an outage can look like "no
 *   calls". Where no verdict hangs on it, once will do.
 */
export const make = (
  list: AgniClient["Service"]["list"],
  filters: Filters,
  defaults: { readonly size: number; readonly sort: Sort; readonly believeEmpty?: number }
): Ask => {
  const log: Ask["log"] = { requests: 0, observedAt: undefined, cached: false }
  let latest = -Infinity
  const once = (page: number, bounds: Bounds, size: number, sort: Sort): Effect.Effect<Answer, AgniError> =>
    Effect.suspend(() => {
      log.requests++
      const before = latest
      return Effect.map(
        list({
          ...filters,
          page,
          pageSize: size,
          sortBy: sort.by,
          sortOrder: sort.order,
          startedAfter: bounds.after === undefined ? undefined : Instant.format(bounds.after),
          startedBefore: bounds.before === undefined ? undefined : Instant.format(bounds.before)
        }),
        (answer): Answer => {
          const { age, characters = 0, edition, observedAt } = answer
          log.observedAt = Math.min(log.observedAt ?? Infinity, observedAt)
          // A cache that hides its age still repeats an old Date; clocks of several servers may be a second apart.
          log.cached ||= age > 0 || observedAt < before - second
          latest = Math.max(latest, observedAt)
          return { rows: Rows.ofPage(answer), observedAt, edition, characters }
        }
      )
    })
  const believeEmpty = defaults.believeEmpty ?? 3
  const ask = (
    page: number,
    bounds: Bounds,
    { expectNothing = false, size = defaults.size, sort = defaults.sort }: NonNullable<Parameters<Ask>[2]> = {}
  ) => {
    const full = once(page, bounds, size, sort)
    /** The first page begins at the same row whatever its size: another size passes a cache by. */
    const repeat = (times: number) => {
      const smaller = Math.max(1, size - times)
      return page > 1 || smaller === size
        ? full
        : Effect.flatMap(once(page, bounds, smaller, sort), (next) =>
            // Of a smaller page that holds rows only that much is believed: the whole one is asked for again.
            next.rows.length === 0
              ? Effect.succeed(next)
              : Effect.tap(full, (whole) =>
                  Effect.sync(() => {
                    if (whole.rows.length === 0) log.cached = true
                  })
                )
          )
    }
    // Side by side: one after the other they would take a turn each.
    const repeats = Effect.all(
      Array.from({ length: believeEmpty - 1 }, (_, i) => repeat(i + 1)),
      { concurrency: "unbounded" }
    )
    const believed = (answer: Answer, answers: ReadonlyArray<Answer>) =>
      [answer, ...answers].find(({ rows }) => rows.length > 0) ?? answer
    if (believeEmpty <= 1) return full
    return expectNothing
      ? Effect.map(Effect.all([full, repeats], { concurrency: 2 }), ([answer, answers]) => believed(answer, answers))
      : Effect.flatMap(full, (answer) =>
          answer.rows.length > 0 ? Effect.succeed(answer) : Effect.map(repeats, (answers) => believed(answer, answers))
        )
  }
  return Object.assign(ask, { log })
}

/**
 * Whether this page is what comes beyond the end: nothing, or, from a server that repeats itself, what came already. Such a
 * one is asked for the next page and one far beyond, which must be the same again: pages of equal starts may be alike by
 * chance, and small pages because a row is listed twice.
 */
export const isEnd = (
  ask: Ask,
  bounds: Bounds,
  page: number,
  rows: ReadonlyArray<Rows.Row>,
  known: ReadonlyArray<ReadonlyArray<Rows.Row>>,
  options: { readonly repeats: boolean; readonly size?: number; readonly sort?: Sort }
): Effect.Effect<boolean, AgniError> =>
  rows.length === 0
    ? Effect.succeed(true)
    : !options.repeats || !known.some((other) => Rows.sameRows(rows, other))
      ? Effect.succeed(false)
      : Effect.map(
          Effect.all([ask(page + 1, bounds, options), ask(page + 100_003, bounds, options)], { concurrency: 2 }),
          (further) => further.every((answer) => Rows.sameRows(answer.rows, rows))
        )

/** Whether the server answers at all: for a day before there were calls, where no row can be at fault. */
const isUp = (ask: Ask): Effect.Effect<boolean> =>
  Effect.match(ask(1, { after: 946_684_800 * second, before: 946_771_200 * second }, { size: 1 }), {
    onSuccess: () => true,
    // A refusal is an answer.
    onFailure: (error) => !isPoison(error)
  })

/** What stands for an answer that cannot be had while the server answers other requests. */
export const catchPoison = <A, B>(
  ask: Ask,
  answer: Effect.Effect<A, AgniError>,
  instead: (error: AgniError) => Effect.Effect<B, AgniError>
): Effect.Effect<A | B, AgniError> =>
  Effect.catchIf(answer, isPoison, (error) =>
    Effect.flatMap(isUp(ask), (up) => (up ? instead(error) : Effect.fail(error)))
  )

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
    readonly repeats: boolean
  }
): Effect.fn.Return<Count, AgniError> {
  const { expected, first, repeats, size, snapshot, sure } = options
  const k = Math.max(1, Math.ceil(expected / size))
  const [last, next] = yield* Effect.all(
    [
      snapshot ? Effect.succeed({ rows: first }) : ask(k, bounds),
      sure || expected % size === 0
        ? Effect.asSome(ask(k + 1, bounds, { expectNothing: !repeats }))
        : Effect.succeedNone
    ],
    { concurrency: 2 }
  )
  const rows = (k - 1) * size + last.rows.length
  // A server that repeats itself has rows on page k even when they end before it.
  const known = repeats && k > 1 ? [first, (yield* ask(k - 1, bounds)).rows] : [first]
  if (last.rows.length === 0 || (k > 1 && (yield* isEnd(ask, bounds, k, last.rows, known, { repeats })))) {
    return { _tag: "Exactly", rows: k === 1 ? 0 : Math.min(expected - 1, rows) }
  }
  if (last.rows.length < size && next._tag === "None") return { _tag: "Exactly", rows }
  const behind = next._tag === "Some" ? next.value : yield* ask(k + 1, bounds)
  const ended = yield* isEnd(ask, bounds, k + 1, behind.rows, [last.rows, first], { repeats })
  return ended ? { _tag: "Exactly", rows } : { _tag: "More", rows: rows + behind.rows.length }
})

/** What `control` says when a row is not there; it may also have left. */
export const notBack = "a session did not come back for its own start"

/** What `control` says when more rows share its seconds than a page holds, and another one came twice instead of it. */
export const hidden = "sessions of equal start hid a session from its own start"

/**
 * Whether a known row comes back for its own second, and nothing from elsewhere with it. Where rows of equal start stand
 * differently on each page it may be hidden, though nothing is broken: other pages are tried then.
 */
export const control = Effect.fnUntraced(function* (
  ask: Ask,
  row: Rows.Dated,
  size: number
): Effect.fn.Return<string | undefined, AgniError> {
  const bounds = around(row)
  for (const wanted of new Set([size, Math.max(1, Math.floor(size * 0.7))])) {
    const held = Rows.makeHeld()
    let came = 0
    let ended = false
    for (let page = 1; page <= 20 && !ended; page++) {
      const { rows } = yield* ask(page, bounds, { size: wanted })
      const problem = misplaced(rows, bounds.after - second, bounds.before + second)
      if (problem !== undefined) return problem
      if (rows.some(({ key }) => key === row.key)) return undefined
      held.add(rows)
      came += rows.length
      ended = rows.length < wanted
    }
    if (ended && held.size() === came) return notBack
  }
  return hidden
})

/** Bounds that a row's start lies within, however they are understood, by a second. */
export const around = ({ start }: Rows.Dated) => ({
  after: floorSecond(start) - second,
  before: floorSecond(start) + 2 * second
})

/** Why rows cannot be the answer for a range of time, if so. */
export const misplaced = (
  rows: ReadonlyArray<Rows.Row>,
  least: Instant.Instant,
  most: Instant.Instant
): string | undefined => {
  for (const { rejected, start } of rows) {
    if (start === undefined && rejected !== undefined) continue
    if (start === undefined) return "a record without a start came back for a range of time"
    if (start < least || start > most) return "sessions from outside the bounds came back"
  }
  return undefined
}
