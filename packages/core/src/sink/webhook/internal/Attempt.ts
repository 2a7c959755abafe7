/** One request with one message, and what its answer means. Every way in which it can end becomes an outcome here. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as RetryAfter from "../../../platform/internal/RetryAfter.ts"
import * as System from "../../../platform/internal/System.ts"
import type { Answer } from "../../SinkReason.ts"
import * as Headers from "./Headers.ts"
import type { Message } from "./Message.ts"
import type { Sign } from "./Signer.ts"
import { withTransportRules } from "../../../client/TransportRules.ts"

export type Outcome =
  | { readonly _tag: "Accepted" }
  /** A smaller message may be taken. */
  | { readonly _tag: "Refused"; readonly status: 413 | 422 }
  /** The same message may be taken later. */
  | {
      readonly _tag: "Unavailable"
      readonly answer: Answer
      readonly retryAfter: Duration.Duration | undefined
      /** The receiver asks for fewer requests. */
      readonly overloaded: boolean
    }
  /** Nothing will be taken before somebody changes something. */
  | { readonly _tag: "Stopped"; readonly answer: Answer }

interface Options {
  readonly url: Redacted.Redacted<URL>
  /** `undefined` for a receiver that checks none. */
  readonly sign: Sign | undefined
  readonly headers: Readonly<Record<string, Redacted.Redacted>>
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
      // Each attempt has a new signature: a receiver refuses one that is older than five minutes.
      const signature =
        options.sign === undefined
          ? {}
          : { "webhook-signature": yield* options.sign(message.id, timestamp, message.body) }
      const request = HttpClientRequest.post(target(options.url), {
        headers: {
          ...authorization(Redacted.value(options.url)),
          "user-agent": "callstream",
          ...Headers.reveal(options.headers),
          "webhook-id": message.id,
          "webhook-timestamp": String(timestamp),
          ...signature,
          "idempotency-key": message.id
        }
      }).pipe(HttpClientRequest.bodyUint8Array(message.body, "application/json"))
      const response = yield* Effect.timeoutOption(Effect.result(client.execute(request)), options.timeout)
      if (Option.isNone(response)) {
        return unavailable({ _tag: "Nothing", within: options.timeout })
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

/** What a receiver writes back is for nobody, but a body that is not read pins its connection. */
const drain = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  response.stream.pipe(
    Stream.mapError(() => "cut off"),
    Stream.limitBytes(maxBodyBytes, () => Stream.fail("too large")),
    Stream.runDrain,
    Effect.timeout(bodyTimeout),
    Effect.ignore
  )

const unavailable = (answer: Answer, more: { retryAfter?: Duration.Duration; overloaded?: boolean } = {}): Outcome => ({
  _tag: "Unavailable",
  answer,
  retryAfter: more.retryAfter,
  overloaded: more.overloaded ?? false
})

const stopped = (answer: Answer): Outcome => ({ _tag: "Stopped", answer })

const toOutcome = ({ headers, status }: HttpClientResponse.HttpClientResponse, now: number): Outcome => {
  if (status >= 200 && status < 300) return { _tag: "Accepted" }
  if (status === 413 || status === 422) return { _tag: "Refused", status }
  // 409 answers a repeated idempotency key whose first request is still being worked on.
  if ([408, 409, 425, 429].includes(status) || status >= 500) {
    const asked = RetryAfter.read(headers, now)
    return unavailable(
      { _tag: "Status", status },
      {
        ...(asked === undefined ? {} : { retryAfter: asked }),
        overloaded: status === 429
      }
    )
  }
  // A browser's fetch hides a redirect behind status 0.
  if (status === 0 || (status >= 300 && status < 400)) {
    return stopped({ _tag: "Redirect", ...(status === 0 ? {} : { status }) })
  }
  return stopped({ _tag: "Status", status })
}

/** Waiting does not repair a certificate, and a wrong one may belong to another server. */
const isCertificate = (code: string): boolean => /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)

/** A transport's own error may hold the request and so the URL: only its code is kept. */
const unreachable = (error: unknown): Outcome => {
  const code = System.codeOf(error)
  if (code === undefined) return unavailable({ _tag: "Unreachable" })
  if (code === "ERR_WEBHOOK_HOST") {
    return stopped({ _tag: "ForbiddenAddress" })
  }
  if (isCertificate(code)) {
    return stopped({ _tag: "Certificate", code })
  }
  return unavailable({ _tag: "Unreachable", code })
}
