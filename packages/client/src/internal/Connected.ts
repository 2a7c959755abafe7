/** The services of a client: its transport, clock, and log. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as CoreQuery from "@callstream/core/model/CallSessionQuery"
import * as EffectClock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import type { Named } from "../BridgeTypes.ts"
import type { Clock, ClientOptions, Fetch, LogEntry, RequestEvent } from "../ClientOptions.ts"
import * as PlainErrors from "./PlainErrors.ts"

type Log = (entry: LogEntry) => void

/** A plain clock as one of Effect. Where elapsed time is measured it never goes back. */
export const clockOf = ({ now, sleep }: Clock): EffectClock.Clock => {
  const latest = { millis: -Infinity }
  const monotonic = () => (latest.millis = Math.max(latest.millis, now()))
  const nanos = (millis: number) => BigInt(Math.round(millis * 1e6))
  return {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: () => nanos(now()),
    currentTimeNanos: Effect.sync(() => nanos(now())),
    monotonicTimeNanosUnsafe: () => nanos(monotonic()),
    monotonicTimeNanos: Effect.sync(() => nanos(monotonic())),
    sleep: (duration) => Effect.promise((signal) => sleep(Duration.toMillis(duration), signal))
  }
}

const levelOf = (level: LogLevel): LogEntry["level"] => {
  switch (level) {
    case "Fatal":
    case "Error":
      return "error"
    case "Warn":
      return "warn"
    case "Info":
      return "info"
    default:
      return "debug"
  }
}

/** A logged message as a line. */
export const entryOf = (level: LogLevel, message: unknown): LogEntry => ({
  level: levelOf(level),
  message: Array.isArray(message) ? message.map(String).join(" ") : String(message)
})

const loggerOf = (log: Log) => Logger.make<unknown, void>(({ logLevel, message }) => log(entryOf(logLevel, message)))

const toConsole: Log = ({ message }) => console.warn(`callstream: ${message}`)

/** The address as a log may have it. */
const shown = (url: URL): string => {
  const search = CoreQuery.describe([...url.searchParams])
  return `${url.origin}${url.pathname}${search === "" ? "" : `?${search}`}`
}

/** Calls a callback that reports something. Its failure, at once or later, does not fail what it reports. */
const guarded =
  <A>(callback: (about: A) => unknown, failed: (error: unknown) => void) =>
  (about: A): void => {
    try {
      const result = callback(about)
      if (result instanceof Promise) result.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

/** Reports each request. */
const observed =
  (fetch: Fetch, onRequest: (event: RequestEvent) => void, now: () => number): Fetch =>
  async (input, init) => {
    const startedAt = now()
    const report = (status: number | undefined): void => {
      onRequest({
        method: init?.method ?? "GET",
        url: shown(new URL(input instanceof Request ? input.url : input)),
        status,
        startedAt,
        duration: now() - startedAt,
        aborted: init?.signal?.aborted === true
      })
    }
    try {
      const response = await fetch(input, init)
      report(response.status)
      return response
    } catch (error) {
      report(undefined)
      throw error
    }
  }

/** An environment variable that is not set is a common mistake, which a `!` hides from the compiler. */
const keyOf = (given: unknown): Redacted.Redacted => Redacted.make(typeof given === "string" ? given : "")

/** The context in which everything of a client runs. Throws an `AgniError` when an option is wrong. */
export const make = (options: ClientOptions<unknown, unknown> & Named): Context.Context<AgniClient> => {
  const { apiKey, clock, onRequest, rate } = options
  const { allowInsecureHttp, baseUrl, maxBodyBytes, name, retry, timeout } = options
  // Looked up for each request, and called as a method: a Worker's `fetch` needs its global.
  const given: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const log = guarded(options.log ?? toConsole, (error) =>
    toConsole({ level: "error", message: `log failed: ${String(error)}` })
  )
  const heard = (error: unknown) => log({ level: "error", message: `onRequest failed: ${String(error)}` })
  const fetch = onRequest === undefined ? given : observed(given, guarded(onRequest, heard), clock?.now ?? Date.now)
  const base = Context.empty().pipe(
    Context.add(FetchHttpClient.Fetch, fetch),
    Context.add(Logger.CurrentLoggers, new Set([loggerOf(log)])),
    Context.add(References.MinimumLogLevel, options.log === undefined ? "Warn" : "Debug"),
    Context.add(References.TracerEnabled, false)
  )
  const services = clock === undefined ? base : Context.add(base, EffectClock.Clock, clockOf(clock))
  const made = AgniClient.make({
    apiKey: typeof apiKey === "function" ? Effect.promise(async () => keyOf(await apiKey())) : keyOf(apiKey),
    name,
    baseUrl,
    allowInsecureHttp,
    maxBodyBytes,
    retry,
    timeout,
    ...rate
  }).pipe(Effect.provide(FetchHttpClient.layer))
  const exit = Effect.runSyncExitWith(services)(made)
  if (Exit.isFailure(exit)) throw PlainErrors.of(Cause.squash(exit.cause))
  return Context.add(services, AgniClient, exit.value)
}
