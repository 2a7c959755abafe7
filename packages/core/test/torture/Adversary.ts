/**
 * A server that shares no code with the simulator: rows in an array and traits, each of which is a way in which a list API can
 * mislead. It notes which rows it listed and counted, so that a claim can be held against what it showed.
 */
import * as Rows from "@callstream/core/model/Rows"
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest, NotFound, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Bounds, makeMatching, type Matching, type Request, startOf } from "./AdversaryRows.ts"

export interface Row {
  readonly id: string
  /** In µs, like all times here; `undefined` for a call that never connected. */
  readonly start: number | undefined
  readonly created: number
  /** When it appears, and when it goes. */
  readonly seen?: number | undefined
  readonly gone?: number | undefined
  /** From each of these times on, ascending, it has another start. */
  readonly moves?: ReadonlyArray<{ readonly at: number; readonly start: number }> | undefined
}

/** A request beyond the limit gets one end of what it asks for, nothing, a refusal, or a failure. */
export interface Limit {
  readonly most: number
  readonly cut: "last" | "first" | "empty" | "error" | "failure"
}

/** Whether a request meets a fault: by its number, by time, by connection, or by chance. */
export type When =
  | { readonly by: "number"; readonly every: number; readonly for: number }
  | { readonly by: "time"; readonly from: number; readonly to: number }
  | { readonly by: "connection"; readonly of: number }
  | { readonly by: "chance"; readonly share: number }

/** Pages have one of these sizes, ascending: the next one, the one before, or, for any other size, the least. */
export interface Sizes {
  readonly of: ReadonlyArray<number>
  readonly round: "up" | "down" | "least"
}

export type Order = "start" | "created" | "id"

export interface Traits {
  readonly cap: number
  readonly sizes?: Sizes | undefined
  readonly order: Order
  readonly newestFirst: boolean
  readonly sorting: boolean
  readonly undatedFirst: boolean
  /** Bounds and the order by start use the creation of a row that has no start. */
  readonly coalesces?: true | undefined
  readonly includes: { readonly after: boolean; readonly before: boolean }
  readonly tieOrder: "id" | "query" | "random"
  readonly beyond: "empty" | "last" | "first" | "not found"
  readonly offsetFrom: "asked" | "brought"
  readonly filterAfterPaging: boolean
  /** The id of a row whose page fails each time. */
  readonly poison?: string | undefined
  /** Bounds are understood as another time zone's, so many µs off. */
  readonly zone?: number | undefined
  /** In µs between the bounds. */
  readonly span?: Limit | undefined
  /** Rows in front of the end of a page. */
  readonly offset?: Limit | undefined
  /** The number of a page. */
  readonly depth?: Limit | undefined
  /** Rows that match. `empty` and `error` are for requests with bounds: nobody can read a list that refuses to be listed. */
  readonly results?: Limit | undefined
  readonly shard?: { readonly of: number; readonly when: When } | undefined
  readonly replica?: { readonly lag: number; readonly when: When } | undefined
  readonly hidden?: { readonly ids: ReadonlyArray<string>; readonly when: When } | undefined
  readonly date?:
    | { readonly offset: number; readonly from: number; readonly to: number; readonly every: number }
    | undefined
  /** From that request on pages are cut otherwise, or ordered otherwise. */
  readonly change?: { readonly at: number; readonly cap?: number; readonly order?: Order } | undefined
  /** Requests whose bounds are ignored, as by a server that was not updated yet. */
  readonly ignores?: When | undefined
  /** Requests that fail although the server could answer them, and how. */
  readonly flaky?: { readonly as: Fault; readonly when: When } | undefined
}

export type Fault = "busy" | "limited" | "reset" | "cut off" | "unsuccessful" | "hang"

/** An answer that says that there are so many rows, or at least so many: its page was not the last one, or a limit had cut it. */
interface Counted extends Bounds {
  readonly given: boolean
  readonly front: ReadonlyArray<Row>
}

/** What a request got: the calls of a page, or how it failed. */
export interface Taken {
  readonly found: ReadonlyArray<CallSession> | "error" | "failure" | "not found" | Fault
  /** By the server's clock, or what it takes for it. */
  readonly observedAt: Instant.Instant
}

export interface Server {
  /** Without what a client does: each request is made once. */
  readonly client: AgniClient["Service"]
  /** One request, as it arrives: the answer is made now, and the client has it when the effect ends. */
  readonly take: (query: CallSessionQuery) => Effect.Effect<Taken>
  readonly now: () => number
  /** Lets time pass, up to then. */
  readonly wait: (until: number) => void
  readonly began: number
  readonly requests: () => number
  /** Ids that an answer listed. */
  readonly listed: ReadonlySet<string>
  /** Only these are listed, and nothing was counted: the process that saw the rest was killed. */
  readonly forget: (isKnown: (id: string) => boolean) => void
  /** Ids that the last page of bounds counted which reach no further than the range, and not beyond what is old enough. */
  readonly counted: ReadonlySet<string>
  readonly countedOld: ReadonlySet<string>
  readonly counts: ReadonlyArray<Counted>
  /** Ids that an answer did not show, although they were there and within its bounds. */
  readonly withheld: ReadonlySet<string>
  /** Notes that a client had no answer although it tried a request as often as it does; whether one had none. */
  readonly giveUp: () => void
  readonly isGivenUp: () => boolean
  /** How often an answer about its own second showed a row, and how often it did not, although it was there. */
  readonly alone: ReadonlyMap<string, { readonly came: number; readonly absent: number }>
}

/** The rows of an answer, and what it shows besides once it arrives: a request may be interrupted before that. */
interface Answer {
  readonly found: ReadonlyArray<Row> | "error" | "failure" | "not found" | Fault
  readonly show: ReadonlyArray<() => void>
}

const fail = (reason: AgniError["reason"]) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero })

const iso = (at: number): string =>
  `${new Date(Math.floor(at / 1000)).toISOString().slice(0, -1)}${String(at % 1000).padStart(3, "0")}Z`

const sessionOf = (row: Row, start: number | undefined): CallSession => ({
  id: row.id,
  status: start === undefined ? "no_answer" : "completed",
  createdAt: iso(row.created),
  ...(start === undefined ? {} : { startedAt: iso(start) })
})

/** How many rows a page has at most. */
export const sizeOf = ({ cap, sizes }: Pick<Traits, "cap" | "sizes">, asked: number): number => {
  if (sizes === undefined) return Math.min(asked, cap)
  const { of, round } = sizes
  const least = of[0] ?? 1
  if (round === "up") return of.find((size) => size >= asked) ?? of.at(-1) ?? least
  return of.findLast((size) => (round === "down" ? size <= asked : size === asked)) ?? least
}

/** The rows of a page, where it begins, and whether it is another one than the one that was asked for. */
const pageOf = (traits: Traits, all: ReadonlyArray<Row>, { number, page = 1, pageSize: asked = 20 }: Request) => {
  const { beyond, change, depth, offset } = traits
  const isChanged = change?.cap !== undefined && number >= change.at
  const size = sizeOf(isChanged ? { cap: change.cap } : traits, asked)
  const step = traits.offsetFrom === "asked" ? asked : size
  const nothing = { rows: [], skip: 0, isOther: false }
  let at = page
  if (depth !== undefined && page > depth.most) {
    if (depth.cut === "error" || depth.cut === "failure") return depth.cut
    if (depth.cut === "empty") return nothing
    at = depth.cut === "last" ? depth.most : 1
  }
  let skip = (at - 1) * step
  let end = skip + size
  if (offset !== undefined && end > offset.most) {
    if (offset.cut === "error" || offset.cut === "failure") return offset.cut
    if (offset.cut === "empty") return nothing
    if (offset.cut === "last") skip = Math.max(0, offset.most - size)
    end = Math.max(skip, offset.most)
  }
  if (skip >= all.length && page > 1 && beyond === "not found") return beyond
  if (skip >= all.length && beyond !== "empty" && all.length > 0) {
    skip = beyond === "first" ? 0 : (Math.ceil(all.length / step) - 1) * step
    end = skip + size
  }
  return { rows: all.slice(skip, end), skip, isOther: skip !== (page - 1) * step }
}

const listing =
  (take: Server["take"]): AgniClient["Service"]["list"] =>
  (query) =>
    Effect.flatMap(take(query), ({ found, observedAt }) => {
      if (found === "error") return Effect.fail(fail(new InvalidRequest({ status: 400, quote: "out of limits" })))
      if (found === "not found") return Effect.fail(fail(new NotFound()))
      if (typeof found === "string")
        return Effect.fail(fail(new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } })))
      return Effect.succeed({
        page: query.page ?? 1,
        rows: Rows.ofSessions(found, observedAt),
        rejected: [],
        observedAt,
        edition: "camelCase" as const,
        total: undefined,
        age: 0,
        characters: 1000 * found.length
      })
    })

/** Bounds that are about one second, in µs. */
const narrow = 4_000_000

/** What the answers showed. */
const makeNotes = (range: Bounds, horizon: number) => {
  const listed = new Set<string>()
  const counted = new Set<string>()
  const countedOld = new Set<string>()
  const counts: Array<Counted> = []
  const withheld = new Set<string>()
  const alone = new Map<string, { came: number; absent: number }>()
  const noteAlone = ({ id }: Row, what: "came" | "absent") => {
    const known = alone.get(id) ?? { came: 0, absent: 0 }
    known[what]++
    alone.set(id, known)
  }
  return {
    listed,
    counted,
    countedOld,
    counts,
    withheld,
    alone,
    show: ({ rows, withheld: absent }: Matching, { after, before }: Bounds) => {
      for (const { id } of absent) withheld.add(id)
      if (before - after > narrow) return
      for (const row of rows) noteAlone(row, "came")
      for (const row of absent) noteAlone(row, "absent")
    },
    count: (front: ReadonlyArray<Row>, bounds: Bounds & { readonly given: boolean }, isLast: boolean) => {
      if (bounds.after < range.after || bounds.before > range.before) return
      counts.push({ ...bounds, front })
      if (!isLast) return
      for (const { id } of front) {
        counted.add(id)
        if (bounds.before <= horizon) countedOld.add(id)
      }
    }
  }
}

export const serve = (
  rows: ReadonlyArray<Row>,
  traits: Traits,
  options: {
    readonly began: number
    readonly step: number
    readonly seed: number
    readonly limit: number
    /** What is read, as far as bounds may reach. */
    readonly range: Bounds
    /** Calls that start later may still come. */
    readonly horizon: number
  }
): Server => {
  let clock = options.began
  let number = 0
  let underWay = 0
  let isGivenUp = false
  const notes = makeNotes(options.range, options.horizon)
  const matching = makeMatching(rows, traits, options.seed, options.began)
  const { zone = 0 } = traits

  const answer = (request: Request): Answer => {
    const all = matching(request)
    if (all === "error" || all === "failure") return { found: all, show: [] }
    const { after, before, given } = matching.boundsOf(request)
    const bounds = { after: after + zone, before: before + zone, given }
    const show = [() => notes.show(all, bounds)]
    const page = pageOf(traits, all.rows, request)
    if (typeof page === "string") return { found: page, show }
    const { isOther, rows: found, skip } = page
    if (found.some(({ id }) => id === traits.poison)) return { found: "failure", show }
    // A page that is empty counts nothing: it says that there are no more, and not which there are. One that comes in place of
    // another has a number that says nothing of its place.
    const front = found.length === 0 || isOther ? [] : all.rows.slice(0, skip + found.length)
    // What is filtered after it was cut into pages has no count: the rows in front of a page may lie outside its bounds.
    const isFiltered = traits.filterAfterPaging && bounds.given
    if (!isFiltered) {
      show.push(() => notes.count(front, bounds, !all.isCut && front.length === all.rows.length))
      return { found, show }
    }
    const within = found.filter((row) => {
      const start = startOf(row, clock)
      return start !== undefined && start >= bounds.after && start <= bounds.before
    })
    return { found: within, show }
  }

  const take = (query: CallSessionQuery): Effect.Effect<Taken> =>
    Effect.suspend(() => {
      clock += options.step
      if (++number > options.limit) return Effect.die(new Error(`more than ${options.limit} requests`))
      const request: Request = { ...query, number, connection: underWay++ % 4, at: clock }
      const { date, flaky, replica } = traits
      const { found, show }: Answer =
        flaky !== undefined && matching.meets(flaky.when, request) ? { found: flaky.as, show: [] } : answer(request)
      const lag = replica === undefined ? 0 : matching.lagOf(request)
      const sessions = typeof found === "string" ? found : found.map((row) => sessionOf(row, startOf(row, clock - lag)))
      const wrong = date !== undefined && number >= date.from && number < date.to && number % date.every === 0
      const observedAt = Instant.of(Math.floor((clock + (wrong ? date.offset : 0)) / 1e6) * 1e6)
      return Effect.andThen(
        Effect.yieldNow,
        Effect.sync((): Taken => {
          underWay--
          for (const one of show) one()
          if (typeof sessions !== "string") for (const { id } of sessions) notes.listed.add(id)
          return { found: sessions, observedAt }
        })
      )
    })
  const { alone, counted, countedOld, counts, listed, withheld } = notes
  return {
    client: { list: listing(take) },
    take,
    now: () => clock,
    wait: (until) => {
      clock = Math.max(clock, until)
    },
    began: options.began,
    requests: () => number,
    listed,
    forget: (isKnown) => {
      for (const id of listed) if (!isKnown(id)) listed.delete(id)
      counted.clear()
      countedOld.clear()
      counts.length = 0
    },
    counted,
    countedOld,
    counts,
    withheld,
    giveUp: () => {
      isGivenUp = true
    },
    isGivenUp: () => isGivenUp,
    alone
  }
}
