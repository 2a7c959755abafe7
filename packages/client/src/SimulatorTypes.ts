/**
 * The options of the simulator, as plain interfaces.
 *
 * @since 0.1.0
 */
import type { Duration, Time } from "./CallTypes.ts"

/**
 * A status with a body as the vendor, or the proxy in front of it, writes them.
 *
 * @since 0.1.0
 * @category models
 */
export interface FaultStatus {
  readonly _tag: "Status"
  readonly status: number
  /** Seconds for a `Retry-After` header; without it there is none. */
  readonly retryAfter?: Duration | undefined
  /** The form of `Retry-After`. @default "seconds" */
  readonly retryAfterAs?: "seconds" | "date" | undefined
  /** @default "json" (plain text for 404) */
  readonly body?: "json" | "html" | "empty" | undefined
}

/**
 * Replaces one answer.
 *
 * - `Reset`: the connection breaks before an answer.
 * - `Hang`: no answer, ever.
 * - `Slow`: the body trickles in `chunks` pieces over `over`.
 * - `Cut`: the connection breaks after the share `at` of the body.
 * - `Truncated`: a complete response whose JSON ends after the share `at`.
 * - `Unsuccessful`: status 200 and `success: false`.
 * - `EmptyAnswer`: an empty list although there are records.
 * - `Html`: status 200 and a page for people.
 * - `Redirect`: to the same path on this origin, on another one, or to a URL.
 * - `Oversized`: a true answer behind `bytes` of padding.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault =
  | FaultStatus
  | { readonly _tag: "Reset" | "Hang" | "Unsuccessful" | "EmptyAnswer" | "Html" }
  | { readonly _tag: "Slow"; readonly over: Duration; readonly chunks: number }
  | { readonly _tag: "Cut" | "Truncated"; readonly at: number }
  | { readonly _tag: "Redirect"; readonly to: "same-origin" | "other-origin" | URL; readonly status: number }
  | { readonly _tag: "Oversized"; readonly bytes: number }

/**
 * A request that the simulator has seen; the API key is not kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedRequest {
  /** The first is 1. */
  readonly number: number
  readonly method: string
  readonly origin: string
  readonly path: string
  /** Origin, path and query. */
  readonly url: string
  readonly params: Readonly<Record<string, string>>
  /** `x-api-key` is replaced by `right`, `wrong` or is missing. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly key: "right" | "wrong" | "missing"
  /** The server's time in microseconds since the epoch. */
  readonly at: number
  readonly status: number
  readonly outcome: string
  readonly fault: { readonly _tag: Fault["_tag"] } | undefined
  readonly page: number
  readonly pageSize: number
  /** The ids in the answer, in order. */
  readonly ids: ReadonlyArray<string>
}

/**
 * How `started_after` and `started_before` are understood.
 *
 * @since 0.1.0
 * @category options
 */
export interface BoundsOptions {
  /** Whether a session that starts at `started_after` itself is listed. @default "inclusive" */
  readonly after?: "inclusive" | "exclusive" | undefined
  /** Whether a session that starts at `started_before` itself is listed. @default "inclusive" */
  readonly before?: "inclusive" | "exclusive" | undefined
  /** What a bound is cut down to before it is used. @default "none" */
  readonly truncate?: "none" | "second" | "day" | undefined
  /** Added to every bound: a server that reads instants in another zone. @default 0 */
  readonly shift?: Duration | undefined
  /** Which bounds have no effect: those with a fraction of a second, or all. @default "none" */
  readonly ignored?: "none" | "fraction" | "all" | undefined
  /** The instant that is compared. @default "start" */
  readonly field?: "start" | "created" | undefined
  /** Whether rows without a start time are below every `started_before`, as Go's zero time is. @default "none" */
  readonly undated?: "none" | "before" | undefined
}

/**
 * A cache in front of the endpoint.
 *
 * @since 0.1.0
 * @category options
 */
export interface CacheOptions {
  /** How long an answer is repeated for the same URL. */
  readonly ttl: Duration
  /** Whether `Cache-Control: no-cache` on a request passes the cache by. @default true */
  readonly respectNoCache?: boolean | undefined
  /** Whether a repeated answer says so in `Age`. @default true */
  readonly age?: boolean | undefined
}

/**
 * A fault for chosen requests.
 *
 * @since 0.1.0
 * @category options
 */
export interface ScriptEntry {
  /** A request's number (the first is 1), or what it must look like. */
  readonly on:
    | number
    | {
        readonly page?: number | undefined
        readonly from?: number | undefined
        readonly every?: number | undefined
        readonly where?: ((request: SimulatedRequest) => boolean) | undefined
      }
  readonly fault: Fault
  /** How often at most. @default 1 */
  readonly times?: number | undefined
}

/**
 * The order of an answer when the request asks for none.
 *
 * @since 0.1.0
 * @category options
 */
export type DefaultOrder =
  | "start-desc"
  | "start-asc"
  | "created-desc"
  | "created-asc"
  | "id-desc"
  | "id-asc"
  | "insertion"

/**
 * How calls live in a busy organization: agents that differ in what their calls get and how soon, with long tails; one agent
 * that begins to analyse in mid-life; starts that become known late or move; calls that appear at their end, or hours later;
 * final calls that change; departures, alone and in storms; busy days and quiet nights.
 *
 * @since 0.1.0
 * @category options
 */
export interface LifeOptions {
  /** How much more often than usual rare things happen. @default 1 */
  readonly rare?: number | undefined
  /** How much longer than usual everything takes that comes after the end of a call. @default 1 */
  readonly slowness?: number | undefined
  /** New calls by the hour of the day in UTC, beside each other: 24 numbers. @default few at night */
  readonly loads?: ReadonlyArray<number> | undefined
  /** Storms a day, and the share of the calls of the last two days that leaves at once in one. @default one in ten days, 1 % */
  readonly storms?: { readonly perDay: number; readonly calls: number } | undefined
}

/**
 * Everything about the simulated endpoint; every part has a default, which together make a quiet, well-behaved server.
 *
 * @since 0.1.0
 * @category options
 */
export interface SimulatorOptions {
  /** All chance follows from it: same seed and options, same answers. @default 1 */
  readonly seed?: number | undefined

  // --- the history
  /** Sessions that exist at `startAt`. @default 1000 */
  readonly sessions?: number | undefined
  /** The server's time when the simulator is made. @default the clock's now, or 2026-06-01T00:00:00Z where the clock is before the year 2000 */
  readonly startAt?: Time | undefined
  /** How far the server's clock is ahead of `startAt`. @default 0 */
  readonly clockOffset?: Duration | undefined
  /** The time over which the first sessions are spread. @default "30 days" */
  readonly span?: Duration | undefined
  /** How long before `startAt` the newest of them was created. @default "3 hours", or 0 with `arrivalsPerHour` */
  readonly age?: Duration | undefined
  /** @default 5, or 8 with `life` */
  readonly agents?: number | undefined
  /** The share of rows that are listed twice in a row, as a join does it. @default 0 */
  readonly duplicated?: number | undefined
  /** The precision of the instants that the server stores. @default "micro" */
  readonly granularity?: "micro" | "milli" | "second" | undefined
  /** The share of sessions that were created and started at one instant with others, in groups of 2 to `ways`. @default none */
  readonly ties?: { readonly share: number; readonly ways: number } | undefined
  /** The share of sessions that start 1 min to `queuedFor` after their creation. @default 0.02 */
  readonly queued?: number | undefined
  /** @default "30 minutes" */
  readonly queuedFor?: Duration | undefined
  /** The share of sessions that never start. @default 0.01, or 0.15 with `life` */
  readonly undated?: number | undefined
  /** The `startedAt` of these. @default "absent", or "mixed" where seen */
  readonly undatedAs?: "null" | "absent" | "empty" | "zero" | "mixed" | undefined
  /** The share of sessions that stay in progress for ever. @default 0 */
  readonly stuck?: number | undefined
  /** The mean length of a call; none lasts longer than ten times this. @default "3 minutes" */
  readonly callDuration?: Duration | undefined

  // --- its life
  /**
   * How calls live, instead of `queued`, `callDuration`, `visible`, `visibleLag` and `settlesWithin`; `{}` is a usual
   * organization. @default calls that are soon final
   */
  readonly life?: LifeOptions | undefined
  /** Sessions created per hour of server time after `startAt`. @default 0 */
  readonly arrivalsPerHour?: number | undefined
  /** The rate at which rows leave: 0.1 loses about 10 % of what is there each hour. @default 0 */
  readonly departuresPerHour?: number | undefined
  /** Which event makes a session visible. @default "created" */
  readonly visible?: "created" | "started" | "ended" | undefined
  /** A session appears up to this much later than that event. @default 0 */
  readonly visibleLag?: Duration | undefined
  /** Cost, recording and analysis arrive within so much of the end of a call. @default "10 minutes" */
  readonly settlesWithin?: Duration | undefined

  /** Each request is answered by one of `count` replicas, the last of which is `lag` behind and the first is not. @default one */
  readonly replicas?: { readonly count: number; readonly lag: Duration } | undefined

  // --- order
  /** @default "start-desc" */
  readonly order?: DefaultOrder | undefined
  /** The order of equal keys: by id, chosen again by each distinct query (page, size and bounds), or by each request. @default "id" */
  readonly tieOrder?: "id" | "query" | "random" | undefined
  /** Values of `sort_by` that are understood: spellings of start, created, ended, duration and id. @default all of both editions */
  readonly sortFields?: ReadonlyArray<string> | undefined
  /** How the server treats another `sort_by`. @default "ignore" */
  readonly unknownSort?: "ignore" | "reject" | undefined
  /** Whether `sort_by` and `sort_order` have an effect at all. @default "honoured" */
  readonly sorting?: "honoured" | "ignored" | undefined
  /** The place of rows without the sort key. @default "postgres": first when descending, last when ascending */
  readonly undatedOrder?: "postgres" | "first" | "last" | undefined

  // --- pages and filters
  /** @default 20 */
  readonly defaultPageSize?: number | undefined
  /** Larger sizes are silently cut to it. @default 100 */
  readonly maxPageSize?: number | undefined
  /** The size that the offset of a page is computed from when it was cut. @default "clamped" */
  readonly offsetFrom?: "asked" | "clamped" | undefined
  /** What a page beyond the last brings. @default "empty" */
  readonly beyondLast?: "empty" | "last" | "first" | undefined
  /** The filters that apply only after the page was taken: none, all except the time bounds, or all. @default "nothing" */
  readonly filterAfterPaging?: "nothing" | "filters" | "all" | undefined
  readonly bounds?: BoundsOptions | undefined

  // --- the wire
  /**
   * What answers look like. `documented`: as the contract says, text is never null, times are RFC 3339 or left out,
   * integers are numbers, and nothing is there that the contract does not name. `seen`: each record has another mix of
   * nulls, empty text, omissions, numeric text, Go times and fields that no contract names. Each option below changes one
   * part of it. @default "documented"
   */
  readonly wire?: "documented" | "seen" | undefined
  /** `snake` is the older edition, which the contract no longer describes. @default "camel" */
  readonly edition?: "camel" | "snake" | undefined
  /** @default "array", or "null" where seen */
  readonly emptyList?: "array" | "null" | "absent" | undefined
  /** How a missing value is written; as documented, text is empty and the rest is left out, or null where that is allowed. @default "documented", or "mixed" where seen */
  readonly missing?: "documented" | "null" | "absent" | "empty" | "mixed" | undefined
  /** Whether 0, "" and false are left out, as proto3 does. @default "kept", or "mixed" where seen */
  readonly zeros?: "kept" | "omitted" | "mixed" | undefined
  /** @default "number", or "mixed" where seen */
  readonly integers?: "number" | "string" | "mixed" | undefined
  /** @default "string" in the camel edition, "number" in the snake edition, or "mixed" where seen */
  readonly cost?: "string" | "number" | "mixed" | undefined
  /** `mixed` takes those that show the whole instant. @default "micros", or "mixed" where seen */
  readonly timestamps?: "seconds" | "millis" | "micros" | "offset" | "go" | "mixed" | undefined
  /** Whether records carry fields that no contract names. @default false, or true where seen */
  readonly unknownFields?: boolean | undefined
  /** `meta.total` in the snake edition. @default "number" */
  readonly metaTotal?: "number" | "string" | "absent" | undefined
  /** `minimal` has no free text or objects, and is the fastest; `plain` is ASCII; `varied` has many scripts, newlines and quotes; `hostile` adds `__proto__` keys, lone surrogates and deep nesting. @default "varied" */
  readonly content?: "minimal" | "plain" | "varied" | "hostile" | undefined
  /** Where recording URLs point; `here` to the simulator itself, which answers each with a second of sound until it expires. @default "https://recordings.ravan.ai" */
  readonly recordingsUrl?: string | undefined

  // --- HTTP
  /** @default "agni_test_key" */
  readonly apiKey?: string | undefined
  /** Whether the plan has no API access: 403 to a right key. @default false */
  readonly forbidden?: boolean | undefined
  /** How long an answer takes. @default 0 */
  readonly latency?: Duration | undefined
  /** Up to so much is added to `latency`. @default 0 */
  readonly jitter?: Duration | undefined
  /** Requests in any one second; above it 429 with `Retry-After: 1`. @default unlimited */
  readonly rateLimit?: number | undefined
  /** The `Date` header: the server's clock, the time of the first answer for ever, or none (a Node server then writes its own). @default "clock" */
  readonly date?: "clock" | "frozen" | "absent" | undefined
  readonly cache?: CacheOptions | undefined
  /** Rows that can't be rendered, as a share or by their index: each page they are on is a 500. @default none */
  readonly poison?: number | ReadonlyArray<number> | undefined
  /** A body longer than so many characters becomes an error with code 8. @default unlimited */
  readonly messageLimit?: number | undefined
  /** The status of that error. @default 500 */
  readonly messageLimitStatus?: number | undefined

  // --- faults
  readonly script?: ReadonlyArray<ScriptEntry> | undefined
  /** The share of requests that meet a fault out of `faults`. @default 0 */
  readonly faultRate?: number | undefined
  /** @default 429 (with seconds, with a date, without), 500, 502 (HTML), 503, reset, cut, truncated */
  readonly faults?: ReadonlyArray<Fault> | undefined
  /** No URL meets more random faults in a row than this. @default 3 */
  readonly faultsInARow?: number | undefined

  // --- bounds of the simulator itself
  /** The newest so many requests are kept in `requests`. @default 100000 */
  readonly keepRequests?: number | undefined
  /** Characters of record text that are kept to be sent again. @default 64 Mi */
  readonly textCache?: number | undefined
}
