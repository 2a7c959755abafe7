/**
 * A server that shares no code with the simulator: rows in an array and traits, each of which is a way in which a list API can
 * mislead. It notes which rows it listed and counted, so that a claim can be held against what it showed.
 */
import * as Rows from "@callstream/core/model/Rows"
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export interface Row {
  readonly id: string
  /** In µs, like all times here; `undefined` for a call that never connected. */
  readonly start: number | undefined
  readonly created: number
  /** When it appears, and when it goes. */
  readonly seen?: number | undefined
  readonly gone?: number | undefined
  /** From then on it has another start. */
  readonly moves?: { readonly at: number; readonly start: number } | undefined
}

/** What is cut, beyond a limit. */
type Cut = "last" | "first" | "empty" | "error"

/** Whether a request meets a fault: by its number, by time, by connection, or by chance. */
export type When =
  | { readonly by: "number"; readonly every: number; readonly for: number }
  | { readonly by: "time"; readonly from: number; readonly to: number }
  | { readonly by: "connection"; readonly of: number }
  | { readonly by: "chance"; readonly share: number }

export interface Traits {
  readonly cap: number
  readonly order: "start" | "created" | "id"
  readonly newestFirst: boolean
  readonly sorting: boolean
  readonly undatedFirst: boolean
  readonly includes: { readonly after: boolean; readonly before: boolean }
  readonly tieOrder: "id" | "query" | "random"
  readonly beyond: "empty" | "last" | "first"
  readonly offsetFrom: "asked" | "brought"
  readonly filterAfterPaging: boolean
  readonly poison: string | undefined
  /** In µs between the bounds. */
  readonly span: { readonly most: number; readonly cut: Cut } | undefined
  readonly offset: { readonly most: number; readonly cut: "empty" | "error" } | undefined
  readonly depth: { readonly most: number; readonly cut: "empty" | "error" } | undefined
  readonly results: { readonly most: number; readonly cut: "first" | "last" } | undefined
  readonly shard: { readonly of: number; readonly when: When } | undefined
  readonly replica: { readonly lag: number; readonly when: When } | undefined
  readonly hidden: { readonly ids: ReadonlySet<string>; readonly when: When } | undefined
  readonly date:
    | { readonly offset: number; readonly from: number; readonly to: number; readonly every: number }
    | undefined
  /** From that request on pages are cut otherwise, or ordered otherwise. */
  readonly change:
    | { readonly at: number; readonly cap?: number; readonly order?: "start" | "created" | "id" }
    | undefined
}

export interface Server {
  readonly client: AgniClient["Service"]
  readonly now: () => number
  readonly began: number
  readonly requests: () => number
  /** Ids that an answer listed. */
  readonly listed: ReadonlySet<string>
  /** Ids that lay in front of the end of an answer, with and without bounds. */
  readonly counted: ReadonlySet<string>
  readonly countedWithin: ReadonlySet<string>
}

const hash = (text: string, seed: number): number => {
  let h = Math.imul(seed + 1, 0x9e3779b1)
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}

const fail = (reason: AgniError["reason"]) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero })

const iso = (at: number): string =>
  `${new Date(Math.floor(at / 1000)).toISOString().slice(0, -1)}${String(at % 1000).padStart(3, "0")}Z`

const bound = (input: CallSessionQuery["startedAfter"]): number | undefined =>
  typeof input === "string" ? Date.parse(input) * 1000 : undefined

interface Request extends CallSessionQuery {
  readonly number: number
  readonly connection: number
}

const sessionOf = (row: Row, start: number | undefined): CallSession => ({
  id: row.id,
  status: start === undefined ? "no_answer" : "completed",
  createdAt: iso(row.created),
  ...(start === undefined ? {} : { startedAt: iso(start) })
})

export const serve = (
  rows: ReadonlyArray<Row>,
  traits: Traits,
  options: { readonly began: number; readonly step: number; readonly seed: number; readonly limit: number }
): Server => {
  let clock = options.began
  let number = 0
  let underWay = 0
  const listed = new Set<string>()
  const counted = new Set<string>()
  const countedWithin = new Set<string>()
  const meets = (when: When, request: Request): boolean => {
    switch (when.by) {
      case "number":
        return request.number % when.every < when.for
      case "time":
        return clock >= options.began + when.from && clock < options.began + when.to
      case "connection":
        return request.connection % when.of === 0
      case "chance":
        return hash(String(request.number), options.seed) / 2 ** 32 < when.share
    }
  }
  const startOf = (row: Row, at: number) =>
    row.moves !== undefined && at >= row.moves.at ? row.moves.start : row.start

  /** A replica that lags shows what was. */
  const timeOf = (request: Request) =>
    traits.replica !== undefined && meets(traits.replica.when, request) ? clock - traits.replica.lag : clock

  const matching = (request: Request): ReadonlyArray<Row> | "error" => {
    const { hidden, shard, span } = traits
    const at = timeOf(request)
    const away = shard !== undefined && meets(shard.when, request) ? shard.of : undefined
    const hides = hidden !== undefined && meets(hidden.when, request)
    let after = bound(request.startedAfter)
    let before = bound(request.startedBefore)
    if (span !== undefined && after !== undefined && before !== undefined && before - after > span.most) {
      if (span.cut === "error") return "error"
      if (span.cut === "empty") return []
      if (span.cut === "last") after = before - span.most
      else before = after + span.most
    }
    const { includes } = traits
    const fits = (row: Row): boolean => {
      if ((row.seen ?? -Infinity) > at || (row.gone ?? Infinity) <= at) return false
      if (away !== undefined && hash(row.id, 7) % away === 0) return false
      if (hides && hidden.ids.has(row.id)) return false
      return true
    }
    const within = (row: Row): boolean => {
      const start = startOf(row, at)
      if (after === undefined && before === undefined) return true
      if (start === undefined) return false
      if (after !== undefined && (includes.after ? start < after : start <= after)) return false
      return !(before !== undefined && (includes.before ? start > before : start >= before))
    }
    const order =
      traits.change?.order !== undefined && request.number >= traits.change.at ? traits.change.order : traits.order
    const asked = traits.sorting ? request.sortBy : undefined
    const field =
      asked === "started_at" || asked === "startedAt"
        ? "start"
        : asked === "created_at" || asked === "createdAt"
          ? "created"
          : order
    const sign = (
      request.sortOrder === undefined || !traits.sorting ? traits.newestFirst : request.sortOrder === "desc"
    )
      ? -1
      : 1
    const tie = (row: Row): number =>
      traits.tieOrder === "id"
        ? hash(row.id, 3)
        : traits.tieOrder === "random"
          ? hash(row.id, request.number)
          : hash(
              `${row.id} ${JSON.stringify([request.page, request.pageSize, request.startedAfter, request.startedBefore])}`,
              5
            )
    const key = (row: Row): number => {
      if (field === "id") return hash(row.id, 11)
      if (field === "created") return row.created
      const start = startOf(row, at)
      return start ?? (traits.undatedFirst === (sign === -1) ? Infinity : -Infinity)
    }
    const keyed = rows
      .filter(fits)
      .filter((row) => traits.filterAfterPaging || within(row))
      .map((row) => ({ row, key: key(row), tie: tie(row) }))
    keyed.sort((a, b) => (a.key === b.key ? a.tie - b.tie : a.key < b.key ? -sign : sign))
    const all = keyed.map(({ row }) => row)
    const { results } = traits
    if (results === undefined || all.length <= results.most) return all
    return results.cut === "first" ? all.slice(0, results.most) : all.slice(-results.most)
  }

  const answer = (request: Request): ReadonlyArray<Row> | "error" | "poison" => {
    const all = matching(request)
    if (all === "error") return "error"
    const { change, depth, offset } = traits
    const cap = change?.cap !== undefined && request.number >= change.at ? change.cap : traits.cap
    const asked = request.pageSize ?? 20
    const size = Math.min(asked, cap)
    const step = traits.offsetFrom === "asked" ? asked : size
    const page = request.page ?? 1
    let skip = (page - 1) * step
    for (const [limit, value] of [
      [depth, page],
      [offset, skip + size]
    ] as const) {
      if (limit === undefined || value <= limit.most) continue
      if (limit.cut === "error") return "error"
      return []
    }
    if (skip >= all.length && traits.beyond !== "empty" && all.length > 0) {
      skip = traits.beyond === "first" ? 0 : (Math.ceil(all.length / step) - 1) * step
    }
    const found = all.slice(skip, skip + size)
    if (found.some(({ id }) => id === traits.poison)) return "poison"
    const bounded = request.startedAfter !== undefined || request.startedBefore !== undefined
    // A page that is empty counts nothing: it only says that there are no more.
    const cut = traits.results !== undefined && all.length >= traits.results.most
    const place = found.length === 0 || cut ? 0 : skip + found.length
    for (const { id } of all.slice(0, place)) {
      counted.add(id)
      if (bounded) countedWithin.add(id)
    }
    if (!traits.filterAfterPaging || !bounded) return found
    const after = bound(request.startedAfter) ?? -Infinity
    const before = bound(request.startedBefore) ?? Infinity
    return found.filter((row) => {
      const start = startOf(row, clock)
      return start !== undefined && start >= after && start <= before
    })
  }

  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.suspend(() => {
      clock += options.step
      if (++number > options.limit) return Effect.die(new Error(`more than ${options.limit} requests`))
      const request: Request = { ...query, number, connection: underWay++ % 4 }
      const found = answer(request)
      const at = timeOf(request)
      const sessions = typeof found === "string" ? [] : found.map((row) => sessionOf(row, startOf(row, at)))
      const { date } = traits
      const wrong = date !== undefined && number >= date.from && number < date.to && number % date.every === 0
      const observedAt = Instant.of(Math.floor((clock + (wrong ? date.offset : 0)) / 1e6) * 1e6)
      return Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() => {
          underWay--
          if (found === "error") return Effect.fail(fail(new InvalidRequest({ status: 400, quote: "out of limits" })))
          if (found === "poison")
            return Effect.fail(
              fail(new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }))
            )
          for (const { id } of found) listed.add(id)
          return Effect.succeed({
            page: query.page ?? 1,
            rows: Rows.ofSessions(sessions, observedAt),
            rejected: [],
            observedAt,
            edition: "camelCase" as const,
            total: undefined,
            age: 0,
            characters: 1000 * sessions.length
          })
        })
      )
    })
  return {
    client: { list },
    now: () => clock,
    began: options.began,
    requests: () => number,
    listed,
    counted,
    countedWithin
  }
}
