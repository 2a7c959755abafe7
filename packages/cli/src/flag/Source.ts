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
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Connection as ConnectionSpec, Selection as SelectionSpec } from "../spec/PipelineSpec.ts"
import { UsageError } from "../output/UsageError.ts"
import * as Figure from "./Figure.ts"
import { given } from "./Given.ts"
import * as InputFile from "./InputFile.ts"
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
  newest: Figure.integer("newest", 1, "Only the N sessions that started last, newest first").pipe(optional),
  oldest: Figure.integer("oldest", 1, "Only the N sessions that started first, oldest first").pipe(optional),
  pageSize: Figure.integer("page-size", 1, "Sessions asked for in one request (default: 100)", 100_000).pipe(optional),
  concurrency: Figure.integer("concurrency", 1, "Requests under way at once (default: 4)", 256).pipe(optional)
}

/** How they are read. */
export const walkFlags = {
  walk: Flag.Literals("walk", ["history", "pages"]).pipe(
    Flag.withDescription(
      "How to read: history goes by time and proves what is complete; pages goes by page numbers and proves nothing (default: history)"
    ),
    optional
  ),
  horizon: duration("horizon", "How long after its start a session may still become visible (default: 2h)").pipe(
    optional
  ),
  keepGoing: Flag.Boolean("keep-going").pipe(
    Flag.withDescription(
      "Leave out the records that the server fails to give, name the seconds they lie in, and exit with 3"
    ),
    Flag.withDefault(false)
  ),
  learned: text("learned", "FILE", "What check --json saved of this endpoint: saves requests").pipe(optional)
}

export type Values<Flags> = { readonly [K in keyof Flags]: Flags[K] extends Flag.Flag<infer A> ? A : never }

export type Connection = Values<typeof connectionFlags>
export type SelectionFlags = Values<typeof selectionFlags>

/** How to reach the endpoint, as data. */
export const connectionOf = (flags: Connection): ConnectionSpec => ({
  ...given({
    baseUrl: flags.baseUrl,
    apiKeyFile: flags.apiKeyFile,
    timeout: Option.map(flags.timeout, When.formatDuration),
    retries: flags.retries,
    rate: flags.rate
  }),
  ...(flags.allowHttp ? { allowHttp: true } : {})
})

/** Which sessions, and how they are read, as data. */
export const selectionOf = (
  flags: SelectionFlags & Values<typeof walkFlags>
): SelectionSpec & Pick<ConnectionSpec, "concurrency"> => ({
  ...given({
    since: Option.map(flags.since, When.format),
    until: Option.map(flags.until, When.format),
    agentId: flags.agentId,
    status: flags.status,
    channel: flags.channel,
    callerNumber: flags.callerNumber,
    search: flags.search,
    newest: flags.newest,
    oldest: flags.oldest,
    pageSize: flags.pageSize,
    concurrency: flags.concurrency,
    walk: flags.walk,
    horizon: Option.map(flags.horizon, When.formatDuration),
    learned: flags.learned
  }),
  ...(flags.keepGoing ? { keepGoing: true } : {})
})

const durationOf = (text: string | undefined): Duration.Duration | undefined => {
  const millis = text === undefined ? undefined : When.parseDuration(text)
  return millis === undefined ? undefined : Duration.millis(millis)
}

const readKey = Effect.fnUntraced(function* ({ apiKey, apiKeyFile: file }: ConnectionSpec) {
  if (apiKey !== undefined) return Redacted.make(apiKey.trim())
  if (file !== undefined) {
    const content = yield* InputFile.read(file, {
      subject: "--api-key-file: ",
      advice: "Name a file that exists, that you may read, and that holds the key and nothing else.",
      isSecret: true
    })
    if (content.trim() === "") return yield* new UsageError({ problem: `--api-key-file: ${file} is empty` })
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

/** Where the API is. */
export const baseUrlOf = ({ baseUrl = "https://api.ravan.ai" }: Pick<ConnectionSpec, "baseUrl">): string =>
  baseUrl.replace(/\/+$/, "")

/** The client that is asked for. Fails before any request when something in it, or the key, is wrong. */
export const client = (
  connection: ConnectionSpec
): Layer.Layer<AgniClient, UsageError | AgniError, HttpClient.HttpClient | FileSystem.FileSystem> =>
  Layer.effect(
    AgniClient,
    Effect.gen(function* () {
      const apiKey = yield* readKey(connection)
      const options: AgniClientOptions = {
        apiKey,
        baseUrl: connection.baseUrl,
        allowInsecureHttp: connection.allowHttp,
        timeout: durationOf(connection.timeout),
        maxConcurrentRequests: connection.concurrency ?? 4,
        requestsPerSecond: connection.rate,
        retry: RetryPolicy.make(connection.retries === undefined ? {} : { tries: connection.retries + 1 })
      }
      return yield* AgniClient.make(options).pipe(
        Effect.catchReason("AgniError", "InvalidRequest", (reason) => Effect.fail(toUsage(reason)))
      )
    })
  )

/** The epoch of instants; no call is older. */
const earliest = 0

/** The sessions that are asked for, ages resolved against the clock once. */
export const selection = Effect.fnUntraced(function* (
  spec: SelectionSpec & Pick<ConnectionSpec, "concurrency">
): Effect.fn.Return<
  CallSessions.Selection & { readonly from?: Instant.Input; readonly to?: Instant.Input },
  UsageError
> {
  const now = yield* Clock.currentTimeMillis
  const at = (text: string | undefined) => {
    const when = text === undefined ? undefined : When.parse(text)
    return when === undefined ? undefined : When.resolve(when, now)
  }
  const from = at(spec.since)
  const to = at(spec.until)
  for (const [flag, instant] of [
    ["--since", from],
    ["--until", to]
  ] as const) {
    if (instant !== undefined && instant < earliest) {
      return yield* new UsageError({ problem: `${flag} lies before the year 1970` })
    }
  }
  if (from !== undefined && to !== undefined && from >= to) {
    return yield* new UsageError({
      problem: `--until (${Instant.format(to)}) is not later than --since (${Instant.format(from)})`
    })
  }
  if (spec.newest !== undefined && spec.oldest !== undefined) {
    return yield* new UsageError({ problem: "--newest and --oldest cannot be used together" })
  }
  const { agentId, callerNumber, channel, concurrency = 4, pageSize = 100, search, status } = spec
  const filters = { agentId, status, channel, callerNumber, search, pageSize }
  const checked = CallSessionQuery.toParameters(filters)
  if (Result.isFailure(checked)) return yield* toUsage(checked.failure)
  return {
    ...filters,
    concurrency,
    ...(from === undefined ? {} : { from: Instant.format(from) }),
    ...(to === undefined ? {} : { to: Instant.format(to) })
  }
})
