/** One request with one message, and what its answer means. Every way in which it can end becomes an outcome here. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Message } from "./Message.ts"
import type { Sign } from "./Signer.ts"

export type Outcome =
  | { readonly _tag: "Accepted" }
  /** A smaller message may be taken. */
  | { readonly _tag: "Refused"; readonly status: 413 | 422 }
  /** The same message may be taken later. */
  | {
      readonly _tag: "Unavailable"
      readonly because: string
      readonly retryAfter: Duration.Duration | undefined
      /** The receiver asks for fewer requests. */
      readonly overloaded: boolean
    }
  /** Nothing will be taken before somebody changes something. */
  | { readonly _tag: "Stopped"; readonly because: string; readonly advice: string }

interface Options {
  readonly url: Redacted.Redacted<URL>
  readonly sign: Sign
  readonly timeout: Duration.Duration
}

const maxBodyBytes = 64 * 1024
const bodyTimeout = "5 seconds"

export const make =
  (client: HttpClient.HttpClient, options: Options) =>
  (message: Message): Effect.Effect<Outcome> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const timestamp = Math.floor(now / 1000)
      // Signed anew for each attempt: a receiver refuses what was signed more than five minutes ago.
      const signature = yield* options.sign(message.id, timestamp, message.body)
      const request = HttpClientRequest.post(target(options.url), {
        headers: {
          ...authorization(Redacted.value(options.url)),
          "user-agent": "callstream",
          "webhook-id": message.id,
          "webhook-timestamp": String(timestamp),
          "webhook-signature": signature,
          "idempotency-key": message.id
        }
      }).pipe(HttpClientRequest.bodyUint8Array(message.body, "application/json"))
      const response = yield* Effect.timeoutOption(Effect.result(client.execute(request)), options.timeout)
      if (Option.isNone(response)) {
        return unavailable(`did not answer within ${Duration.toSeconds(options.timeout)} s`)
      }
      if (Result.isFailure(response.value)) return unreachable(response.value.failure)
      yield* drain(response.value.success)
      return toOutcome(response.value.success, yield* Clock.currentTimeMillis)
    }).pipe(withTransportRules)

/** Clients disagree on what a name and password in a URL mean, so they go as the header they stand for. */
const target = (url: Redacted.Redacted<URL>): URL => {
  const bare = new URL(Redacted.value(url))
  bare.username = ""
  bare.password = ""
  bare.hash = ""
  return bare
}

const authorization = ({ password, username }: URL): Readonly<Record<string, string>> =>
  username === "" && password === ""
    ? {}
    : { authorization: `Basic ${Base64.encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}` }

/** No redirect is followed, no trace header sent, and no span records the URL. */
const withTransportRules = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.updateContext(effect, (context: Context.Context<never>) =>
    context.pipe(
      Context.add(FetchHttpClient.RequestInit, {
        ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
        redirect: "manual"
      }),
      Context.add(HttpClient.TracerDisabledWhen, () => true),
      Context.add(HttpClient.TracerPropagationEnabled, false)
    )
  )

/** What a receiver writes back is for nobody, but a body that is not read pins its connection. */
const drain = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  response.stream.pipe(
    Stream.mapError(() => "cut off"),
    Stream.limitBytes(maxBodyBytes, () => Stream.fail("too large")),
    Stream.runDrain,
    Effect.timeout(bodyTimeout),
    Effect.ignore
  )

const unavailable = (
  because: string,
  more: { retryAfter?: Duration.Duration; overloaded?: boolean } = {}
): Outcome => ({
  _tag: "Unavailable",
  because,
  retryAfter: more.retryAfter,
  overloaded: more.overloaded ?? false
})

const stopped = (because: string, advice: string): Outcome => ({ _tag: "Stopped", because, advice })

const toOutcome = ({ headers, status }: HttpClientResponse.HttpClientResponse, now: number): Outcome => {
  if (status >= 200 && status < 300) return { _tag: "Accepted" }
  if (status === 413 || status === 422) return { _tag: "Refused", status }
  // 409 answers a repeated idempotency key whose first request is still being worked on.
  if ([408, 409, 425, 429].includes(status) || status >= 500) {
    const asked = Option.fromUndefinedOr(headers["retry-after"]).pipe(
      Option.flatMap((text) => Result.getSuccess(Headers.parseRetryAfter(text))),
      // A date is meant by the receiver's clock, which may not be ours.
      Option.map((parsed) => Headers.retryAfterDelay(parsed, dateOf(headers) ?? now)),
      Option.getOrUndefined
    )
    return unavailable(`answered ${status}`, {
      ...(asked === undefined ? {} : { retryAfter: asked }),
      overloaded: status === 429
    })
  }
  // A browser's fetch hides a redirect behind status 0.
  if (status === 0 || (status >= 300 && status < 400)) {
    return stopped(
      `answered with a redirect${status === 0 ? "" : ` (${status})`}, and none is followed`,
      "Give the address that it redirects to, if you trust it."
    )
  }
  return stopped(`answered ${status}${meanings[status]?.[0] ?? ""}`, meanings[status]?.[1] ?? otherwise)
}

const dateOf = (headers: Headers.Headers): number | undefined => {
  const date = Date.parse(headers["date"] ?? "")
  return Number.isNaN(date) ? undefined : date
}

const otherwise = "Look at the receiver's log; a record that it will never take is to be answered with 422."

const meanings: Readonly<Record<number, readonly [string, string]>> = {
  400: [", a bad request", `Check that both sides have the same secret. ${otherwise}`],
  401: [", not signed as it expects", "Check that both sides have the same secret."],
  403: [", not allowed", "Check the secret, and what the receiver lets this machine do."],
  404: [", nothing there", "Check the address."],
  405: [", no POST there", "Check the address: a webhook's receiver takes POST."],
  410: [", gone for good", "It wants no more messages: take this target out, or give its new address."]
}

/** Certificates do not mend while one waits, and what is behind a wrong one may be somebody else. */
const isCertificate = (code: string): boolean => /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)

/** A transport's own error may hold the request and so the URL: only its code goes on. */
const unreachable = (error: unknown): Outcome => {
  const code = codeOf(error)
  if (code === undefined) return unavailable("could not be reached")
  if (code === "ERR_WEBHOOK_HOST") {
    return stopped(
      "now has an address that may not be sent to",
      "Check the name's address; private ones are to be allowed."
    )
  }
  if (isCertificate(code)) {
    return stopped(
      `has a certificate that cannot be trusted (${code})`,
      "Mend the certificate, or trust its authority."
    )
  }
  return unavailable(`could not be reached (${code})`)
}

const codeOf = (error: unknown): string | undefined => {
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    if ("code" in cause && typeof cause.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(cause.code)) return cause.code
    cause = "reason" in cause ? cause.reason : "cause" in cause ? cause.cause : undefined
  }
  return undefined
}
