/** Where calls come from: the client and the selection that options ask for. */
import {
  AgniClient,
  type AgniClientSettings,
  type AgniError,
  type Budget,
  CallSessionQuery,
  type CallSessions,
  Instant,
  type InvalidRequest,
  RetryPolicy
} from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Connection as ConnectionSpec, Selection as SelectionSpec } from "./PipelineSpec.ts"
import * as Kind from "./Kind.ts"
import { type AnyOption, type Reason, UsageError } from "./UsageError.ts"
import * as ShownTime from "./ShownTime.ts"
import * as SmallFile from "./SmallFile.ts"
import * as When from "./When.ts"
import type * as Zone from "./Zone.ts"

/** The key of the API, wherever it is. */
export const readKey = Effect.fnUntraced(function* ({ apiKey, apiKeyFile: file }: ConnectionSpec) {
  if (apiKey !== undefined) return Redacted.make(apiKey.trim())
  if (file !== undefined) {
    const wrong = (reason: Reason) => new UsageError({ option: "apiKeyFile", reason })
    const content = yield* Effect.mapError(SmallFile.read(file, SmallFile.secret), (why) =>
      wrong({ _tag: "FileUnreadable", path: file, holds: "an API key", why })
    )
    if (content.trim() === "") return yield* wrong({ _tag: "FileEmpty", path: file })
    return Redacted.make(content.trim())
  }
  const key = yield* Effect.option(Config.Redacted("AGNI_API_KEY"))
  if (Option.isNone(key) || Redacted.value(key.value).trim() === "") {
    return yield* new UsageError({ option: "apiKey", reason: { _tag: "NoApiKey" } })
  }
  return key.value
})

/** The options behind the parameters of the client and of a query. */
const optionOf: Readonly<Record<string, AnyOption>> = {
  apiKey: "apiKey",
  baseUrl: "baseUrl",
  agentId: "agentId",
  status: "status",
  channel: "channel",
  callerNumber: "callerNumber",
  search: "search",
  pageSize: "pageSize",
  requestsPerSecond: "rate",
  maxConcurrentRequests: "concurrency",
  "retry.tries": "retries",
  timeout: "timeout"
}

const toUsage = ({ allowedBy, message, parameter = "", requirement }: InvalidRequest): UsageError => {
  const option = optionOf[parameter]
  const about = option === undefined ? {} : { option }
  return new UsageError({
    ...about,
    reason: {
      _tag: "Requirement",
      requirement: option === undefined ? message : (requirement ?? message),
      ...(allowedBy === undefined ? {} : { allowedBy: "allowHttp" })
    }
  })
}

/** Where the API is. */
export const baseUrlOf = ({ baseUrl = "https://api.ravan.ai" }: Pick<ConnectionSpec, "baseUrl">): string =>
  baseUrl.replace(/\/+$/, "")

const settingsOf = Effect.fnUntraced(function* (connection: ConnectionSpec) {
  const settings: AgniClientSettings = {
    apiKey: yield* readKey(connection),
    baseUrl: connection.baseUrl,
    allowInsecureHttp: connection.allowHttp,
    timeout: connection.timeout === undefined ? undefined : Kind.durationOf(connection.timeout),
    retry: RetryPolicy.make(connection.retries === undefined ? {} : { tries: connection.retries + 1 })
  }
  return settings
})

const made = <R>(client: Effect.Effect<AgniClient["Service"], AgniError, R>) =>
  Effect.catchReason(client, "AgniError", "InvalidRequest", (reason) => Effect.fail(toUsage(reason)))

/** The client that is asked for. Fails before any request when something in it, or the key, is wrong. */
export const client = (
  connection: ConnectionSpec
): Layer.Layer<AgniClient, UsageError | AgniError, HttpClient.HttpClient | FileSystem.FileSystem> =>
  Layer.effect(
    AgniClient,
    Effect.flatMap(settingsOf(connection), (settings) =>
      made(
        AgniClient.make({
          ...settings,
          maxConcurrentRequests: connection.concurrency ?? 4,
          requestsPerSecond: connection.rate
        })
      )
    )
  )

/** The same, within a budget that others share: its rate and its number of requests in flight hold. */
export const clientWithin = (
  connection: ConnectionSpec
): Layer.Layer<AgniClient, UsageError | AgniError, HttpClient.HttpClient | FileSystem.FileSystem | Budget> =>
  Layer.effect(
    AgniClient,
    Effect.flatMap(settingsOf(connection), (settings) => made(AgniClient.makeShared(settings)))
  )

/** The epoch of instants; no call is older. */
const earliest = 0

/** The range of starts, ages and names of days resolved against the clock once. */
const range = Effect.fnUntraced(function* (
  spec: SelectionSpec,
  { calendar, clock, name }: Zone.Zone
): Effect.fn.Return<{ readonly from?: Instant.Instant; readonly to?: Instant.Instant }, UsageError> {
  const now = { millis: yield* Clock.currentTimeMillis, calendar }
  const tooEarly = (option: AnyOption) => new UsageError({ option, reason: { _tag: "TooEarly", year: 1970 } })
  if (spec.on !== undefined) {
    const wrong = (reason: Reason) => new UsageError({ option: "on", reason })
    const other = spec.since !== undefined ? "since" : spec.until !== undefined ? "until" : undefined
    if (other !== undefined) return yield* wrong({ _tag: "Conflict", with: { option: other } })
    const when = When.parseDay(spec.on)
    if (when === undefined) return yield* wrong({ _tag: "Expected", expected: When.expectedDay })
    const { date, from, to } = When.resolveDay(when, now)
    if (from < earliest) return yield* tooEarly("on")
    if (from >= to) return yield* wrong({ _tag: "SkippedDay", date, zone: name })
    return { from, to }
  }
  const at = (text: string | undefined) => {
    const when = text === undefined ? undefined : When.parse(text)
    return when === undefined ? undefined : When.resolve(when, now)
  }
  const from = at(spec.since)
  const to = at(spec.until)
  if (from !== undefined && from < earliest) return yield* tooEarly("since")
  if (to !== undefined && to < earliest) return yield* tooEarly("until")
  if (from !== undefined && to !== undefined && from >= to) {
    return yield* new UsageError({
      option: "until",
      reason: { _tag: "Reversed", since: ShownTime.time(from, clock), until: ShownTime.time(to, clock) }
    })
  }
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
})

/** The calls that are asked for. */
export const selection = Effect.fnUntraced(function* (
  spec: SelectionSpec & Pick<ConnectionSpec, "concurrency">,
  zone: Zone.Zone
): Effect.fn.Return<
  CallSessions.Selection & { readonly from?: Instant.Bound; readonly to?: Instant.Bound },
  UsageError
> {
  const { from, to } = yield* range(spec, zone)
  if (spec.newest !== undefined && spec.oldest !== undefined) {
    return yield* new UsageError({ option: "newest", reason: { _tag: "Conflict", with: { option: "oldest" } } })
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
