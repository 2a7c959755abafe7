/** Sends one attempt of a request, and makes a reason of each of its failures. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { AgniErrorReason } from "../../model/AgniError.ts"
import {
  Forbidden,
  InvalidRequest,
  InvalidResponse,
  NotFound,
  RateLimited,
  Unauthorized,
  Unavailable
} from "../../model/AgniError.ts"
import { concat } from "../../model/internal/Bytes.ts"
import * as RetryAfter from "../../platform/internal/RetryAfter.ts"
import { ProxyError } from "../ProxyError.ts"
import { withTransportRules } from "../TransportRules.ts"

/** A response of status 200, read to its end. */
export interface Received {
  readonly body: Uint8Array<ArrayBuffer>
  /** When the response was made, in milliseconds since the epoch by the server's clock, or by ours when it sent none. */
  readonly madeAt: number
  /** Seconds. */
  readonly age: number
}

export interface Options {
  readonly origin: string
  /** Base URL and path of the endpoint. */
  readonly url: string
  readonly maxBodyBytes: number
}

const maxRedirects = 5
const maxErrorBodyBytes = 64 * 1024
const errorBodyTimeout = "5 seconds"

/**
 * One attempt: request, same-origin redirects, and the whole body. Every way in which it can fail becomes a reason here
 * and nowhere else.
 */
export const make =
  (client: HttpClient.HttpClient, options: Options) =>
  (
    parameters: ReadonlyArray<readonly [string, string]>,
    quote: (text: string) => string,
    apiKey: Redacted.Redacted,
    onStatus: (status: number) => void
  ): Effect.Effect<Received, AgniErrorReason> => {
    const send = (url: string, followed: number): Effect.Effect<Received, AgniErrorReason> =>
      Effect.flatMap(Effect.mapError(client.execute(toRequest(url, apiKey)), unreachable), (response) => {
        onStatus(response.status)
        const location = redirection(response)
        if (location === undefined) return receive(response, options.maxBodyBytes, quote)
        return Effect.andThen(
          drain(response),
          Effect.suspend(() => {
            const target = resolve(location, url)
            if (target === undefined || target.origin !== options.origin) {
              return Effect.fail(foreign(target, options.origin, quote))
            }
            return followed === maxRedirects
              ? Effect.fail(new InvalidResponse({ problem: { _tag: "TooManyRedirects", limit: maxRedirects } }))
              : send(target.href, followed + 1)
          })
        )
      })
    const query = new URLSearchParams(parameters.map(([name, value]) => [name, value])).toString()
    return withTransportRules(send(query === "" ? options.url : `${options.url}?${query}`, 0))
  }

const toRequest = (url: string, apiKey: Redacted.Redacted) =>
  HttpClientRequest.get(url, {
    headers: {
      "x-api-key": Redacted.value(apiKey),
      accept: "application/json",
      // A cached answer would hide what is new.
      "cache-control": "no-cache",
      "user-agent": "callstream"
    }
  })

const redirection = (response: HttpClientResponse.HttpClientResponse): string | undefined => {
  const { status } = response
  // A browser's fetch hides the target of a redirect behind status 0.
  return [0, 301, 302, 303, 307, 308].includes(status) ? (response.headers["location"] ?? "") : undefined
}

const resolve = (location: string, base: string): URL | undefined =>
  location === "" || !URL.canParse(location, base) ? undefined : new URL(location, base)

const foreign = (target: URL | undefined, origin: string, quote: (text: string) => string) =>
  new InvalidResponse({
    problem:
      target === undefined
        ? { _tag: "RedirectedNowhere" }
        : { _tag: "RedirectedElsewhere", to: hostOf(target, quote), origin }
  })

/** A host name can carry what must not leak, too. */
const hostOf = (target: URL, quote: (text: string) => string): string =>
  target.host === "" ? target.protocol : quote(target.origin).replace(/\/…$/, "")

/**
 * The body of an answer whose status says enough already; `""` when it is cut off, too large or does not come. A body
 * nobody reads pins its connection.
 */
const drain = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> =>
  readBody(response, maxErrorBodyBytes).pipe(
    Effect.timeout(errorBodyTimeout),
    Effect.match({ onSuccess: (body) => new TextDecoder().decode(body), onFailure: () => "" })
  )

const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number,
  headers = response.headers
): Effect.Effect<Uint8Array<ArrayBuffer>, BodyError> => {
  const cutOff = (error: unknown): BodyError => ({ _tag: "CutOff", ...codeOf(error) })
  // A length that the transport itself holds the body to needs no counting here, which is a fifth of a page's cost.
  const declared = headers["content-encoding"] === undefined ? Number(headers["content-length"]) : NaN
  if (declared <= limit) {
    return Effect.mapBoth(response.arrayBuffer, { onSuccess: (body) => new Uint8Array(body), onFailure: cutOff })
  }
  const all: Array<Uint8Array> = []
  return Effect.map(
    Stream.runForEachArray(
      response.stream.pipe(
        Stream.mapError(cutOff),
        Stream.limitBytes(limit, () => Stream.fail<BodyError>({ _tag: "TooLarge" }))
      ),
      (chunks) =>
        Effect.sync(() => {
          all.push(...chunks)
        })
    ),
    () => concat(all)
  )
}

type BodyError = { readonly _tag: "TooLarge" } | { readonly _tag: "CutOff"; readonly code?: string }

const receive = (
  response: HttpClientResponse.HttpClientResponse,
  maxBodyBytes: number,
  quote: (text: string) => string
): Effect.Effect<Received, AgniErrorReason> => {
  if (response.status < 200 || response.status >= 300) return refuse(response, quote)
  if (response.status === 204) {
    return Effect.andThen(drain(response), Effect.fail(new InvalidResponse({ problem: { _tag: "NoContent" } })))
  }
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    // Some transports make them each time that they are asked for.
    const { headers } = response
    const date = Date.parse(headers["date"] ?? "")
    const said = Number(headers["age"] ?? 0)
    const age = Number.isFinite(said) && said > 0 ? said : 0
    return Effect.mapBoth(readBody(response, maxBodyBytes, headers), {
      onSuccess: (body) => ({
        body,
        madeAt: madeAt(Number.isNaN(date) ? now : date, age, now),
        age
      }),
      onFailure: (error) =>
        error._tag === "TooLarge"
          ? new InvalidResponse({ problem: { _tag: "TooLarge", limit: maxBodyBytes } })
          : new Unavailable({ outage: error })
    })
  })
}

/**
 * A cache keeps the `Date` of the response that it holds, and adds its `Age` (RFC 9111, sections 4.2.3 and 5.1). Some caches
 * replace `Date` by their own time. It is the one that makes the server's time now the nearer one to ours.
 */
const madeAt = (date: number, age: number, now: number): number => {
  const held = age * 1000
  return Math.abs(date + held - now) < Math.abs(date - now) ? date : date - held
}

/** A status that is not a success. */
const refuse = (
  response: HttpClientResponse.HttpClientResponse,
  quote: (text: string) => string
): Effect.Effect<never, AgniErrorReason> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.flatMap(drain(response), (body) => Effect.fail(toReason(response, body, now, quote)))
  )

const toReason = (
  response: HttpClientResponse.HttpClientResponse,
  body: string,
  now: number,
  quote: (text: string) => string
): AgniErrorReason => {
  const { headers, status } = response
  const said = toldMessage(body)
  const words = said === undefined ? {} : { quote: quote(said) }
  if (status === 401) return new Unauthorized(words)
  if (status === 403) return new Forbidden(words)
  if (status === 404) return new NotFound()
  const asked = RetryAfter.read(headers, now)
  const wait = asked === undefined ? {} : { retryAfter: asked }
  if (status === 429) return new RateLimited(wait)
  if (status === 408 || status === 425 || status >= 500) {
    return new Unavailable({ outage: { _tag: "Status", status, ...words }, ...wait })
  }
  return new InvalidRequest({ status, ...words })
}

/** `{ message }` of a JSON error body, whichever of the seen shapes it has. */
const toldMessage = (body: string): string | undefined => {
  try {
    const json: unknown = JSON.parse(body)
    if (typeof json !== "object" || json === null) return undefined
    const message = "message" in json ? json.message : undefined
    return typeof message === "string" && message.trim() !== "" ? message : undefined
  } catch {
    return undefined
  }
}

/** A transport's own error may hold the request, and so the key: only its code is kept. */
const unreachable = (error: HttpClientError.HttpClientError): AgniErrorReason =>
  error.reason._tag === "InvalidUrlError"
    ? new InvalidRequest({ parameter: "baseUrl", requirement: "is not a valid URL" })
    : new Unavailable({ outage: { _tag: "Unreachable", ...codeOf(error), ...proxyOf(error) } })

/** The first of an error and its causes that a reading finds something in. */
const within = <A>(error: unknown, read: (cause: object) => A | undefined): A | undefined => {
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    const found = read(cause)
    if (found !== undefined) return found
    cause = "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

const codeOf = (error: unknown): { readonly code?: string } =>
  within(error, (cause) =>
    "code" in cause && typeof cause.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(cause.code)
      ? { code: cause.code }
      : undefined
  ) ?? {}

const proxyOf = (error: unknown): { readonly proxy?: ProxyError["proxy"] } =>
  within(error, (cause) => (cause instanceof ProxyError ? { proxy: cause.proxy } : undefined)) ?? {}
