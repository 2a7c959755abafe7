/** The in-process face: an `HttpClient` without sockets, whose delays are Effect's and so run in virtual time. */
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import { pipeArguments } from "effect/Pipeable"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { concat } from "../../model/internal/Bytes.ts"
import * as Body from "./Body.ts"
import type { Reply, Request } from "./SimulatorExchange.ts"

/** A client whose requests are answered by `handle`. */
export const make = (handle: (request: Request) => Reply): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const reply = handle({
        method: request.method,
        origin: url.origin,
        path: url.pathname,
        search: url.search.slice(1),
        params: Object.fromEntries(url.searchParams),
        headers: request.headers
      })
      const answered = deliver(request, url, reply)
      return reply.delayMillis > 0 ? Effect.delay(answered, reply.delayMillis) : answered
    })
  )

const deliver = (
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  reply: Reply
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
  switch (reply.delivery._tag) {
    case "Hang":
      return Effect.never
    case "Reset":
      return Effect.fail(
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, cause: Body.connectionReset() })
        })
      )
    default:
      return Effect.succeed(new SimulatedResponse(request, url, reply))
  }
}

/**
 * A response of its own, and not a web `Response`: the body stays text until somebody wants bytes, and a slow one
 * sleeps in the reader's fiber, by the reader's clock.
 */
class SimulatedResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: string
  readonly status: number
  readonly headers: Headers.Headers
  readonly remoteAddress: Option.Option<string> = Option.none()
  private readonly reply: Reply

  constructor(request: HttpClientRequest.HttpClientRequest, url: URL, reply: Reply) {
    super()
    this.request = request
    this.url = url.href
    this.status = reply.status
    this.headers = Headers.fromInput(Body.withLength(reply))
    this.reply = reply
  }

  private failure(cause: unknown): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, cause })
    })
  }

  get cookies(): Cookies.Cookies {
    return Cookies.empty
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return this.reply.body === ""
      ? Stream.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.EmptyBodyError({ request: this.request, response: this })
          })
        )
      : Stream.mapError(Body.stream(this.reply), (cause) => this.failure(cause))
  }

  get text(): Effect.Effect<string, HttpClientError.HttpClientError> {
    return this.reply.delivery._tag === "Whole"
      ? Effect.succeed(this.reply.body)
      : Effect.map(this.arrayBuffer, (bytes) => new TextDecoder().decode(bytes))
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.HttpClientError> {
    return this.reply.body === ""
      ? Effect.succeed(new ArrayBuffer(0))
      : Effect.map(Stream.runCollect(this.stream), (chunks) => concat(chunks).buffer)
  }

  get json(): Effect.Effect<Schema.Json, HttpClientError.HttpClientError> {
    return Effect.flatMap(this.text, (text) =>
      text === "" ? Effect.succeed(null) : Effect.mapError(decodeJson(text), (cause) => this.failure(cause))
    )
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.HttpClientError> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get formData(): HttpClientResponse.HttpClientResponse["formData"] {
    return Effect.fail(this.failure(new Error("the simulated endpoint sends no forms")))
  }

  get upgrade(): HttpClientResponse.HttpClientResponse["upgrade"] {
    return Effect.fail(this.failure(new Error("the simulated endpoint upgrades no connection")))
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }
}

const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))
