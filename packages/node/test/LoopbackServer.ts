/** HTTP servers on this machine, made with Node alone. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"

export interface Loopback {
  readonly url: string
  /** Requests as they arrived. */
  readonly requests: ReadonlyArray<{ readonly url: string; readonly headers: IncomingMessage["headers"] }>
  /** How many connections there were in all. */
  readonly connections: () => number
  /** How many requests lost their connection before the answer was complete. */
  readonly aborted: () => number
}

export const make = (
  answer: (response: ServerResponse, request: IncomingMessage, number: number) => void
): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ server: ReturnType<typeof createServer>; loopback: Loopback }>((resume) => {
      const requests: Array<Loopback["requests"][number]> = []
      const sockets = new Set<Socket>()
      let aborted = 0
      const server = createServer((request, response) => {
        requests.push({ url: request.url ?? "", headers: request.headers })
        response.on("close", () => {
          if (!response.writableFinished) aborted++
        })
        answer(response, request, requests.length)
      })
      server.on("connection", (socket) => sockets.add(socket))
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const loopback: Loopback = {
          url: `http://127.0.0.1:${port}`,
          requests,
          connections: () => sockets.size,
          aborted: () => aborted
        }
        resume(Effect.succeed({ server, loopback }))
      })
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.closeAllConnections()
        server.close(() => resume(Effect.void))
      })
  ).pipe(Effect.map(({ loopback }) => loopback))

export const empty = JSON.stringify({ success: true, data: { callSessions: [] } })

export const pageOf = (ids: ReadonlyArray<string>): string =>
  JSON.stringify({ success: true, data: { callSessions: ids.map((id) => ({ id })) } })

/** Waits, by the real clock, until something is so. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const timer = setInterval(() => {
      if (!isSo()) return
      clearInterval(timer)
      resume(Effect.void)
    }, 2)
    return Effect.sync(() => clearInterval(timer))
  })
