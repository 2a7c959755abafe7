/** What a request asks for, as this server understands it. */
import type { Request } from "./SimulatorExchange.ts"
import * as Instant from "./WireInstant.ts"
import type { Resolved } from "./ResolvedOptions.ts"
import type { SortField } from "./Order.ts"

export interface Query {
  readonly page: number
  /** The page size that was asked for. */
  readonly asked: number
  /** The page size that is used. */
  readonly size: number
  readonly field: SortField
  readonly descending: boolean
  /** The agent's index; -1 for one that has no sessions. */
  readonly agent: number | undefined
  readonly status: string | undefined
  readonly channel: string | undefined
  readonly callerNumber: string | undefined
  readonly search: string | undefined
  /** µs, inclusive; -Infinity for none. */
  readonly low: number
  /** µs, exclusive; Infinity for none. */
  readonly high: number
}

/** A query that the server refuses. */
export interface Invalid {
  readonly message: string
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const fieldNames: Readonly<Record<string, SortField>> = {
  started_at: "start",
  startedAt: "start",
  created_at: "created",
  createdAt: "created",
  ended_at: "ended",
  endedAt: "ended",
  duration_sec: "duration",
  durationSec: "duration",
  id: "id"
}

const defaultOrders = {
  "start-desc": ["start", true],
  "start-asc": ["start", false],
  "created-desc": ["created", true],
  "created-asc": ["created", false],
  "id-desc": ["id", true],
  "id-asc": ["id", false],
  insertion: ["insertion", false]
} as const satisfies Record<Resolved["order"], readonly [SortField, boolean]>

export const isInvalid = (query: Query | Invalid): query is Invalid => "message" in query

/** Reads the eleven parameters; an empty one counts as none. */
export const parse = (
  options: Resolved,
  agentIds: ReadonlyArray<string>,
  params: Request["params"]
): Query | Invalid => {
  const given = (name: string): string | undefined => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    return value === "" ? undefined : value
  }
  const integer = (name: string): number | undefined => {
    const value = given(name)
    return value === undefined ? 0 : /^[+-]?\d{1,9}$/.test(value) ? Number(value) : undefined
  }
  const page = integer("page")
  if (page === undefined) return { message: `parsing field "page": invalid value: ${given("page")}` }
  const pageSize = integer("page_size")
  if (pageSize === undefined) return { message: `parsing field "page_size": invalid value: ${given("page_size")}` }
  const asked = pageSize > 0 ? pageSize : options.defaultPageSize

  const agent = given("agent_id")
  if (agent !== undefined && !uuid.test(agent)) return { message: `invalid agent_id: ${agent}` }

  let [field, descending]: readonly [SortField, boolean] = defaultOrders[options.order]
  const sortBy = given("sort_by")
  const sortOrder = given("sort_order")?.toLowerCase()
  if (options.sorting === "honoured") {
    if (sortBy !== undefined) {
      const accepted = options.sortFields === undefined || options.sortFields.includes(sortBy)
      const asField = accepted && Object.hasOwn(fieldNames, sortBy) ? fieldNames[sortBy] : undefined
      if (asField !== undefined) {
        field = asField
        descending = true
      } else if (options.unknownSort === "reject") return { message: `invalid sort_by: ${sortBy}` }
    }
    if (sortOrder === "asc" || sortOrder === "desc") descending = sortOrder === "desc"
  }

  const after = given("started_after")
  const before = given("started_before")
  const low = after === undefined ? -Infinity : bound(options, after)
  if (low === undefined) return { message: `invalid started_after: ${after}` }
  const high = before === undefined ? Infinity : bound(options, before)
  if (high === undefined) return { message: `invalid started_before: ${before}` }

  return {
    page: Math.max(1, page),
    asked,
    size: Math.min(asked, options.maxPageSize),
    field,
    descending,
    agent: agent === undefined ? undefined : agentIds.indexOf(agent.toLowerCase()),
    status: given("status"),
    channel: given("channel"),
    callerNumber: given("caller_number"),
    search: given("search")?.toLowerCase(),
    low: Number.isNaN(low) ? -Infinity : options.bounds.after === "inclusive" ? low : low + 1,
    high: Number.isNaN(high) ? Infinity : options.bounds.before === "inclusive" ? high + 1 : high
  }
}

/** NaN for a bound that has no effect. */
const bound = (options: Resolved, text: string): number | undefined => {
  const instant = Instant.parse(text)
  if (instant === undefined) return undefined
  const { ignored, truncate, shift } = options.bounds
  if (ignored === "all" || (ignored === "fraction" && /[.,]\d/.test(text))) return NaN
  const step = truncate === "day" ? 86_400e6 : truncate === "second" ? 1e6 : 1
  return Math.floor(instant / step) * step + shift
}

export const hasFilters = (query: Query): boolean =>
  query.agent !== undefined ||
  query.status !== undefined ||
  query.channel !== undefined ||
  query.callerNumber !== undefined ||
  query.search !== undefined

export const hasBounds = (query: Query): boolean => query.low !== -Infinity || query.high !== Infinity

/** What two queries share whose rows come in the same order, bounds and pages apart. */
export const filterKey = (query: Query): string =>
  JSON.stringify([
    query.field,
    query.descending,
    query.agent,
    query.status,
    query.channel,
    query.callerNumber,
    query.search
  ])
