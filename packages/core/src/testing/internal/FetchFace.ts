/** The face for clients over `fetch`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Body from "./Body.ts"
import type { Reply, Request as Seen } from "./SimulatorExchange.ts"

type Fetch = typeof globalThis.fetch

/** What `fetch` throws when a connection breaks: the code is in the cause. */
const broken = () =>
  Object.assign(new TypeError("fetch failed"), {
    cause: Object.assign(Body.connectionReset(), { code: "ECONNRESET" })
  })

const requestOf = (given: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Request => new Request(given, init ?? {})

const seenOf = (request: Request): Seen => {
  const url = new URL(request.url)
  return {
    method: request.method,
    origin: url.origin,
    path: url.pathname,
    search: url.search.slice(1),
    params: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(request.headers)
  }
}

/** A status that may have no body, by the standard. */
const bodiless = new Set([101, 103, 204, 205, 304])

const responseOf = (reply: Reply, context: Context.Context<never>): Response => {
  const init = { status: reply.status, headers: { ...Body.withLength(reply) } }
  if (bodiless.has(reply.status)) return new Response(null, init)
  if (reply.delivery._tag === "Whole") return new Response(reply.body, init)
  return new Response(Stream.toReadableStreamWith(Body.stream(reply), context), init)
}

/** A `fetch` whose requests are answered by `handle`. It waits by the given clock, and ends when the signal says so. */
export const make = (handle: (request: Seen) => Reply, clock?: Clock.Clock): Fetch => {
  const context = clock === undefined ? Context.empty() : Context.make(Clock.Clock, clock)
  const run = Effect.runPromiseWith(context)
  return async (given, init) => {
    const request = requestOf(given, init)
    const answer = Effect.suspend(() => {
      const reply = handle(seenOf(request))
      const { delivery } = reply
      const answered =
        delivery._tag === "Hang"
          ? Effect.never
          : delivery._tag === "Reset"
            ? Effect.fail(broken())
            : Effect.sync(() => responseOf(reply, context))
      return reply.delayMillis > 0 ? Effect.delay(answered, reply.delayMillis) : answered
    })
    const { signal } = request
    signal.throwIfAborted()
    try {
      return await run(answer, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  }
}
