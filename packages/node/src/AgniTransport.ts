/**
 * The HTTP transport for Node: undici, with decompression and the proxy of the environment. For runtimes without undici, `fetch`.
 *
 * @since 0.1.0
 */
import { OnSent } from "@callstream/core/client/Budget"
import { isLoopback } from "@callstream/core/client/Loopback"
import { ProxyError } from "@callstream/core/client/ProxyError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Download from "./internal/Download.ts"

/**
 * An `HttpClient` that costs less CPU than `fetch`. It never follows a redirect, decompresses gzip, deflate
 * and brotli, keeps connections alive, and goes through `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` when they are set.
 *
 * Bun has a part of undici only: there it is the runtime's `fetch`, and a line of the log says so, once in a process. What
 * the environment says of proxies is then up to the runtime.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.unwrap(
  Effect.suspend(() => (hasUndici() ? Effect.succeed(overUndici) : Effect.as(tellOnce, FetchHttpClient.layer)))
)

/** Bun's own module of that name has neither `request` nor this interceptor. */
const hasUndici = (): boolean => {
  const { Agent, EnvHttpProxyAgent, Pool, interceptors }: Partial<typeof Undici> = Undici
  return (
    typeof EnvHttpProxyAgent === "function" &&
    typeof Pool === "function" &&
    typeof interceptors?.decompress === "function" &&
    typeof Agent === "function" &&
    "request" in Agent.prototype
  )
}

const told = { fetch: false }

const tellOnce = Effect.suspend(() => {
  if (told.fetch) return Effect.void
  told.fetch = true
  return Effect.logInfo("this runtime has no undici: requests go through its fetch, which costs more CPU time")
})

/** The dispatcher calls who waits for a request to be sent. */
const withOnSent = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.transformResponse(client, (response) =>
    Effect.flatMap(OnSent, (onSent) =>
      Effect.provideService(response, NodeHttpClient.UndiciOptions, Download.calling(onSent))
    )
  )

const overUndici: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(NodeHttpClient.makeUndici, (client) =>
    withOnSent(client).pipe(HttpClient.mapRequest(HttpClientRequest.setHeader("accept-encoding", "gzip, deflate, br")))
  )
).pipe(
  Layer.provide(
    Layer.effect(
      NodeHttpClient.Dispatcher,
      Effect.gen(function* () {
        const direct = yield* acquire(() => new Undici.Agent())
        const proxied = yield* acquire(
          () => new Undici.EnvHttpProxyAgent({ clientFactory: toProxy, factory: toEither })
        )
        return Download.over(proxied.compose(pastProxy(direct), decompress()))
      })
    )
  )
)

const acquire = <A extends Undici.Dispatcher>(make: () => A) =>
  Effect.acquireRelease(Effect.sync(make), (agent) => Effect.promise(() => agent.destroy()))

/** Connections to a proxy, whose failures name it: they are not the server's. */
const toProxy = (proxy: URL, options: object): Undici.Dispatcher => {
  const connect: unknown = Reflect.get(options, "connect")
  if (!isConnector(connect)) return new Undici.Pool(proxy, options)
  const pool = new Undici.Pool(proxy, {
    ...options,
    connect: (to, callback) =>
      connect(to, (...[error, socket]) => {
        if (error === null) callback(null, socket)
        else callback(failedProxy(proxy, codeOf(error)), null)
      })
  })
  return pool.compose(refusals(proxy))
}

/** A tunnel that a proxy refuses: with 407 it asks for another user or password. */
const refusals =
  (proxy: URL): Undici.Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) =>
    options.method !== "CONNECT"
      ? dispatch(options, handler)
      : dispatch(options, {
          onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
          onRequestUpgrade: (controller, status, headers, socket) => {
            if (status === 200) {
              handler.onRequestUpgrade?.(controller, status, headers, socket)
              return
            }
            socket.on("error", () => {}).destroy()
            handler.onResponseError?.(controller, failedProxy(proxy, `HTTP_${status}`))
          },
          onResponseError: (controller, error) => handler.onResponseError?.(controller, error)
        })

/** Requests in plain http go to the proxy itself, all others through it. */
const toEither = (origin: string | URL, options: object): Undici.Dispatcher => {
  const url = new URL(origin)
  return variableOf(url) === undefined ? new Undici.Pool(url, options) : toProxy(url, options)
}

const isConnector = (value: unknown): value is Undici.buildConnector.connector => typeof value === "function"

const codeOf = (error: Error): string | undefined =>
  "code" in error && typeof error.code === "string" ? error.code : undefined

/** The environment variable that names a proxy, if one does. */
const variableOf = ({ origin }: URL): string | undefined =>
  ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"].find((name) => {
    const value = process.env[name] ?? ""
    return URL.canParse(value) && new URL(value).origin === origin
  })

const failedProxy = (proxy: URL, code: string | undefined): ProxyError =>
  new ProxyError({
    proxy: {
      host: proxy.hostname,
      port: Number(proxy.port) || (proxy.protocol === "https:" ? 443 : 80),
      variable: variableOf(proxy) ?? "HTTPS_PROXY"
    },
    ...(code === undefined ? {} : { code })
  })

/** A proxy cannot reach this machine's own loopback addresses, and must not see a key that is sent there in the clear. */
const pastProxy =
  (direct: Undici.Dispatcher): Undici.Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) =>
    options.origin !== undefined && isLoopback(new URL(options.origin).hostname)
      ? direct.dispatch(options, handler)
      : dispatch(options, handler)

/** Node would tell everybody who runs a program with this in it, once, that the interceptor is experimental. */
const decompress = () => {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => {}
  try {
    return Undici.interceptors.decompress()
  } finally {
    process.emitWarning = emitWarning
  }
}
