/** The flags that say where sessions come from, and which. */
import {
  AgniClient,
  type AgniClientOptions,
  type AgniError,
  CallSessionQuery,
  type CallSessions,
  Instant,
  RetryPolicy
} from "@callstream/core"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { UsageError } from "../output/UsageError.ts"
import * as Figure from "./Figure.ts"
import * as When from "./When.ts"

const optional = Flag.optional
const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

const when = (name: string, description: string) =>
  text(name, "TIME", description).pipe(
    Flag.filterMap(
      (value) => Option.fromUndefinedOr(When.parse(value)),
      () => `Expected: ${When.expected}`
    ),
    optional
  )

export const duration = (name: string, description: string) =>
  text(name, "DURATION", description).pipe(
    Flag.filterMap(
      (value) => Option.map(Option.fromUndefinedOr(When.parseDuration(value)), Duration.millis),
      () => "Expected: a duration such as 500ms, 30s, 2m or 2h"
    )
  )

const positiveDuration = (name: string, description: string) =>
  duration(name, description).pipe(
    Flag.filter(
      (value) => Duration.toMillis(value) > 0,
      () => "Expected: a duration above 0, such as 30s"
    )
  )

/** How to reach the endpoint. */
export const connectionFlags = {
  apiKeyFile: text("api-key-file", "FILE", "File that holds the API key, for when it is not in AGNI_API_KEY").pipe(
    optional
  ),
  baseUrl: text("base-url", "URL", "Where the API is (default: AGNI_BASE_URL, or https://api.ravan.ai)").pipe(
    Flag.withFallbackConfig(Config.String("AGNI_BASE_URL")),
    optional
  ),
  allowHttp: Flag.Boolean("allow-http").pipe(
    Flag.withDescription("Send the key over plain http to another machine, where it can be read on the way"),
    Flag.withDefault(false)
  ),
  timeout: positiveDuration("timeout", "For one attempt, body included, such as 30s or 2m (default: 30s)").pipe(
    optional
  ),
  retries: Figure.integer("retries", 0, "Further tries of a request that failed in passing (default: 7)", 1000).pipe(
    optional
  ),
  rate: Figure.decimal(
    "rate",
    (value) => value > 0,
    "a number above 0",
    "Requests a second at most, retries included (default: no limit)"
  ).pipe(optional)
}

/** Which sessions. */
export const selectionFlags = {
  since: when(
    "since",
    "Sessions that started at this time or later: 2026-07-31T07:16:10Z, 2026-07-31, or an age such as 7d"
  ),
  until: when("until", "Sessions that started before this time"),
  agentId: text("agent-id", "UUID", "Sessions of one agent").pipe(optional),
  status: text("status", "STATUS", "Sessions with this status, such as completed").pipe(optional),
  channel: text("channel", "CHANNEL", "Sessions of this channel, such as inbound_call").pipe(optional),
  callerNumber: text("caller-number", "NUMBER", "Sessions from this number, in E.164 form (+14155550123)").pipe(
    optional
  ),
  search: text("search", "TEXT", "Sessions that the server's search finds").pipe(optional),
  newest: Figure.integer(
    "newest",
    1,
    "Only the N sessions that started last, newest first (reads the whole range)"
  ).pipe(optional),
  oldest: Figure.integer(
    "oldest",
    1,
    "Only the N sessions that started first, oldest first (reads the whole range)"
  ).pipe(optional),
  pageSize: Figure.integer("page-size", 1, "Sessions asked for in one request (default: 100)", 100_000).pipe(
    Flag.withDefault(100)
  ),
  concurrency: Figure.integer("concurrency", 1, "Requests under way at once (default: 4)", 256).pipe(
    Flag.withDefault(4)
  )
}

export type Values<Flags> = { readonly [K in keyof Flags]: Flags[K] extends Flag.Flag<infer A> ? A : never }

export type Connection = Values<typeof connectionFlags>
export type SelectionFlags = Values<typeof selectionFlags>

const readKey = Effect.fnUntraced(function* (file: Option.Option<string>) {
  if (Option.isSome(file)) {
    const fs = yield* FileSystem.FileSystem
    const content = yield* Effect.mapError(
      fs.readFileString(file.value),
      () =>
        new UsageError({
          problem: `--api-key-file: ${file.value} cannot be read`,
          advice: "Name a file that exists, that you may read, and that holds the key and nothing else."
        })
    )
    if (content.trim() === "") return yield* new UsageError({ problem: `--api-key-file: ${file.value} is empty` })
    return Redacted.make(content.trim())
  }
  const key = yield* Effect.option(Config.Redacted("AGNI_API_KEY"))
  if (Option.isNone(key) || Redacted.value(key.value).trim() === "") {
    return yield* new UsageError({
      problem: "there is no API key",
      advice: "Set AGNI_API_KEY, or name a file that holds the key with --api-key-file."
    })
  }
  return key.value
})

const flagOfOption: Readonly<Record<string, string>> = {
  apiKey: "the API key (AGNI_API_KEY or --api-key-file)",
  baseUrl: "--base-url (or AGNI_BASE_URL)",
  agentId: "--agent-id",
  status: "--status",
  channel: "--channel",
  callerNumber: "--caller-number",
  search: "--search",
  pageSize: "--page-size",
  requestsPerSecond: "--rate",
  maxConcurrentRequests: "--concurrency",
  retry: "--retries"
}

const toUsage = (reason: { readonly parameter?: string; readonly description: string }): UsageError => {
  const { description, parameter = "" } = reason
  const flag = flagOfOption[parameter]
  if (flag === undefined) return new UsageError({ problem: description })
  // The description begins with what it is about, which here is the flag.
  const subject = [`${parameter} `, "the base URL ", "the API key "].find((start) => description.startsWith(start))
  const problem = subject === undefined ? `${flag}: ${description}` : `${flag} ${description.slice(subject.length)}`
  const plainHttp = ": use https, or allow it by name"
  return problem.endsWith(plainHttp)
    ? new UsageError({
        problem: problem.slice(0, -plainHttp.length),
        advice: "Use https, or add --allow-http if the way there is safe."
      })
    : new UsageError({ problem })
}

/** Where the API is, by the flags. */
export const baseUrlOf = ({ baseUrl }: Pick<Connection, "baseUrl">): string =>
  Option.getOrElse(baseUrl, () => "https://api.ravan.ai").replace(/\/+$/, "")

/** The client that the flags ask for. Fails before any request when they, or the key, are wrong. */
export const client = (
  connection: Connection,
  concurrency: number
): Layer.Layer<AgniClient, UsageError | AgniError, HttpClient.HttpClient | FileSystem.FileSystem> =>
  Layer.effect(
    AgniClient,
    Effect.gen(function* () {
      const apiKey = yield* readKey(connection.apiKeyFile)
      const options: AgniClientOptions = {
        apiKey,
        baseUrl: Option.getOrUndefined(connection.baseUrl),
        allowInsecureHttp: connection.allowHttp,
        timeout: Option.getOrUndefined(connection.timeout),
        maxConcurrentRequests: concurrency,
        requestsPerSecond: Option.getOrUndefined(connection.rate),
        retry: Option.match(connection.retries, {
          onNone: () => RetryPolicy.make(),
          onSome: (retries) => RetryPolicy.make({ tries: retries + 1 })
        })
      }
      return yield* AgniClient.make(options).pipe(
        Effect.catchReason("AgniError", "InvalidRequest", (reason) => Effect.fail(toUsage(reason)))
      )
    })
  )

/** The epoch of instants; no call is older. */
const earliest = 0

/** The sessions that the flags ask for, ages resolved against the clock once. */
export const selection = Effect.fnUntraced(function* (
  flags: SelectionFlags
): Effect.fn.Return<
  CallSessions.Selection & { readonly from?: Instant.Input; readonly to?: Instant.Input },
  UsageError
> {
  const now = yield* Clock.currentTimeMillis
  const from = Option.map(flags.since, (since) => When.resolve(since, now))
  const to = Option.map(flags.until, (until) => When.resolve(until, now))
  for (const [flag, instant] of [
    ["--since", from],
    ["--until", to]
  ] as const) {
    if (Option.exists(instant, (value) => value < earliest)) {
      return yield* new UsageError({ problem: `${flag} lies before the year 1970` })
    }
  }
  if (Option.isSome(from) && Option.isSome(to) && from.value >= to.value) {
    return yield* new UsageError({
      problem: `--until (${Instant.format(to.value)}) is not later than --since (${Instant.format(from.value)})`
    })
  }
  if (Option.isSome(flags.newest) && Option.isSome(flags.oldest)) {
    return yield* new UsageError({ problem: "--newest and --oldest cannot be used together" })
  }
  const filters = {
    agentId: Option.getOrUndefined(flags.agentId),
    status: Option.getOrUndefined(flags.status),
    channel: Option.getOrUndefined(flags.channel),
    callerNumber: Option.getOrUndefined(flags.callerNumber),
    search: Option.getOrUndefined(flags.search),
    pageSize: flags.pageSize
  }
  const checked = CallSessionQuery.toParameters(filters)
  if (Result.isFailure(checked)) return yield* toUsage(checked.failure)
  return {
    ...filters,
    concurrency: flags.concurrency,
    ...(Option.isSome(from) ? { from: Instant.format(from.value) } : {}),
    ...(Option.isSome(to) ? { to: Instant.format(to.value) } : {})
  }
})
