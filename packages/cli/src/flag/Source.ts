/** Where calls come from: the client and the selection that options ask for. */
import {
  AgniClient,
  type AgniClientOptions,
  type AgniError,
  CallSessionQuery,
  type CallSessions,
  Instant,
  type InvalidRequest,
  RetryPolicy
} from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Connection as ConnectionSpec, Selection as SelectionSpec } from "../spec/PipelineSpec.ts"
import * as Kind from "../option/Kind.ts"
import { type AnyOption, type Reason, UsageError } from "../option/UsageError.ts"
import * as When from "./When.ts"

const readKey = Effect.fnUntraced(function* ({ apiKey, apiKeyFile: file }: ConnectionSpec) {
  if (apiKey !== undefined) return Redacted.make(apiKey.trim())
  if (file !== undefined) {
    const fs = yield* FileSystem.FileSystem
    const wrong = (reason: Reason) => new UsageError({ option: "apiKeyFile", reason })
    const content = yield* Effect.mapError(fs.readFileString(file), () =>
      wrong({ _tag: "FileUnreadable", path: file, holds: "an API key" })
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
        timeout: connection.timeout === undefined ? undefined : Kind.durationOf(connection.timeout),
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
  for (const [option, instant] of [
    ["since", from],
    ["until", to]
  ] as const) {
    if (instant !== undefined && instant < earliest) {
      return yield* new UsageError({ option, reason: { _tag: "TooEarly", year: 1970 } })
    }
  }
  if (from !== undefined && to !== undefined && from >= to) {
    return yield* new UsageError({
      option: "until",
      reason: { _tag: "Reversed", since: Instant.format(from), until: Instant.format(to) }
    })
  }
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
