/** Histories in PostgreSQL by seed: what they hold, what happens to them while they are read, and what a reading must hold. */
import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { startInstant } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as CallSessions from "@callstream/core/CallSessions"
import { type Verdict, verdict, weaker, type Window } from "@callstream/core/history/Coverage"
import * as History from "@callstream/core/history/History"
import type { PgClient } from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as HistoryCase from "../../../core/test/torture/HistoryCase.ts"
import * as App from "./PostgresApp.ts"
import { Server } from "./PostgresServer.ts"

export interface Scenario {
  readonly seed: number
  readonly sessions: number
  /** How many of them a dialler started within three seconds. */
  readonly burst: number
  /** Starts as the table keeps them. */
  readonly starts: "seconds" | "micros"
  /** The share of calls that wait, for up to an hour, between their creation and their start. */
  readonly queued: number
  /** The share of sessions that never started. */
  readonly undated: number
  readonly index: "none" | "started_at" | "created_at"
  readonly planners: ReadonlyArray<keyof typeof planners>
  readonly app: Pick<App.Options, "order" | "sorting" | "after" | "before" | "maxPageSize">
  /** How many of each happen before a request, on average. */
  readonly writes: {
    readonly deleted: number
    readonly inserted: number
    readonly updated: number
    readonly vacuum: number
  }
  readonly range: History.OpenRange
  readonly read: History.Options
}

/** What makes PostgreSQL answer the same question by another way, and put equal rows in another order. */
const planners = {
  default: {},
  sequential: { enable_indexscan: "off", enable_bitmapscan: "off" },
  indexed: { enable_seqscan: "off", enable_bitmapscan: "off" },
  bitmap: { enable_seqscan: "off", enable_indexscan: "off" },
  parallel: {
    max_parallel_workers_per_gather: "1",
    parallel_setup_cost: "0",
    parallel_tuple_cost: "0",
    min_parallel_table_scan_size: "0"
  }
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

const random = (seed: number) => {
  const { next, pick } = HistoryCase.random(seed)
  return {
    next,
    pick,
    below: (limit: number) => Math.floor(next() * limit),
    /** A whole number that is `mean` on average. */
    about: (mean: number) => Math.floor(mean) + (next() < mean % 1 ? 1 : 0)
  }
}
type Random = ReturnType<typeof random>

/** ms */
const now = Date.UTC(2026, 5, 1)
const hour = 3_600_000

export const make = (seed: number): Scenario => {
  const { below, next, pick } = random(seed)
  const quiet = next() < 0.4
  const maxPageSize = pick(50, 100, 100)
  const bounded = next() < 0.4
  const back = (hours: number) => (now - Math.floor(hours * hour)) * 1000
  return {
    seed,
    sessions: 400 + below(maxPageSize * 10),
    burst: pick(0, 60, 3 * maxPageSize),
    starts: pick("seconds", "seconds", "micros"),
    queued: pick(0, 0.1, 0.3),
    undated: pick(0, 0, 0.02),
    index: pick("none", "started_at", "created_at"),
    planners: pick<Scenario["planners"]>(
      ["default"],
      ["default"],
      ["sequential", "indexed", "bitmap"],
      // Processes are started for each query: for readings of few requests.
      quiet ? ["default", "parallel"] : ["default", "sequential", "indexed"]
    ),
    app: {
      order: pick("start-desc", "start-asc", "created-desc"),
      sorting: pick("honoured", "ignored"),
      after: pick("inclusive", "exclusive"),
      before: pick("inclusive", "exclusive"),
      maxPageSize
    },
    writes: quiet
      ? { deleted: 0, inserted: 0, updated: 0, vacuum: 0 }
      : {
          deleted: pick(0, 0, 0.1, 1),
          inserted: pick(0, 0.1, 0.5),
          updated: pick(0, 2, 8),
          vacuum: pick(0, 0.03)
        },
    range: bounded ? { from: Instant.of(back(40 + next() * 30)), to: Instant.of(back(3 + next() * 30)) } : {},
    read: {
      pageSize: pick(maxPageSize, 2 * maxPageSize),
      concurrency: pick(1, 4),
      pagesPerWindow: pick(undefined, 3, 10)
    }
  }
}

interface Row {
  readonly id: string
  readonly agent_id: string
  readonly status: string
  readonly started_at: string | null
  readonly created_at: string
  readonly duration_sec: number
  readonly summary: string
}

const digits = (dice: Random, length: number) => Array.from({ length }, () => dice.below(16).toString(16)).join("")

const agents = ["0b7e2c54-1f6d-4e0a-9d5e-6a1f00c2b9aa", "7c1d9a30-52b4-4a8f-8f21-3be0d5c4e7bb"] as const

/** @param start ms, with a fraction */
const row = (one: Scenario, dice: Random, start: number): Row => {
  const created = start - (dice.next() < one.queued ? dice.next() * hour : dice.next() * 2000)
  const text = (instant: number) =>
    `${new Date(Math.floor(instant)).toISOString().slice(0, -1)}${String(Math.floor((instant % 1) * 1000)).padStart(3, "0")}Z`
  const ordered = Math.floor(created).toString(16).padStart(12, "0")
  return {
    id: `${ordered.slice(0, 8)}-${ordered.slice(8)}-7${digits(dice, 3)}-8${digits(dice, 3)}-${digits(dice, 12)}`,
    agent_id: dice.pick(...agents),
    status: "in_progress",
    started_at:
      dice.next() < one.undated ? null : text(one.starts === "seconds" ? Math.floor(start / 1000) * 1000 : start),
    created_at: text(created),
    duration_sec: 0,
    summary: "x".repeat(dice.below(60))
  }
}

/** Three days of calls, some of which a dialler starts within three seconds. */
const rows = (one: Scenario, dice: Random): ReadonlyArray<Row> => {
  const burst = now - (5 + dice.next() * 60) * hour
  return Array.from({ length: one.sessions }, (_, i) =>
    i < one.burst
      ? row({ ...one, starts: "seconds" }, dice, burst + dice.next() * 3000)
      : row(one, dice, now - (3 + dice.next() * 69) * hour)
  ).sort((left, right) => (left.created_at < right.created_at ? -1 : 1))
}

const insert = (sql: PgClient, rows: ReadonlyArray<Row>) =>
  sql.unsafe("INSERT INTO call_sessions SELECT * FROM jsonb_populate_recordset(NULL::call_sessions, $1::text::jsonb)", [
    JSON.stringify(rows)
  ])

/** Calls leave, appear and change: a changed row moves to another place in its table. */
const writer = (one: Scenario, sql: PgClient, ids: Array<string>) => {
  const dice = random(one.seed + 500_000)
  const { deleted, inserted, updated, vacuum } = one.writes
  const some = (count: number) =>
    Array.from({ length: Math.min(count, ids.length) }, () => ids[dice.below(ids.length)] ?? "")
  const array = (ids: ReadonlyArray<string>) => `{${ids.join(",")}}`
  return Effect.gen(function* () {
    const leaving = new Set(some(dice.about(deleted)))
    if (leaving.size > 0) {
      ids.splice(0, ids.length, ...ids.filter((id) => !leaving.has(id)))
      yield* sql.unsafe("DELETE FROM call_sessions WHERE id = ANY($1::text::uuid[])", [array([...leaving])])
    }
    const coming = Array.from({ length: dice.about(inserted) }, () =>
      // Most have just begun; some were begun long ago, by a transaction that took its time.
      row(one, dice, now - dice.next() * (dice.next() < 0.7 ? 0.1 : 60) * hour)
    )
    if (coming.length > 0) {
      ids.push(...coming.map(({ id }) => id))
      yield* insert(sql, coming)
    }
    const changing = some(dice.about(updated))
    if (changing.length > 0) {
      yield* sql.unsafe(
        `UPDATE call_sessions SET status = 'completed', duration_sec = duration_sec + 1, summary = summary || 'y'
         WHERE id = ANY($1::text::uuid[])`,
        [array(changing)]
      )
    }
    if (dice.next() < vacuum) yield* sql.unsafe("VACUUM call_sessions")
  })
}

export interface World {
  readonly app: App.App
  readonly client: AgniClient["Service"]
  /** What was there before the first request and still is, by id: the start in µs, where there is one. */
  readonly visibleThroughout: Effect.Effect<ReadonlyMap<string, number | undefined>, SqlError>
  /** One turn of the writer. */
  readonly write: Effect.Effect<void, SqlError>
}

/** A client that tries once: nothing here may hide behind a retry. */
export const clientAt = (baseUrl: string) =>
  Effect.orDie(AgniClient.make({ apiKey: Redacted.make("key"), baseUrl, retry: { tries: 1 } }))

/**
 * The history of a scenario, in place of what the database held. Its writer has its turn before each request, unless
 * requests are answered side by side: then it is for the test to let it write.
 */
export const open = Effect.fnUntraced(function* (
  one: Scenario,
  database: string,
  options: Pick<App.Options, "atOnce"> = {}
): Effect.fn.Return<World, SqlError, Server | Scope.Scope> {
  const server = yield* Server
  const sql = yield* server.client(database, { maxConnections: 1 })
  yield* sql.unsafe("DROP TABLE IF EXISTS call_sessions")
  yield* sql.unsafe(App.table)
  yield* insert(sql, rows(one, random(one.seed)))
  if (one.index !== "none") yield* sql.unsafe(`CREATE INDEX ON call_sessions (${one.index})`)
  yield* sql.unsafe("ANALYZE call_sessions")
  const connections = yield* Effect.forEach(one.planners, (planner) =>
    server.client(database, { maxConnections: options.atOnce ?? 1, startupParameters: planners[planner] })
  )
  const snapshot = Effect.map(
    sql<{ id: string; start: string | null }>`
      SELECT id, (extract(epoch FROM started_at) * 1000000)::bigint::text AS start FROM call_sessions`,
    (rows) => new Map(rows.map(({ id, start }) => [id, start === null ? undefined : Number(start)]))
  )
  const before = yield* snapshot
  const write = writer(one, sql, [...before.keys()].sort())
  const app = App.make({
    ...one.app,
    ...options,
    connections,
    now,
    meanwhile: options.atOnce === undefined ? write : Effect.void
  })
  return {
    app,
    client: yield* Effect.provideService(clientAt("http://127.0.0.1"), HttpClient.HttpClient, App.httpClient(app)),
    visibleThroughout: Effect.map(snapshot, (after) => new Map([...before].filter(([id]) => after.has(id)))),
    write
  }
})

export interface Judgement {
  readonly verdict: Verdict
  /** Sessions visible throughout that did not come, whatever was said of them. */
  readonly missing: number
  readonly windows: number
  readonly proven: number
  readonly requests: number
  readonly reasons: ReadonlyArray<string>
  /** What no reading may do: nothing, unless there is a bug. */
  readonly wrong: ReadonlyArray<string>
}

/** Reads a history in windows, and holds what came against what was there. */
export const read = Effect.fnUntraced(function* (one: Scenario, { app, client, visibleThroughout }: World) {
  const windows = yield* Stream.runCollect(History.windows(one.range, one.read)).pipe(
    Effect.provideService(AgniClient, client)
  )
  return judge(one, windows, yield* visibleThroughout, app.requests())
})

const judge = (
  one: Scenario,
  windows: ReadonlyArray<Window>,
  visible: ReadonlyMap<string, number | undefined>,
  requests: number
): Judgement => {
  const wrong: Array<string> = []
  const ids = windows.flatMap(({ rows }) => rows.sessions().map(({ id }) => id))
  const came = new Set(ids)
  if (came.size !== ids.length) wrong.push("a session came twice")
  const whole = one.range.from === undefined
  const from = windows[0]?.from
  const to = windows.at(-1)?.to
  if (from === undefined || to === undefined) return { ...nothing, wrong: ["no windows"] }
  if (!whole && (from !== one.range.from || to !== one.range.to)) wrong.push("the windows are of another range")
  for (const [i, window] of windows.entries()) {
    const before = windows[i - 1]
    if (before !== undefined && before.to !== window.from) wrong.push("the windows do not tile the range")
    if (window.to < window.from) wrong.push("a window ends before it begins")
    const starts = window.rows.sessions().flatMap((session) => startInstant(session) ?? [])
    // Where bounds do not work windows are pages: they come as they come.
    if (window.coverage._tag === "Unprovable") continue
    // The last one, of no length, has the calls that only some answers showed, as when a transaction ends late.
    const begin = window.from === window.to && i === windows.length - 1 ? from : window.from
    if (starts.some((start, k) => start < (starts[k - 1] ?? begin) || start >= window.to)) {
      wrong.push("a session is not in its window, or not in its place")
    }
  }
  const missing = [...visible].filter(
    ([id, start]) => !came.has(id) && (start === undefined ? whole : start < to && (whole || start >= from))
  )
  const [last] = windows.slice(-1)
  const claimed = missing.filter(([, start]) =>
    start === undefined
      ? last?.coverage._tag === "Proven"
      : windows.some((window) => window.coverage._tag === "Proven" && start >= window.from && start < window.to)
  )
  const total = windows.map(({ coverage }) => verdict(coverage)).reduce(weaker, "proven")
  if (claimed.length > 0) wrong.push(`${claimed.length} sessions are missing from windows that are proven`)
  if (total === "proven" && missing.length > 0) wrong.push(`proven, and ${missing.length} sessions are missing`)
  const reasons = windows.flatMap(({ coverage }) =>
    "reason" in coverage ? [CoverageReason.describe(coverage.reason)] : []
  )
  return {
    verdict: total,
    missing: missing.length,
    windows: windows.length,
    proven: windows.filter(({ coverage }) => coverage._tag === "Proven").length,
    requests,
    reasons: [...new Set(reasons)],
    wrong
  }
}

const nothing = { verdict: "unprovable", missing: 0, windows: 0, proven: 0, requests: 0, reasons: [] } as const

/** Page after page until one is empty: how many sessions that were there all the time it does not bring. */
export const missedByPages = Effect.fnUntraced(function* ({ client, visibleThroughout }: World, pageSize: number) {
  const came = yield* Stream.runFold(
    CallSessions.pages({ pageSize }, { concurrency: 1 }),
    () => new Set<string>(),
    (ids, { rows }) => {
      for (const { id } of rows.sessions()) ids.add(id)
      return ids
    }
  ).pipe(Effect.provideService(AgniClient, client))
  return [...(yield* visibleThroughout).keys()].filter((id) => !came.has(id)).length
})
