/** A port that leads to another one, and can be closed: connections are lost, and new ones are refused. */
import * as Effect from "effect/Effect"
import { createConnection, createServer, type Socket } from "node:net"

const host = "127.0.0.1"

export const make = Effect.fnUntraced(function* (to: number) {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const there = createConnection({ host, port: to })
    for (const socket of [client, there]) {
      sockets.add(socket)
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket)
          client.destroy()
          there.destroy()
        })
    }
    client.pipe(there).pipe(client)
  })
  const listen = (port: number) =>
    Effect.callback<number>((resume) => {
      server.listen(port, host, () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    })
  const close = Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    for (const socket of sockets) socket.destroy()
  })
  const port = yield* Effect.acquireRelease(listen(0), () => close)
  return { port, close, open: Effect.asVoid(listen(port)) }
})
