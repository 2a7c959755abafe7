/** Requests to a collector: one that is away is reported once, and holds up nothing. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import type { Export } from "../../option/OtlpOptions.ts"

export interface Collector {
  readonly watched: (of: Pick<Export, "url" | "timeout">) => (client: HttpClient.HttpClient) => HttpClient.HttpClient
  /** Sends what is left within so many milliseconds. Nothing is sent after it. */
  readonly ending: (flush: Effect.Effect<void>, millis: number) => Effect.Effect<void>
}

interface State {
  isReported: boolean
  /** `flushing`: no request is retried. `over`: nothing is sent any more. */
  stage: "running" | "flushing" | "over"
}

/** What the exporter gets of each failure, because it logs it: a request to the origin alone, without the headers. */
const bare = (url: string) => HttpClientRequest.post(new URL(url).origin)

/** An answer without a request. The exporter takes a refusal as final, and all else as a reason to try again. */
const answer = (url: string, status: 200 | 400) => HttpClientResponse.fromWeb(bare(url), new Response(null, { status }))

/** The status, and how long the collector asks to wait. */
const refusal = (url: string, { arrayBuffer, headers, status }: HttpClientResponse.HttpClientResponse) => {
  const after = headers["retry-after"]
  const response = new Response(null, { status, ...(after === undefined ? {} : { headers: { "retry-after": after } }) })
  return Effect.as(Effect.ignore(arrayBuffer), HttpClientResponse.fromWeb(bare(url), response))
}

const away = (url: string, code: string | undefined) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request: bare(url),
      ...(code === undefined ? {} : { description: code })
    })
  })

const codeOf = (error: unknown): string | undefined => {
  let cause = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    if ("code" in cause && typeof cause.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(cause.code)) return cause.code
    cause = "cause" in cause ? cause.cause : "reason" in cause ? cause.reason : undefined
  }
  return undefined
}

export const make = (): Collector => {
  const state: State = { isReported: false, stage: "running" }
  const over = Deferred.makeUnsafe<void>()

  /** The URL may hold a secret in its path or query: only its origin is shown. */
  const report = (url: string, problem: string) =>
    Effect.suspend(() => {
      if (state.isReported) return Effect.void
      state.isReported = true
      const { origin } = new URL(url)
      return Effect.annotateLogs(
        Effect.logWarning(`telemetry is not exported: ${origin} ${problem}; the run does not wait for it`),
        "server.address",
        origin
      )
    })

  const watched: Collector["watched"] =
    ({ timeout, url }) =>
    (client) =>
      HttpClient.transform(client, (effect) => {
        const sent = Effect.timeoutOption(effect, timeout).pipe(
          Effect.flatMap((response) => {
            const status = response._tag === "Some" ? response.value.status : undefined
            if (response._tag === "Some" && response.value.status < 300) return Effect.succeed(response.value)
            const problem =
              status === undefined
                ? `gave no answer within ${Duration.format(Duration.millis(timeout))}`
                : `answered ${status}`
            return Effect.andThen(
              report(url, problem),
              response._tag === "Some" && state.stage === "running"
                ? refusal(url, response.value)
                : Effect.succeed(answer(url, 400))
            )
          }),
          Effect.catchIf(HttpClientError.isHttpClientError, (error) => {
            const code = codeOf(error)
            return Effect.flatMap(report(url, `could not be reached${code === undefined ? "" : ` (${code})`}`), () =>
              state.stage === "running" ? Effect.fail(away(url, code)) : Effect.succeed(answer(url, 400))
            )
          })
        )
        return Effect.suspend(() =>
          state.stage === "over"
            ? Effect.succeed(answer(url, 200))
            : Effect.raceFirst(sent, Effect.as(Deferred.await(over), answer(url, 400)))
        )
      })

  return {
    watched,
    ending: (flush, millis) =>
      Effect.suspend(() => {
        state.stage = "flushing"
        return Effect.timeoutOption(Effect.interruptible(flush), millis)
      }).pipe(
        Effect.andThen(
          Effect.suspend(() => {
            state.stage = "over"
            return Deferred.succeed(over, undefined)
          })
        ),
        Effect.asVoid
      )
  }
}
