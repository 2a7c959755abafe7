/**
 * The eleven parameters of the endpoint, checked before a request is made.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import { InvalidRequest } from "./AgniError.ts"
import type { KnownChannel, KnownStatus, OpenString } from "./CallSession.ts"
import * as Instant from "./Instant.ts"

/**
 * Fields to sort by that the endpoint may accept; which it does is documented nowhere.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownSortField = "startedAt" | "started_at" | "createdAt" | "created_at" | "durationSec" | "duration_sec"

/**
 * One request for a page. Every field is optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallSessionQuery {
  /** From 1. @default 1 */
  readonly page?: number | undefined
  /** Sessions a page; the server may give fewer without saying so. @default the server's own, 20 */
  readonly pageSize?: number | undefined
  /** A UUID. */
  readonly agentId?: string | undefined
  readonly status?: OpenString<KnownStatus> | undefined
  readonly channel?: OpenString<KnownChannel> | undefined
  /** In E.164 form: `+` and up to 15 digits. */
  readonly callerNumber?: string | undefined
  readonly search?: string | undefined
  readonly sortBy?: OpenString<KnownSortField> | undefined
  readonly sortOrder?: "asc" | "desc" | undefined
  /** Whether the bound itself is included is not documented. */
  readonly startedAfter?: Instant.Bound | undefined
  /** Whether the bound itself is included is not documented. */
  readonly startedBefore?: Instant.Bound | undefined
}

/** The name on the wire of each parameter. */
const wireName = {
  page: "page",
  pageSize: "page_size",
  agentId: "agent_id",
  status: "status",
  channel: "channel",
  callerNumber: "caller_number",
  search: "search",
  sortBy: "sort_by",
  sortOrder: "sort_order",
  startedAfter: "started_after",
  startedBefore: "started_before"
} as const satisfies Record<keyof CallSessionQuery, string>

/** Parameters whose values are personal data and stay out of errors, logs and traces. */
const personal: ReadonlySet<string> = new Set([wireName.callerNumber, wireName.search])

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const e164 = /^\+[1-9]\d{1,14}$/

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1

const problem = (query: CallSessionQuery): InvalidRequest | undefined => {
  const invalid = (parameter: keyof CallSessionQuery, requirement: string) =>
    new InvalidRequest({ parameter, requirement })
  if (query.page !== undefined && !isCount(query.page)) return invalid("page", "must be an integer of at least 1")
  if (query.pageSize !== undefined && !isCount(query.pageSize)) {
    return invalid("pageSize", "must be an integer of at least 1")
  }
  if (query.agentId !== undefined && !uuid.test(query.agentId)) {
    return invalid("agentId", "must be a UUID such as 0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44")
  }
  if (query.callerNumber !== undefined && !e164.test(query.callerNumber)) {
    return invalid("callerNumber", "must be in E.164 form, such as +14155550123")
  }
  if (query.sortOrder !== undefined && query.sortOrder !== "asc" && query.sortOrder !== "desc") {
    return invalid("sortOrder", 'must be "asc" or "desc"')
  }
  for (const parameter of ["status", "channel", "search", "sortBy"] as const) {
    if (query[parameter]?.trim() === "") return invalid(parameter, "must not be empty")
  }
  for (const bound of ["startedAfter", "startedBefore"] as const) {
    const input = query[bound]
    if (input !== undefined && Instant.fromBound(input) === undefined) {
      return invalid(bound, "must be a time in ISO 8601, such as 2026-07-31T07:16:10Z, a Date or a DateTime")
    }
  }
  const after = query.startedAfter === undefined ? undefined : Instant.fromBound(query.startedAfter)
  const before = query.startedBefore === undefined ? undefined : Instant.fromBound(query.startedBefore)
  if (after !== undefined && before !== undefined && after >= before) {
    return invalid("startedAfter", "must be earlier than startedBefore")
  }
  return undefined
}

/** Times go out in UTC and in one spelling: another one, or none of a zone, a server may read otherwise than it was meant. */
const onTheWire = (query: CallSessionQuery, name: keyof CallSessionQuery): string | undefined => {
  if (name !== "startedAfter" && name !== "startedBefore") return query[name]?.toString().trim()
  const bound = query[name]
  const instant = bound === undefined ? undefined : Instant.fromBound(bound)
  return instant === undefined ? undefined : Instant.format(instant)
}

/**
 * A checked query as the parameters of the wire, in their documented order, or what is wrong with it.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toParameters = (
  query: CallSessionQuery
): Result.Result<ReadonlyArray<readonly [string, string]>, InvalidRequest> => {
  const wrong = problem(query)
  if (wrong !== undefined) return Result.fail(wrong)
  const parameters: Array<readonly [string, string]> = []
  for (const name of Struct.keys(wireName)) {
    const value = onTheWire(query, name)
    if (value !== undefined) parameters.push([wireName[name], value])
  }
  return Result.succeed(parameters)
}

/**
 * The parameters as a query string for people to read, without personal data.
 *
 * @since 0.1.0
 * @category formatting
 */
export const describe = (parameters: ReadonlyArray<readonly [string, string]>): string =>
  parameters
    .map(([name, value]) => `${name}=${personal.has(name) ? "…" : encodeURIComponent(value.toWellFormed())}`)
    .join("&")

/**
 * The personal values in a query, to be removed from whatever a server says about it.
 *
 * @since 0.1.0
 * @category formatting
 */
export const personalValues = (parameters: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> =>
  parameters.filter(([name]) => personal.has(name)).map(([, value]) => value)
