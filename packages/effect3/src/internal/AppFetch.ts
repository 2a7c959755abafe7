/** The app's `HttpClient` as a `fetch`. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type { Fetch } from "@callstream/client/bridge"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * `fetch` would follow a redirect by itself and take the key along, so this forbids it; other transports ignore it. The other side
 * gets no trace headers. No span of the transport records the URL, which may contain a caller's number: a reading has its own spans.
 * The reading handles and logs an error of the transport: a log of the failed fiber besides would say that nobody does.
 */
const withRules = (runtime: Runtime.Runtime<never>): Runtime.Runtime<never> =>
  runtime.pipe(
    Runtime.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    Runtime.setFiberRef(HttpClient.currentTracerDisabledWhen, () => true),
    Runtime.setFiberRef(HttpClient.currentTracerPropagation, false),
    Runtime.setFiberRef(FiberRef.unhandledErrorLogLevel, Option.none())
  )

const withoutBody = new Set([101, 103, 204, 205, 304])

const headOf = ({ headers, status }: HttpClientResponse.HttpClientResponse, body: ReadableStream): Response =>
  // A browser hides a redirect behind status 0, which no response can be made with.
  status === 0
    ? Response.error()
    : new Response(withoutBody.has(status) ? null : body, { status, headers: { ...headers } })

/** The response of a transport over `fetch`. A stream of Effect in between would cost more than all the rest of a request. */
const webOf = (response: HttpClientResponse.HttpClientResponse): Response | undefined =>
  "source" in response && response.source instanceof Response ? response.source : undefined

/** Gives the head away as soon as it is there, and reads the body to its end. */
const hand = (
  response: HttpClientResponse.HttpClientResponse,
  answer: (response: Response) => void,
  stop: () => void
): Effect.Effect<void, unknown> => {
  const web = webOf(response)
  if (web !== undefined) return Effect.sync(() => answer(web))
  const body: { controller: ReadableStreamDefaultController<Uint8Array> | undefined } = { controller: undefined }
  // Nothing waits for the reader: it reads at once, and stops where it has enough.
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => void (body.controller = controller),
    cancel: stop
  })
  answer(headOf(response, readable))
  return response.stream.pipe(
    Stream.runForEachChunk((chunk) =>
      Effect.sync(() => Chunk.forEach(chunk, (part) => body.controller?.enqueue(part)))
    ),
    Effect.onExit((exit) =>
      Effect.sync(() =>
        exit._tag === "Success" ? body.controller?.close() : body.controller?.error(Cause.squash(exit.cause))
      )
    )
  )
}

export const make = (transport: HttpClient.HttpClient, runtime: Runtime.Runtime<never>): Fetch => {
  const client = HttpClient.withScope(transport)
  const runFork = Runtime.runFork(withRules(runtime))
  return (input, init) =>
    new Promise((answer, refuse) => {
      const { headers, signal } = init ?? {}
      const url = input instanceof Request ? input.url : input
      const request = HttpClientRequest.get(url, { headers: Object.fromEntries(new Headers(headers)) })
      // Closed only where a request is left: without a scope, a client aborts each one that was read to its end.
      const scope = Effect.runSync(Scope.make())
      const exchange = Effect.flatMap(client.execute(request), (response) => hand(response, answer, stop))
      const fiber = runFork(Scope.extend(exchange, scope))
      const stop = (): void => {
        if (fiber.unsafePoll() === null) fiber.unsafeInterruptAsFork(fiber.id())
        runFork(Scope.close(scope, Exit.void))
      }
      signal?.addEventListener("abort", stop, { once: true })
      if (signal?.aborted === true) stop()
      fiber.addObserver((exit) => {
        // Nothing happens where the head was answered.
        if (exit._tag === "Failure") refuse(Cause.squash(exit.cause))
      })
    })
}
