/** The face for a real HTTP server. */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Body from "./Body.ts"
import type { Reply, Request } from "./SimulatorExchange.ts"

/** Node sends a head with the first bytes, and drops both when it destroys a connection in the same turn. */
const linger = 50

/** An app whose requests are answered by `handle`. */
export const make = (
  handle: (request: Request) => Reply
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const origin = `${request.protocol ?? "http"}://${request.headers["host"] ?? "localhost"}`
    const url = new URL(request.originalUrl, origin)
    const reply = handle({
      method: request.method,
      origin,
      path: url.pathname,
      search: url.search.slice(1),
      params: Object.fromEntries(url.searchParams),
      headers: request.headers
    })
    const response = respond(reply)
    // A server runs its app uninterruptibly; a client that goes away should still end the wait, and so should a shutdown.
    return Effect.interruptible(reply.delayMillis > 0 ? Effect.delay(response, reply.delayMillis) : response)
  })

const respond = (reply: Reply): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const { "content-type": contentType, ...headers } = reply.headers
  switch (reply.delivery._tag) {
    case "Whole":
      return Effect.succeed(
        reply.body === ""
          ? HttpServerResponse.empty({ status: reply.status, headers })
          : HttpServerResponse.text(reply.body, {
              status: reply.status,
              headers,
              contentType: contentType ?? "text/plain"
            })
      )
    case "Hang":
      return Effect.never
    case "Cut": {
      const contentLength = Number(Body.withLength(reply)["content-length"])
      return Effect.succeed(
        HttpServerResponse.stream(Body.stream(reply, linger), {
          status: reply.status,
          headers,
          contentType,
          contentLength
        })
      )
    }
    case "Reset":
      // A body that fails before its first byte: the head isn't on the wire yet, and the server destroys the connection.
      return Effect.succeed(HttpServerResponse.stream(Body.stream(reply), { status: 200 }))
    case "Slow":
    case "Padded":
      return Effect.succeed(
        HttpServerResponse.stream(Body.stream(reply), { status: reply.status, headers, contentType })
      )
  }
}
