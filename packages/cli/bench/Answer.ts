/** How the servers of the bench answer, and where they listen. */
import type { Server, ServerResponse } from "node:http"

/** The body in its parts, in as few packets as they fit into. */
export const send = (response: ServerResponse, status: number, body: ReadonlyArray<Uint8Array>): void => {
  const length = body.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(status, { "content-type": "application/json", "content-length": length })
  response.cork()
  for (const part of body) response.write(part)
  response.end()
}

/** Listens on a free port, and prints the address. */
export const listen = (server: Server): void => {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    if (typeof address === "object" && address !== null) console.log(`http://127.0.0.1:${address.port}`)
  })
}
