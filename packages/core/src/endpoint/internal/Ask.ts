/** One question to the endpoint, and a log of what the answers showed. */
import * as Effect from "effect/Effect"
import type { AgniClient, ListOptions } from "../../client/AgniClient.ts"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import { earliestStart, pageBeyondAll } from "../../model/Limits.ts"
import type { Edition } from "../../model/Page.ts"
import type { Counted, Paged } from "./NotedCounts.ts"
import * as Misplaced from "./Misplaced.ts"
import * as PagePlaces from "./PagePlaces.ts"
import type { Micros, Range } from "./Micros.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

/** One second in µs: bounds are whole seconds on the wire, because fractions are where servers differ most. */
export const second = 1_000_000

export const floorSecond = (instant: Micros): Micros => Math.floor(instant / second) * second
export const ceilSecond = (instant: Micros): Micros => Math.ceil(instant / second) * second

export interface Bounds {
  readonly after?: Micros | undefined
  readonly before?: Micros | undefined
}

export interface Between extends Bounds {
  readonly after: Micros
  readonly before: Micros
}

export interface Sort {
  readonly by: string | undefined
  readonly order: "asc" | "desc" | undefined
}

export interface Answer {
  readonly rows: ReadonlyArray<Rows.Row>
  /** When it was made, by the server's clock. */
  readonly observedAt: Micros
  /** How long a cache held it, in seconds. */
  readonly age?: number | undefined
  readonly edition: Edition | undefined
  readonly characters: number
}

/** What the answers to one reader showed. It belongs to that reader alone, until it is handed over with the result. */
export interface Log {
  requests: number
  /** When the first answer was made, by the server's clock: the earliest, because replicas differ. */
  observedAt: Micros | undefined
  /** The earliest and the latest time that the server's clock had when an answer came. */
  slowest: Micros | undefined
  latest: Micros | undefined
  cached: boolean
  /** A request failed while the server answered others. */
  failed: boolean
  /** A page of a size that was asked for has more rows, or fewer although there are more: the server has sizes of its own. */
  rounds: boolean
  /** Each row that an answer listed, with its start: `undefined` without one. */
  readonly shown: Map<string, Micros | undefined>
  /** Of rows that were listed without a credible start, when they were created. */
  readonly created: Map<string, Micros>
  /** Of rows without a start time that came for bounds in which they were created, when that was: the server places them so. */
  readonly placed: Map<string, Micros>
  /** Keys that were listed with two starts. */
  readonly moved: Set<string>
  /** The widest spread of rows that answers to the same bounds, both given, brought. */
  width: number
  /** The least width of bounds that were refused, or failed although no row did: wider ones are not answered either. */
  refused: number
  /** Bounds with a request for a page beyond the first, and the position of its last row: they held at least so many rows. */
  readonly places: Map<string, Counted>
  /** The same for each length of a page of each size. */
  readonly lengths: Map<string, Paged>
  /** Those of pages that are in their own place for sure, also on a server that repeats itself beyond the end. */
  readonly sure: Map<string, Counted>
  /** Bounds that were counted, also on a server that repeats itself beyond the end. */
  readonly counts: Map<string, Counted>
  /** Bounds between two rows, both included, and how many rows lie there, with those for which each page fails. */
  readonly failing: Map<string, Counted>
  /** Rows that were listed, and did not come back for their own seconds, with their starts. */
  readonly gone: Map<string, Micros>
}

export const makeLog = (): Log => ({
  requests: 0,
  observedAt: undefined,
  slowest: undefined,
  latest: undefined,
  cached: false,
  failed: false,
  rounds: false,
  shown: new Map(),
  created: new Map(),
  placed: new Map(),
  moved: new Set(),
  width: 0,
  refused: Infinity,
  places: new Map(),
  lengths: new Map(),
  sure: new Map(),
  counts: new Map(),
  failing: new Map(),
  gone: new Map()
})

/** Asks on behalf of one reader. */
export interface Ask {
  (
    page: number,
    bounds: Bounds,
    options?: { readonly size?: number; readonly sort?: Sort; readonly how?: ListOptions }
  ): Effect.Effect<Answer, AgniError>
  readonly log: Log
}

export type Filters = Pick<CallSessionQuery, "agentId" | "status" | "channel" | "callerNumber" | "search">

/**
 * A request failed while the server answers others: for a row that it cannot render, a response beyond its limit, or a
 * connection that breaks each time.
 */
export const isPoison = ({ alone }: AgniError): boolean => alone === true

/** The server refused what it was asked, after it was asked. */
export const isRefusal = ({ attempts, reason }: AgniError): boolean => reason._tag === "InvalidRequest" && attempts > 0

/** The last years that ISO 8601 writes with four digits: a bound beyond them is left out, because nothing lies there. */
const least = Date.parse("0000-01-01T00:00:00Z") * 1000
const most = Date.parse("9999-12-31T23:59:59Z") * 1000

const format = (bound: Micros | undefined): string | undefined =>
  bound === undefined || bound < least || bound > most ? undefined : Instant.format(Instant.of(bound))

/** A later start is none: clocks do not differ so much. */
const ahead = 2 * 86_400 * second

/** Keeps when a row was created that has no credible start. */
const noteCreated = ({ created }: Log, row: Rows.Row): void => {
  const at = created.has(row.key) ? undefined : Rows.createdOf(row)
  if (at !== undefined) created.set(row.key, at)
}

/** What time it was by the server's clock when an answer came. */
export const clockOf = ({ age = 0, observedAt }: Pick<Answer, "age" | "observedAt">): Micros =>
  observedAt + age * second

/** Notes when an answer was made, and what time it was when it came. */
export const noteTime = (log: Log, answer: { readonly age: number; readonly observedAt: Micros }): void => {
  const { age, observedAt } = answer
  const now = clockOf(answer)
  log.observedAt = Math.min(log.observedAt ?? Infinity, observedAt)
  log.slowest = Math.min(log.slowest ?? Infinity, now)
  log.latest = Math.max(log.latest ?? -Infinity, now)
  log.cached ||= age > 0
}

/** Notes what an answer listed. */
export const note = (log: Log, rows: ReadonlyArray<Rows.Row>): void => {
  const { moved, shown } = log
  const latest = (log.latest ?? Infinity) + ahead
  for (const row of rows) {
    const { key, start } = row
    if (start === undefined || start >= latest) noteCreated(log, row)
    const before = shown.get(key)
    if (before === start && start !== undefined) continue
    if (before !== undefined && before !== start) moved.add(key)
    if (start !== undefined || before === undefined) shown.set(key, start)
  }
}

const noteRefused = (log: Log, { after = -Infinity, before = Infinity }: Bounds): void => {
  log.refused = Math.min(log.refused, before - after)
}

export const make = (
  list: AgniClient["Service"]["list"],
  filters: Filters,
  defaults: { readonly size: number; readonly sort: Sort },
  log: Log = makeLog()
): Ask => {
  const notePlace = PagePlaces.make(log)
  const ask = (
    page: number,
    bounds: Bounds,
    { how, size = defaults.size, sort = defaults.sort }: NonNullable<Parameters<Ask>[2]> = {}
  ): Effect.Effect<Answer, AgniError> =>
    Effect.suspend(() => {
      log.requests++
      const query = {
        ...filters,
        page,
        pageSize: size,
        sortBy: sort.by,
        sortOrder: sort.order,
        startedAfter: format(bounds.after),
        startedBefore: format(bounds.before)
      }
      const failing = (error: AgniError) =>
        Effect.sync(() => {
          log.failed ||= isPoison(error)
          // A deeper page may be refused for its number.
          if (page === 1 && isRefusal(error)) noteRefused(log, bounds)
        })
      return Effect.map(Effect.tapError(list(query, how), failing), (answer): Answer => {
        const { age, characters = 0, edition, observedAt } = answer
        noteTime(log, answer)
        const rows = Rows.ofPage(answer)
        note(log, rows)
        Misplaced.notePlaced(log.placed, bounds, rows)
        log.rounds ||= rows.length > size
        // Where pages of a size begin that is not the server's own is unknown.
        if (!log.rounds || size === defaults.size)
          notePlace({ bounds, page, size, order: `${sort.by} ${sort.order}` }, rows)
        return { rows, observedAt, age, edition, characters }
      })
    })
  return Object.assign(ask, { log })
}

/**
 * Whether this page is what comes beyond the end: nothing, or, from a server that repeats itself, what came already. Such a
 * one is asked for the next page and one far beyond, which must be the same again: pages of equal starts may be alike by
 * chance, and small pages because a row is listed twice. A page that is not full is the last one: rows of equal start may have
 * another order there each time it comes.
 */
export const isEnd = (
  ask: Ask,
  bounds: Bounds,
  page: number,
  rows: ReadonlyArray<Rows.Row>,
  known: ReadonlyArray<ReadonlyArray<Rows.Row>>,
  options: { readonly repeats: boolean; readonly size?: number; readonly sort?: Sort }
): Effect.Effect<boolean, AgniError> => {
  const isAgain = (other: ReadonlyArray<Rows.Row>) =>
    Rows.sameRows(other, rows) || (rows.length < (options.size ?? 0) && Rows.sameStarts(other, rows))
  return rows.length === 0
    ? Effect.succeed(true)
    : !options.repeats || !known.some(isAgain)
      ? Effect.succeed(false)
      : Effect.map(
          Effect.all([ask(page + 1, bounds, options), ask(page + 100_003, bounds, options)], { concurrency: 2 }),
          (further) => further.every((answer) => isAgain(answer.rows))
        )
}

/** What stands for an answer that cannot be had while the server answers other requests. */
export const catchPoison = <A, B>(
  answer: Effect.Effect<A, AgniError>,
  instead: (error: AgniError) => Effect.Effect<B, AgniError>
): Effect.Effect<A | B, AgniError> => Effect.catchIf(answer, isPoison, instead)

/** What `control` says when a row is not there; it may also have left. */
export const notBack: CoverageReason = { _tag: "NotBack" }

/** What `control` says when more rows share its seconds than a page holds, and another one came twice instead of it. */
export const hidden: CoverageReason = { _tag: "Hidden" }

/** Pages on which a control row is looked for among others of its second. */
const mostInOrder = 500
const mostInDisorder = 20
const turned = (size: number) => ({ size, sort: { by: "started_at", order: "asc" } as const })

/**
 * Whether a control row comes back for its own second, and nothing from elsewhere with it. If rows of equal start have another
 * order on each page, it may be hidden although nothing is broken, so other pages are read.
 */
export const control = Effect.fnUntraced(function* (
  ask: Ask,
  row: Rows.Dated,
  size: number
): Effect.fn.Return<CoverageReason | undefined, AgniError> {
  const bounds = around(row)
  const problemIn = (rows: ReadonlyArray<Rows.Row>) =>
    Misplaced.problemIn(rows, bounds.after - second, bounds.before + second)
  const isThere = (rows: ReadonlyArray<Rows.Row> = []) => rows.some(({ key }) => key === row.key) && !problemIn(rows)
  for (const wanted of new Set([size, ask.log.rounds ? size : Math.max(1, Math.floor(size * 0.7))])) {
    const held = Rows.makeHeld()
    let came = 0
    let ended = false
    // Where none comes twice, their order is the same on each page: the row is on one of them.
    const isWorthIt = (page: number) => page <= (held.size() === came ? mostInOrder : mostInDisorder)
    for (let page = 1; isWorthIt(page) && !ended; page++) {
      const answer = yield* Effect.catchIf(ask(page, bounds, { size: wanted }), isRefusal, () => Effect.undefined)
      if (answer === undefined) return hidden
      const { rows } = answer
      const problem = problemIn(rows)
      if (problem !== undefined) return problem
      if (isThere(rows)) return undefined
      // Of more than a page that start together, those at the older end of the list come first in that order.
      const mayTurn = page === 1 && rows.length >= wanted
      if (mayTurn && isThere((yield* orNothing(ask(1, bounds, turned(wanted))))?.rows)) return undefined
      held.add(rows)
      came += rows.length
      ended = rows.length < wanted
    }
    if (ended && held.size() === came) return notBack
  }
  return hidden
})

/**
 * Bounds for a range: a second for bounds that are cut to seconds and not included, and one because a clock that is a second
 * off still finds control rows.
 */
export const boundsOf = ({ from, to }: Range): Between => ({
  after: floorSecond(from) - 2 * second,
  before: ceilSecond(to) + 2 * second
})

/** As wide, and before there were calls. */
const beforeAll = ({ after, before }: Bounds): Between | undefined =>
  after === undefined || before === undefined
    ? undefined
    : { after: earliestStart - (before - after), before: earliestStart }

/**
 * Whether pages fail for their bounds, and not for a row on them: the server needs too long for so wide a range, or it repeats the page of
 * such a row beyond the end. Then smaller pages do not show which row it is. Where it has no pages so deep, bounds as wide show it,
 * before there were calls.
 */
export const failsAsWhole = (ask: Ask, bounds: Bounds, sort?: Sort): Effect.Effect<boolean, AgniError> => {
  const options = { size: 1, how: Patience.once, ...(sort === undefined ? {} : { sort }) }
  const elsewhere = beforeAll(bounds)
  const question = Effect.catchIf(ask(pageBeyondAll, bounds, options), isRefusal, (error) =>
    elsewhere === undefined ? Effect.fail(error) : ask(1, elsewhere, options)
  )
  return question.pipe(
    Effect.as(false),
    Effect.catchIf(isRefusal, () => Effect.succeed(false)),
    Effect.catchIf(isPoison, () => Effect.succeed(true)),
    Effect.tap((asWhole) => Effect.sync(() => (asWhole ? noteRefused(ask.log, bounds) : undefined)))
  )
}

/** No answer where a row cannot be rendered, or the server refuses the question. */
export const orNothing = <A>(answer: Effect.Effect<A, AgniError>): Effect.Effect<A | undefined, AgniError> =>
  Effect.catchIf(
    answer,
    (error) => isPoison(error) || isRefusal(error),
    () => Effect.undefined
  )

/** Bounds that a row's start lies within, however they are understood, by a second. */
export const around = ({ start }: { readonly start: Micros }): Between => ({
  after: floorSecond(start) - second,
  before: floorSecond(start) + 2 * second
})
