/**
 * The endpoint as a service, over the app's `HttpClient`.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import { type Bridge, createBridge, type Host, type Page, type Query, type Rate } from "@callstream/client/bridge"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import type * as Stream from "effect/Stream"
import type { AgniError } from "./AgniError.ts"
import * as AppHost from "./internal/AppHost.ts"
import * as Failures from "./internal/Failures.ts"
import * as FromArrays from "./internal/FromArrays.ts"
import * as Millis from "./internal/Millis.ts"

/**
 * How often a failed request is retried, and after how long: a random wait of at most `base × factor^(n − 1)`.
 *
 * @since 0.1.0
 * @category options
 */
export interface RetryOptions {
  /** Requests at most, the first one included. @default 8 */
  readonly tries?: number | undefined
  /** @default "500 millis" */
  readonly base?: Duration.DurationInput | undefined
  /** @default 2 */
  readonly factor?: number | undefined
  /** The longest random wait. @default "30 seconds" */
  readonly cap?: Duration.DurationInput | undefined
  /** A server that asks for a longer wait than this is not waited for. @default "60 seconds" */
  readonly retryAfterCap?: Duration.DurationInput | undefined
}

/**
 * Everything about a client that can be chosen; only the key must be.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Rate {
  /**
   * Sent as `X-Api-Key`, to the origin of `baseUrl` only. An effect is run for each request, so that a key can be replaced while
   * the client is used. A 401 runs it again; if it then gives another key, the request is retried with that.
   */
  readonly apiKey: Redacted.Redacted | Effect.Effect<Redacted.Redacted>
  /** The name of this client in spans and metrics, such as that of the organization. @default "default" */
  readonly name?: string | undefined
  /** @default "https://api.ravan.ai" */
  readonly baseUrl?: string | undefined
  /** Allows `http:` to a host that is not this machine: the key then travels readable. @default false */
  readonly allowInsecureHttp?: boolean | undefined
  /** For one attempt, from the request to the end of the body. @default "30 seconds" */
  readonly timeout?: Duration.DurationInput | undefined
  readonly retry?: RetryOptions | undefined
  /** A larger response is an error. @default 64 MiB */
  readonly maxBodyBytes?: number | undefined
  /** Wraps the transport, for a proxy or logging. The requests it sees carry the key in `X-Api-Key`. */
  readonly transformClient?: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined
}

/**
 * One page of call sessions a call, and what the streams are made of.
 *
 * Everything runs over the `HttpClient` that was in context when the client was made, and with the Clock, the Logger, the Tracer
 * and the metric labels of the fiber that reads.
 *
 * @since 0.1.0
 * @category services
 */
export class AgniClient extends Context.Tag("@callstream/effect3/AgniClient")<
  AgniClient,
  {
    /** One page. */
    readonly list: (query: Query) => Effect.Effect<Page, AgniError>
    /** An answer of the bridge. For the modules of this package. */
    readonly once: <A, E>(
      ask: (bridge: Bridge, host: Host, signal: AbortSignal) => Promise<A>,
      failed: (error: unknown) => Effect.Effect<never, E>
    ) => Effect.Effect<A, E>
    /** A reading of the bridge as a stream, in the arrays in which it comes. For the modules of this package. */
    readonly read: <A, E>(
      begin: (bridge: Bridge, host: Host) => AsyncIterable<ReadonlyArray<A>>,
      failed: (error: unknown) => Effect.Effect<never, E>
    ) => Stream.Stream<A, E>
  }
>() {
  /**
   * Builds a client with a budget of its own. Fails when the options are wrong, before any request.
   *
   * @since 0.1.0
   */
  static readonly make = (options: Options): Effect.Effect<AgniClient["Type"], AgniError, HttpClient.HttpClient> =>
    Effect.gen(function* () {
      const http = yield* HttpClient.HttpClient
      const runtime = yield* Effect.runtime()
      const host = AppHost.make(options.transformClient === undefined ? http : options.transformClient(http))
      const bridge = yield* Effect.catchAll(
        Effect.try(() => createBridge(plain(options, runtime))),
        ({ error }) => Failures.ofClient(error)
      )
      const once: AgniClient["Type"]["once"] = (ask, failed) =>
        Effect.flatMap(host, (host) =>
          Effect.catchAll(
            Effect.tryPromise((signal) => ask(bridge, host, signal)),
            ({ error }) => failed(error)
          )
        )
      return {
        once,
        list: (query) => once((bridge, host, signal) => bridge.list(host, query, signal), Failures.ofClient),
        read: (begin, failed) =>
          FromArrays.make(
            Effect.map(host, (host) => begin(bridge, host)),
            failed
          )
      }
    })

  /**
   * A client with a budget of its own. One layer value is one budget: build it once, high up.
   *
   * @since 0.1.0
   */
  static readonly layer = (options: Options): Layer.Layer<AgniClient, AgniError, HttpClient.HttpClient> =>
    Layer.effect(AgniClient, AgniClient.make(options))

  /**
   * `AGNI_API_KEY` and, optionally, `AGNI_BASE_URL`, from the environment or whichever `ConfigProvider` there is.
   *
   * @since 0.1.0
   */
  static readonly config: Config.Config<Options> = Config.all({
    apiKey: Config.redacted("AGNI_API_KEY"),
    baseUrl: Config.withDefault(Config.string("AGNI_BASE_URL"), undefined)
  })

  /**
   * A client configured from the environment.
   *
   * @since 0.1.0
   */
  static readonly layerConfig = (
    options: Config.Config.Wrap<Options> = AgniClient.config
  ): Layer.Layer<AgniClient, ConfigError.ConfigError | AgniError, HttpClient.HttpClient> =>
    Layer.effect(AgniClient, Effect.flatMap(Config.unwrap(options), AgniClient.make))
}

/** The bridge asks for the key of each request where it may change. */
const keyOf = (apiKey: Options["apiKey"], runtime: Runtime.Runtime<never>) =>
  Redacted.isRedacted(apiKey)
    ? Redacted.value(apiKey)
    : () => Runtime.runPromise(runtime)(Effect.map(apiKey, Redacted.value))

const plain = (
  { apiKey, maxConcurrentRequests, requestsPerSecond, retry, timeout, transformClient: _, ...rest }: Options,
  runtime: Runtime.Runtime<never>
) => ({
  ...rest,
  apiKey: keyOf(apiKey, runtime),
  rate: { maxConcurrentRequests, requestsPerSecond },
  timeout: Millis.of(timeout),
  retry:
    retry === undefined
      ? undefined
      : {
          ...retry,
          base: Millis.of(retry.base),
          cap: Millis.of(retry.cap),
          retryAfterCap: Millis.of(retry.retryAfterCap)
        }
})
