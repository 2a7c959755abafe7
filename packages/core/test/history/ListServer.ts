/**
 * A quiet list API of its own, over HTTP: rows in an array, newest start first, with what such servers limit or fail at. It shares
 * no code with the simulator.
 */
import * as AgniClient from "@callstream/core/client/AgniClient"
import * as Rows from "@callstream/core/model/Rows"
import * as Coverage from "@callstream/core/history/Coverage"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Server from "../client/Server.ts"
import { collect, settle } from "./Walking.ts"

export interface Row {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly start: number
  readonly created: number
  readonly agent?: string
}

export type Shape = "same" | "queued"

/** When the reading begins. */
export const now = Date.UTC(2026, 5, 1)

/**
 * As many calls as wanted, evenly, the last one three hours ago. `same`: created when they started; `queued`: each fifth was created
 * an hour before, so that the order of creation is another one.
 */
export const rowsOf = (count: number, shape: Shape, every = 7000): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, i) => {
    const start = now - 3 * 3_600_000 - (count - i) * every
    return { id: `call-${i}`, start, created: shape === "queued" && i % 5 === 0 ? start - 3_600_000 : start }
  })

export interface Traits {
  /** Ids of records that fail each page that they are on. */
  readonly poison?: ReadonlyArray<string>
  readonly poisonStatus?: number
  /** From that request on they do not. */
  readonly healsAt?: number
  /** Bounds that are wider, in milliseconds. */
  readonly span?: { readonly most: number; readonly answer: "last" | "first" | "empty" | "error" }
  /** Rows that may be skipped, pages, and results of one question, at most. */
  readonly offset?: number
  readonly depth?: number
  readonly results?: number
  /** How the server answers beyond one of these three. */
  readonly beyond?: "empty" | "error"
  /** A page beyond the last one is the last one again. */
  readonly repeats?: boolean
  /** Ids of calls without a start time: they come first, and no bounds hold them. */
  readonly withoutStart?: ReadonlyArray<string>
  /** Bounds hold them, and they are among the others, as if they had their start. */
  readonly placed?: boolean
  /** Otherwise newest start first. `oldest` and `created` (newest first) are for a server that ignores how it should sort. */
  readonly order?: "scrambled" | "oldest" | "created"
  /** Rows are filtered by time after the page is taken. */
  readonly filterAfterPaging?: boolean
  /** Ids that no answer to a question for an agent lists; or none whose bounds are wider than a minute. */
  readonly unindexed?: { readonly ids: ReadonlyArray<string>; readonly narrowly: boolean }
  /** The server's clock, ahead of ours in milliseconds. */
  readonly ahead?: number
  /** A call that leaves at that request. */
  readonly leaves?: { readonly id: string; readonly at: number }
  /** From that request on nothing answers, up to another one. */
  readonly downFrom?: number
  readonly downTo?: number
  readonly most?: number
}

const json = ({ agent, created, id, start }: Row, hasStart: boolean) => ({
  id,
  ...(agent === undefined ? {} : { agentId: agent }),
  status: hasStart ? "completed" : "busy",
  channel: "voice",
  ...(hasStart
    ? { startedAt: new Date(start).toISOString(), endedAt: new Date(start + 60_000).toISOString() }
    : { startedAt: null }),
  createdAt: new Date(created).toISOString()
})

/** Rows in an order; most requests are for the same two. */
const makeSorted = (rows: ReadonlyArray<Row>, order: Traits["order"]) => {
  const keyOf = ({ created, id, start }: Row) =>
    order === "scrambled" ? (Number(id.slice(5)) * 7919) % 10_007 : order === "created" ? created : start
  const ascending = rows.toSorted((a, b) => keyOf(a) - keyOf(b))
  const descending = rows.toSorted((a, b) => keyOf(b) - keyOf(a))
  return (isAscending: boolean) => (isAscending ? ascending : descending)
}

const answer = (
  sorted: ReturnType<typeof makeSorted>,
  traits: Traits,
  search: URLSearchParams
): ReadonlyArray<Row> | number => {
  const { beyond = "empty", depth, filterAfterPaging = false, offset, results, span } = traits
  const number = (name: string, otherwise: number) => Number(search.get(name) ?? otherwise)
  const time = (name: string, otherwise: number) => Date.parse(search.get(name) ?? "") || otherwise
  let after = time("started_after", -Infinity)
  let before = time("started_before", Infinity)
  if (span !== undefined && before - after > span.most && Number.isFinite(before - after)) {
    if (span.answer === "error") return 400
    if (span.answer === "empty") return []
    if (span.answer === "last") after = before - span.most
    else before = after + span.most
  }
  const { order, placed = false, repeats = false, withoutStart = [] } = traits
  const isIn = ({ id, start }: Row) => start >= after && start <= before && (placed || !withoutStart.includes(id))
  const isAscending = order === "oldest" || (order !== "created" && search.get("sort_order") === "asc")
  const inOrder = sorted(isAscending)
  const isAll = filterAfterPaging || (after === -Infinity && before === Infinity)
  let all = isAll ? inOrder : inOrder.filter(isIn)
  const agent = search.get("agent_id")
  if (agent !== null) {
    const { unindexed } = traits
    const isWhole = unindexed === undefined || (unindexed.narrowly && before - after < 60_000)
    all = all.filter((row) => row.agent === agent && (isWhole || !unindexed.ids.includes(row.id)))
  }
  const page = number("page", 1)
  const size = Math.min(100, number("page_size", 20))
  const skip = (page - 1) * size
  if (skip > (offset ?? Infinity) || page > (depth ?? Infinity) || skip >= (results ?? Infinity)) {
    return beyond === "error" && (results === undefined || skip > results) ? 400 : []
  }
  if (isAll && withoutStart.length > 0 && !placed) {
    const isFirst = ({ id }: Row) => withoutStart.includes(id)
    all = [...all.filter(isFirst), ...all.filter((row) => !isFirst(row))]
  }
  all = all.slice(0, results)
  const place = repeats && skip >= all.length ? Math.max(0, Math.ceil(all.length / size) - 1) * size : skip
  const found = all.slice(place, place + size)
  if (found.some(({ id }) => traits.poison?.includes(id) === true)) return traits.poisonStatus ?? 500
  return filterAfterPaging ? found.filter(isIn) : found
}

export const make = (rows: ReadonlyArray<Row>, traits: Traits = {}) => {
  const questions: Array<string> = []
  const sorted = makeSorted(rows, traits.order)
  const server = Server.make((count, { at, url }, request) => {
    questions.push(decodeURIComponent(url.search))
    if (count > (traits.most ?? 5000)) throw new Error("so many requests")
    if (count >= (traits.downFrom ?? Infinity) && count < (traits.downTo ?? Infinity))
      return Effect.fail(Server.transportError(request, "ECONNREFUSED"))
    const healed = count >= (traits.healsAt ?? Infinity) ? { ...traits, poison: [] } : traits
    const { at: leavesAt = Infinity, id: leaves } = traits.leaves ?? {}
    const there: typeof sorted =
      count < leavesAt ? sorted : (isAscending) => sorted(isAscending).filter(({ id }) => id !== leaves)
    const found = answer(there, healed, url.searchParams)
    const headers = { date: new Date(at + (traits.ahead ?? 0)).toUTCString() }
    return typeof found === "number"
      ? { status: found, headers, body: { message: found === 400 ? "out of limits" : "cannot render" } }
      : {
          headers,
          body: {
            success: true,
            data: { callSessions: found.map((row) => json(row, traits.withoutStart?.includes(row.id) !== true)) }
          }
        }
  })
  return { ...server, questions, requests: () => server.sent.length }
}

export interface Result {
  readonly windows: ReadonlyArray<Coverage.Window>
  readonly error: unknown
  readonly ids: ReadonlyArray<string>
  readonly requests: number
  /** From the first request to the last, by the test clock. */
  readonly seconds: number
  readonly set: Coverage.Verdict
}

/** The client's own waits go by the test clock. */
export const run = Effect.fnUntraced(function* (
  server: ReturnType<typeof make>,
  windows: Stream.Stream<Coverage.Window, unknown, AgniClient.AgniClient>,
  options: Partial<AgniClient.Options> = {}
): Effect.fn.Return<Result> {
  yield* TestClock.setTime(now)
  const client = yield* Effect.orDie(
    Effect.provideService(
      AgniClient.AgniClient.make({ apiKey: Redacted.make("key"), ...options }),
      HttpClient.HttpClient,
      server.client
    )
  )
  const before = server.requests()
  const { elements, error } = yield* settle(
    collect(windows).pipe(Effect.provideService(AgniClient.AgniClient, client), Random.withSeed(1))
  )
  const times = server.sent.slice(before).map(({ at }) => at)
  return {
    windows: elements,
    error,
    ids: elements.flatMap(({ rows }) => Rows.items(rows).map(({ id }) => id)),
    requests: server.requests() - before,
    seconds: ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000,
    set: elements.reduce<Coverage.Verdict>(
      (set, { coverage }) => Coverage.weaker(set, Coverage.verdict(coverage)),
      error === undefined ? "proven" : "unprovable"
    )
  }
})
