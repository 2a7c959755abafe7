/** A receiver of webhooks in memory, whose answers a test writes. */
import { WebhookTransport } from "@callstream/core/sink/WebhookTransport"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"

export interface Event {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly sequence: number
  readonly organization: string
  readonly sessionId: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Message {
  /** From 1. */
  readonly number: number
  readonly id: string
  readonly at: number
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly events: ReadonlyArray<Event>
}

/**
 * - a status, with or without headers
 * - `reset`: the connection breaks before the receiver has seen anything
 * - `lost`: the receiver takes it, and its answer does not arrive
 * - `hang`: no answer ever
 * - a code: the transport fails with it
 */
export type Reply =
  | number
  | "reset"
  | "lost"
  | "hang"
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly code: string }

const eventsOf = (body: string): ReadonlyArray<Event> => {
  const json = JSON.parse(body) as Event | { readonly type: string; readonly data: { readonly events: Array<Event> } }
  // Bodies of another shape have none.
  return "sessionId" in json ? [json] : "data" in json ? json.data.events : []
}

export const make = (first: (message: Message) => Reply = () => 204) => {
  let answer = first
  const messages: Array<Message> = []
  const taken: Array<Message> = []
  let underWay = 0
  let most = 0
  /** What it is told to wait before each answer. */
  let delay = 0

  const transportError = (request: HttpClientRequest.HttpClientRequest, code: string) =>
    Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.TransportError({
          request,
          cause: Object.assign(new Error(`${code} ${request.url}`), { code })
        })
      })
    )
  const handle = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest, url: URL) {
    if (request.body._tag !== "Uint8Array") return yield* Effect.die("no bytes")
    const body = new TextDecoder().decode(request.body.body)
    const message: Message = {
      number: messages.length + 1,
      id: request.headers["webhook-id"] ?? "",
      at: yield* Clock.currentTimeMillis,
      method: request.method,
      url: url.href,
      headers: { ...request.headers },
      body,
      events: eventsOf(body)
    }
    messages.push(message)
    const reply = answer(message)
    if (delay > 0) yield* Effect.sleep(delay)
    if (reply === "hang") return yield* Effect.never
    if (reply === "reset") return yield* transportError(request, "ECONNRESET")
    if (reply === "lost") {
      taken.push(message)
      return yield* transportError(request, "UND_ERR_SOCKET")
    }
    if (typeof reply === "object" && "code" in reply) return yield* transportError(request, reply.code)
    const { headers, status } = typeof reply === "number" ? { status: reply, headers: {} } : reply
    if (status >= 200 && status < 300) taken.push(message)
    return HttpClientResponse.fromWeb(
      request,
      new Response(status === 204 ? null : "secret words", { status, headers })
    )
  })
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      most = Math.max(most, ++underWay)
      return Effect.ensuring(
        handle(request, url),
        Effect.sync(() => {
          underWay--
        })
      )
    })
  )

  return {
    /** All that was sent to it. */
    messages,
    /** What it took, with repetitions. */
    taken,
    events: () => taken.flatMap(({ events }) => events),
    /** What one holds who keeps the event of the highest sequence of each session. */
    state: () => {
      const newest = new Map<string, Event>()
      for (const event of taken.flatMap(({ events }) => events)) {
        if (event.sequence > (newest.get(event.sessionId)?.sequence ?? -1)) newest.set(event.sessionId, event)
      }
      return new Map([...newest].map(([id, { data }]) => [id, data] as const))
    },
    most: () => most,
    answer: (next: (message: Message) => Reply) => {
      answer = next
    },
    delay: (millis: number) => {
      delay = millis
    },
    layer: Layer.succeed(WebhookTransport, { connect: () => Effect.succeed(client) }),
    client
  }
}

export type Receiver = ReturnType<typeof make>
