/**
 * The endpoint profile: what probes saw of an endpoint, as a value that can be printed, saved and passed in again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CoverageReason } from "../coverage/CoverageReason.ts"
import { EndpointLimits } from "../coverage/EndpointLimits.ts"
import { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import * as Ask from "./internal/Ask.ts"
import * as Capacity from "./internal/Capacity.ts"
import * as Examine from "./internal/Examine.ts"
import * as Facts from "./internal/Facts.ts"
import * as Meter from "./internal/Meter.ts"
import * as Observe from "./internal/Observe.ts"
import * as Patience from "./internal/Patience.ts"
import * as Probes from "./internal/Probes.ts"
import * as FilterProbe from "./internal/FilterProbe.ts"

const unknown = "unknown"
const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const included = Schema.Literals(["included", "not included", unknown])
const sortAnswer = Schema.Literals(["understood", "ignored", "refused", unknown])
const filterAnswer = Schema.Literals(["understood", "ignored", "applied after paging", unknown])

/**
 * The behaviour of an endpoint, as far as probes saw it; the rest is `unknown`.
 *
 * If a server differs from its profile, that costs requests, not calls: no verdict relies on a profile, and every window is
 * still counted.
 *
 * @since 0.1.0
 * @category models
 */
export const EndpointProfile = Schema.Struct({
  version: Schema.Literal(1),
  /** The base URL that was probed, if it was saved. */
  baseUrl: Schema.optionalKey(Schema.String),
  /** The time of the probes, by the server's clock, in ISO 8601. */
  observedAt: Schema.String,
  edition: Schema.Literals(["camelCase", "snake_case", unknown]),
  /** The requested page size. */
  pageSizeAsked: size,
  /** The rows that a page really has: more than requested only where the server has page sizes of its own. */
  pageSize: size,
  /** Whether a page had fewer rows than requested although there are more. */
  clamped: Schema.Boolean,
  /** Whether a page of another size than `pageSize` has more rows than requested, or fewer although there are more. */
  roundsPageSize: Schema.optionalKey(Schema.Boolean),
  /** A page size that was refused. */
  pageSizeRefused: Schema.optionalKey(size),
  /** The size that offsets are computed from: the size that was `asked` for, or the one that the page `brought`. */
  offsets: Schema.Literals(["asked", "brought", unknown]),
  /** Whether a page beyond the last brings the last, or the first, again instead of nothing. */
  repeatsBeyondEnd: Schema.Boolean,
  /** All pages of `pageSize`, rounded up to a power of two; only without a filter. */
  pagesAtMost: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 30 }))),
  /** The number of calls with and without a start time; only if they were counted. */
  calls: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))),
  /** The server's limits for one range, if they were observed; everything can still be read. */
  limits: Schema.optionalKey(EndpointLimits),
  /** The default order, as far as the first page shows it. */
  order: Schema.Literals(["start-desc", "start-asc", "created-desc", "created-asc", "other", unknown]),
  /** What the server does with `sort_by`. */
  sortFields: Schema.Struct({ started_at: sortAnswer, startedAt: sortAnswer }),
  /** The sort field for newest first: `none` if that is the default order, or if no field works. */
  sortBy: Schema.Literals(["started_at", "startedAt", "none"]),
  /** Whether answers then come newest start first, as far as was seen. */
  newestFirst: Schema.Boolean,
  /** Whether a bound itself is within it, to which part of a second a bound is read, and in which zone. */
  bounds: Schema.Struct({
    after: included,
    before: included,
    precision: Schema.Literals(["microsecond", "millisecond", "second", "bounds with a fraction are ignored", unknown]),
    zone: Schema.Literals(["UTC", "another", unknown])
  }),
  filters: Schema.Struct({ agentId: filterAnswer, channel: filterAnswer, callerNumber: filterAnswer }),
  /** Absent if time bounds and the used filters work, otherwise what they did instead. */
  filterProblem: Schema.optionalKey(CoverageReason),
  /** How far the server's clock is ahead of ours, in µs; its `Date` has whole seconds. */
  clockOffset: Schema.Int
})

/**
 * @since 0.1.0
 * @category models
 */
export type EndpointProfile = typeof EndpointProfile.Type

/**
 * A fact in plain English, and what it is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fact {
  readonly about: string
  readonly text: string
}

/**
 * The profile as short sentences for people, in a fixed order.
 *
 * @since 0.1.0
 * @category formatting
 */
export const facts: (profile: EndpointProfile) => ReadonlyArray<Fact> = Facts.facts

/**
 * What an examination found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Examined {
  readonly profile: EndpointProfile
  /** A start that no call is older than, where there are any calls with a start. */
  readonly oldest: Instant.Instant | undefined
  /** The records read: the number without a start time, and the number that could not be decoded, with the first reason. */
  readonly records: {
    readonly looked: number
    readonly undated: number
    readonly rejected: number
    readonly reason: string | undefined
  }
  /** The median time of requests that waited for no other one, in milliseconds, and their number. */
  readonly latency: { readonly millis: number; readonly of: number }
}

/**
 * Probes the endpoint, also for what reading does not need: how offsets are computed, what a time bound means exactly, and what becomes
 * of each filter and sort field. It takes some hundred requests, most of them of one row to try the filters.
 *
 * @since 0.1.0
 * @category constructors
 */
export const examine = Effect.fnUntraced(function* (
  options: { readonly pageSize?: number | undefined } = {}
): Effect.fn.Return<Examined, AgniError, AgniClient> {
  const { pageSize = 1000 } = options
  const meter = Meter.make(yield* AgniClient)
  const seen = yield* Effect.provideService(Probes.look({ pageSize }, FilterProbe.kinds), AgniClient, meter.client)
  const { controls, profile, pages } = seen
  const ask = Ask.make(
    Patience.make(meter.client.list),
    {},
    { size: profile.pageSize, sort: Observe.newest(profile.sortBy) }
  )
  const orUnknown = <A>(effect: Effect.Effect<A, AgniError>, otherwise: A) =>
    Ask.catchPoison(
      Effect.catchReason(effect, "AgniError", "InvalidRequest", () => Effect.succeed(otherwise)),
      () => Effect.succeed(otherwise)
    )
  const { newestFirst } = profile
  const about = { size: profile.pageSize, repeats: yield* seen.repeats, controls, newestFirst }
  const { counted: calls, most } = yield* Capacity.rows(ask, about, seen.about)
  const ascending = profile.sortFields.started_at === "understood" ? Observe.ascending("started_at") : undefined
  // Where the last page may not be reached, only an order that brings the oldest first shows them.
  const isMeasurable = profile.filterProblem === undefined && (most === undefined || ascending !== undefined)
  const span = isMeasurable ? yield* Capacity.span(ask, { ...about, ascending }) : undefined
  const offsets = profile.clamped ? yield* orUnknown(Examine.offsets(ask, profile.pageSize), unknown) : unknown
  const bounds = yield* orUnknown(Examine.bounds(ask, controls, profile.pageSize), Examine.unseen)
  const ignored = bounds === "ignored" ? { filterProblem: { _tag: "OutsideBounds" as const } } : {}
  const startedAt =
    profile.sortFields.startedAt === unknown
      ? Observe.sortAnswer(yield* Observe.oldestFirst(ask, "startedAt"), pages[0]?.rows ?? [])
      : profile.sortFields.startedAt
  const rows = [...new Map(pages.flatMap(({ rows }) => rows.map((row) => [row.key, row] as const))).values()]
  const rejected = rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : []))
  return {
    oldest: seen.oldest === undefined ? undefined : Instant.of(seen.oldest),
    records: {
      looked: rows.length,
      undated: rows.filter(({ start }) => start === undefined).length,
      rejected: rejected.length,
      reason: rejected[0]?.reason
    },
    latency: { millis: meter.latency() ?? 0, of: meter.timed() },
    profile: {
      ...profile,
      ...(calls === undefined ? {} : { calls }),
      ...(span === undefined && most === undefined
        ? {}
        : { limits: { ...(span === undefined ? {} : { span }), ...(most === undefined ? {} : { rows: most }) } }),
      ...ignored,
      offsets,
      bounds: bounds === "ignored" ? Examine.unseen : bounds,
      sortFields: { ...profile.sortFields, startedAt }
    }
  }
})
