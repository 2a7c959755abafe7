/**
 * The endpoint as a small team might write it over PostgreSQL: a filter by start, an order without a tie-break, and
 * `LIMIT … OFFSET …`.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"

export const table = `
  CREATE TABLE call_sessions (
    id uuid PRIMARY KEY,
    agent_id uuid NOT NULL,
    status text NOT NULL,
    started_at timestamptz,
    created_at timestamptz NOT NULL,
    duration_sec int NOT NULL,
    summary text NOT NULL
  )`

export interface Options {
  /** Who answers: one after another, as the requests come. The same rows, planned differently. */
  readonly connections: ReadonlyArray<PgClient>
  /** How answers come unless a request says otherwise. */
  readonly order: "start-desc" | "start-asc" | "created-desc"
  /** Whether `sort_by` and `sort_order` are understood. */
  readonly sorting: "honoured" | "ignored"
  readonly after: "inclusive" | "exclusive"
  readonly before: "inclusive" | "exclusive"
  readonly maxPageSize: number
  /** The `Date` of the first answer, in ms; each request takes 20 ms of that clock. */
  readonly now: number
  /** Requests answered side by side. @default 1: a seed then decides what happens between any two queries */
  readonly atOnce?: number
  /** What happens to the rows before a request is answered. */
  readonly meanwhile: Effect.Effect<void, SqlError>
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface App {
  /** Answers the parameters of one request. A query that fails is a defect: nothing here may hide behind a retry. */
  readonly answer: (parameters: URLSearchParams) => Effect.Effect<Answer>
  readonly requests: () => number
}

const sortable: Readonly<Record<string, string>> = { started_at: "started_at", created_at: "created_at" }

const orders = {
  "start-desc": ["started_at", "DESC"],
  "start-asc": ["started_at", "ASC"],
  "created-desc": ["created_at", "DESC"]
} as const

const columns = `id, agent_id AS "agentId", status, started_at AS "startedAt", created_at AS "createdAt",
  duration_sec AS "durationSec", summary`

const query = (options: Options, parameters: URLSearchParams) => {
  const values: Array<unknown> = []
  const bind = (value: unknown, type: string) => `$${values.push(value)}::${type}`
  const conditions = ["true"]
  const after = parameters.get("started_after")
  const before = parameters.get("started_before")
  const agent = parameters.get("agent_id")
  if (after !== null) {
    conditions.push(`started_at ${options.after === "inclusive" ? ">=" : ">"} ${bind(after, "text::timestamptz")}`)
  }
  if (before !== null) {
    conditions.push(`started_at ${options.before === "inclusive" ? "<=" : "<"} ${bind(before, "text::timestamptz")}`)
  }
  if (agent !== null) conditions.push(`agent_id = ${bind(agent, "text::uuid")}`)
  const [field, direction] = orders[options.order]
  const honoured = options.sorting === "honoured"
  const by = (honoured ? sortable[parameters.get("sort_by") ?? ""] : undefined) ?? field
  const turned = { asc: "ASC", desc: "DESC" }[(honoured ? parameters.get("sort_order") : undefined) ?? ""] ?? direction
  const size = Math.min(Number(parameters.get("page_size") ?? 20), options.maxPageSize)
  const offset = (Number(parameters.get("page") ?? 1) - 1) * size
  const page = `SELECT ${columns} FROM call_sessions WHERE ${conditions.join(" AND ")}
    ORDER BY ${by} ${turned} LIMIT ${bind(size, "int")} OFFSET ${bind(offset, "bigint")}`
  const text = `SELECT coalesce(json_agg(page), '[]')::text AS list FROM (${page}) AS page`
  return { text, values }
}

export const make = (options: Options): App => {
  let requests = 0
  const turn = Semaphore.makeUnsafe(options.atOnce ?? 1)
  return {
    requests: () => requests,
    answer: (parameters) =>
      Effect.gen(function* () {
        const request = requests++
        yield* options.meanwhile
        const connection = options.connections[request % options.connections.length]
        if (connection === undefined) return yield* Effect.die(new Error("an app without a connection"))
        const { text, values } = query(options, parameters)
        const [row] = yield* connection.unsafe<{ readonly list: string }>(text, values)
        return {
          status: 200,
          headers: { "content-type": "application/json", date: new Date(options.now + request * 20).toUTCString() },
          body: `{"success":true,"message":"Call sessions retrieved successfully","data":{"callSessions":${row?.list}}}`
        }
      }).pipe(Effect.orDie, turn.withPermits(1))
  }
}

/** The app without a socket. */
export const httpClient = (app: App): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.map(app.answer(url.searchParams), ({ body, headers, status }) =>
      HttpClientResponse.fromWeb(request, new Response(body, { status, headers }))
    )
  )
