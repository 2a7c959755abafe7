/** A server made by hand, for answers that are not those of the endpoint: one function from the request's number to its answer. */
import * as AgniClient from "@callstream/core/client/AgniClient"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

export const key = "sk-live-KEY7f3a9b2c"

/** A request as it arrived. */
export interface Sent {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface Reply {
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** An object is sent as JSON, text as it is. */
  readonly body?: unknown
  /** The body ends in this error. */
  readonly cutOff?: HttpClientError.HttpClientError | undefined
  /** Called when the body has been read to its end. */
  readonly onRead?: (() => void) | undefined
}

export type Answer = Reply | Response | Effect.Effect<never, HttpClientError.HttpClientError>

export const id = "019857a2-1f0b-7c3e-9a41-2f6f0c1d7e55"

export const page: Reply = { body: { success: true, data: { callSessions: [{ id, status: "completed" }] } } }

/** What a transport fails with, request and key inside it. */
export const transportError = (request: HttpClientRequest.HttpClientRequest, code: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      description: `could not send ${request.headers["x-api-key"]}`,
      cause: Object.assign(new Error(`${code} ${request.headers["x-api-key"]}`), { code })
    })
  })

const responseOf = (
  request: HttpClientRequest.HttpClientRequest,
  { body, cutOff, headers = {}, onRead, status = 200 }: Reply
): HttpClientResponse.HttpClientResponse => {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
  // Without promises in the body, the test clock knows when a fiber waits for it.
  const stream = Stream.concat(
    Stream.make(new TextEncoder().encode(text)),
    Stream.suspend(() => {
      onRead?.()
      return cutOff === undefined ? Stream.empty : Stream.fail(cutOff)
    })
  )
  return Object.create(HttpClientResponse.fromWeb(request, new Response(null, { status, headers })), {
    stream: { value: stream }
  })
}

/** The response to a request, as a transport has it. */
export const respond = (
  request: HttpClientRequest.HttpClientRequest,
  given: Answer
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
  if (Effect.isEffect(given)) return given
  return Effect.succeed(
    given instanceof Response ? HttpClientResponse.fromWeb(request, given) : responseOf(request, given)
  )
}

/** An `HttpClient` that records what it is asked. The number of a request counts from 1. */
export const make = (answer: (number: number, sent: Sent, request: HttpClientRequest.HttpClientRequest) => Answer) => {
  const sent: Array<Sent> = []
  const client = HttpClient.make((request, url, signal) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => {
      const one: Sent = { url, method: request.method, headers: { ...request.headers }, signal, at }
      sent.push(one)
      return respond(request, answer(sent.length, one, request))
    })
  )
  /** The time of each request, from the first one on. */
  const times = () => sent.map(({ at }) => at - (sent[0]?.at ?? 0))
  return { sent, client, times }
}

export type Server = ReturnType<typeof make>

/** A client of the given server, with a key and the default options. */
export const clientOf = (server: Pick<Server, "client">, options: Partial<AgniClient.Options> = {}) =>
  Effect.provideService(
    AgniClient.AgniClient.make({ apiKey: Redacted.make(key), ...options }),
    HttpClient.HttpClient,
    server.client
  )

/** Waits of exactly `part` of the longest that the policy allows. */
export const withWaits = (part: number) =>
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => part, nextIntUnsafe: () => 0 })

/** Runs to the end while the test clock goes on for as long as it takes, at most an hour. */
export const settle = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(Effect.exit(effect))
  yield* TestClock.adjust("1 hour")
  return yield* Fiber.join(fiber)
})

/** The error of what must fail, or a defect. */
export const failure = <A, E>(exit: Exit.Exit<A, E>): Effect.Effect<E> =>
  Exit.match(exit, {
    onSuccess: () => Effect.die(new Error("it should have failed")),
    onFailure: (cause) => {
      const fail = cause.reasons.find(Cause.isFailReason)
      return fail === undefined ? Effect.die(new Error(Cause.pretty(cause))) : Effect.succeed(fail.error)
    }
  })
