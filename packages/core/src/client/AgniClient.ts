/**
 * The endpoint as a service: one page a call, with its budget, its retries and its errors.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { AgniErrorReason } from "../model/AgniError.ts"
import { AgniError, InvalidRequest } from "../model/AgniError.ts"
import * as CallSessionQuery from "../model/CallSessionQuery.ts"
import * as ErrorType from "../model/internal/ErrorType.ts"
import type { Page } from "../model/Page.ts"
import * as Span from "../platform/internal/Span.ts"
import * as Budget from "./Budget.ts"
import * as ClientMetrics from "./ClientMetrics.ts"
import * as ApiKey from "./internal/ApiKey.ts"
import * as PageAttempt from "./internal/PageAttempt.ts"
import * as Waits from "./internal/Waits.ts"
import { isLoopback } from "./Loopback.ts"
import { PageDecoder } from "./PageDecoder.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * Everything about a client that can be chosen, except for its budget; only the key must be.
 *
 * @since 0.1.0
 * @category options
 */
export interface Settings {
  /**
   * Sent as `X-Api-Key`, to the origin of `baseUrl` only. White space around it is trimmed. An effect is run for each request, so
   * that a key can be replaced while the client is used: `Ref.get(ref)`, or a secret that `Effect.cachedWithTTL` keeps for a
   * while. A 401 runs it again; if it then gives another key, the request is retried with that.
   */
  readonly apiKey: Redacted.Redacted | Effect.Effect<Redacted.Redacted>
  /** The name of this client in spans and metrics, such as that of the organization. @default "default" */
  readonly name?: string | undefined
  /** @default "https://api.ravan.ai" */
  readonly baseUrl?: string | undefined
  /** Allows `http:` to a host that is not this machine: the key then travels readable. @default false */
  readonly allowInsecureHttp?: boolean | undefined
  /** For one attempt, from the request to the end of the body. @default "30 seconds" */
  readonly timeout?: Duration.Input | undefined
  /** Parts of the policy to change. @default RetryPolicy.make() */
  readonly retry?: RetryPolicy.Options | undefined
  /** A larger response is an error, so that a broken server cannot fill the memory. @default 64 MiB */
  readonly maxBodyBytes?: number | undefined
  /** Wraps the transport, for a proxy or logging. The requests it sees carry the key in `X-Api-Key`. */
  readonly transformClient?: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined
}

/**
 * The settings of a client that has a budget of its own.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Settings, Budget.Options {}

/**
 * How one request is retried, where that differs from the client's policy.
 *
 * @since 0.1.0
 * @category options
 */
export interface ListOptions {
  /**
   * Requests at most, the first one included; never more than the policy allows. After a 429, and with another key after a 401,
   * what the policy allows is tried. @default what the policy allows
   */
  readonly tries?: number | undefined
  /** One request, whatever it brings. @default false */
  readonly once?: boolean | undefined
  /**
   * Whether the server answers another request. It is asked after the second failure: then this request alone is at fault, and is
   * given up with an error that says so (`alone`). @default none: the policy decides
   */
  readonly isUp?: Effect.Effect<boolean> | undefined
  /** It is not given up, but waited for as `shortWaits` says. @default false */
  readonly insist?: boolean | undefined
  /** Waits of two seconds at most, for a server that answers other requests. @default false */
  readonly shortWaits?: boolean | undefined
}

const endpoint = "/api/v1/calling/call-sessions"

/**
 * One page of call sessions a call.
 *
 * A call takes its turn in the client's budget, is retried by the retry policy, and fails with an `AgniError` that
 * says what was tried. Clients with different keys or settings share a budget by `layerShared` over one `Budget.layer`.
 *
 * @since 0.1.0
 * @category services
 */
export class AgniClient extends Context.Service<
  AgniClient,
  {
    /** One page, with nothing left to provide. */
    readonly list: (query: CallSessionQuery.CallSessionQuery, options?: ListOptions) => Effect.Effect<Page, AgniError>
    /** Its name in spans and metrics. @default "default" */
    readonly name?: string | undefined
  }
>()("@callstream/core/client/AgniClient") {
  /**
   * Builds a client over the `HttpClient` and the `Budget` in context. Fails when the settings are wrong, before any
   * request.
   *
   * @since 0.1.0
   */
  static readonly makeShared: (
    settings: Settings
  ) => Effect.Effect<AgniClient["Service"], AgniError, HttpClient.HttpClient | Budget.Budget> = Effect.fnUntraced(
    function* (options) {
      const settings = yield* Effect.mapError(Effect.fromResult(resolve(options)), refused("options of AgniClient"))
      const client = (options.transformClient ?? identity)(yield* HttpClient.HttpClient)
      const attempt = PageAttempt.make(settings, client, yield* Budget.Budget, yield* PageDecoder)
      const { policy } = settings

      const list = Effect.fnUntraced(function* (
        query: CallSessionQuery.CallSessionQuery,
        { insist = false, isUp, once = false, shortWaits = false, tries = Infinity }: ListOptions = {}
      ) {
        const checked = CallSessionQuery.toParameters(query)
        if (Result.isFailure(checked)) return yield* refused(`GET ${settings.url}`)(checked.failure)
        const parameters = checked.success
        const search = CallSessionQuery.describe(parameters)
        const started = yield* Clock.currentTimeMillis
        const mostTries = once ? 1 : policy.tries
        const made: Attempts = { count: 0, alone: false, failed: undefined, key: undefined }
        const onSend = (key: Redacted.Redacted): number => {
          made.key = key
          return made.count++
        }
        return yield* Effect.suspend(() => attempt(parameters, query.page ?? 1, made.failed, onSend)).pipe(
          Effect.retry({
            schedule: RetryPolicy.toSchedule(policy, () => shortWaits || made.alone),
            while: (reason) =>
              again(settings, { made, most: Math.min(mostTries, tries), mostTries, isUp, insist, search }, reason)
          }),
          Effect.catch((reason) =>
            Effect.flatMap(Clock.currentTimeMillis, (now) =>
              Effect.fail(
                new AgniError({
                  reason,
                  request: `GET ${settings.url}${search === "" ? "" : `?${search}`}`,
                  attempts: made.count,
                  elapsed: Duration.millis(now - started),
                  ...(made.alone ? { alone: true } : {})
                })
              )
            )
          )
        )
      })

      return AgniClient.of({ list, name: settings.name })
    }
  )

  /**
   * Builds a client with a budget of its own. Fails when the options are wrong, before any request.
   *
   * @since 0.1.0
   */
  static readonly make = (options: Options): Effect.Effect<AgniClient["Service"], AgniError, HttpClient.HttpClient> =>
    Effect.provideServiceEffect(AgniClient.makeShared(options), Budget.Budget, Budget.Budget.make(options))

  /**
   * A client over the `Budget` in context: a 429 that one client gets holds back all that share it.
   *
   * @since 0.1.0
   */
  static readonly layerShared = (
    settings: Settings
  ): Layer.Layer<AgniClient, AgniError, HttpClient.HttpClient | Budget.Budget> =>
    Layer.effect(AgniClient, AgniClient.makeShared(settings))

  /**
   * A client with a budget of its own. One layer value is one budget: build it once, high up, because sibling `provide`s
   * of the same layer build sibling budgets.
   *
   * @since 0.1.0
   */
  static readonly layer = (options: Options): Layer.Layer<AgniClient, AgniError, HttpClient.HttpClient> =>
    Layer.effect(AgniClient, AgniClient.make(options))

  /**
   * `AGNI_API_KEY` and, optionally, `AGNI_BASE_URL`, from the environment or whichever `ConfigProvider` there is. A
   * value, so that an app can prefix it with `Config.nested`.
   *
   * @since 0.1.0
   */
  static readonly config: Config.Config<Options> = Config.all({
    apiKey: Config.Redacted("AGNI_API_KEY"),
    baseUrl: Config.String("AGNI_BASE_URL").pipe(Config.withDefault(undefined))
  })

  /**
   * A client configured from the environment.
   *
   * @since 0.1.0
   */
  static readonly layerConfig = (
    options: Config.Wrap<Options> = AgniClient.config
  ): Layer.Layer<AgniClient, Config.ConfigError | AgniError, HttpClient.HttpClient> =>
    Layer.effect(AgniClient, Effect.flatMap(Config.unwrap(options), AgniClient.make))

  /**
   * A client that answers as the given function does, without HTTP: for tests, and for other sources of pages.
   *
   * @since 0.1.0
   */
  static readonly layerList = (list: AgniClient["Service"]["list"]): Layer.Layer<AgniClient> =>
    Layer.succeed(AgniClient, AgniClient.of({ list }))
}

/** What fails so often while the server answers something else fails for what was asked. */
const triesAlone = 2

interface Attempts {
  count: number
  /** The server answered another request in the meantime. */
  alone: boolean
  /** The last one. */
  failed: Waits.Failed | undefined
  /** The key that was sent last. */
  key: Redacted.Redacted | undefined
}

/** Whether a request that failed is made again. */
const again = Effect.fnUntraced(function* (
  { apiKey, name, policy }: PageAttempt.Settings,
  request: {
    readonly made: Attempts
    /** Attempts at most. */
    readonly most: number
    /** The same where the request itself is not at fault. */
    readonly mostTries: number
    readonly isUp: Effect.Effect<boolean> | undefined
    readonly insist: boolean
    readonly search: string
  },
  reason: AgniErrorReason
): Effect.fn.Return<boolean> {
  const { insist, isUp, made, most, mostTries, search } = request
  // A server that asks to wait says nothing about the request.
  const isAsked = reason._tag === "RateLimited"
  const isRefused = reason._tag === "Unauthorized"
  made.failed = { at: yield* Waits.now, isAsked }
  if (made.count >= (isAsked || isRefused ? mostTries : most)) return false
  if (!(isRefused ? yield* ApiKey.isOther(apiKey, made.key) : RetryPolicy.mayRetry(policy)(reason))) return false
  if (isUp !== undefined && made.count === triesAlone && !isAsked) made.alone = yield* isUp
  if (made.alone && !insist) return false
  const about = {
    "callstream.client.name": name,
    "callstream.retry.reason": reason._tag
  }
  const failure = { "error.type": ErrorType.ofReason(reason), "http.request.resend_count": made.count }
  yield* Metric.update(Metric.withAttributes(ClientMetrics.retries, about), 1)
  yield* Span.event("callstream.retry", { ...about, ...failure })
  yield* Effect.annotateLogs(Effect.logDebug(`try ${made.count} of ${most} failed: ${reason.message} (${search})`), {
    ...about,
    ...failure
  })
  return true
})

const identity = (client: HttpClient.HttpClient) => client

const refused = (request: string) => (reason: InvalidRequest) =>
  new AgniError({ reason, request, attempts: 0, elapsed: Duration.zero })

const resolve = (options: Settings) => {
  const invalid = (parameter: string, requirement: string) =>
    Result.fail(new InvalidRequest({ parameter, requirement }))
  const apiKey = ApiKey.make(options.apiKey)
  if (Result.isFailure(apiKey)) return Result.fail(apiKey.failure)
  const baseUrl = options.baseUrl ?? "https://api.ravan.ai"
  if (!URL.canParse(baseUrl)) return invalid("baseUrl", "is not a valid URL")
  const base = new URL(baseUrl)
  if (base.protocol !== "https:" && base.protocol !== "http:") {
    return invalid("baseUrl", "must begin with https://")
  }
  if (base.username !== "" || base.password !== "" || base.search !== "" || base.hash !== "") {
    return invalid("baseUrl", "must be an origin and a path, without user, query or fragment")
  }
  if (base.protocol === "http:" && !isLoopback(base.hostname) && options.allowInsecureHttp !== true) {
    return Result.fail(
      new InvalidRequest({
        parameter: "baseUrl",
        requirement: `is plain http to ${base.host}, where others on the way can read the key`,
        allowedBy: "allowInsecureHttp"
      })
    )
  }
  const { maxBodyBytes = 64 * 1024 * 1024 } = options
  if (!Number.isInteger(maxBodyBytes) || maxBodyBytes < 1) {
    return invalid("maxBodyBytes", "must be an integer of at least 1")
  }
  const policy = RetryPolicy.make(options.retry)
  if (!Number.isInteger(policy.tries) || policy.tries < 1) {
    return invalid("retry.tries", "must be an integer of at least 1")
  }
  if (!(policy.factor >= 1 && Number.isFinite(policy.factor))) {
    return invalid("retry.factor", "must be a number of at least 1")
  }
  for (const name of ["base", "cap", "retryAfterCap"] as const) {
    if (!isPositive(policy[name])) return invalid(`retry.${name}`, "must be a duration above 0")
  }
  const timeout = options.timeout ?? "30 seconds"
  if (!isPositive(timeout)) return invalid("timeout", "must be a duration above 0")
  return Result.succeed({
    name: options.name ?? "default",
    template: endpoint,
    apiKey: apiKey.success,
    origin: base.origin,
    url: `${base.origin}${base.pathname.replace(/\/+$/, "")}${endpoint}`,
    maxBodyBytes,
    policy,
    timeout: Duration.fromInputUnsafe(timeout)
  })
}

const isPositive = (input: Duration.Input): boolean =>
  Option.exists(Duration.fromInput(input), (duration) => Duration.isGreaterThan(duration, Duration.zero))
